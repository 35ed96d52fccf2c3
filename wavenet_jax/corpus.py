"""Files to documents or streams, these to splits, splits to the array that everything reads."""

import os
import random
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from wavenet_jax import download, streams
from wavenet_jax import vocab as vocabs
from wavenet_jax.config import DataConfig
from wavenet_jax.errors import InputError, require
from wavenet_jax.vocab import BOUNDARY, BOUNDARY_ID, Vocab

MINIMUM_DOCUMENTS = 3  # one each to train on, to validate and to test

T = TypeVar("T")


class Corpus(NamedTuple):
    """Documents laid end to end, a boundary before the first and after each.

        tokens  [N+1]   .  e  m  m  a  .  o  l  i  v  i  a  .

    Prediction i sees tokens[i], tokens[i-1], ... back to the last boundary, where its document
    began, and endless boundaries before that; its target is tokens[i+1].  A stream is a corpus of
    one document that has no end, so that its last token is no boundary.
    """

    tokens: np.ndarray  # [N+1], the smallest unsigned type that holds V - 1

    @property
    def predictions(self) -> int:
        """Return N."""
        return len(self.tokens) - 1

    @property
    def is_stream(self) -> bool:
        """Tell whether this is one document without an end."""
        return bool(self.tokens[-1] != BOUNDARY_ID)

    def first(self, predictions: int) -> "Corpus":
        """Return so many predictions of a stream; of a list the whole documents in them, or one."""
        end = min(predictions, self.predictions)
        if not self.is_stream:
            ends = np.append(self.starts[1:], self.predictions)
            end = int(max([ends[0], *ends[ends <= end]]))
        return Corpus(self.tokens[: end + 1])

    @property
    def starts(self) -> np.ndarray:
        """Return the first prediction of every document, `[D]`."""
        return np.flatnonzero(self.tokens[:-1] == BOUNDARY_ID)


class Splits(NamedTuple, Generic[T]):
    """One value for each split: its documents, its corpus, its loss."""

    train: T
    val: T
    test: T


class Dataset(NamedTuple):
    """What there is to train on, as tokens; of a list also the documents themselves."""

    vocab: Vocab
    splits: Splits[Corpus]
    documents: list[str]  # in the order of their file; none of a stream
    parts: Splits[list[str]]  # the same, shuffled and split

    @property
    def is_stream(self) -> bool:
        """Tell whether this is one text, not a list of documents."""
        return not self.documents


def load(config: DataConfig, tokens_path: Path | None = None) -> Dataset:
    """Read and prepare the data that the configuration names; raise `InputError` if unusable.

    The tokens of a stream are written to `tokens_path` and mapped from there, or else kept in
    memory; a list stays in memory.
    """
    path = find(config)
    if not config.stream:
        documents = read_documents(path)
        return prepare(documents, vocabs.from_documents(documents, config.max_vocab), config)
    vocab, length = streams.survey(path, config.max_vocab)
    lengths = streams.part_lengths(length, config)
    pieces = streams.tokens(streams.read(path), vocab, lengths)
    if tokens_path is None:
        return _stream(vocab, streams.cut(np.concatenate(list(pieces)), lengths))
    try:
        tokens_path.parent.mkdir(parents=True, exist_ok=True)
        with tokens_path.open("wb") as file:
            for piece in pieces:
                file.write(piece.tobytes())
    except OSError as error:
        raise InputError(
            f"{tokens_path} cannot be written ({error.strerror}), expected room for the "
            f"{length:,} characters of {path}; choose another --run-dir."
        ) from error
    return map_stream(tokens_path, vocab, config)


def map_stream(tokens_path: Path, vocab: Vocab, config: DataConfig) -> Dataset:
    """Map the tokens of a stream that `load` wrote; raise `InputError` if they are not there."""
    return _stream(vocab, streams.map_parts(tokens_path, vocab, config))


def _stream(vocab: Vocab, parts: list[np.ndarray]) -> Dataset:
    return Dataset(vocab, Splits(*map(Corpus, parts)), documents=[], parts=Splits([], [], []))


def prepare(documents: list[str], vocab: Vocab, config: DataConfig) -> Dataset:
    """Split the documents and lay each split end to end."""
    parts = split_documents(documents, config)
    splits = Splits(*(from_documents(part, vocab) for part in parts))
    return Dataset(vocab, splits, documents, parts)


def bundled_names() -> Path:
    """Return the path of the names that come with the package."""
    package = Path(__file__).parent
    # A wheel carries the list inside the package; a checkout has it in data/ beside the package.
    inside = package / "names.txt"
    return inside if inside.exists() else package.parent / "data" / "names.txt"


def find(config: DataConfig) -> Path:
    """Return the file that `--data` means; raise `InputError` if it is not there."""
    data, stream = config.data, config.stream
    if data == "names":
        require(
            not stream, "data 'names' is a list, but stream is True, expected False: --no-stream."
        )
        return bundled_names()
    if data in download.SOURCES:
        require(
            stream == download.SOURCES[data].stream,
            f"data {data!r} is {'a list' if stream else 'one text'}, but stream is {stream}, "
            f"expected {not stream}: --{'no-' if stream else ''}stream.",
        )
        path = download.cached(data)
        require(
            download.is_whole(path, download.SOURCES[data]),
            f"data {data!r} is not downloaded yet, expected the whole file at {path}; "
            f"run `wavenet-jax data {data}` first.",
        )
        return path
    path = Path(data)
    kind = "a folder" if os.path.isdir(path) else "not there"
    what = "" if stream else " with one document a line"
    require(
        os.path.isfile(path),  # Path.is_file raises where a name is too long
        f"data {data!r} is {kind}, expected a text file{what}, names, makemore or shakespeare.",
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
            "the boundary between documents; remove or replace it, or give --stream if the file is "
            "one text.",
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
    val_start, test_start = config.cuts(n)
    test_start = min(max(test_start, 2), n - 1)
    val_start = min(max(val_start, 1), test_start - 1)
    return Splits(shuffled[:val_start], shuffled[val_start:test_start], shuffled[test_start:])


def from_documents(documents: Iterable[str], vocab: Vocab) -> Corpus:
    """Lay documents end to end; raise `InputError` for a character unknown to the vocabulary."""
    return Corpus(vocab.encode(vocab.boundary.join(["", *documents, ""])))
