"""What there is to train on: from the configuration, from documents, or mapped from a folder."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from wavenet_jax.config import DataConfig, DataKind, Extent
from wavenet_jax.data.corpus import (
    Corpus,
    Splits,
    corpus_from_documents,
    split_lengths,
    split_numbers,
)
from wavenet_jax.data.files import SourceFile, find_sources
from wavenet_jax.data.labels import (
    LabelCounts,
    LabelRows,
    LabelTable,
    LabelVocab,
    count_labels,
    label_files,
    learned_labels,
    number_labels,
    unlabelled,
)
from wavenet_jax.data.lists import Listed, documents_in_memory, find_table, read_list
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
    label_ids: np.ndarray = np.zeros((0, 0), np.int32)  # [D, J] of all documents, as they are
    # Which documents each split has, by their places in `documents`, or of recordings in the files
    # of a run folder; empty of a text.
    numbers: Splits[np.ndarray] = Splits(*[np.zeros(0, np.int64)] * 3)

    @property
    def is_text(self) -> bool:
        """Tell whether this is one text instead of a list of documents."""
        return self.kind == "text"

    def given_labels(self, labels: Mapping[str, str]) -> np.ndarray:
        """Return the ids of labels by their kinds, `[J]`, 0 for a kind that is not given.

        Raises `InputError` for a label that no training document has.
        """
        ids, train = self.labels.encode(labels), self.splits.train.labels
        for kind in labels:
            place = self.labels.place(kind)
            require(
                train is not None and ids[place] in train.ids[:, place],
                f"label {kind} is {show_short(labels[kind])}, which no training document has, "
                "expected one that the model has learned; choose another.",
                "label",
            )
        return ids

    @property
    def label_counts(self) -> LabelCounts | None:
        """Return the labels of the training documents; None for data without labels."""
        labels = self.splits.train.labels
        return None if labels is None else count_labels(labels.ids)

    def with_learned_labels(self, corpus: Corpus) -> Corpus:
        """Return other documents, without labels that no training document has."""
        train = self.splits.train.labels
        if corpus.labels is None or train is None:
            return corpus
        return corpus.with_labels(learned_labels(corpus.labels.ids, train.ids))

    def counts_by(self, by: str, labels: Mapping[str, str]) -> LabelCounts:
        """Return the combinations of labels to tell the labels of a kind by, given those of others.

        Each label of the kind that training documents have is among them, also where none has it
        beside those that are given.  Raises `InputError` as `given_labels` does, for an unknown
        kind, and where a label of the kind itself is given.
        """
        place, counts = self.labels.place(by), self.label_counts
        assert counts is not None  # there are labels of that kind
        require(
            by not in labels,
            f"by is {by!r}, of which a label is given too, expected labels of other kinds; leave "
            "one out.",
            "by",
        )
        learned = np.unique(counts.ids[:, place])
        return counts.given(self.given_labels(labels)).with_all(place, learned)

    def scored_labels(self, labels: Mapping[str, str]) -> np.ndarray | None:
        """Return the ids of labels to score documents with, `[J]`; None where none are given.

        Raises `InputError` as `given_labels` does, and where only some kinds are given, which the
        model has not learned.
        """
        ids = self.given_labels(labels)
        missing = [kind for kind in self.labels.names if kind not in labels]
        require(
            not labels or not missing,
            f"label is {' and '.join(labels)} alone, expected {' and '.join(missing)} too, or no "
            "label; give all, or leave all out.",
            "label",
        )
        return ids if labels else None

    @property
    def extent(self) -> Extent:
        """Return how much there is to train on."""
        train = self.splits.train
        lengths = [0] if self.is_text else np.sort(train.lengths).tolist()
        typical = lengths[int(0.9 * (len(lengths) - 1))]
        has_labels = len(self.labels.kinds) > 0
        return Extent(self.kind, train.num_predictions, typical, self.rate, has_labels)


def load_dataset(
    config: DataConfig, tokens_dir: Path | None = None, labels: LabelVocab | None = None
) -> Dataset:
    """Read the data that the configuration names; raise `InputError` if they are unusable.

    Where it does not tell the kind, what the data look like does, and a note says so.  The tokens
    of a text and of recordings are written to `tokens_dir`, which is made if it is missing, and
    mapped from there; None keeps them in memory.  A list is always in memory.  Labels are those of
    a vocabulary, if one is given; others are then unknown.
    """
    with find_sources(config) as (sources, found):
        kind, guess = _kind_of(sources, config)
        config = dataclasses.replace(config, kind=kind)
        files, kinds, left_out = label_files(sources, config)
        if kind == "text":
            tally = Tally()
            chunks = partial(read_texts, files, config)
            dataset = _load_text(partial(chunks, tally), chunks, config, tokens_dir)
            notes = _skipped(tally)
        elif kind == "audio":
            dataset, notes = _load_sound(files, kinds, config, tokens_dir, labels), []
        else:
            dataset, notes = _list_dataset(read_list(files, config), config, labels), []
    notes = [*found, *guess, *left_out, *notes, *dataset.notes]
    return dataset._replace(notes=tuple(map(escape, notes)))  # files have names of strangers


def dataset_from_list(
    documents: Iterable[str],
    config: DataConfig,
    labels: Mapping[str, Iterable[str]] | None = None,
) -> Dataset:
    """Return the dataset of documents that a program holds, each taken to the letter.

    Labels are a list for each kind, with one for each document.  Raises `InputError` where they are
    no lists of strings or cannot be documents, or labels of these.
    """
    _require_kind(config, "list", "documents")
    of_files = ("column", "labels", "label_pattern", "test_pattern")
    require_default(config, "but documents are given", *of_files)
    listed = documents_in_memory(documents, config, labels)
    dataset = _list_dataset(listed, dataclasses.replace(config, kind="list"))
    return dataset._replace(notes=tuple(map(escape, dataset.notes)))


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


def dataset_from_documents(
    documents: list[str], vocab: Vocab, config: DataConfig, table: LabelTable | None = None
) -> Dataset:
    """Split documents, and lay each split end to end, with their labels if they have some."""
    table = table or unlabelled(len(documents))
    numbers = split_numbers(table, config)
    parts = Splits(*([documents[number] for number in part] for part in numbers))
    splits = Splits(*(corpus_from_documents(part, vocab) for part in parts))
    dataset = Dataset(vocab, splits, documents, parts, "list")
    return _labelled(dataset, table.vocab, table.ids, numbers)


def label_dataset(dataset: Dataset, rows: LabelRows) -> Dataset:
    """Return recordings with the labels that a run folder has of them."""
    return _labelled(dataset, rows.vocab, rows.ids, dataset.numbers)


def label_rows(dataset: Dataset) -> LabelRows:
    """Return the split and the labels of each document, in the order of a run folder."""
    order = np.argsort(np.concatenate(dataset.numbers))
    splits = np.repeat(Splits._fields, [len(part) for part in dataset.numbers])
    return LabelRows(dataset.labels, dataset.label_ids, splits[order])


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
    dataset = _mapped(vocab, splits, config.kind)
    if config.is_text:
        return dataset
    counts = [len(corpus.starts) for corpus in splits]
    return dataset._replace(rate=config.rate, numbers=_consecutive(counts))


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
    if config.has_documents and "audio" not in known:
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


def _list_dataset(listed: Listed, config: DataConfig, labels: LabelVocab | None = None) -> Dataset:
    documents, found, notes = listed
    vocab, table = vocab_from_documents(documents, config.max_vocab), number_labels(found, labels)
    dataset = dataset_from_documents(documents, vocab, config, table)
    return dataset._replace(notes=(*notes, *([] if config.normalize else forms_note(documents))))


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


def _load_sound(
    files: list[SourceFile],
    kinds: tuple[str, ...],
    config: DataConfig,
    tokens_dir: Path | None,
    labels: LabelVocab | None,
) -> Dataset:
    with scratch_file(tokens_dir) as scratch:
        sounds = read_sounds(files, kinds, config, scratch)
        table = number_labels(sounds.found, labels)
        numbers = split_numbers(table, config)
        parts = Splits(*([sounds.levels[number] for number in part] for part in numbers))
        splits = make_corpora(partial(write_sounds, parts), level_vocab(), config, tokens_dir)
    order = [number for part in numbers for number in part]  # in which they are written
    dataset = _mapped(level_vocab(), splits, "audio")._replace(rate=sounds.rate)
    dataset = dataset._replace(notes=tuple(sounds.notes))
    return _labelled(dataset, table.vocab, table.ids[order], _consecutive(map(len, numbers)))


def _labelled(
    dataset: Dataset, vocab: LabelVocab, ids: np.ndarray, numbers: Splits[Any]
) -> Dataset:
    """Return a dataset whose splits are these documents, with labels `[D, J]` if it has some."""
    numbers = Splits(*(np.array(part, np.int64) for part in numbers))
    learned = learned_labels(ids, ids[numbers.train])
    pairs = zip(dataset.splits, numbers, strict=True)
    splits = Splits(*(c.with_labels(learned[part] if vocab.kinds else None) for c, part in pairs))
    return dataset._replace(splits=splits, labels=vocab, label_ids=ids, numbers=numbers)


def _consecutive(counts: Iterable[int]) -> Splits[np.ndarray]:
    """Return the numbers of documents that are one split after the other."""
    starts = [0, *accumulate(counts)]
    return Splits(*(np.arange(*ends) for ends in pairwise(starts)))


def _skipped(tally: Tally) -> list[str]:
    """Return a note on what was left out of a text."""
    return [f"{pluralize(tally.skipped, 'bad byte')} left out."] if tally.skipped else []


def _mapped(vocab: Vocab, splits: Splits[Corpus], kind: DataKind) -> Dataset:
    return Dataset(vocab, splits, [], Splits([], [], []), kind)
