"""What documents say of their labels by Bayes' rule, whatever they are documents of."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import wavenet_jax as wn
from wavenet_jax.data import Corpus, LabelCounts
from wavenet_jax.evaluation import classification, nats_by_labels, score_labels


def label_nats(model: wn.LanguageModel, corpus: Corpus, work: Path) -> list[np.ndarray]:
    """Return the nats of the documents under each combination of labels that train has, `[D]` each.

    Each combination is printed as it is done, and kept in a folder.
    """
    counts, known, found = label_counts(model), model.data.labels, list[np.ndarray]()
    work.mkdir(parents=True, exist_ok=True)
    for number, ids in enumerate(counts.ids):
        path = work / f"{number}.npy"
        if not path.exists():
            one = LabelCounts(ids[None], counts.counts[number, None])
            (nats,) = nats_by_labels(model.network, model.variables, corpus, one)
            with path.with_suffix(".part").open("wb") as file:
                np.save(file, nats)
            path.with_suffix(".part").rename(path)
            title = " ".join(known.decode(ids).values())
            print(f"{number + 1:4} of {len(counts.ids)}  {title}", flush=True)
        found.append(np.load(path))
    return found


def label_counts(model: wn.LanguageModel) -> LabelCounts:
    """Return the labels that train has; there are some."""
    counts = model.data.label_counts
    assert counts is not None
    return counts


def tell(
    model: wn.LanguageModel, corpus: Corpus, nats: Sequence[np.ndarray], kind: str
) -> dict[str, float]:
    """Return how well Bayes' rule tells the labels of a kind from documents.

    The macro accuracy is the mean over the labels that they have; the log-loss is in nats.
    """
    known, labels = model.data.labels, corpus.labels
    assert labels is not None
    truth = labels.ids[:, known.place(kind)] - known.ids(kind).start
    found = classification(score_labels(nats, known, label_counts(model), kind), truth)
    accuracy = found.accuracy
    return {
        "accuracy": accuracy,
        "standard error": math.sqrt(accuracy * (1 - accuracy) / len(truth)),
        "macro accuracy": found.macro_accuracy,
        "log-loss": found.log_loss,
    }


def mix(model: wn.LanguageModel, nats: Sequence[np.ndarray]) -> np.ndarray:
    """Return the nats of documents whose labels are not known, `[D]`: the mean over all labels.

    p(document) = Σ p(labels) · p(document | labels), by the frequencies of train.
    """
    counts = label_counts(model).counts
    return -np.logaddexp.reduce(np.log(counts / counts.sum()) - np.stack(nats, axis=1), axis=1)
