"""Documents as one array of tokens, and the three splits."""

import random
from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from wavenet_jax.config import DataConfig
from wavenet_jax.data.labels import Labels, LabelTable
from wavenet_jax.data.vocab import BOUNDARY_ID, Vocab
from wavenet_jax.errors import pluralize, require, show_short

T = TypeVar("T")
_PIECE = 2**24  # tokens


class Corpus(NamedTuple):
    """Documents laid end to end, a boundary before the first and after each.

        tokens  [N+1]   .  e  m  m  a  .  o  l  i  v  i  a  .      . the boundary, id 0

    Prediction i sees tokens[i], tokens[i-1], ... back to the last boundary, where its document
    begins, and endless boundaries before that; its target is tokens[i+1].  A text is a corpus of
    one document without an end: its last token is no boundary.  A recording is a document of
    levels, whose ids are 1 to 256.
    """

    tokens: np.ndarray  # [N+1], of the vocabulary's dtype
    labels: Labels | None = None  # of its documents, if they have any

    def __repr__(self) -> str:
        """Return the sizes in a line."""
        extent = "text" if self.is_text else pluralize(len(self.starts), "document")
        return f"Corpus({extent}, {pluralize(self.num_predictions, 'prediction')})"

    @property
    def num_predictions(self) -> int:
        """Return N."""
        return len(self.tokens) - 1

    @property
    def is_text(self) -> bool:
        """Tell whether this is one document without an end."""
        return bool(self.tokens[-1] != BOUNDARY_ID)

    @property
    def starts(self) -> np.ndarray:
        """Return the first prediction of each of the D documents, `[D]`."""
        inputs = self.tokens[:-1]  # of which a map is looked through in pieces
        found = [
            start + np.flatnonzero(inputs[start : start + _PIECE] == BOUNDARY_ID)
            for start in range(0, len(inputs), _PIECE)
        ]
        return np.concatenate([np.zeros(0, np.int64), *found])

    @property
    def lengths(self) -> np.ndarray:
        """Return the tokens of each of the D documents without its boundary, `[D]`."""
        return np.diff(np.append(self.starts, self.num_predictions)) - 1

    def head(self, num_predictions: int) -> "Corpus":
        """Return the first predictions of a text, or the documents of a list that fit whole.

        Where not even the first document does, it is cut, and has no end, as a text.
        """
        ends = np.append(self.starts[1:], self.num_predictions)
        fitting = int(np.searchsorted(ends, num_predictions, side="right"))
        labels = self.labels and Labels(*(part[: max(fitting, 1)] for part in self.labels))
        if self.is_text or fitting == 0:
            return Corpus(self.tokens[: num_predictions + 1], labels)
        return Corpus(self.tokens[: ends[fitting - 1] + 1], labels)

    def with_labels(self, ids: np.ndarray | None) -> "Corpus":
        """Return the same documents with other labels `[D, J]`, or without any."""
        if ids is None:
            return Corpus(self.tokens)
        return Corpus(self.tokens, Labels(self.starts.astype(np.int32), ids.astype(np.int32)))


class Splits(NamedTuple, Generic[T]):
    """One value for each split: its documents, its corpus, its loss."""

    train: T
    val: T
    test: T

    def __repr__(self) -> str:
        """Return the values in a line, of long lists the beginnings."""
        values = (f"{name}={show_short(value)}" for name, value in self._asdict().items())
        return f"Splits({', '.join(values)})"


def corpus_from_documents(documents: Iterable[str], vocab: Vocab) -> Corpus:
    """Lay documents end to end; raise `InputError` for a character unknown to the vocabulary."""
    return Corpus(vocab.encode(vocab.boundary.join(["", *documents, ""])))


def min_documents(config: DataConfig) -> int:
    """Return the fewest documents of which train, val and test get one each, as far as wanted."""
    return 1 + (config.val_fraction > 0) + (config.test_share > 0)


def split_documents(documents: list[T], config: DataConfig) -> Splits[list[T]]:
    """Shuffle with the split seed and cut into train, val and test.

    None of them is empty unless its fraction is 0.  With seed 42 and tenths this is the lecture's
    split: CPython's shuffle, cut at `int(0.8 * n)` and `int(0.9 * n)`.
    """
    shuffled = _shuffle(documents, config)
    val_start, test_start = config.cuts(len(shuffled))
    has_val, has_test = config.val_fraction > 0, config.test_share > 0
    test_start = min(max(test_start, 1 + has_val), len(shuffled) - has_test)
    val_start = min(max(val_start, 1), test_start - has_val)
    return Splits(shuffled[:val_start], shuffled[val_start:test_start], shuffled[test_start:])


def _shuffle(items: Sequence[T], config: DataConfig) -> list[T]:
    shuffled = list(items)
    random.Random(config.split_seed).shuffle(shuffled)
    return shuffled


def split_numbers(table: LabelTable, config: DataConfig) -> Splits[list[int]]:
    """Return the numbers of the documents of each split, as `split_documents` parts them.

    The test may be chosen already, and the others parted by their labels.  Raises `InputError`
    where there are too few labels for that.
    """
    tests, others = np.flatnonzero(table.is_test), np.flatnonzero(~table.is_test)
    if config.split_by is None:
        parts = split_documents(others.tolist(), config)
    else:
        parts = _split_groups(others.tolist(), table.groups(config.split_by).tolist(), config)
    return parts._replace(test=parts.test + _shuffle(tests.tolist(), config))


def _split_groups(others: list[int], groups: list[int], config: DataConfig) -> Splits[list[int]]:
    """Part documents so that those of a group stay together; splits are shares of the groups."""
    found, least = sorted({groups[number] for number in others}), min_documents(config)
    require(
        len(found) >= least,
        f"split_by is {show_short(config.split_by)}, of which the documents have "
        f"{pluralize(len(found), 'label')}, expected at least {least}, one for each split whose "
        "fraction is not 0; leave it out, or set a fraction to 0.",
        "split_by",
    )
    shuffled = _shuffle(others, config)
    parts = [set(part) for part in split_documents(found, config)]
    return Splits(*([each for each in shuffled if groups[each] in part] for part in parts))


def split_lengths(length: int, config: DataConfig) -> Splits[int]:
    """Return how many of the characters of a text go to train, val and test, in their order.

    Raises `InputError` where train would be empty, or a val or test that the configuration wants.
    """
    val_start, test_start = config.cuts(length)
    lengths = Splits(val_start, test_start - val_start, length - test_start)
    require(
        lengths.train > 0
        and (lengths.val > 0 or config.val_fraction == 0)
        and (lengths.test > 0 or config.test_share == 0),
        f"the text has {length:,} characters, which leaves "
        f"{' / '.join(f'{each:,}' for each in lengths)} for train, val and test; provide a longer "
        "text or other fractions.",
    )
    return lengths
