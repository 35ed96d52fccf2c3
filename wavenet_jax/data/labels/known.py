"""The labels that documents have, as numbers.

A document has one label of each kind, such as the language of a name, or the digit and the speaker
of a recording.  All labels of all kinds are numbered together, after 0 for none.

Source: van den Oord et al., WaveNet (1609.03499), section 2.5, global conditioning.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from wavenet_jax.errors import InputError, nearest, show_short

NO_LABEL = 0
_MAX_SHOWN = 20  # labels in a message


class Labels(NamedTuple):
    """The labels of each document of a corpus, and where it begins."""

    starts: np.ndarray  # [D] int32, the first prediction of each document
    ids: np.ndarray  # [D, J] int32, its label of each kind; 0 for none


class LabelCounts(NamedTuple):
    """The G combinations of labels that documents have, and how many have each."""

    ids: np.ndarray  # [G, J] int32
    counts: np.ndarray  # [G] int32

    def given(self, ids: np.ndarray) -> "LabelCounts":
        """Return the combinations that have the labels `[J]` which are given, not 0.

        Where no document has them together, those of all documents are taken with these labels
        instead of their own.
        """
        is_given = ids != NO_LABEL
        matches = ((self.ids == ids) | ~is_given).all(axis=1)
        if matches.any():
            return LabelCounts(self.ids[matches], self.counts[matches])
        return count_labels(np.where(is_given, ids, self.ids), self.counts)

    def with_all(self, place: int, labels: np.ndarray) -> "LabelCounts":
        """Return the combinations, and beside them those of labels of a kind that are missing.

        They are the same with another label at the place of the kind, and no document has them.
        """
        ids, counts = [self.ids], [self.counts]
        for label in labels[~np.isin(labels, self.ids[:, place])]:
            others = self.ids.copy()
            others[:, place] = label
            ids.append(np.unique(others, axis=0))
            counts.append(np.zeros(len(ids[-1]), np.int32))
        return LabelCounts(np.concatenate(ids), np.concatenate(counts))


def learned_labels(ids: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return labels `[D, J]` without those that no training document `[N, J]` has.

    These are none to a model, which could not learn them.
    """
    return np.where(np.isin(ids, train), ids, NO_LABEL)


def count_labels(ids: np.ndarray, counts: np.ndarray | None = None) -> LabelCounts:
    """Count the distinct rows of labels `[N, J]`, each once or as often as `counts [N]` says."""
    rows, row = np.unique(ids, axis=0, return_inverse=True)
    totals = np.bincount(row.reshape(-1), counts, len(rows))
    return LabelCounts(rows.astype(np.int32), totals.astype(np.int32))


class LabelVocab(NamedTuple):
    """The kinds of labels, and the labels of each; ids count them through, from 1.

    >>> vocab = LabelVocab((("digit", ("0", "1")), ("speaker", ("ann", "bob"))))
    >>> vocab.encode({"digit": "1", "speaker": "bob"}).tolist()
    [2, 4]
    >>> vocab.decode(np.array([0, 3]))
    {'speaker': 'ann'}
    """

    kinds: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def names(self) -> list[str]:
        """Return the names of the J kinds."""
        return [name for name, _ in self.kinds]

    @property
    def num_labels(self) -> int:
        """Return the number of labels of all kinds."""
        return sum(len(labels) for _, labels in self.kinds)

    def place(self, kind: str) -> int:
        """Return the position of a kind; raise `InputError` with the known ones if unknown."""
        if kind in self.names:
            return self.names.index(kind)
        if not self.kinds:
            raise InputError(
                f"{show_short(kind)} is to be a label, but the documents of the run have no "
                "labels, expected none; leave it out."
            )
        raise InputError(
            f"{show_short(kind)} names no labels of the documents, expected "
            f"{' or '.join(self.names)}{_did_you_mean(kind, self.names)}"
        )

    def ids(self, kind: str) -> range:
        """Return the ids of the labels of a kind, in their order."""
        place = self.place(kind)
        start = 1 + sum(len(labels) for _, labels in self.kinds[:place])
        return range(start, start + len(self.kinds[place][1]))

    def encode(self, labels: Mapping[str, str]) -> np.ndarray:
        """Return the ids of labels by their kinds, `[J]` int32, 0 for a kind that is not there.

        Raises `InputError` for an unknown kind, or a label that it does not have.
        """
        ids = np.zeros(len(self.kinds), np.int32)
        for kind, label in labels.items():
            place = self.place(kind)
            known = self.kinds[place][1]
            if label not in known:
                shown = ", ".join(known[:_MAX_SHOWN])
                if len(known) > _MAX_SHOWN:
                    shown += f" and {len(known) - _MAX_SHOWN:,} more"
                raise InputError(
                    f"label {kind} is {show_short(label)}, expected one of {shown}"
                    f"{_did_you_mean(label, known)}",
                    "label",
                )
            ids[place] = self.ids(kind)[known.index(label)]
        return ids

    def decode(self, ids: np.ndarray) -> dict[str, str]:
        """Return the labels of ids `[J]` by their kinds, without those of id 0."""
        return {
            kind: labels[int(number) - self.ids(kind).start]
            for (kind, labels), number in zip(self.kinds, ids, strict=True)
            if number != NO_LABEL
        }


def _did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    near = nearest(word, list(known))
    return f"; did you mean {near!r}?" if near else "."
