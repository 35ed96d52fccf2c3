"""Recordings as documents of levels, never all of them in memory.

They are read once, in the order of their files, into a scratch file of a byte per sample, which is
mapped.  So they are all known before they are shuffled and split.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from wavenet_jax.config import DataConfig
from wavenet_jax.data.corpus import Splits, min_documents
from wavenet_jax.data.files import STRINGS, SourceFile
from wavenet_jax.data.labels import Found
from wavenet_jax.data.sound.codec import encode_levels
from wavenet_jax.data.sound.loudness import scale, trim
from wavenet_jax.data.sound.recordings import (
    MEND,
    Recording,
    read_recording,
    require_soundfile,
    resample,
)
from wavenet_jax.data.sound.strings import pluck_strings
from wavenet_jax.data.vocab import BOUNDARY_ID, level_vocab
from wavenet_jax.errors import InputError, pluralize, require

FIRST_LEVEL_ID = BOUNDARY_ID + 1
CHOOSE = "choose another"  # of a recording that is given by itself


class Sounds(NamedTuple):
    """Recordings of one rate, and what the user should know of them."""

    levels: list[np.ndarray]  # of each recording [T] uint8, parts of a mapped file
    found: Found  # their labels
    rate: int  # samples per second
    notes: list[str]


def level_ids(levels: np.ndarray) -> np.ndarray:
    """Return the ids of levels `[T]`, of the vocabulary's dtype."""
    return levels.astype(level_vocab().dtype) + FIRST_LEVEL_ID


def read_levels(path: Path, config: DataConfig) -> tuple[np.ndarray, list[str]]:
    """Return the levels of a recording, `[T]` uint8, and a note where it was resampled.

    It is read as those of the configuration, which has a rate, are.  Raises `InputError` as
    `read_recording` does, and for silence.
    """
    assert config.rate is not None
    file = SourceFile(str(path), path)
    recording = _trimmed(file, read_recording(file, CHOOSE), config, CHOOSE)
    note = f"{path} is resampled from {recording.rate:,} to {config.rate:,} Hz."
    levels = _levels(recording, config.rate, config)
    return levels, [note] if recording.rate != config.rate else []


def _levels(recording: Recording, rate: int, config: DataConfig) -> np.ndarray:
    samples = resample(*recording, rate)
    return encode_levels(samples if config.peak is None else scale(samples, config.peak))


def read_sounds(
    files: Sequence[SourceFile], kinds: tuple[str, ...], config: DataConfig, scratch: BinaryIO
) -> Sounds:
    """Return the recordings in files, whose levels are written to a scratch file.

    The files have labels of these kinds.
    Raises `InputError` for a recording that cannot be read, unless it is to be left out, for
    several rates unless the configuration has one, and too few recordings.
    """
    notes, lengths, rate, resampled = list[str](), list[int](), config.rate, 0
    found = Found(kinds)
    for file, recording in _readable(files, config, notes):
        rate = rate or recording.rate
        require(
            config.rate is not None or recording.rate == rate,
            f"{file.name} has {recording.rate:,} samples per second, and recordings before it have "
            f"{rate:,}, expected one rate; set rate to {min(rate, recording.rate)} to resample "
            "them.",
            "rate",
        )
        resampled += recording.rate != rate
        levels = _levels(recording, rate, config)
        scratch.write(levels.tobytes())
        lengths.append(len(levels))
        found.add([file.labels], is_test=file.is_test)
    _require_enough(found, config)
    assert rate is not None
    if resampled:
        notes.append(f"{pluralize(resampled, 'recording')} resampled to {rate:,} Hz.")
    scratch.flush()
    levels = np.memmap(scratch, np.uint8, mode="r")
    return Sounds(np.split(levels, np.cumsum(lengths)[:-1]), found, rate, notes)


def _readable(
    files: Sequence[SourceFile], config: DataConfig, notes: list[str]
) -> Iterator[tuple[SourceFile, Recording]]:
    """Yield the recordings; bad ones are left out, and noted, if the configuration says so."""
    if any(file.name != STRINGS for file in files):
        require_soundfile()
    bad = list[str]()
    for file in files:
        if file.name == STRINGS:
            for note, recording in pluck_strings(config.rate):
                yield file._replace(labels=(note,)), _trimmed(file, recording, config)
            continue
        try:
            recording = _trimmed(file, read_recording(file), config)
        except InputError as error:
            if not config.skip_bad:
                raise
            bad.append(str(error).partition(", expected")[0])
        else:
            yield file, recording
    if bad:
        notes.append(f"{pluralize(len(bad), 'bad recording')} left out, the first: {bad[0]}.")


def _trimmed(
    file: SourceFile, recording: Recording, config: DataConfig, remedy: str = MEND
) -> Recording:
    """Return a recording without the silence at its ends, as far as that is wanted.

    Raises `InputError` for one that is silent throughout.
    """
    require(
        bool(recording.samples.any()),
        f"{file.name} is silent throughout, expected a sound; {remedy}.",
        "skip_bad",
    )
    return recording if config.trim_db is None else trim(recording, config.trim_db)


def _require_enough(found: Found, config: DataConfig) -> None:
    least, count = min_documents(config), found.num_untested
    beside = " beside the test" if any(found.tests) else ""
    require(
        count >= least,
        f"data {config.title} has {pluralize(count, 'recording')}{beside}, expected at least "
        f"{least}, one for each of train, val and test unless its fraction is 0; give more, or set "
        "the fraction to 0.",
        "data",
    )


def write_sounds(parts: Splits[list[np.ndarray]], files: Sequence[BinaryIO]) -> None:
    """Write the recordings of each split to its file as ids, a boundary before and after each."""
    boundary = level_vocab().dtype.type(BOUNDARY_ID).tobytes()
    for file, recordings in zip(files, parts, strict=True):
        file.write(boundary)
        for levels in recordings:
            file.write(level_ids(levels).tobytes() + boundary)
