"""The Free Spoken Digit Dataset: ten digits, six speakers, fifty recordings of each, at 8 kHz.

Recordings 0 to 4 are its official test; the rest is shuffled and cut into train and val.

Source: github.com/Jakobovski/free-spoken-digit-dataset.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wavenet_jax.config import DataConfig
from wavenet_jax.data import (
    BOUNDARY_ID,
    FIRST_LEVEL_ID,
    Corpus,
    LabelVocab,
    Splits,
    level_ids,
    level_vocab,
    load_dataset,
)

RATE = 8_000  # samples per second
KINDS = ("digit", "speaker")
SPLIT: dict[str, Any] = {"kind": "audio", "rate": RATE, "test_pattern": r"_[0-4]\.wav$"}
LABELS = r"(?P<digit>\d)_(?P<speaker>[a-z]+)_\d+\.wav$"


class Recording(NamedTuple):
    """A recording and what is known of it."""

    levels: np.ndarray  # [T] uint8
    labels: dict[str, str]  # by kind


def read_digits(data: str) -> Splits[list[Recording]]:
    """Return the recordings of a folder in the official split, a tenth of the rest as val.

    Raises `InputError` for a folder or a file that cannot be read, a name that tells no digit and
    speaker, and where no recording is left for a split.
    """
    found = load_dataset(DataConfig(data=data, label_pattern=LABELS, **SPLIT))
    return Splits(*(cut_recordings(corpus, found.labels) for corpus in found.splits))


def cut_recordings(corpus: Corpus, known: LabelVocab) -> list[Recording]:
    """Return the recordings of a corpus, in its order, with the labels that they have."""
    nothing = np.zeros((len(corpus.starts), 0), np.int32)
    labels = nothing if corpus.labels is None else corpus.labels.ids
    parts = np.split(corpus.tokens[1:], corpus.starts[1:])
    levels = [(part[:-1] - FIRST_LEVEL_ID).astype(np.uint8) for part in parts]
    return [Recording(each, known.decode(ids)) for each, ids in zip(levels, labels, strict=True)]


def lay_out(recordings: Sequence[Recording]) -> Corpus:
    """Return the recordings as a corpus, which ends each with a boundary."""
    boundary = np.full(1, BOUNDARY_ID, level_vocab().dtype)
    parts = [part for each in recordings for part in (level_ids(each.levels), boundary)]
    return Corpus(np.concatenate([boundary, *parts]))
