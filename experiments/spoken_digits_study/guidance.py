"""Digits on order, with the logits moved away from those without labels.

    l = (1 + w) · log p(y | x, labels) - w · log p(y | x)

Source: Ho and Salimans, Classifier-Free Diffusion Guidance (2207.12598), there for diffusion.  What
is not guided needs no second network: w = 0.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import wavenet_jax as wn
from spoken_digits_study.recordings import RATE, Recording
from wavenet_jax.data import BOUNDARY_ID, FIRST_LEVEL_ID
from wavenet_jax.nn import Variables, WaveNet

# Guidance w and temperature; the first is how the package samples.
TRIES = {
    "as it is": (0.0, 1.0),
    "temperature 0.85": (0.0, 0.85),
    "guidance 1": (1.0, 1.0),
    "guidance 1, temperature 0.9": (1.0, 0.9),
}
LONGEST = round(1.2 * RATE)  # samples, after which a recording is cut off
LEAST = RATE // 10  # samples that a recording is filled up to, so that it can be judged


def order(
    model: wn.LanguageModel, each: int, guidance: float, temperature: float, longest: int = LONGEST
) -> list[Recording]:
    """Return as many recordings of each combination of labels in train, side by side."""
    counts = model.data.label_counts
    assert counts is not None
    ids, key = np.repeat(counts.ids, each, axis=0), jax.random.key(123)
    how = (guidance, temperature)
    tokens = _draw(model.network, longest, how, model.variables, jnp.asarray(ids), key)
    return [
        Recording(_levels(row), model.data.labels.decode(labels))
        for row, labels in zip(np.asarray(tokens), ids, strict=True)
    ]


def _levels(tokens: np.ndarray) -> np.ndarray:
    """Return the levels up to the end."""
    ends = np.flatnonzero(tokens == BOUNDARY_ID)
    end = max(int(ends[0]) if len(ends) else len(tokens), LEAST)
    return np.maximum(tokens[:end].astype(int) - FIRST_LEVEL_ID, 0).astype(np.uint8)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _draw(
    model: WaveNet,
    longest: int,
    how: tuple[float, float],
    variables: Variables,
    labels: jax.Array,
    key: jax.Array,
) -> jax.Array:
    """Draw a sequence for each row of labels, `[N, T]`; it goes on beyond its end."""
    guidance, temperature = how
    begun = model.apply(variables, method="init_cache")

    def draw(conditions: jax.Array, key: jax.Array) -> jax.Array:
        def step(carry: Any, time: jax.Array) -> tuple[Any, jax.Array]:
            told, untold, token = carry
            told, logits = model.apply(variables, told, token, conditions, method="decode_step")
            logits = jax.nn.log_softmax(logits)
            if guidance:
                untold, other = model.apply(variables, untold, token, method="decode_step")
                logits = (1 + guidance) * logits - guidance * jax.nn.log_softmax(other)
            own = jax.random.fold_in(key, time)
            token = jax.random.categorical(own, logits / temperature)
            return (told, untold, token), token

        return jax.lax.scan(step, (begun, begun, jnp.int32(0)), jnp.arange(longest))[1]

    conditions = model.apply(variables, labels, method="condition_all")
    return jax.vmap(draw)(conditions, jax.random.split(key, len(labels)))
