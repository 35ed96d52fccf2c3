"""What there is to train on: from the configuration, from documents, or mapped from a folder."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
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
from wavenet_jax.data.labels import LabelCounts, LabelVocab, count_labels
from wavenet_jax.data.lists import documents_in_memory, find_table, read_list
from wavenet_jax.data.sound import read_sounds, write_sounds
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
from wavenet_jax.data.token_files import (
    make_corpora,
    map_token_files,
    scratch_file,
    write_token_files,
)
from wavenet_jax.data.vocab import Vocab, forms_note, level_vocab, vocab_from_documents
from wavenet_jax.errors import escape, pluralize, require, require_default, show_short


class Dataset(NamedTuple):
    """The splits as tokens, with their vocabulary; of a list also the documents as strings."""

    vocab: Vocab
    splits: Splits[Corpus]
    documents: list[str]  # in the order of their file; empty unless this is a list
    split_documents: Splits[list[str]]  # the same, shuffled and split
    kind: DataKind = "list"
    notes: tuple[str, ...] = ()  # sentences for the user on what was found and how it was taken
    rate: int | None = None  # samples per second, of recordings
    labels: LabelVocab = LabelVocab()  # of the documents; of no kind unless they have some

    @property
    def is_text(self) -> bool:
        """Tell whether this is one text instead of a list of documents."""
        return self.kind == "text"

    @property
    def unit(self) -> str:
        """Return what a token is, in a word."""
        return "sample" if self.kind == "audio" else "character"

    @property
    def label_counts(self) -> LabelCounts | None:
        """Return the labels of the training documents; None for data without labels."""
        labels = self.splits.train.labels
        return None if labels is None else count_labels(labels.ids)

    @property
    def extent(self) -> Extent:
        """Return how much there is to train on."""
        train = self.splits.train
        lengths = [0] if self.is_text else np.sort(train.lengths).tolist()
        typical = lengths[int(0.9 * (len(lengths) - 1))]
        return Extent(self.kind, train.num_predictions, typical, self.rate)


def load_dataset(config: DataConfig, tokens_dir: Path | None = None) -> Dataset:
    """Read the data that the configuration names; raise `InputError` if they are unusable.

    Where it does not tell the kind, what the data look like does, and a note says so.  The tokens
    of a text and of recordings are written to `tokens_dir`, which is made if it is missing, and
    mapped from there; None keeps them in memory.  A list is always in memory.
    """
    with find_sources(config) as (files, found):
        kind, guess = _kind_of(files, config)
        config = dataclasses.replace(config, kind=kind)
        if kind == "text":
            tally = Tally()
            chunks = partial(read_texts, files, config)
            dataset = _load_text(partial(chunks, tally), chunks, config, tokens_dir)
            notes = _skipped(tally)
        elif kind == "audio":
            dataset, notes = _load_sound(files, config, tokens_dir), []
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
    splits = map_token_files(folder, vocab, config)
    return _mapped(vocab, splits, config.kind)._replace(rate=config.rate)


def _kind_of(files: list[SourceFile], config: DataConfig) -> tuple[DataKind, list[str]]:
    """Return the kind of the data, and a note where it is a guess."""
    known = {file.kind for file in files}
    if config.kind is not None:
        return config.kind, []
    require(
        "audio" not in known or len(known) == 1,
        f"data {config.title} are recordings and other files, expected files of one kind; leave "
        "one kind out.",
        "data",
    )
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


def _load_sound(files: list[SourceFile], config: DataConfig, tokens_dir: Path | None) -> Dataset:
    with scratch_file(tokens_dir) as scratch:
        sounds = read_sounds(files, config, scratch)
        write = partial(write_sounds, split_documents(sounds.levels, config))
        splits = make_corpora(write, level_vocab(), config, tokens_dir)
    dataset = _mapped(level_vocab(), splits, "audio")
    return dataset._replace(rate=sounds.rate, notes=tuple(sounds.notes))


def _skipped(tally: Tally) -> list[str]:
    """Return a note on what was left out of a text."""
    return [f"{pluralize(tally.skipped, 'bad byte')} left out."] if tally.skipped else []


def _mapped(vocab: Vocab, splits: Splits[Corpus], kind: DataKind) -> Dataset:
    return Dataset(vocab, splits, [], Splits([], [], []), kind)
