"""Minibatches as gathers from a corpus: pure functions that run inside `jit`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from wavenet_jax.config import TrainConfig
from wavenet_jax.corpus import Corpus
from wavenet_jax.errors import require
from wavenet_jax.vocab import BOUNDARY_ID


class Batch(NamedTuple):
    """Rows of consecutive positions: R - 1 of history, then T that are scored."""

    inputs: jax.Array  # [B, R-1+T], the corpus's unsigned type
    targets: jax.Array  # [B, T], what follows each scored position


def draw(key: jax.Array, corpus: Corpus, settings: TrainConfig, receptive_field: int) -> Batch:
    """Draw the minibatch of a step: B rows whose first scored positions are any of N."""
    start = jax.random.randint(key, (settings.batch_size,), 0, corpus.predictions)
    if settings.run == "window":
        return windows(corpus, start, receptive_field)
    return crop(corpus, start, settings.length, receptive_field)


def crop(corpus: Corpus, start: jax.Array, length: int, receptive_field: int) -> Batch:
    """Cut rows of T scored positions from `start [B]` on, with R - 1 positions of history.

    The corpus is a circle: after its last prediction comes the first, whose token is a boundary,
    so that nothing crosses a document, and a start drawn from all N makes every prediction equally
    likely.
    """
    history = receptive_field - 1
    position = start[:, None] + jnp.arange(-history, length)[None, :]
    position %= corpus.predictions  # [B, R-1+T]
    return Batch(corpus.tokens[position], corpus.tokens[position[:, history:] + 1])


def windows(corpus: Corpus, start: jax.Array, receptive_field: int) -> Batch:
    """Cut the windows `[B, R]` that see the predictions `start [B]`: crops of one position.

    What stands before the last boundary, in other documents, becomes boundaries itself.
    """
    inputs, targets = crop(corpus, start, 1, receptive_field)
    lowest = jax.lax.cummin(inputs, axis=1, reverse=True)  # 0 where a boundary stands here or later
    return Batch(jnp.where(lowest == BOUNDARY_ID, lowest, inputs), targets)


def require_room(corpus: Corpus, settings: TrainConfig, receptive_field: int) -> None:
    """Raise `InputError` where the corpus is shorter than a row, or longer than 32 bits count."""
    require(
        corpus.predictions + receptive_field < 2**31,
        f"the training data have {corpus.predictions:,} characters, of which a prediction sees "
        f"{receptive_field:,}, expected fewer than {2**31:,} in all; give less data or choose "
        "smaller dilations.",
    )
    if settings.run == "window":
        return  # of any document, however short, in front of which are endless boundaries
    require(
        receptive_field < corpus.predictions,
        f"the receptive field is {receptive_field:,} positions, expected fewer than the "
        f"{corpus.predictions:,} of the training data; choose smaller dilations or give more data.",
    )
    room = corpus.predictions - (receptive_field - 1)
    require(
        settings.length <= room,
        f"length is {settings.length:,}, expected at most {room:,}: the training data have "
        f"{corpus.predictions:,} positions, of which a row takes {receptive_field - 1:,} more as "
        "history; lower --length or give more data.",
    )
