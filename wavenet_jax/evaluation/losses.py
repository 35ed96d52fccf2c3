"""The exact loss of a corpus with running statistics: sums and counts until the last line."""

import hashlib
import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import jax
import numpy as np

from wavenet_jax.data import Corpus, Labels, Splits
from wavenet_jax.errors import pluralize
from wavenet_jax.evaluation.distinct import (
    DistinctContexts,
    contexts_nll,
    index_contexts,
    max_positions,
)
from wavenet_jax.nn import Variables, WaveNet

STRETCH = 1_000  # predictions of a text that count as one document in its standard error


class Loss(NamedTuple):
    """A loss as a sum, and the counts behind it."""

    nll_nats: float  # the sum over all predictions
    num_predictions: int
    num_documents: int  # of a text, stretches of `STRETCH` predictions
    standard_error: float  # of nats_per_character, by document; NaN for fewer than two
    unit: str = "character"  # what a prediction is of, or "sample"

    def __repr__(self) -> str:
        """Return the mean and what it is of, in a line."""
        predictions = pluralize(self.num_predictions, "prediction")
        return f"Loss({self.mean_and_error} nats per {self.unit}, {predictions})"

    @property
    def mean_and_error(self) -> str:
        """Return the mean and its standard error in nats, to four digits."""
        return f"{self.nats_per_character:.4f} ± {self.standard_error:.4f}"

    @property
    def nats_per_character(self) -> float:
        """Return the mean over the predictions; NaN if there are none."""
        return self.nll_nats / self.num_predictions if self.num_predictions else math.nan

    @property
    def bits_per_character(self) -> float:
        """Return the mean in bits."""
        return self.nats_per_character / math.log(2)


class Evaluation(NamedTuple):
    """The loss of a split, and of its documents that do not occur in train (None for a text)."""

    all: Loss
    unseen: Loss | None

    def __repr__(self) -> str:
        """Return the means in a line."""
        unseen = "" if self.unseen is None else f", unseen {self.unseen.mean_and_error}"
        return f"Evaluation({self.all.mean_and_error} nats per {self.all.unit}{unseen})"

    def per(self, unit: str) -> "Evaluation":
        """Return the same losses, shown per unit of the data."""
        unseen = self.unseen and self.unseen._replace(unit=unit)
        return Evaluation(self.all._replace(unit=unit), unseen)


class IndexedBatch(NamedTuple):
    """Some predictions of a corpus, indexed once, to be scored with any variables."""

    contexts: DistinctContexts
    targets: np.ndarray  # [T]


def index_corpus(
    model: WaveNet,
    corpus: Corpus,
    batch_size: int | None = None,
    predictions: range | None = None,
) -> Iterator[IndexedBatch]:
    """Yield the predictions of a corpus in order, all or some, `batch_size` in each batch.

    By default a batch has as many as `max_positions` allows, and no device is left without one.
    """
    history = model.config.receptive_field - 1
    wanted = range(corpus.num_predictions) if predictions is None else predictions
    share = -(-len(wanted) // len(jax.local_devices()))
    size = batch_size or max(1, min(share, max_positions(model)))
    for start in wanted[::size]:
        end = min(start + size, wanted.stop)
        seen = range(max(0, start - history), end)
        labels = None if corpus.labels is None else _labels_at(corpus.labels, seen)
        contexts = index_contexts(model, np.asarray(corpus.tokens[seen.start : end]), labels)
        scored = contexts._replace(position=contexts.position[start - end :])
        yield IndexedBatch(scored, np.asarray(corpus.tokens[start + 1 : end + 1]))


def _labels_at(labels: Labels, positions: range) -> np.ndarray:
    """Return the labels of the document at each position, `[T, J]`."""
    return labels.ids[np.searchsorted(labels.starts, np.array(positions), side="right") - 1]


def batches_nll(
    model: WaveNet, variables: Variables, batches: Iterable[IndexedBatch]
) -> Iterator[np.ndarray]:
    """Yield the negative log-likelihoods of the predictions of each batch, `[T]`, in nats.

    The devices of this process take the batches in turn.
    """
    devices, pending = jax.local_devices(), deque[jax.Array]()
    copies = [jax.device_put(variables, device) for device in devices]
    for index, batch in enumerate(batches):
        pending.append(contexts_nll(model, copies[index % len(devices)], *batch))
        if len(pending) > len(devices):  # the host is at most one batch ahead of each device
            yield np.asarray(pending.popleft())
    yield from map(np.asarray, pending)


def sum_by_document(
    nll: Iterable[np.ndarray], corpus: Corpus, stretch: int = STRETCH
) -> tuple[np.ndarray, np.ndarray]:
    """Sum the predictions, which come in pieces, of each document: `(nats, predictions)`, `[D]`.

    A text, which is one document, is summed by stretches of predictions.
    """
    end = corpus.num_predictions
    starts = np.arange(0, end, stretch) if corpus.is_text else corpus.starts
    nats, done = np.zeros(len(starts)), 0
    for piece in nll:
        first, after = np.searchsorted(starts, [done, done + len(piece)])
        cuts = starts[first:after] - done
        if first == len(starts) or starts[first] > done:  # the piece begins within a document
            first, cuts = first - 1, np.append(0, cuts)
        nats[first:after] += np.add.reduceat(piece.astype(np.float64), cuts)
        done += len(piece)
    return nats, np.diff(np.append(starts, end))


def total_loss(nats: np.ndarray, predictions: np.ndarray) -> Loss:
    """Add up documents `[D]` and find the standard error of their mean loss per prediction.

    With documents as the independent units, s their nats, n their predictions and m = Σs / Σn,
    SE² = D / (D - 1) · Σ (s - m·n)² / (Σn)²: the ratio estimator of survey sampling (Cochran,
    Sampling Techniques, eq. 6.13, without the finite-population factor).
    """
    documents, total = len(nats), int(predictions.sum())
    error = math.nan
    if documents >= 2:
        residuals = nats - nats.sum() / total * predictions
        error = math.sqrt(documents / (documents - 1) * np.square(residuals).sum()) / total
    return Loss(float(nats.sum()), total, documents, error)


def document_nll(
    model: WaveNet, variables: Variables, corpus: Corpus, batches: Iterable[IndexedBatch]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the nats and the predictions of each document of a corpus, `[D]` each.

    The batches are all predictions of the corpus in order.  Of a text, the documents are stretches
    of `STRETCH` predictions.
    """
    return sum_by_document(batches_nll(model, variables, batches), corpus)


def corpus_loss(
    model: WaveNet, variables: Variables, corpus: Corpus, batches: Iterable[IndexedBatch]
) -> Loss:
    """Return the loss of a corpus, of which the batches are all predictions in order."""
    return total_loss(*document_nll(model, variables, corpus, batches))


def evaluate_splits(
    model: WaveNet, variables: Variables, splits: Splits[Corpus]
) -> Splits[Evaluation]:
    """Return the loss of each split, and of its documents that do not occur in train."""
    seen = document_digests(splits.train)
    return Splits(
        *(
            evaluate_corpus(model, variables, corpus, index_corpus(model, corpus), seen)
            for corpus in splits
        )
    )


def evaluate_corpus(
    model: WaveNet,
    variables: Variables,
    corpus: Corpus,
    batches: Iterable[IndexedBatch],
    seen: set[bytes] | None,
) -> Evaluation:
    """Return the loss of a corpus, and of its documents that are not among those seen.

    The batches are all predictions of the corpus in order; `seen` comes from `document_digests`.
    """
    nats, predictions = document_nll(model, variables, corpus, batches)
    unseen = None
    if seen is not None and not corpus.is_text:  # nor a part of a document
        new = np.array([digest not in seen for digest in _digests(corpus)], bool)
        unseen = total_loss(nats[new], predictions[new])
    return Evaluation(total_loss(nats, predictions), unseen)


def document_digests(corpus: Corpus) -> set[bytes] | None:
    """Return a digest of the tokens of each document, to be looked up; None for a text."""
    return None if corpus.is_text else set(_digests(corpus))


def _digests(corpus: Corpus) -> list[bytes]:
    """Return what stands for each document where documents are compared: recordings are long."""
    if corpus.num_predictions == 0:
        return []
    parts = np.split(corpus.tokens[1:], corpus.starts[1:])
    return [hashlib.blake2b(part.tobytes(), digest_size=16).digest() for part in parts]
