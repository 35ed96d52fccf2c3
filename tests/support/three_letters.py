"""A model of three letters, so small that the probabilities of all its documents can be summed."""

import re
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from support.automata_cases import ABC, DOCUMENTS
from support.models import randomised
from wavenet_jax import constraints
from wavenet_jax.config import ModelConfig
from wavenet_jax.constraints import TokenMask, compile_mask
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.sampling import (
    DecodeParams,
    DocumentSampler,
    Limits,
    Sample,
    SamplingParams,
    decode_params,
)
from wavenet_jax.sampling.decode import StepOutput, decode_token, init_decode_state

KEY = jax.random.key(7)
PLAIN, DEFAULT_LIMITS = SamplingParams(), Limits()
MODEL = WaveNet(ModelConfig(n_embd=3, n_hidden=6, dilations=(1, 2), norm="none"), len(ABC))
FIELD = MODEL.config.receptive_field


def _without_bias(variables: Variables) -> Variables:
    """Return the variables with every difference between letters left to the letters before."""
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
    """Return the logits of the character after a text, by windows: `[V]` float64."""
    return LOGITS[text[-FIELD:]]


def probabilities(logits: np.ndarray, sampling: SamplingParams = PLAIN) -> np.ndarray:
    """Return the probability of each character; no two are equally likely."""
    temperature, top_k, top_p = sampling
    weights = np.exp((logits - logits.max()) / temperature)
    if top_k is not None:
        weights[np.argsort(-weights)[top_k:]] = 0
    weights /= weights.sum()
    if top_p is not None:
        order = np.argsort(-weights)
        weights[order[1 + np.argmax(np.cumsum(weights[order]) >= top_p) :]] = 0
    return weights / weights.sum()


def mask_of(regex: str) -> TokenMask:
    return compile_mask(constraints.pattern(ABC, regex))


def distribution(
    regex: str,
    max_length: int,
    sampling: SamplingParams = PLAIN,
    *,
    exact: bool = False,
    is_cut: bool = True,
) -> dict[tuple[str, bool], float]:
    """Return the probability of every sample, its text and whether it ended, by its definition.

    Where exact, they add up to the probability that a document is not rejected.
    """
    matching = {text for text in DOCUMENTS if re.fullmatch(regex, text)}
    outcomes: dict[tuple[str, bool], float] = {}

    def follow(text: str, probability: float) -> None:
        is_full = len(text) == max_length
        # At the maximum length the model shows whether it would have gone on.
        is_free = is_full and is_cut and not exact
        within = [each for each in matching if is_free or len(each) <= max_length]
        allowed = np.array(
            [text in within, *(any(each.startswith(text + c) for each in within) for c in "abc")]
        )
        logits = logits_after(text)
        if exact:
            following = probability * probabilities(logits, sampling) * allowed
        else:
            masked = np.where(allowed, logits, -np.inf)
            following = probability * probabilities(masked, sampling)
        outcomes[text, True] = following[0]
        if is_full:
            outcomes[text, False] = following[1:].sum()
        else:
            for letter, part in zip("abc", following[1:], strict=True):
                if part > 0:
                    follow(text + letter, part)

    follow("", 1.0)
    return {outcome: float(p) for outcome, p in outcomes.items() if p > 0}


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "masked": {"mask": mask_of("[ab]*c?")},
    "exact": {"mask": mask_of("a.*[bc]"), "exact": True},
    "sampling": {"sampling": SamplingParams(1.5, top_k=3, top_p=0.9)},
    "all": {
        "mask": mask_of("[ab]+"),
        "exact": True,
        "sampling": SamplingParams(0.8, top_k=3, top_p=0.95),
    },
}
every_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def params_of(
    max_length: int = 12,
    mask: TokenMask | None = None,
    sampling: SamplingParams = PLAIN,
    *,
    exact: bool = False,
    is_cut: bool = True,
) -> DecodeParams:
    mask = compile_mask(constraints.any_text(ABC)) if mask is None else mask
    return decode_params(mask, max_length, sampling, exact=exact, is_cut=is_cut)


def sampler(
    key: jax.Array = KEY,
    limits: Limits = DEFAULT_LIMITS,
    max_attempts: int | None = None,
    **params: Any,
) -> DocumentSampler:
    arguments = MODEL, VARIABLES, ABC, key, params_of(**params)
    return DocumentSampler(*arguments, limits=limits, max_attempts=max_attempts)


def sample(n: int, key: jax.Array = KEY, *, first: int = 0, **options: Any) -> list[Sample]:
    return list(sampler(key, **options).run(first, n))


@partial(jax.jit, static_argnames="steps")
def _attempts(
    params: DecodeParams, numbers: jax.Array, attempts: jax.Array, steps: int
) -> StepOutput:
    """Return what every attempt at every document samples, `[N, A, steps]`, on its own."""

    def decode(number: jax.Array, attempt: jax.Array) -> StepOutput:
        document_key = jax.random.fold_in(KEY, number)
        attempt_key = jax.random.fold_in(document_key, jnp.uint32(2**31) + attempt)
        key = jax.lax.select(attempt == 0, document_key, attempt_key)
        step = partial(decode_token, MODEL, VARIABLES, params, key)
        start = init_decode_state(MODEL, VARIABLES)
        return jax.lax.scan(lambda state, _: step(state), start, length=steps)[1]

    decode_all = jax.vmap(jax.vmap(decode, (None, 0)), (0, None))
    return decode_all(numbers, attempts)


def first_accepted(params: DecodeParams, numbers: range, most: int = 1) -> list[Sample]:
    """Return documents by their definition: the first that is accepted of `most` attempts."""
    steps = params.max_length + 1
    arrays = jnp.array(numbers), jnp.arange(most, dtype=jnp.uint32)
    outputs = jax.device_get(_attempts(params, *arrays, steps))
    end = (outputs.is_last | outputs.is_rejected).argmax(-1)  # [N, A]
    is_accepted = np.take_along_axis(outputs.is_last, end[..., None], -1)[..., 0]
    assert is_accepted.any(1).all()
    samples = []
    for row, attempt in enumerate(is_accepted.argmax(1)):
        at = row, attempt, end[row, attempt]
        text = "".join(ABC.characters[token] for token in outputs.token[row, attempt, : at[-1]])
        nll_nats = float(outputs.nll_nats[at])
        samples.append(Sample(text, bool(outputs.token[at] == 0), nll_nats, int(attempt) + 1))
    return samples
