"""A text as one stream of tokens, never whole in memory.

The file is read twice, a few megabytes at a time: for its characters, and to write their ids, a
byte or two each.  What trains on it maps the ids into memory and touches only what it reads.
"""

import codecs
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

import numpy as np

from wavenet_jax import vocab as vocabs
from wavenet_jax.config import DataConfig
from wavenet_jax.errors import InputError, require
from wavenet_jax.vocab import BOUNDARY_ID, STREAM_BOUNDARY, Vocab

_PIECE = 2**22  # bytes read at a time
_BYTE_ORDER_MARK = "\ufeff"  # which Windows writes at the start; no character of the text


def read(path: Path) -> Iterator[str]:
    """Yield the text of a file in pieces; raise `InputError` where it is no UTF-8 text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while True:
                start = file.tell() - len(decoder.getstate()[0])
                raw = file.read(_PIECE)
                text = decoder.decode(raw, final=not raw)
                yield text.removeprefix(_BYTE_ORDER_MARK) if start == 0 else text
                if not raw:
                    return
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte 0x{error.object[error.start]:02x} at {start + error.start:,} is not "
            "UTF-8, expected UTF-8 text; convert it, for example with iconv."
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error


def survey(path: Path, max_vocab: int) -> tuple[Vocab, int]:
    """Return the vocabulary of a text and its number of characters.

    Raises `InputError` where the text holds NUL, or more characters than `max_vocab`.
    """
    occurs, length = np.zeros(vocabs.CODE_POINTS, bool), 0
    for text in read(path):
        occurs[vocabs.code_points(text)] = True
        length += len(text)
    require(
        not occurs[ord(STREAM_BOUNDARY)],
        f"{path} holds the character NUL, expected plain text; is this a binary file?",
    )
    characters = map(chr, np.flatnonzero(occurs).tolist())
    return vocabs.from_characters(characters, STREAM_BOUNDARY, max_vocab), length


def part_lengths(length: int, config: DataConfig) -> list[int]:
    """Return how many characters go to train, val and test, in this order of position."""
    val_start, test_start = config.cuts(length)
    lengths = [val_start, test_start - val_start, length - test_start]
    require(
        min(lengths[:2]) > 0 and (lengths[2] > 0 or config.test_share == 0),
        f"the text holds {length:,} characters, of which "
        f"{' / '.join(f'{part:,}' for part in lengths)} would be for train, val and test; give a "
        "longer text or other fractions.",
    )
    return lengths


def tokens(pieces: Iterable[str], vocab: Vocab, lengths: list[int]) -> Iterator[np.ndarray]:
    """Yield the ids of a text, with a boundary before each part that is not empty, and last."""
    starts = [end - length for end, length in zip(accumulate(lengths), lengths, strict=True)]
    starts = [start for start, length in zip(starts, lengths, strict=True) if length]
    done = 0
    for text in pieces:
        here = [start - done for start in starts if done <= start < done + len(text)]
        yield np.insert(vocab.encode(text), here, vocab.dtype.type(BOUNDARY_ID))
        done += len(text)
    yield np.zeros(1, vocab.dtype)


def cut(stream: np.ndarray, lengths: list[int]) -> list[np.ndarray]:
    """Cut what `tokens` yielded, end to end, into the parts, each behind its boundary."""
    parts, start = [], 0
    for length in lengths:
        end = start + (length + 1 if length else 0)
        parts.append(stream[start:end] if length else np.zeros(1, stream.dtype))
        start = end
    return parts


def write_parts(parts: Iterable[np.ndarray], path: Path) -> None:
    """Write the parts that `cut` gave as `tokens` yields them."""
    full = [part for part in parts if len(part) > 1]
    np.append(np.concatenate(full), full[0].dtype.type(BOUNDARY_ID)).tofile(path)


def map_parts(path: Path, vocab: Vocab, config: DataConfig) -> list[np.ndarray]:
    """Map the parts from a file of what `tokens` yielded; raise `InputError` if it is damaged."""
    try:
        stream = np.memmap(path, vocab.dtype, mode="r")
        boundaries = 3 if config.test_share == 0 else 4
        parts = cut(stream, part_lengths(len(stream) - boundaries, config))
    except (OSError, ValueError, InputError) as error:
        raise InputError(f"{path} cannot be read ({error}); restore it or train anew.") from error
    require(
        stream[-1] == BOUNDARY_ID and all(part[0] == BOUNDARY_ID for part in parts),
        f"{path} is damaged: its parts do not lie where they should; restore it or train anew.",
    )
    return parts
