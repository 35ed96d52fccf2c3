"""Minibatches as gathers from a corpus: pure functions that run inside `jit`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from wavenet_jax.config import TrainConfig
from wavenet_jax.data import BOUNDARY_ID, NO_LABEL, Corpus, Labels
from wavenet_jax.errors import require


class Batch(NamedTuple):
    """Rows of consecutive positions: R - 1 of history, then T that are scored."""

    inputs: jax.Array  # [B, R-1+T], the corpus's unsigned type
    targets: jax.Array  # [B, T], the token after each scored position
    labels: jax.Array | None = None  # [B, R-1+T, J], of the document at each position


def draw_batch(
    key: jax.Array, corpus: Corpus, settings: TrainConfig, receptive_field: int
) -> Batch:
    """Draw the minibatch of a step: B rows whose first scored positions are any of N.

    The settings' share of documents comes without labels.
    """
    start = jax.random.randint(key, (settings.batch_size,), 0, corpus.num_predictions)
    if settings.mode == "window":
        batch = windows(corpus, start, receptive_field)
    else:
        batch = crop(corpus, start, settings.seq_len, receptive_field)
    # Not 0 or 1: `randint` draws with these children of the key.
    return drop_labels(jax.random.fold_in(key, 2), batch, settings.label_dropout)


def drop_labels(key: jax.Array, batch: Batch, rate: float) -> Batch:
    """Take the labels from a share of documents, each with all of its labels or none."""
    if batch.labels is None or rate == 0:
        return batch
    is_kept = jax.random.bernoulli(key, 1 - rate, batch.inputs.shape)
    position = jnp.arange(batch.inputs.shape[1])
    began = jax.lax.cummax(jnp.where(batch.inputs == BOUNDARY_ID, position, 0), axis=1)
    is_kept = jnp.take_along_axis(is_kept, began, axis=1)  # one number for a document
    return batch._replace(labels=jnp.where(is_kept[..., None], batch.labels, NO_LABEL))


def crop(corpus: Corpus, start: jax.Array, seq_len: int, receptive_field: int) -> Batch:
    """Cut rows of T scored positions that begin at `start [B]`, with R - 1 positions of history.

    The corpus is a circle: after its last prediction comes the first, whose token is a boundary.
    So nothing crosses a document, and a start drawn from all N makes every prediction equally
    likely.
    """
    history = receptive_field - 1
    position = start[:, None] + jnp.arange(-history, seq_len)[None, :]
    position %= corpus.num_predictions  # [B, R-1+T]
    labels = None if corpus.labels is None else labels_at(corpus.labels, position)
    return Batch(corpus.tokens[position], corpus.tokens[position[:, history:] + 1], labels)


def labels_at(labels: Labels, position: jax.Array) -> jax.Array:
    """Return the labels of the document at each position: `[...] -> [..., J]`."""
    starts, ids = map(jnp.asarray, labels)
    return ids[jnp.searchsorted(starts, position, side="right") - 1]


def windows(corpus: Corpus, start: jax.Array, receptive_field: int) -> Batch:
    """Cut the windows `[B, R]` of the predictions `start [B]`: crops with one scored position.

    Tokens before the last boundary, which are of other documents, become boundaries without labels.
    """
    inputs, targets, labels = crop(corpus, start, 1, receptive_field)
    lowest = jax.lax.cummin(inputs, axis=1, reverse=True)  # 0 where a boundary is here or later
    if labels is not None:
        later = jnp.pad(lowest[:, 1:], ((0, 0), (0, 1)), constant_values=1)
        labels = jnp.where((later == BOUNDARY_ID)[..., None], NO_LABEL, labels)
    return Batch(jnp.where(lowest == BOUNDARY_ID, lowest, inputs), targets, labels)


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
