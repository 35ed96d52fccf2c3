"""A model of three letters, so small that the chances of all its documents can be added up."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from automata_cases import ABC, DOCUMENTS
from conftest import randomised

from wavenet_jax import constraints
from wavenet_jax.config import ModelConfig
from wavenet_jax.model import Variables, WaveNet
from wavenet_jax.rules import Rules, tables
from wavenet_jax.sample import Sample, draw_samples
from wavenet_jax.strategies import AS_LEARNED, Strategy

KEY = jax.random.key(7)
MODEL = WaveNet(ModelConfig(n_embd=3, n_hidden=6, dilations=(1, 2), norm="none"), len(ABC))
FIELD = MODEL.config.receptive_field


def _without_bias(variables: Variables) -> Variables:
    """Return the variables with what is likely left to what came before."""
    head = variables["params"]["head"]["logits"]
    head = {"logits": {**head, "bias": jnp.zeros_like(head["bias"])}}
    return {**variables, "params": {**variables["params"], "head": head}}


VARIABLES = _without_bias(randomised(MODEL, seed=8))


def _all_logits() -> dict[str, np.ndarray]:
    windows = [([0] * FIELD + ABC.encode(text).tolist())[-FIELD:] for text in DOCUMENTS]
    logits = MODEL.apply(VARIABLES, jnp.asarray(windows), method="window")[:, 0]
    return dict(zip(DOCUMENTS, np.asarray(logits, np.float64), strict=True))


LOGITS = _all_logits()


def logits_after(text: str) -> np.ndarray:
    """Return what the model says of the character after a text, by windows: `[V]` float64."""
    return LOGITS[text[-FIELD:]]


def shares(logits: np.ndarray, strategy: Strategy = AS_LEARNED) -> np.ndarray:
    """Return how often a strategy chooses each character; no two are equally likely."""
    temperature, top_k, top_p = strategy
    chance = np.exp((logits - logits.max()) / temperature)
    if top_k is not None:
        chance[np.argsort(-chance)[top_k:]] = 0
    chance /= chance.sum()
    if top_p is not None:
        order = np.argsort(-chance)
        chance[order[1 + np.argmax(np.cumsum(chance[order]) >= top_p) :]] = 0
    return chance / chance.sum()


def matching(regex: str) -> Rules:
    return tables(constraints.pattern(ABC, regex))


def distribution(
    regex: str, max_length: int, strategy: Strategy = AS_LEARNED, *, exact: bool = False
) -> dict[tuple[str, bool], float]:
    """Return the chance of every sample, its text and whether it ended, by its definition.

    Where exact, they add up to the share of documents that are not thrown away.
    """
    fits = {text for text in DOCUMENTS if re.fullmatch(regex, text)}
    chances: dict[tuple[str, bool], float] = {}

    def follow(text: str, chance: float) -> None:
        is_full = len(text) == max_length
        # At the maximum length the model tells whether it would have gone on.
        is_cut = is_full and not exact
        within = [one for one in fits if is_cut or len(one) <= max_length]
        allowed = np.array(
            [text in within, *(any(one.startswith(text + c) for one in within) for c in "abc")]
        )
        logits = logits_after(text)
        if exact:
            each = chance * shares(logits, strategy) * allowed
        else:
            each = chance * shares(np.where(allowed, logits, -np.inf), strategy)
        chances[text, True] = each[0]
        if is_full:
            chances[text, False] = each[1:].sum()
        else:
            for letter, part in zip("abc", each[1:], strict=True):
                if part > 0:
                    follow(text + letter, part)

    follow("", 1.0)
    return {outcome: float(chance) for outcome, chance in chances.items() if chance > 0}


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "rules": {"rules": matching("[ab]*c?")},
    "exact": {"rules": matching("a.*[bc]"), "exact": True},
    "strategy": {"strategy": Strategy(1.5, top_k=3, top_p=0.9)},
    "all": {
        "rules": matching("[ab]+"),
        "exact": True,
        "strategy": Strategy(0.8, top_k=3, top_p=0.95),
    },
}
every_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def draw(n: int, key: jax.Array = KEY, max_length: int = 12, **options: Any) -> list[Sample]:
    return list(draw_samples(MODEL, VARIABLES, ABC, key, n=n, max_length=max_length, **options))
