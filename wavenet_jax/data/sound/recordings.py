"""Recordings: files of sound to samples of one channel, and samples to WAV files."""

import math
import os
import re
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from wavenet_jax.config import MAX_RATE, MIN_RATE
from wavenet_jax.data.files import SourceFile, decompressor
from wavenet_jax.errors import InputError, require
from wavenet_jax.machine import open_regular, reason

_BLOCK = 2**18  # frames that are decoded at a time, of all channels
# What libsndfile notes of a file that is shorter than its header says, or ends within an Ogg page
# or before the last one.  What ffmpeg writes to a pipe says no length: it is 2³² - 1.
_IS_CUT = re.compile(
    r"^data : (?!4294967295 )\d+ \(should be \d+\)|^Ogg: Junk after the last page"
    r"|lacks an end-of-stream bit",
    re.MULTILINE,
)
MEND = "mend it, or set skip_bad to leave out what is bad"
FORMATS = ("WAV", "WAVEX", "FLAC", "OGG")  # of which libsndfile tells where they are cut short
_PAGE_HEADER, _LARGEST_PAGE, _LAST_PAGE = 27, 65_307, 4  # bytes, bytes and a flag, of Ogg
_LOUDEST = 2**15 - 1  # of 16 bits


class Recording(NamedTuple):
    """A recording in memory."""

    samples: np.ndarray  # [T] float32, one channel, from -1 to 1 unless it was clipped
    rate: int  # samples per second


def require_soundfile() -> None:
    """Raise `InputError` where soundfile is not installed."""
    require(
        find_spec("soundfile") is not None,
        "recordings are read by soundfile, which is not installed, expected the extra sound; add "
        "it by `pip install 'wavenet-jax[sound]'`.",
    )


def read_recording(file: SourceFile, remedy: str = MEND) -> Recording:
    """Return a recording, its channels mixed to one with equal weights.

    Raises `InputError` for a file that cannot be read, is cut short, holds no sample, or one that
    is not finite, of another format or an odd rate, and where soundfile is not installed.
    """
    require_soundfile()
    import soundfile  # noqa: PLC0415  an optional extra

    try:
        with _opened(file) as opened, soundfile.SoundFile(opened) as sound:
            kind, rate, expected = sound.format, sound.samplerate, sound.frames
            if kind not in FORMATS or not MIN_RATE <= rate <= MAX_RATE:
                raise _bad(file, remedy, f"is {kind} of {rate:,} samples per second")
            samples, is_whole = _mixed(sound), _IS_CUT.search(sound.extra_info) is None
            is_whole = is_whole and (kind != "OGG" or _is_whole_ogg(opened))
    except (OSError, soundfile.SoundFileError) as error:
        raise _bad(file, remedy, f"cannot be read ({_said(error)})") from error
    if not is_whole or len(samples) < expected:
        raise _bad(file, remedy, f"is cut short after {len(samples):,} samples")
    if len(samples) == 0:
        raise _bad(file, remedy, "holds no sample")
    if not np.isfinite(samples).all():
        first = int(np.argmin(np.isfinite(samples)))
        raise _bad(file, remedy, f"holds a sample that is not finite, at {first:,}")
    return Recording(samples, rate)


@contextmanager
def _opened(file: SourceFile) -> Iterator[BinaryIO]:
    with open_regular(file.path) as opened:
        if decompressor(opened) is not None:
            raise _bad(file, "decompress it", "is compressed")
        yield opened


def _is_whole_ogg(file: BinaryIO) -> bool:
    """Tell whether a file ends with a whole last page, as Ogg wants it (RFC 3533, section 6)."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _LARGEST_PAGE))
    tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < _PAGE_HEADER or len(page) < _PAGE_HEADER + page[26]:
        return False
    size = _PAGE_HEADER + page[26] + sum(page[_PAGE_HEADER : _PAGE_HEADER + page[26]])
    return bool(page[5] & _LAST_PAGE) and len(page) >= size


def _mixed(sound: Any) -> np.ndarray:
    """Return the mean of the channels of an open file, `[T]` float32, which alone is held."""
    blocks = [block.mean(axis=1) for block in _blocks(sound)]
    return np.concatenate([np.zeros(0, np.float32), *blocks])


def _blocks(sound: Any) -> Iterator[np.ndarray]:
    while len(block := sound.read(_BLOCK, dtype="float32", always_2d=True)):
        yield block


def _said(error: Exception) -> str:
    return reason(error).split(": ", 1)[-1].removesuffix(".")  # without the path


def _bad(file: SourceFile, remedy: str, what: str) -> InputError:
    return InputError(
        f"{file.name} {what}, expected a whole recording, WAV, FLAC or OGG, of {MIN_RATE} to "
        f"{MAX_RATE:,} samples per second; {remedy}.",
        "skip_bad",
    )


def resample(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Return samples `[T]` at another rate: `[⌈T · wanted / rate⌉]` float32.

    A polyphase filter of linear phase removes what the lower rate cannot hold.  It is SciPy's,
    which comes with JAX: a resampler of a package of its own would be faster, not audibly better.
    """
    if rate == wanted:
        return samples
    from scipy.signal import resample_poly  # noqa: PLC0415  takes half a second

    common = math.gcd(rate, wanted)
    return resample_poly(samples, wanted // common, rate // common).astype(np.float32)


@contextmanager
def wav_writer(path: Path, rate: int) -> Iterator[Callable[[np.ndarray], None]]:
    """Open a WAV file of 16 bits and one channel; samples `[T]` that are given go to its end.

    After each piece the file on disk is whole, with a header that counts it, wherever writing ends.
    That is why the standard library writes it: libsndfile completes a header on closing.
    """
    with path.open("wb") as file, wave.open(file, "wb") as sound:
        sound.setparams((1, 2, rate, 0, "NONE", "not compressed"))

        def write(samples: np.ndarray) -> None:
            pcm = np.round(np.clip(samples, -1, 1) * _LOUDEST).astype(np.int16)
            sound.writeframes(pcm.tobytes())
            file.flush()

        yield write
