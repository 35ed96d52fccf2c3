r"""The labels of documents in the files of a run folder.

labels.json   the labels of each kind, in the order of their ids
labels.tsv    a row for each document: its split, and its label of each kind

In a cell of a row, \t, \n, \r and \\ stand for tab, line ends and backslash.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wavenet_jax.config import DataConfig, read_json
from wavenet_jax.data.labels.found import LabelTable
from wavenet_jax.data.labels.known import LabelVocab
from wavenet_jax.errors import InputError, require
from wavenet_jax.machine import MIB, memory_bytes, read_regular, reason

LABEL_FILES = ("labels.json", "labels.tsv")
_SPLIT = "split"  # head of the first column
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


class LabelRows(NamedTuple):
    """The split and the labels of each of the D documents, in the order of a run folder."""

    vocab: LabelVocab
    ids: np.ndarray  # [D, J] int32
    splits: np.ndarray  # [D] of the names of the splits

    def table(self, config: DataConfig) -> LabelTable:
        """Return what the documents of a list are split by."""
        is_fixed = config.test_pattern is not None
        return LabelTable(self.vocab, self.ids, (self.splits == "test") & is_fixed)


def rows_to_tsv(rows: LabelRows) -> str:
    """Return the content of labels.tsv."""
    known = ["", *(_cell(label) for _, labels in rows.vocab.kinds for label in labels)]
    lines = [
        "\t".join([split, *(known[number] for number in ids)])
        for split, ids in zip(rows.splits.tolist(), rows.ids.tolist(), strict=True)
    ]
    return "".join(f"{line}\n" for line in [_head(rows.vocab), *lines])


def _head(vocab: LabelVocab) -> str:
    return "\t".join([_SPLIT, *map(_cell, vocab.names)])


def _cell(text: str) -> str:
    return text.translate(_ESCAPES)


def load_label_rows(folder: Path) -> LabelRows | None:
    """Return the labels that a run folder has; None where it has none.

    Raises `InputError` where they cannot be read, or are damaged.
    """
    paths = [folder / name for name in LABEL_FILES]
    if not any(map(os.path.exists, paths)):
        return None
    vocab = _load_vocab(paths[0])
    head, *lines = _load_lines(paths[1])
    numbers = [
        {_cell(label): number for number, label in zip(vocab.ids(kind), labels, strict=True)}
        for kind, labels in vocab.kinds
    ]
    try:
        splits, *columns = zip(*(line.split("\t") for line in lines), strict=True)
        pairs = zip(numbers, columns, strict=True)
        ids = [[known[cell] for cell in column] for known, column in pairs]
    except (KeyError, ValueError):
        raise _damaged(paths[1]) from None
    if head != _head(vocab):
        raise _damaged(paths[1])
    shaped = np.array(ids, np.int32).reshape(len(numbers), len(lines))
    return LabelRows(vocab, np.ascontiguousarray(shaped.T), np.array(splits, str))


def _load_vocab(path: Path) -> LabelVocab:
    values = read_json(path)
    require(
        isinstance(values, dict)
        and all(
            isinstance(labels, list)
            and all(isinstance(label, str) for label in labels)
            and len(set(labels)) == len(labels) > 0
            for labels in values.values()
        ),
        f"{path} is damaged, expected the labels of each kind, each once; restore it or train "
        "again.",
    )
    return LabelVocab(tuple((kind, tuple(labels)) for kind, labels in values.items()))


def _load_lines(path: Path) -> list[str]:
    try:
        content = read_regular(path, (memory_bytes() or 8_192 * MIB) // 4)
        lines = content.decode("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read ({reason(error)}); restore it or train again."
        ) from error
    if lines.pop():  # the last line has its end
        raise _damaged(path)
    return lines or [""]


def _damaged(path: Path) -> InputError:
    return InputError(
        f"{path} is damaged, expected a row for each document with its split and its labels; "
        "restore it or train again."
    )
