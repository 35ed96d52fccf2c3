"""The exact loss of a corpus with running statistics, as sums and counts until the last line."""

import math
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
import optax

from wavenet_jax.batches import Crop, crop
from wavenet_jax.corpus import Corpus, Splits
from wavenet_jax.model import Variables, WaveNet

BLOCK = 4_096  # predictions per call: the fastest of 256 to 32,768 on two cores


class Loss(NamedTuple):
    """A loss as a sum and what it was summed over."""

    nll_nats: float  # the sum over all predictions
    predictions: int
    documents: int
    standard_error: float  # of nats_per_character, by document; NaN for fewer than two documents

    @property
    def nats_per_character(self) -> float:
        """Return the mean over the predictions; NaN if there are none."""
        return self.nll_nats / self.predictions if self.predictions else math.nan

    @property
    def bits_per_character(self) -> float:
        """Return the mean in bits."""
        return self.nats_per_character / math.log(2)


class Evaluation(NamedTuple):
    """The loss of a split, and of its documents that do not occur in train."""

    all: Loss
    unseen: Loss


def nll_nats(model: WaveNet, variables: Variables, corpus: Corpus) -> np.ndarray:
    """Return the negative log-likelihood of every prediction of the corpus, `[N]`, in nats."""
    field = model.config.receptive_field
    on_device = jax.device_put(corpus)
    blocks = []
    for start in range(0, corpus.predictions, BLOCK):
        # The last block runs over the end of the corpus, so that one compiled program serves all.
        row = _cut(on_device, np.array([start]), length=BLOCK, receptive_field=field)
        blocks.append(_nll_of_row(model, variables, row))
    return np.concatenate(jax.device_get(blocks))[: corpus.predictions]


_cut = jax.jit(crop, static_argnames=("length", "receptive_field"))


@partial(jax.jit, static_argnames="model")
def _nll_of_row(model: WaveNet, variables: Variables, row: Crop) -> jax.Array:
    """Return the negative log-likelihoods of the scored positions of one row, `[T]`."""
    logits = model.apply(variables, row.tokens, row.age, method="sequence")
    scored = logits[:, model.config.receptive_field - 1 :]
    return optax.softmax_cross_entropy_with_integer_labels(scored, row.targets)[0]


def by_document(nll: np.ndarray, corpus: Corpus) -> tuple[np.ndarray, np.ndarray]:
    """Sum the predictions `[N]` of each document: `(nats [D], predictions [D])`."""
    starts = np.flatnonzero(corpus.age == 0)
    sums = np.add.reduceat(nll.astype(np.float64), starts)
    return sums, np.diff(np.append(starts, corpus.predictions))


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
    model: WaveNet, variables: Variables, splits: Splits[Corpus]
) -> Splits[Evaluation]:
    """Return the loss of each split, and of its documents that do not occur in train."""
    seen = set(_documents(splits.train))
    evaluations = []
    for corpus in splits:
        nats, predictions = by_document(nll_nats(model, variables, corpus), corpus)
        unseen = np.array([document not in seen for document in _documents(corpus)])
        evaluations.append(
            Evaluation(
                all=summarise(nats, predictions),
                unseen=summarise(nats[unseen], predictions[unseen]),
            )
        )
    return Splits(*evaluations)


def _documents(corpus: Corpus) -> list[bytes]:
    """Return the tokens of each document as bytes, to be compared."""
    starts = np.flatnonzero(corpus.age == 0)
    return [part.tobytes() for part in np.split(corpus.tokens[1:], starts[1:])]
