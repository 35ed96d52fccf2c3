"""The exact loss of a corpus with running statistics, as sums and counts until the last line."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from wavenet_jax import distinct
from wavenet_jax.corpus import Corpus, Splits, from_documents
from wavenet_jax.distinct import Contexts
from wavenet_jax.model import Variables, WaveNet
from wavenet_jax.vocab import BOUNDARY_ID, Vocab

UNIT = 1_000  # predictions of a stream that count as one document in its standard error


class Loss(NamedTuple):
    """A loss as a sum and what it was summed over."""

    nll_nats: float  # the sum over all predictions
    predictions: int
    documents: int
    standard_error: float  # of nats_per_character, by document; NaN for fewer than two

    @property
    def nats_per_character(self) -> float:
        """Return the mean over the predictions; NaN if there are none."""
        return self.nll_nats / self.predictions if self.predictions else math.nan

    @property
    def bits_per_character(self) -> float:
        """Return the mean in bits."""
        return self.nats_per_character / math.log(2)


class Evaluation(NamedTuple):
    """The loss of a split, and of its documents that do not occur in train; a stream has none."""

    all: Loss
    unseen: Loss | None


class Block(NamedTuple):
    """Some predictions of a corpus, prepared to be scored as often as wanted."""

    contexts: Contexts
    targets: np.ndarray  # [T]


def blocks(model: WaveNet, corpus: Corpus) -> Iterator[Block]:
    """Yield the predictions of a corpus in order, `positions_at_once` in each block."""
    config = model.config
    history = config.receptive_field - 1
    length = distinct.positions_at_once(config, model.vocab_size)
    for start in range(0, corpus.predictions, length):
        end = min(start + length, corpus.predictions)
        seen = np.asarray(corpus.tokens[max(0, start - history) : end])
        found = distinct.contexts(seen, config, model.vocab_size)
        scored = found._replace(position=found.position[start - end :])
        yield Block(scored, np.asarray(corpus.tokens[start + 1 : end + 1]))


def nll_nats(model: WaveNet, variables: Variables, scored: Iterable[Block]) -> Iterator[np.ndarray]:
    """Yield the negative log-likelihoods of the predictions of each block, `[T]`, in nats."""
    pending = None
    for block in scored:
        ahead = distinct.nll_nats(model, variables, *block)
        if pending is not None:
            yield np.asarray(pending)  # waits: the host is one block ahead of the device, not more
        pending = ahead
    if pending is not None:
        yield np.asarray(pending)


def by_document(nll: Iterable[np.ndarray], corpus: Corpus) -> tuple[np.ndarray, np.ndarray]:
    """Sum the predictions, which come in pieces, of each document: `(nats, predictions)`, `[D]`.

    A stream, which is one document, is summed by stretches of `UNIT` predictions.
    """
    end = corpus.predictions
    starts = np.arange(0, end, UNIT) if corpus.is_stream else corpus.starts
    nats, done = np.zeros(len(starts)), 0
    for piece in nll:
        first, after = np.searchsorted(starts, [done, done + len(piece)])
        cuts = starts[first:after] - done
        if first == len(starts) or starts[first] > done:  # the piece begins within a document
            first, cuts = first - 1, np.append(0, cuts)
        nats[first:after] += np.add.reduceat(piece.astype(np.float64), cuts)
        done += len(piece)
    return nats, np.diff(np.append(starts, end))


def summarise(nats: np.ndarray, predictions: np.ndarray) -> Loss:
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


def evaluate_splits(
    model: WaveNet,
    variables: Variables,
    splits: Splits[Corpus],
    watch: Callable[[Iterator[Block], int], Iterator[Block]] = lambda scored, _: scored,
) -> Splits[Evaluation]:
    """Return the loss of each split, and of its documents that do not occur in train.

    The blocks of each split pass through `watch`, which also gets the number of predictions.
    """
    seen = set() if splits.train.is_stream else set(_documents(splits.train))
    evaluations = []
    for corpus in splits:
        scored = watch(blocks(model, corpus), corpus.predictions)
        nats, predictions = by_document(nll_nats(model, variables, scored), corpus)
        unseen = None
        if not splits.train.is_stream:
            new = np.array([document not in seen for document in _documents(corpus)])
            unseen = summarise(nats[new], predictions[new])
        evaluations.append(Evaluation(summarise(nats, predictions), unseen))
    return Splits(*evaluations)


def _documents(corpus: Corpus) -> list[bytes]:
    """Return the tokens of each document as bytes, to be compared."""
    return [part.tobytes() for part in np.split(corpus.tokens[1:], corpus.starts[1:])]


def score(
    model: WaveNet, variables: Variables, vocab: Vocab, texts: list[str], *, stream: bool
) -> list[np.ndarray]:
    """Return the negative log-likelihood of every character of each text, in nats.

    A document's boundary at its end is one character more; a stream has none.  Raises `InputError`
    for characters that the vocabulary does not know.
    """

    def each(corpus: Corpus) -> np.ndarray:
        return np.concatenate(list(nll_nats(model, variables, blocks(model, corpus))))

    tokens = [vocab.encode_text(text) for text in texts]
    if stream:
        return [each(Corpus(np.insert(ids, 0, BOUNDARY_ID))) for ids in tokens]
    together = from_documents(texts, vocab)
    return np.split(each(together), together.starts[1:])
