"""What there is to train on: from the configuration, from documents, or mapped from a folder."""

import dataclasses
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from wavenet_jax.config import DataConfig, DataKind, Extent
from wavenet_jax.data.corpus import (
    Corpus,
    Splits,
    corpus_from_documents,
    split_documents,
    split_lengths,
)
from wavenet_jax.data.files import SourceFile, find_sources
from wavenet_jax.data.lists import documents_in_memory, find_table, read_list
from wavenet_jax.data.text import (
    Tally,
    drop_bad,
    guess_kind,
    read_beginning,
    read_texts,
    scan_text,
    transformed_chunks,
    write_tokens,
)
from wavenet_jax.data.vocab import BOUNDARY_ID, Vocab, forms_note, vocab_from_documents
from wavenet_jax.errors import InputError, escape, pluralize, require, require_default, show_short
from wavenet_jax.machine import open_regular, reason

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

    @property
    def extent(self) -> Extent:
        """Return how much there is to train on."""
        lengths = sorted(map(len, self.split_documents.train))
        typical = lengths[int(0.9 * (len(lengths) - 1))] if lengths else 0
        return Extent(self.kind, self.splits.train.num_predictions, typical)


def load_dataset(config: DataConfig, tokens_dir: Path | None = None) -> Dataset:
    """Read the data that the configuration names; raise `InputError` if they are unusable.

    Where it does not tell the kind, what the data look like does, and a note says so.  The tokens
    of a text are written to `tokens_dir`, which is made if it is missing, and mapped from there;
    None keeps them in memory.  A list is always in memory.
    """
    with find_sources(config) as (files, found):
        kind, guess = _kind_of(files, config)
        config = dataclasses.replace(config, kind=kind)
        if kind == "text":
            tally = Tally()
            chunks = partial(read_texts, files, config)
            dataset = _load_text(partial(chunks, tally), chunks, config, tokens_dir)
            notes = _skipped(tally)
        else:
            documents, notes = read_list(files, config)
            dataset = _list_dataset(documents, config)
    notes = [*found, *guess, *notes, *dataset.notes]
    return dataset._replace(notes=tuple(map(escape, notes)))  # files have names of strangers


def dataset_from_list(documents: Iterable[str], config: DataConfig) -> Dataset:
    """Return the dataset of documents that a program holds, each taken to the letter.

    Raises `InputError` where they are no list of strings or cannot be documents.
    """
    _require_kind(config, "list", "documents")
    require_default(config, "but documents are given", "column")
    given, notes = documents_in_memory(documents, config)
    dataset = _list_dataset(given, dataclasses.replace(config, kind="list"))
    return dataset._replace(notes=(*notes, *dataset.notes))


def dataset_from_text(text: str, config: DataConfig) -> Dataset:
    """Return the dataset of a text that a program holds; raise `InputError` if it is unusable."""
    require(isinstance(text, str), f"text is {show_short(text, 60)}, expected one string.", "text")
    _require_kind(config, "text", "text")
    config = dataclasses.replace(config, kind="text")
    tally = Tally()
    kept = drop_bad(text, config, tally)
    chunks = partial(transformed_chunks, [kept], config)
    dataset = _load_text(chunks, chunks, config, None)
    return dataset._replace(notes=(*_skipped(tally), *dataset.notes))


def dataset_from_documents(documents: list[str], vocab: Vocab, config: DataConfig) -> Dataset:
    """Split documents, and lay each split end to end."""
    parts = split_documents(documents, config)
    splits = Splits(*(corpus_from_documents(part, vocab) for part in parts))
    return Dataset(vocab, splits, documents, parts, "list")


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


def _kind_of(files: list[SourceFile], config: DataConfig) -> tuple[DataKind, list[str]]:
    """Return the kind of the data, and a note where it is a guess."""
    known = {file.kind for file in files}
    if config.kind is not None:
        return config.kind, []
    if config.column is not None:
        return "list", []
    if len(known) == 1 and (kind := known.pop()) is not None:
        return kind, []
    beginning = read_beginning(files)
    if find_table(files[0].name, beginning.split("\n")) is not None:
        return "list", []  # about which there is a note
    kind, reason = guess_kind(beginning)
    taken = "one text" if kind == "text" else "a list"
    other = "list for one document a line" if kind == "text" else "text for one text"
    return kind, [f"data {config.title} is taken as {taken} ({reason}); set kind to {other}."]


def _require_kind(config: DataConfig, kind: DataKind, given: str) -> None:
    require(
        config.kind in (kind, None),
        f"kind is {config.kind!r}, but {given} is given, expected {kind!r}; leave it out.",
        "kind",
    )


def _list_dataset(documents: list[str], config: DataConfig) -> Dataset:
    vocab = vocab_from_documents(documents, config.max_vocab)
    dataset = dataset_from_documents(documents, vocab, config)
    return dataset._replace(notes=() if config.normalize else tuple(forms_note(documents)))


def _load_text(
    scanned: Callable[[], Iterable[str]],
    chunks: Callable[[], Iterable[str]],
    config: DataConfig,
    tokens_dir: Path | None,
) -> Dataset:
    vocab, length, notes = scan_text(scanned(), config)
    lengths = split_lengths(length, config)
    if tokens_dir is not None:
        with _open_token_files(tokens_dir) as files:
            write_tokens(chunks(), vocab, lengths, files)
        return map_text_dataset(tokens_dir, vocab, config)._replace(notes=tuple(notes))
    buffers = [io.BytesIO() for _ in TOKEN_FILES]
    write_tokens(chunks(), vocab, lengths, buffers)
    tokens = [np.frombuffer(buffer.getvalue(), vocab.dtype) for buffer in buffers]
    return _text_dataset(vocab, tokens)._replace(notes=tuple(notes))


def _skipped(tally: Tally) -> list[str]:
    """Return a note on what was left out of a text."""
    return [f"{pluralize(tally.skipped, 'bad byte')} left out."] if tally.skipped else []


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
        with open_regular(path) as file:
            tokens = np.memmap(file, vocab.dtype, mode="r")  # stays mapped
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({reason(error)}); restore it or train again."
        ) from error
    require(
        tokens[0] == BOUNDARY_ID and (len(tokens) == 1 or tokens[-1] != BOUNDARY_ID),
        f"{path} is damaged, expected a boundary, then the characters of a split; restore it or "
        "train again.",
    )
    return tokens


def _text_dataset(vocab: Vocab, tokens: Iterable[np.ndarray]) -> Dataset:
    return Dataset(vocab, Splits(*map(Corpus, tokens)), [], Splits([], [], []), "text")
