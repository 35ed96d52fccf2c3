"""What `wavenet-jax evaluate` does with its arguments."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wavenet_jax import data as datasets
from wavenet_jax.cli import process, tables
from wavenet_jax.cli.arguments import Evaluate
from wavenet_jax.cli.commands.classify import evaluate_by, print_classifications
from wavenet_jax.cli.commands.common import describe, print_notes, restore
from wavenet_jax.data import Corpus, Dataset, LabelVocab, Splits, Vocab
from wavenet_jax.errors import InputError, pluralize, require
from wavenet_jax.evaluation import (
    Evaluation,
    document_digests,
    evaluate_corpus,
    index_corpus,
)
from wavenet_jax.nn import Variables
from wavenet_jax.runs import Run

MAX_UNKNOWN = 10  # characters that a line shows


def evaluate(command: Evaluate) -> int:
    """Print the losses of a run on its splits or on other data, or of runs together; return 0."""
    require(
        not command.others or command.data != "-",
        "data is '-', which can be read once, expected a file where there are several runs.",
        "data",
    )
    if command.by is not None:
        return _evaluate_by(command, command.by)
    found, values, units = [], [], set[str]()
    for folder in (command.run, *command.others):
        with process.signals_unwind(), tempfile.TemporaryDirectory() as place:
            losses, plain, unit = _evaluate_run(folder, command, Path(place))
        found.append((str(folder), losses))
        values.append(plain)
        units.add(unit)
    unit = units.pop() if len(units) == 1 else "token"
    if command.json:
        shown = values if command.others else values[0]
        print(json.dumps(shown, indent=2, ensure_ascii=not process.is_utf8()))
    else:
        losses = found[0][1]
        several = bool(command.others)
        print(tables.runs_table(found, unit) if several else tables.losses_table(losses, unit))
    return 0


def _evaluate_run(
    folder: Path, command: Evaluate, place: Path
) -> tuple[dict[str, Evaluation], dict[str, Any], str]:
    """Return the losses of a run, what JSON shows of them, and per what they are.

    A place is for large files.
    """
    run, step, variables = restore(folder, command)
    has_unseen = not (run.data.is_text or command.others)
    note = "; unseen are documents that do not occur in train" if has_unseen else ""
    process.say(f"Losses of {describe(run, command, step)}{note}")
    corpora, more = _corpora(run, command, place)
    if command.first is not None:
        corpora, shares = _heads(corpora, command.first)
        process.say(f"Only the first predictions are scored: {_in_words(shares)}")
        more["shares"] = shares
    losses = _losses(run, variables, corpora)
    head = {"run": str(folder), "checkpoint": command.checkpoint, "step": step}
    unit = run.config.data.unit
    return losses, head | {"splits": tables.losses_json(losses, unit)} | more, unit


def _evaluate_by(command: Evaluate, by: str) -> int:
    """Print how well the labels of a kind are told from documents; return 0."""
    run, step, variables = restore(command.run, command)
    counts = run.data.counts_by(by, {})
    combinations = pluralize(len(counts.ids), "combination")
    process.say(
        f"{by} by {describe(run, command, step)}, under each of {combinations} of labels; nats are "
        "of documents whose labels are not known"
    )
    head = {"run": str(command.run), "checkpoint": command.checkpoint, "step": step, "by": by}
    with process.signals_unwind(), tempfile.TemporaryDirectory() as place:
        corpora, _ = _corpora(run, command, Path(place))
        if command.first is not None:
            corpora, shares = _heads(corpora, command.first)
            process.say(f"Only the first documents are scored: {_in_words(shares)}")
        found = evaluate_by(run, variables, corpora, by, counts)
    print_classifications(found, run.config.data.unit, head, as_json=command.json)
    return 0


def _corpora(run: Run, command: Evaluate, place: Path) -> tuple[dict[str, Corpus], dict[str, Any]]:
    """Return the splits, or other data by their name and in JSON how many units are left out."""
    if command.without_labels:
        require(
            len(run.data.labels.kinds) > 0,
            f"without_labels is given, but the documents of {run.folder} have no labels, expected "
            "no such option; leave it out.",
            "without_labels",
        )
        process.say("Documents are evaluated as if they had no labels.")
        bare = [corpus.with_labels(None) for corpus in run.data.splits]
        run = run._replace(data=run.data._replace(labels=LabelVocab(), splits=Splits(*bare)))
    if command.data is None:
        return run.data.splits._asdict(), {}
    corpus, left_out = _read_other(run, command.data, place)
    return {command.data: run.data.with_learned_labels(corpus)}, {"left_out": left_out}


def _heads(corpora: dict[str, Corpus], first: int) -> tuple[dict[str, Corpus], dict[str, float]]:
    """Return the first predictions of each corpus, and which share of it they are."""
    filled = {name: corpus for name, corpus in corpora.items() if corpus.num_predictions}
    heads = {name: corpus.head(first) for name, corpus in filled.items()}
    return heads, {
        name: head.num_predictions / filled[name].num_predictions for name, head in heads.items()
    }


def _in_words(shares: dict[str, float]) -> str:
    return ", ".join(
        f"{100 * share:.3g}% of {tables.visible(name)}" for name, share in shares.items()
    )


def _losses(run: Run, variables: Variables, corpora: dict[str, Corpus]) -> dict[str, Evaluation]:
    """Return the loss of each corpus, with a bar on a terminal."""
    model, seen, losses = run.model, document_digests(run.data.splits.train), {}
    for name, corpus in corpora.items():
        batches = process.track_batches(index_corpus(model, corpus), corpus.num_predictions)
        losses[name] = evaluate_corpus(model, variables, corpus, batches, seen)
    return losses


def _read_other(run: Run, source: str, place: Path) -> tuple[Corpus, int]:
    """Return other data in the vocabulary of a run, and how many documents or lines it lacks.

    The tokens of a text are in files in a place.
    """
    vocab, is_text = run.data.vocab, run.data.is_text
    other = _load_other(run, source, place)
    print_notes(other.notes)
    if run.data.kind == "audio":
        return other.splits.train, 0  # all levels are known
    known = _known_lines(other, vocab, place) if is_text else _known_documents(other, vocab)
    corpus, count, left_out = known
    noun = "line" if is_text else "document"
    if left_out:
        process.say(
            f"{left_out:,} of {pluralize(count, noun)} are left out, for characters that "
            f"{run.folder} does not know: {_unknown(other.vocab, vocab)}"
        )
    require(
        corpus.num_predictions > 0,
        f"data {source!r} has no {noun} of the characters that the run knows, expected at least "
        f"one; the run knows {tables.vocab_line(vocab)}.",
        "data",
    )
    return corpus, left_out


def _load_other(run: Run, source: str, place: Path) -> Dataset:
    """Return other data, read as those of a run, or without a column or labels that they lack."""
    labels = run.data.labels
    whole = run.config.data.whole(source)
    bare = replace(whole, labels=(), label_pattern=None)
    try:
        return datasets.load_dataset(whole if labels.kinds else bare, place, labels)
    except InputError as error:
        if source == "-":  # which can be read once
            raise
        if error.field == "column":
            without = ", without labels" if whole.labels else ""
            process.say(
                f"{source} has no column {whole.column!r}: its lines are taken whole{without}."
            )
            bare = replace(bare, column=None)
        elif error.field in ("labels", "label_pattern"):
            process.say(f"{source} is evaluated without labels, of which it lacks some.")
        elif error.field == "label":
            raise InputError(
                f"data {source!r} has a label that the run does not know: "
                f"{str(error).rstrip('.?')}; mend it, or set without_labels.",
                "data",
            ) from error
        else:
            raise
        return datasets.load_dataset(bare, place, labels)


def _known_documents(other: Dataset, vocab: Vocab) -> tuple[Corpus, int, int]:
    """Return the documents of known characters, how many there are, and how many not."""
    known, documents = set(vocab.characters[1:]), other.split_documents.train
    is_known = np.array([known.issuperset(document) for document in documents], bool)
    kept = [document for document, good in zip(documents, is_known, strict=True) if good]
    corpus, labels = datasets.corpus_from_documents(kept, vocab), other.splits.train.labels
    if labels is not None:
        corpus = corpus.with_labels(labels.ids[is_known])
    return corpus, len(documents), len(documents) - len(kept)


def _known_lines(other: Dataset, vocab: Vocab, place: Path) -> tuple[Corpus, int, int]:
    """Return the lines of known characters, how many there are, and how many not."""
    path = place / "known.bin"
    with path.open("wb") as file:
        counts = datasets.write_known_lines(other.splits.train, other.vocab, vocab, file)
    return Corpus(np.memmap(path, vocab.dtype, mode="r")), *counts


def _unknown(vocab: Vocab, known: Vocab) -> str:
    unknown = sorted(set(vocab.characters) - set(known.characters))
    return " ".join(map(repr, unknown[:MAX_UNKNOWN])) + " ..." * (len(unknown) > MAX_UNKNOWN)
