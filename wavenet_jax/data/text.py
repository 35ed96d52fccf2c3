"""A text of any size to the tokens of its splits, never whole in memory.

The file is read twice in chunks: for its vocabulary and its length, and to write its ids, a byte or
two each.  Each split has a file of its own, which training maps and of which it touches only what
it reads.
"""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np

from wavenet_jax.config import DataConfig
from wavenet_jax.data.corpus import Splits
from wavenet_jax.data.vocab import (
    BOUNDARY,
    BOUNDARY_ID,
    NUM_CODE_POINTS,
    Vocab,
    code_points,
    vocab_from_characters,
)
from wavenet_jax.errors import InputError, require

CHUNK_BYTES = 2**22
_BYTE_ORDER_MARK = "\ufeff"  # which Windows writes at the start; not part of the text


def read_text(path: Path, chunk_bytes: int = CHUNK_BYTES) -> Iterator[str]:
    """Yield the text of a file in chunks; raise `InputError` where it is not UTF-8 text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while True:
                start = file.tell() - len(decoder.getstate()[0])
                content = file.read(chunk_bytes)
                chunk = decoder.decode(content, final=not content)
                yield chunk.removeprefix(_BYTE_ORDER_MARK) if start == 0 else chunk
                if not content:
                    return
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte 0x{error.object[error.start]:02x} at {start + error.start:,} is not "
            "UTF-8, expected UTF-8 text; convert it, for example with iconv."
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error


def scan_text(
    path: Path, max_vocab: int = DataConfig.max_vocab, chunk_bytes: int = CHUNK_BYTES
) -> tuple[Vocab, int]:
    """Return the vocabulary of a text and its number of characters.

    Raises `InputError` as `read_text` does, and where the text contains NUL, or more distinct
    characters than `max_vocab`.
    """
    occurs, length = np.zeros(NUM_CODE_POINTS, bool), 0
    for chunk in read_text(path, chunk_bytes):
        occurs[code_points(chunk)] = True
        length += len(chunk)
    require(
        not occurs[ord(BOUNDARY)],
        f"{path} contains the character NUL, expected plain text; is this a binary file?",
    )
    characters = map(chr, np.flatnonzero(occurs).tolist())
    return vocab_from_characters(characters, max_vocab), length


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


def write_tokens(
    chunks: Iterable[str], vocab: Vocab, lengths: Splits[int], files: Sequence[BinaryIO]
) -> None:
    """Write the tokens of each split of a text to its file, the boundary first."""
    for file in files:
        file.write(vocab.dtype.type(BOUNDARY_ID).tobytes())
    bounds = list(pairwise(accumulate(lengths, initial=0)))
    position = 0
    for chunk in chunks:
        for file, (start, end) in zip(files, bounds, strict=True):
            part = chunk[max(start - position, 0) : max(end - position, 0)]
            file.write(vocab.encode(part).tobytes())
        position += len(chunk)
