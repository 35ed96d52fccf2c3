"""Which label a document has, by Bayes: a model of documents given labels is a classifier.

    P(label | document) ∝ P(label) · P(document | label)

The prior is how often the training documents have the label.  Where documents have labels of other
kinds too, the likelihood is the mean over these, as often as the training documents have them.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from wavenet_jax.data import Corpus, LabelCounts, LabelVocab
from wavenet_jax.evaluation.losses import document_nll, index_corpus
from wavenet_jax.nn import Variables, WaveNet

# The weight of a combination of labels that no document has: its likelihood is known all the same.
_NEVER = 1e-100


class LabelScores(NamedTuple):
    """What D documents say of the n labels of a kind."""

    labels: tuple[str, ...]  # n
    log_likelihood: np.ndarray  # [D, n] of each document under each label, in nats
    log_posterior: np.ndarray  # [D, n] of each label; -inf of one without a training document
    log_evidence: np.ndarray  # [D] of each document whose label is not known, in nats

    def of(self, documents: np.ndarray) -> "LabelScores":
        """Return what some of the documents, by their numbers, say."""
        labels, *arrays = self
        return LabelScores(labels, *(array[documents] for array in arrays))


class Classification(NamedTuple):
    """How well labels are told from documents."""

    accuracy: float  # share of documents whose likeliest label is theirs
    macro_accuracy: float  # the mean of that over the labels that documents have
    log_loss: float  # the mean of -log P(label | document), in nats
    num_documents: int


def nats_by_labels(
    model: WaveNet, variables: Variables, corpus: Corpus, counts: LabelCounts
) -> Iterator[np.ndarray]:
    """Yield the negative log-likelihoods of the documents under each combination of labels: `[D]`.

    They are in nats; the combinations are those of `counts`.
    """
    num_documents = len(corpus.starts)
    for labels in counts.ids:
        labelled = corpus.with_labels(np.tile(labels, (num_documents, 1)))
        yield document_nll(model, variables, labelled, index_corpus(model, labelled))[0]


def score_labels(
    nats: Iterable[np.ndarray], known: LabelVocab, counts: LabelCounts, by: str
) -> LabelScores:
    """Return what documents say of the labels of the kind `by`.

    `nats` come from `nats_by_labels`, `counts` from the training documents.  Raises `InputError`
    for an unknown kind.
    """
    place, ids = known.place(by), known.ids(by)
    prior = np.log(np.maximum(counts.counts, _NEVER) / counts.counts.sum())
    log_joint = prior - np.stack(list(nats), axis=1)  # [D, combinations]
    has = [counts.ids[:, place] == label for label in ids]
    joint = np.stack([np.logaddexp.reduce(log_joint[:, own], axis=1) for own in has], axis=1)
    with np.errstate(invalid="ignore"):  # of a label that no training document has
        likelihood = joint - np.array([np.logaddexp.reduce(prior[own]) for own in has])
    evidence = np.logaddexp.reduce(joint, axis=1)
    likelihood = np.nan_to_num(likelihood, nan=-np.inf)
    return LabelScores(known.kinds[place][1], likelihood, joint - evidence[:, None], evidence)


def classification(scores: LabelScores, truth: np.ndarray) -> Classification:
    """Return how well the scores tell the true labels `[D]`, numbers from 0 to n - 1."""
    if len(truth) == 0:
        return Classification(np.nan, np.nan, np.nan, 0)
    is_right = scores.log_posterior.argmax(axis=1) == truth
    recalls = [is_right[truth == label].mean() for label in np.unique(truth)]
    loss = -scores.log_posterior[np.arange(len(truth)), truth].mean()
    return Classification(float(is_right.mean()), float(np.mean(recalls)), float(loss), len(truth))
