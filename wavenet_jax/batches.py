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


class Crop(NamedTuple):
    """Rows of consecutive positions, the first R - 1 of each its history, the rest scored."""

    tokens: jax.Array  # [B, R-1+T] int32
    age: jax.Array  # [B, R-1+T] int32
    targets: jax.Array  # [B, T] int32, what follows the scored positions


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


def crop(corpus: Corpus, start: jax.Array, length: int, receptive_field: int) -> Crop:
    """Cut rows of T scored positions from `start [B]` on, with R - 1 positions of history.

    The corpus is a circle: after its last document comes the first, at age 0, so that nothing
    crosses a document and a start drawn from all N makes every prediction equally likely.
    """
    history = receptive_field - 1
    position = start[:, None] + jnp.arange(-history, length)[None, :]
    position %= len(corpus.age)  # [B, R-1+T]
    return Crop(
        tokens=corpus.tokens[position].astype(jnp.int32),
        age=corpus.age[position],
        targets=corpus.tokens[position[:, history:] + 1].astype(jnp.int32),
    )
