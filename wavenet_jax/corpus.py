"""Files to documents, documents to splits, splits to the two arrays that everything reads."""

import os
import random
import unicodedata
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from wavenet_jax import download
from wavenet_jax import vocab as vocabs
from wavenet_jax.config import DataConfig, InputError, require
from wavenet_jax.vocab import BOUNDARY, BOUNDARY_ID, Vocab

MINIMUM_DOCUMENTS = 3  # one each to train on, to validate and to test

T = TypeVar("T")


class Corpus(NamedTuple):
    """Documents laid end to end, a boundary before the first and after each.

        tokens  [N+1]   .  e  m  m  a  .  o  l  i  v  i  a  .
        age     [N]     0  1  2  3  4  0  1  2  3  4  5  6

    Prediction i sees tokens[i], tokens[i-1], ... back to its document's start, age[i] positions
    ago, and endless boundaries before that; its target is tokens[i+1].
    """

    tokens: np.ndarray  # [N+1], the smallest unsigned type that holds V - 1
    age: np.ndarray  # [N] int32, positions since the document's start

    @property
    def predictions(self) -> int:
        """Return N."""
        return len(self.age)


class Splits(NamedTuple, Generic[T]):
    """One value for each split: its documents, its corpus, its loss."""

    train: T
    val: T
    test: T


class Dataset(NamedTuple):
    """Documents in the order of their file, shuffled and split, and as tokens."""

    vocab: Vocab
    documents: list[str]
    parts: Splits[list[str]]
    splits: Splits[Corpus]


def load(config: DataConfig) -> Dataset:
    """Read and prepare the data that the configuration names; raise `InputError` if unusable."""
    documents = read_documents(find(config.data))
    return prepare(documents, vocabs.from_documents(documents), config)


def prepare(documents: list[str], vocab: Vocab, config: DataConfig) -> Dataset:
    """Split the documents and lay each split end to end."""
    parts = split_documents(documents, config)
    return Dataset(
        vocab, documents, parts, Splits(*(from_documents(part, vocab) for part in parts))
    )


def bundled_names() -> Path:
    """Return the path of the names that come with the package."""
    package = Path(__file__).parent
    # A wheel carries the list inside the package; a checkout has it in data/ beside the package.
    inside = package / "names.txt"
    return inside if inside.exists() else package.parent / "data" / "names.txt"


def find(data: str) -> Path:
    """Return the file that `--data` means; raise `InputError` if it is not there."""
    if data == "names":
        return bundled_names()
    require(
        data != "shakespeare",
        "data 'shakespeare' is one long text, expected a list with one document a line; give "
        "names, makemore or a file.",
    )
    if data in download.SOURCES:
        path = download.cached(data)
        require(
            download.is_whole(path, download.SOURCES[data]),
            f"data {data!r} is not downloaded yet, expected the whole file at {path}; "
            f"run `wavenet-jax data {data}` first.",
        )
        return path
    path = Path(data)
    kind = "a folder" if os.path.isdir(path) else "not there"
    require(
        os.path.isfile(path),  # Path.is_file raises where a name is too long
        f"data {data!r} is {kind}, expected a text file "
        "with one document a line, names or makemore.",
    )
    return path


def read_documents(path: Path) -> list[str]:
    """Return the file's lines in order, without blanks at their ends and without blank lines.

    Capitals, accents and repetitions are kept.  Raises `InputError`, with the line, when the file
    is unreadable, no UTF-8 text, holds the boundary character or fewer than three documents.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from error
    text = _decode(raw, path)
    lines = [line.strip() for line in text.split("\n")]
    for number, line in enumerate(lines, start=1):
        control = _control_characters(line)
        require(
            not control,
            f"{path}, line {number}: holds the control character {control[:1]!r}, "
            "expected plain text with one document a line; is this a binary file?",
        )
        require(
            BOUNDARY not in line,
            f"{path}, line {number}: {line[:60]!r} holds {BOUNDARY!r}, the character that marks "
            "the boundary between documents; remove or replace it.",
        )
    documents = [line for line in lines if line]
    require(
        len(documents) >= MINIMUM_DOCUMENTS,
        f"{path} holds {len(documents)} documents, expected at least {MINIMUM_DOCUMENTS}, "
        "one a line, to train on, to validate and to test.",
    )
    return documents


def _control_characters(line: str) -> str:
    return "".join(c for c in line if c != "\t" and unicodedata.category(c) == "Cc")


def _decode(raw: bytes, path: Path) -> str:
    try:
        # Byte-order marks, which Windows writes at the start, are no characters.
        return raw.decode("utf-8").replace("\ufeff", "")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {line}: byte 0x{raw[error.start]:02x} is not UTF-8, expected UTF-8 "
            "text with one document a line; convert it, for example with iconv."
        ) from error


def split_documents(documents: list[str], config: DataConfig) -> Splits[list[str]]:
    """Shuffle once by the split seed and cut into train, val and test, none of them empty.

    With seed 42 and tenths this is the lecture's split: CPython's shuffle, cut at `int(.8 n)` and
    `int(.9 n)`.
    """
    shuffled = list(documents)
    random.Random(config.split_seed).shuffle(shuffled)
    n = len(shuffled)
    # Rounded before it is cut, for 1 - 0.3 - 0.3 is a hair less than 0.4.
    test_start = int(round((1 - config.test_fraction) * n, 6))
    val_start = int(round((1 - config.test_fraction - config.val_fraction) * n, 6))
    test_start = min(max(test_start, 2), n - 1)
    val_start = min(max(val_start, 1), test_start - 1)
    return Splits(shuffled[:val_start], shuffled[val_start:test_start], shuffled[test_start:])


def from_documents(documents: list[str], vocab: Vocab) -> Corpus:
    """Lay documents end to end; raise `InputError` for a character unknown to the vocabulary."""
    text = BOUNDARY + "".join(document + BOUNDARY for document in documents)
    tokens = vocab.encode(text).astype(np.min_scalar_type(len(vocab) - 1))
    position = np.arange(len(tokens) - 1, dtype=np.int32)
    starts = np.flatnonzero(tokens[:-1] == BOUNDARY_ID).astype(np.int32)
    lengths = np.diff(np.append(starts, len(tokens) - 1))
    return Corpus(tokens, position - np.repeat(starts, lengths))
