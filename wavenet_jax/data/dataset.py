"""What there is to train on: from the configuration, from documents, or mapped from a folder."""

import dataclasses
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from wavenet_jax.config import DataConfig, DataKind
from wavenet_jax.data.corpus import Corpus, Splits, corpus_from_documents
from wavenet_jax.data.documents import read_documents, split_documents
from wavenet_jax.data.download import SOURCES, Source, download_path, is_whole
from wavenet_jax.data.text import read_text, scan_text, split_lengths, write_tokens
from wavenet_jax.data.vocab import BOUNDARY_ID, Vocab, vocab_from_documents
from wavenet_jax.errors import InputError, require
from wavenet_jax.paths import bundled_names

TOKEN_FILES = Splits("train.bin", "val.bin", "test.bin")  # each the tokens of a split of a text


class Dataset(NamedTuple):
    """The splits as tokens, with their vocabulary; of a list also the documents themselves."""

    vocab: Vocab
    splits: Splits[Corpus]
    documents: list[str]  # in the order of their file; empty for a text
    split_documents: Splits[list[str]]  # the same, shuffled and split
    kind: DataKind = "list"
    notes: tuple[str, ...] = ()  # sentences for the user on what was found and how it was taken

    @property
    def is_text(self) -> bool:
        """Tell whether this is one text instead of a list of documents."""
        return self.kind == "text"


def load_dataset(config: DataConfig, tokens_dir: Path | None = None) -> Dataset:
    """Read the data that the configuration names; raise `InputError` if they are unusable.

    The tokens of a text are written to `tokens_dir`, which is made if it is missing, and mapped
    from there; None keeps them in memory.  A list is always in memory.
    """
    path = find_data(config)
    kind = SOURCES[str(config.data)].kind if config.data in SOURCES else "list"
    config = dataclasses.replace(config, kind=config.kind or kind)
    if config.is_text:
        return _load_text(path, config, tokens_dir)
    documents = read_documents(path)
    vocab = vocab_from_documents(documents, config.max_vocab)
    return dataset_from_documents(documents, vocab, config)


def dataset_from_documents(documents: list[str], vocab: Vocab, config: DataConfig) -> Dataset:
    """Split documents, and lay each split end to end."""
    parts = split_documents(documents, config)
    splits = Splits(*(corpus_from_documents(part, vocab) for part in parts))
    return Dataset(vocab, splits, documents, parts)


def find_data(config: DataConfig, sources: Mapping[str, Source] = SOURCES) -> Path:
    """Return the file that the configuration names.

    Raises `InputError` where it is not there, and for a known data set of the other kind.
    """
    if config.data == "names":
        _require_kind(config, "list")
        return bundled_names()
    name = str(config.data)
    if name in sources:
        return _find_download(config, sources[name])
    path = Path(name)
    require(
        os.path.isfile(path),  # Path.is_file raises where a name is too long
        f"data {config.data!r} is {'a folder' if os.path.isdir(path) else 'not there'}, expected "
        f"a text file{'' if config.is_text else ' with one document a line'}, names, "
        f"{' or '.join(sources)}.",
        "data",
    )
    return path


def write_text_dataset(dataset: Dataset, folder: Path) -> None:
    """Write the tokens of a text for `map_text_dataset`; raise `InputError` if that fails."""
    with _open_token_files(folder) as files:
        for file, corpus in zip(files, dataset.splits, strict=True):
            file.write(corpus.tokens.data)


def map_text_dataset(folder: Path, vocab: Vocab, config: DataConfig) -> Dataset:
    """Map the tokens of a text from the files that were written to a folder.

    Raises `InputError` where a file is missing or damaged, and where their lengths are not those
    that the configuration splits a text into, so that one of them must have been cut short.
    """
    dataset = _text_dataset(vocab, [_map_tokens(folder / name, vocab) for name in TOKEN_FILES])
    lengths = [corpus.num_predictions for corpus in dataset.splits]
    val_start, test_start = config.cuts(sum(lengths))
    require(
        [val_start, test_start] == [lengths[0], lengths[0] + lengths[1]]
        and lengths[0] > 0
        and (lengths[1] > 0 or config.val_fraction == 0),
        f"{folder} is damaged: {', '.join(TOKEN_FILES)} hold "
        f"{' / '.join(f'{length:,}' for length in lengths)} characters, expected the fractions of "
        "the configuration; restore them or train again.",
    )
    return dataset


def _find_download(config: DataConfig, source: Source) -> Path:
    _require_kind(config, source.kind)
    path = download_path(str(config.data))
    require(
        is_whole(path, source),
        f"data {config.data!r} is not downloaded yet, expected the whole file at {path}; run "
        f"`wavenet-jax data {config.data}` first.",
        "data",
    )
    return path


def _require_kind(config: DataConfig, kind: DataKind) -> None:
    require(
        config.kind in (kind, None),
        f"kind is {config.kind!r}, but data {config.data!r} is a {kind}, expected {kind!r}.",
        "kind",
    )


def _load_text(path: Path, config: DataConfig, tokens_dir: Path | None) -> Dataset:
    vocab, length = scan_text(path, config.max_vocab)
    lengths = split_lengths(length, config)
    if tokens_dir is not None:
        with _open_token_files(tokens_dir) as files:
            write_tokens(read_text(path), vocab, lengths, files)
        return map_text_dataset(tokens_dir, vocab, config)
    buffers = [io.BytesIO() for _ in TOKEN_FILES]
    write_tokens(read_text(path), vocab, lengths, buffers)
    return _text_dataset(vocab, [np.frombuffer(each.getvalue(), vocab.dtype) for each in buffers])


@contextmanager
def _open_token_files(folder: Path) -> Iterator[Splits[BinaryIO]]:
    """Open the files of a text's splits; raise `InputError` where they cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            yield Splits(*(stack.enter_context((folder / n).open("wb")) for n in TOKEN_FILES))
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written ({error.strerror}), expected a writable folder with room "
            "for the tokens of the text; choose another."
        ) from error


def _map_tokens(path: Path, vocab: Vocab) -> np.ndarray:
    try:
        tokens = np.memmap(path, vocab.dtype, mode="r")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); restore it or train again.") from error
    require(
        tokens[0] == BOUNDARY_ID and (len(tokens) == 1 or tokens[-1] != BOUNDARY_ID),
        f"{path} is damaged, expected a boundary, then the characters of a split; restore it or "
        "train again.",
    )
    return tokens


def _text_dataset(vocab: Vocab, tokens: Iterable[np.ndarray]) -> Dataset:
    return Dataset(vocab, Splits(*map(Corpus, tokens)), [], Splits([], [], []), "text")
