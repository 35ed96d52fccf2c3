"""Minibatches as gathers from a corpus: pure functions that run inside `jit`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from wavenet_jax.config import TrainConfig
from wavenet_jax.data import BOUNDARY_ID, Corpus
from wavenet_jax.errors import require


class Batch(NamedTuple):
    """Rows of consecutive positions: R - 1 of history, then T that are scored."""

    inputs: jax.Array  # [B, R-1+T], the corpus's unsigned type
    targets: jax.Array  # [B, T], the token after each scored position


def draw_batch(
    key: jax.Array, corpus: Corpus, settings: TrainConfig, receptive_field: int
) -> Batch:
    """Draw the minibatch of a step: B rows whose first scored positions are any of N."""
    start = jax.random.randint(key, (settings.batch_size,), 0, corpus.num_predictions)
    if settings.mode == "window":
        return windows(corpus, start, receptive_field)
    return crop(corpus, start, settings.seq_len, receptive_field)


def crop(corpus: Corpus, start: jax.Array, seq_len: int, receptive_field: int) -> Batch:
    """Cut rows of T scored positions that begin at `start [B]`, with R - 1 positions of history.

    The corpus is a circle: after its last prediction comes the first, whose token is a boundary.
    So nothing crosses a document, and a start drawn from all N makes every prediction equally
    likely.
    """
    history = receptive_field - 1
    position = start[:, None] + jnp.arange(-history, seq_len)[None, :]
    position %= corpus.num_predictions  # [B, R-1+T]
    return Batch(corpus.tokens[position], corpus.tokens[position[:, history:] + 1])


def windows(corpus: Corpus, start: jax.Array, receptive_field: int) -> Batch:
    """Cut the windows `[B, R]` of the predictions `start [B]`: crops with one scored position.

    Tokens before the last boundary, which are of other documents, become boundaries.
    """
    inputs, targets = crop(corpus, start, 1, receptive_field)
    lowest = jax.lax.cummin(inputs, axis=1, reverse=True)  # 0 where a boundary is here or later
    return Batch(jnp.where(lowest == BOUNDARY_ID, lowest, inputs), targets)


def require_row_fits(corpus: Corpus, settings: TrainConfig, receptive_field: int) -> None:
    """Raise `InputError` where the corpus is shorter than a row, or too long for 32 bits."""
    total = corpus.num_predictions
    require(
        total + receptive_field < 2**31,
        f"the training data have {total:,} characters, of which a prediction sees "
        f"{receptive_field:,}, expected fewer than {2**31:,} in all; give less data or choose "
        "smaller dilations.",
    )
    if settings.mode == "window":
        return  # any document is long enough: endless boundaries precede it
    require(
        receptive_field < total,
        f"the receptive field is {receptive_field:,} positions, expected fewer than the {total:,} "
        "of the training data; choose smaller dilations or give more data.",
    )
    history = receptive_field - 1
    require(
        settings.seq_len <= total - history,
        f"seq_len is {settings.seq_len:,}, expected at most {total - history:,}: the training data "
        f"have {total:,} positions, of which a row takes {history:,} more as history; lower it or "
        "give more data.",
        "seq_len",
    )
