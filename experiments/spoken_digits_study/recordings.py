"""The Free Spoken Digit Dataset: recordings with their labels, in the official split.

A file is named after what it is, `7_jackson_32.wav`.  The recordings 0 to 4 of each digit and
speaker are the official test; the rest is shuffled and cut into train and val as the package does.

Source: github.com/Jakobovski/free-spoken-digit-dataset.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wavenet_jax.config import DataConfig
from wavenet_jax.data import (
    BOUNDARY_ID,
    Corpus,
    Splits,
    find_sources,
    level_ids,
    level_vocab,
    read_levels,
    split_documents,
)
from wavenet_jax.errors import InputError, pluralize, require

RATE = 8_000  # samples per second
LABELS = re.compile(r"(?P<digit>\d)_(?P<speaker>[a-z]+)_")
TEST = re.compile(r"_[0-4]\.wav$")
KINDS = ("digit", "speaker")


class Recording(NamedTuple):
    """A recording and what is known of it."""

    path: Path
    levels: np.ndarray  # [T] uint8
    labels: dict[str, str]  # by kind


def read_digits(data: str) -> Splits[list[Recording]]:
    """Return the recordings of a folder in the official split, a tenth of the rest as val.

    Raises `InputError` for a folder or a file that cannot be read, a name that tells no digit and
    speaker, and where no recording is left for a split.
    """
    with find_sources(DataConfig(data=data, kind="audio")) as (files, _):
        paths = sorted(file.path for file in files)
    found = [Recording(path, read_levels(path, RATE)[0], _labels(path)) for path in paths]
    test = [each for each in found if TEST.search(each.path.name)]
    rest = [each for each in found if not TEST.search(each.path.name)]
    require(
        len(rest) >= 2 and len(test) >= 1,
        f"data {data!r} has {pluralize(len(test), 'recording')} of the official test and "
        f"{len(rest):,} others, expected at least 1 and 2; give the whole data set.",
        "data",
    )
    parts = split_documents(rest, DataConfig(kind="audio", test_fraction=0.0))
    return Splits(parts.train, parts.val, test)


def _labels(path: Path) -> dict[str, str]:
    found = LABELS.match(path.name)
    if found is None:
        raise InputError(
            f"{path} tells no digit and speaker, expected a name such as 7_jackson_32.wav.", "data"
        )
    return found.groupdict()


def lay_out(recordings: Sequence[Recording]) -> Corpus:
    """Return the recordings as a corpus, which ends each with a boundary."""
    boundary = np.full(1, BOUNDARY_ID, level_vocab().dtype)
    parts = [part for each in recordings for part in (level_ids(each.levels), boundary)]
    return Corpus(np.concatenate([boundary, *parts]))
