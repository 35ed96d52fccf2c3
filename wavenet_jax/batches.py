"""Minibatches as gathers from a corpus: pure functions that run inside `jit`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from wavenet_jax.corpus import Corpus
from wavenet_jax.vocab import BOUNDARY_ID


class Batch(NamedTuple):
    """Windows and what follows them."""

    inputs: jax.Array  # [B, R] int32, oldest first
    targets: jax.Array  # [B] int32


def draw(key: jax.Array, predictions: int, batch_size: int) -> jax.Array:
    """Draw B of N predictions with replacement, as the lecture does: `[B]` int32."""
    return jax.random.randint(key, (batch_size,), 0, predictions)


def windows(corpus: Corpus, index: jax.Array, receptive_field: int) -> Batch:
    """Gather the windows `[B, R]` of the predictions `index [B]`, boundaries where none are left.

    inputs[b, R-1-j] = tokens[index[b] - j] where j <= age[index[b]], else the boundary.
    """
    back = jnp.arange(receptive_field - 1, -1, -1)[None, :]  # [1, R]
    inside = back <= corpus.age[index][:, None]  # [B, R]
    seen = corpus.tokens[jnp.maximum(index[:, None] - back, 0)]  # [B, R]
    return Batch(
        inputs=jnp.where(inside, seen, BOUNDARY_ID).astype(jnp.int32),
        targets=corpus.tokens[index + 1].astype(jnp.int32),
    )
