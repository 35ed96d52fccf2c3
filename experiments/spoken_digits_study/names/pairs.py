"""Names by language: how well do n-grams predict a name, and how well its language?

A document is a distinct pair of a name and a language.  A name of two languages so stands twice,
with both labels, and perhaps once in train and once in test; no classifier is right about both.
The language of a name is the likeliest by Bayes' rule, with the frequencies of train before.

Source of the names: the name classification tutorial of PyTorch.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spoken_digits_study.names.ngrams import NGram
from wavenet_jax.config import DataConfig
from wavenet_jax.data import Splits, load_dataset, split_documents
from wavenet_jax.errors import pluralize, require
from wavenet_jax.evaluation import Loss, total_loss

ORDERS = range(1, 7)


class Name(NamedTuple):
    """A name, and a language that has it."""

    text: str
    language: str


def read_names(folder: Path) -> list[Name]:
    """Return the distinct pairs of a folder with a list for each language, in their order.

    Raises `InputError` for a folder or a list that cannot be read.
    """
    paths = sorted(folder.glob("*.txt"))
    require(
        len(paths) >= 2,
        f"names {str(folder)!r} holds {pluralize(len(paths), 'list')}, expected a folder with one "
        "such as Polish.txt for each of several languages.",
        "names",
    )
    lists = {path.stem: load_dataset(DataConfig(data=str(path), kind="list")) for path in paths}
    pairs = (Name(text, stem) for stem, found in lists.items() for text in found.documents)
    return list(dict.fromkeys(pairs))


def split_names(names: list[Name]) -> Splits[list[Name]]:
    """Return train, val and test as the package splits documents."""
    return split_documents(names, DataConfig())


def count_shared(names: Sequence[Name], parts: Splits[list[Name]]) -> dict[str, float]:
    """Return how many names several languages have, and what that costs a classifier.

    It gives a name one language, so that of the pairs of test with one name, one at most is right.
    """
    languages = defaultdict(set)
    for name in names:
        languages[name.text].add(name.language)
    trained = {name.text for name in parts.train}
    return {
        "pairs": len(names),
        "names": len(languages),
        "names of several languages": sum(len(each) > 1 for each in languages.values()),
        "pairs of test whose name is in train": sum(name.text in trained for name in parts.test),
        "best accuracy": len({name.text for name in parts.test}) / len(parts.test),
    }


class Languages(NamedTuple):
    """What is known of the languages of names."""

    languages: list[str]
    log_priors: np.ndarray  # [K]
    nll: np.ndarray  # nats of each name in each language, [D, K]


def score_languages(
    train: Sequence[Name], names: Sequence[Name], n: int, vocab_size: int
) -> Languages:
    """Return the nats of each name by the n-grams of each language."""
    by_language = defaultdict(list)
    for name in train:
        by_language[name.language].append(name.text)
    languages = sorted(by_language)
    models = [NGram(by_language[each], n, vocab_size) for each in languages]
    nll = np.array([[model.nll(name.text) for model in models] for name in names])
    shares = np.array([len(by_language[each]) for each in languages]) / len(train)
    return Languages(languages, np.log(shares), nll)


def with_label(scores: Languages, names: Sequence[Name]) -> Loss:
    """Return the loss of names whose language is told."""
    columns = [scores.languages.index(name.language) for name in names]
    return total_loss(scores.nll[np.arange(len(names)), columns], _predictions(names))


def without_label(train: Sequence[Name], names: Sequence[Name], n: int, vocab_size: int) -> Loss:
    """Return the loss of names by the n-grams of all languages together."""
    model = NGram([name.text for name in train], n, vocab_size)
    return total_loss(np.array([model.nll(name.text) for name in names]), _predictions(names))


def _predictions(names: Sequence[Name]) -> np.ndarray:
    return np.array([len(name.text) + 1 for name in names])


def classify(scores: Languages, names: Sequence[Name]) -> dict[str, float]:
    """Return how well Bayes' rule tells the language: accuracy, by language too, and log-loss.

    The macro accuracy is the mean over the languages that the names have; the log-loss is in nats.
    """
    joint = scores.log_priors - scores.nll
    posterior = joint - np.logaddexp.reduce(joint, axis=1, keepdims=True)
    columns = np.array([scores.languages.index(name.language) for name in names])
    right = posterior.argmax(1) == columns
    macro = np.mean([right[columns == each].mean() for each in np.unique(columns)])
    return {
        "accuracy": float(right.mean()),
        "standard error": math.sqrt(right.mean() * (1 - right.mean()) / len(right)),
        "macro accuracy": float(macro),
        "log-loss": -float(posterior[np.arange(len(names)), columns].mean()),
    }


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Return what n-grams reach on test, with the n that is best on val for each question."""
    names = read_names(folder)
    parts = split_names(names)
    size = len(set("".join(name.text for name in names))) + 1
    scores = {n: score_languages(parts.train, parts.val, n, size) for n in ORDERS}
    alone = {n: without_label(parts.train, parts.val, n, size) for n in ORDERS}
    plain = min(ORDERS, key=lambda n: alone[n].nll_nats)
    told = min(ORDERS, key=lambda n: with_label(scores[n], parts.val).nll_nats)
    telling = min(ORDERS, key=lambda n: classify(scores[n], parts.val)["log-loss"])
    found = {n: score_languages(parts.train, parts.test, n, size) for n in {told, telling}}
    return {
        "shared": count_shared(names, parts),
        f"not told, {plain}-gram": row(without_label(parts.train, parts.test, plain, size)),
        f"told, {told}-gram": row(with_label(found[told], parts.test)),
        **{f"{n}-grams": classify(found[n], parts.test) for n in sorted(found)},
    }


def row(loss: Loss) -> dict[str, float]:
    """Return a loss in nats per character, and its standard error by name."""
    return {"nats": loss.nats_per_character, "standard error": loss.standard_error}
