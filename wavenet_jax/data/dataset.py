"""What there is to train on: from the configuration, from documents, or mapped from a folder."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

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
from wavenet_jax.data.token_files import make_corpora, map_token_files, write_token_files
from wavenet_jax.data.vocab import Vocab, forms_note, vocab_from_documents
from wavenet_jax.errors import escape, pluralize, require, require_default, show_short


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


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Write the tokens of the splits for `map_dataset`; raise `InputError` if that fails."""

    def write(files: Sequence[BinaryIO]) -> None:
        for file, corpus in zip(files, dataset.splits, strict=True):
            file.write(corpus.tokens.data)

    write_token_files(write, folder)


def map_dataset(folder: Path, vocab: Vocab, config: DataConfig) -> Dataset:
    """Map a text, or recordings, from the files that were written to a folder.

    Raises `InputError` as `map_token_files` does.
    """
    assert config.kind is not None  # of a run it is known
    return _mapped(vocab, map_token_files(folder, vocab, config), config.kind)


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
    write = partial(write_tokens, chunks(), vocab, split_lengths(length, config))
    splits = make_corpora(write, vocab, config, tokens_dir)
    return _mapped(vocab, splits, "text")._replace(notes=tuple(notes))


def _skipped(tally: Tally) -> list[str]:
    """Return a note on what was left out of a text."""
    return [f"{pluralize(tally.skipped, 'bad byte')} left out."] if tally.skipped else []


def _mapped(vocab: Vocab, splits: Splits[Corpus], kind: DataKind) -> Dataset:
    return Dataset(vocab, splits, [], Splits([], [], []), kind)
