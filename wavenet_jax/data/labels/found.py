"""The labels of documents as they are read, and the numbers that they get."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import NamedTuple

import numpy as np

from wavenet_jax.config import DataConfig
from wavenet_jax.data.labels.known import LabelVocab
from wavenet_jax.errors import InputError, nearest, pluralize, require, show_short

MAX_LABELS = 10_000  # of all kinds; more are no labels but texts
_NO_TEXT = re.compile(r"[\0\ud800-\udfff]")  # NUL, and what stands for bytes that are not UTF-8


def is_label(text: str | None) -> bool:
    """Tell whether a text can be a label: it is not empty, and can be written as UTF-8."""
    return bool(text) and _NO_TEXT.search(text or "") is None


@dataclass
class Found:
    """The labels of documents, of each kind one, and which documents are to be the test."""

    kinds: tuple[str, ...]
    labels: list[tuple[str, ...]] = field(default_factory=list)  # of each document, by kind
    tests: list[bool] = field(default_factory=list)  # of each document

    def add(self, labels: Sequence[tuple[str, ...]], *, is_test: bool = False) -> None:
        """Add the labels of documents that come next."""
        self.labels += labels
        self.tests += [is_test] * len(labels)

    def keep(self, kept: Sequence[bool]) -> None:
        """Drop the documents that are not kept."""
        self.labels = list(compress(self.labels, kept))
        self.tests = list(compress(self.tests, kept))

    def missing(self, labels: Sequence[str]) -> str | None:
        """Return the first kind of which a document has no label."""
        return next(
            (k for k, each in zip(self.kinds, labels, strict=True) if not is_label(each)), None
        )

    @property
    def num_untested(self) -> int:
        """Return how many documents are left for train and val, or for all splits."""
        return len(self.tests) - sum(self.tests)


def found_in_memory(labels: Mapping[str, Iterable[str]], count: int) -> Found:
    """Return the labels that a program holds, a list for each kind, of a number of documents.

    Raises `InputError` where they are no strings, or not as many.
    """
    columns = {}
    for kind, given in labels.items():
        require(
            isinstance(kind, str)
            and is_label(kind)
            and isinstance(given, Iterable)
            and not isinstance(given, str | bytes),
            f"labels holds {show_short(given, 60)} as {show_short(kind, 60)}, expected a list of "
            "strings for each kind, with the label of each document.",
            "labels",
        )
        columns[kind] = column = list(given)
        odd = next((each for each in column if not isinstance(each, str)), None)
        require(
            odd is None,
            f"labels {kind!r} holds {show_short(odd, 60)}, expected strings alone.",
            "labels",
        )
        require(
            len(column) == count,
            f"labels {kind!r} are {len(column):,}, expected {count:,}, one for each document.",
            "labels",
        )
    rows: list[tuple[str, ...]] = list(zip(*columns.values(), strict=True)) or [()] * count
    return Found(tuple(columns), rows, [False] * count)


def lacking_note(lacking: list[str], config: DataConfig) -> list[str]:
    """Return a note on documents without a label, by their places.

    Raises `InputError` where they are not to be left out.
    """
    if not lacking:
        return []
    count = pluralize(len(lacking), "document")
    require(
        config.skip_bad,
        f"{lacking[0]} is missing, as the first of {count} without a label, expected UTF-8 text "
        "for each kind; fill it in, or set skip_bad to leave out what is bad.",
        "labels",
    )
    return [f"{count} without a label left out, the first {lacking[0]}."]


class LabelTable(NamedTuple):
    """What is known of each of the D documents, in their order."""

    vocab: LabelVocab
    ids: np.ndarray  # [D, J] int32, its label of each kind
    is_test: np.ndarray  # [D] bool, whether it is to be in the test

    def groups(self, kind: str) -> np.ndarray:
        """Return the id of the label of a kind of each document, `[D]`, to split them by.

        Raises `InputError` where the kind is unknown.
        """
        names = self.vocab.names
        near = nearest(kind, names)
        expected = f"one of {', '.join(names)}" if names else "documents with labels"
        require(
            kind in names,
            f"split_by is {show_short(kind)}, which is no kind of label, expected {expected}"
            f"{f'; did you mean {near!r}?' if near else '; leave it out.'}",
            "split_by",
        )
        return self.ids[:, names.index(kind)]


def unlabelled(count: int) -> LabelTable:
    """Return the table of documents of which nothing is known."""
    return LabelTable(LabelVocab(), np.zeros((count, 0), np.int32), np.zeros(count, bool))


def number_labels(found: Found, known: LabelVocab | None = None) -> LabelTable:
    """Return the labels as ids, of their own vocabulary or of a known one.

    Kinds are in their order, and the labels of a kind sorted.  Kinds that a known vocabulary lacks
    are dropped.  Raises `InputError` for a kind of a single label, for too many labels, and for
    those that are not known.
    """
    columns = list(zip(*found.labels, strict=True)) if found.kinds else []
    vocab = _make_vocab(found.kinds, columns) if known is None else known
    ids = np.zeros((len(found.labels), len(vocab.kinds)), np.int32)
    for kind, column in zip(found.kinds, columns, strict=True):
        if kind not in vocab.names:
            continue
        place = vocab.place(kind)
        numbers = dict(zip(vocab.kinds[place][1], vocab.ids(kind), strict=True))
        if unknown := next((label for label in column if label not in numbers), None):
            vocab.encode({kind: unknown})  # raises
        ids[:, place] = [numbers[label] for label in column]
    return LabelTable(vocab, ids, np.array(found.tests, bool))


def _make_vocab(kinds: Iterable[str], columns: Iterable[tuple[str, ...]]) -> LabelVocab:
    vocab = LabelVocab(
        tuple(
            (kind, tuple(sorted(set(column)))) for kind, column in zip(kinds, columns, strict=True)
        )
    )
    for kind, labels in vocab.kinds:
        if "=" in kind:
            raise InputError(
                f"labels {show_short(kind)} have an equals sign in their name, expected one that "
                "can be given as KIND=LABEL; rename the column.",
                "labels",
            )
        if len(labels) == 1:
            raise InputError(
                f"labels {show_short(kind)} are all {show_short(labels[0])}, expected at least two "
                "different ones; leave this kind out.",
                "labels",
            )
    if vocab.num_labels > MAX_LABELS:
        kind, labels = max(vocab.kinds, key=lambda each: len(each[1]))
        raise InputError(
            f"labels {show_short(kind)} are {len(labels):,} different ones, expected at most "
            f"{MAX_LABELS:,} labels of all kinds; leave this kind out.",
            "labels",
        )
    return vocab
