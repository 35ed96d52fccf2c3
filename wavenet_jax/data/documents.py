"""A list file to documents, and these to splits."""

import random
import unicodedata
from pathlib import Path

from wavenet_jax.config import DataConfig
from wavenet_jax.data.corpus import Splits
from wavenet_jax.errors import InputError, pluralize, require

MIN_DOCUMENTS = 3  # for train, val and test


def read_documents(path: Path) -> list[str]:
    """Return the lines of a file in order, stripped, without the blank ones.

    Capitals, accents and repetitions are kept.  Raises `InputError`, with the number of the line,
    for a file that is unreadable, is not UTF-8 text, contains the boundary character, or holds
    fewer than three documents.
    """
    lines = [line.strip() for line in _read(path).split("\n")]
    for number, line in enumerate(lines, start=1):
        _require_text(line, f"{path}, line {number}")
    documents = [line for line in lines if line]
    require(
        len(documents) >= MIN_DOCUMENTS,
        f"{path} holds {pluralize(len(documents), 'document')}, expected at least "
        f"{MIN_DOCUMENTS}, one a line: train, val and test need one each.",
    )
    return documents


def split_documents(documents: list[str], config: DataConfig) -> Splits[list[str]]:
    """Shuffle with the split seed and cut into train, val and test.

    None of them is empty unless its fraction is 0.

    With seed 42 and tenths this is the lecture's split: CPython's shuffle, cut at `int(0.8 * n)`
    and `int(0.9 * n)`.
    """
    shuffled = list(documents)
    random.Random(config.split_seed).shuffle(shuffled)
    val_start, test_start = config.cuts(len(shuffled))
    has_val, has_test = config.val_fraction > 0, config.test_share > 0
    test_start = min(max(test_start, 1 + has_val), len(shuffled) - has_test)
    val_start = min(max(val_start, 1), test_start - has_val)
    return Splits(shuffled[:val_start], shuffled[val_start:test_start], shuffled[test_start:])


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
    try:
        # Byte-order marks, which Windows writes at the start, are not part of the text.
        return content.decode("utf-8").replace("\ufeff", "")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8, expected UTF-8 "
            "text with one document a line; convert it, for example with iconv."
        ) from error


def _require_text(line: str, place: str) -> None:
    control = [c for c in line if c != "\t" and unicodedata.category(c) == "Cc"]
    require(
        not control,
        f"{place}: contains the control character {''.join(control[:1])!r}, expected plain text "
        "with one document a line; is this a binary file?",
    )
