"""What `wavenet-jax evaluate` does with its arguments."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wavenet_jax import data as datasets
from wavenet_jax.cli import process, tables
from wavenet_jax.cli.arguments import Evaluate
from wavenet_jax.cli.commands.common import describe, print_notes, restore
from wavenet_jax.data import Corpus, Dataset, Vocab
from wavenet_jax.errors import InputError, pluralize, require
from wavenet_jax.evaluation import (
    Evaluation,
    document_tokens,
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
    found, values = [], []
    for folder in (command.run, *command.others):
        run, step, variables = restore(folder, command)
        has_unseen = not (run.data.is_text or command.others)
        note = "; unseen are documents that do not occur in train" if has_unseen else ""
        process.say(f"Losses of {describe(run, command, step)}{note}")
        corpora, more = _corpora(run, command.data)
        if command.first is not None:
            corpora, shares = _heads(corpora, command.first)
            process.say(f"Only the first predictions are scored: {_in_words(shares)}")
            more["shares"] = shares
        losses = _losses(run, variables, corpora)
        found.append((str(folder), losses))
        values.append(_losses_json(folder, command, step, losses) | more)
    if command.json:
        shown = values if command.others else values[0]
        print(json.dumps(shown, indent=2, ensure_ascii=not process.is_utf8()))
    else:
        print(tables.runs_table(found) if command.others else tables.losses_table(found[0][1]))
    return 0


def _corpora(run: Run, source: str | None) -> tuple[dict[str, Corpus], dict[str, Any]]:
    """Return the splits, or other data by their name and in JSON how many units are left out."""
    if source is None:
        return run.data.splits._asdict(), {}
    corpus, left_out = _read_other(run, source)
    return {source: corpus}, {"left_out": left_out}


def _heads(corpora: dict[str, Corpus], first: int) -> tuple[dict[str, Corpus], dict[str, float]]:
    """Return the first predictions of each corpus, and which share of it they are."""
    filled = {name: corpus for name, corpus in corpora.items() if corpus.num_predictions}
    heads = {name: corpus.head(first) for name, corpus in filled.items()}
    return heads, {
        name: head.num_predictions / filled[name].num_predictions for name, head in heads.items()
    }


def _in_words(shares: dict[str, float]) -> str:
    return ", ".join(f"{share:.3%} of {tables.visible(name)}" for name, share in shares.items())


def _losses(run: Run, variables: Variables, corpora: dict[str, Corpus]) -> dict[str, Evaluation]:
    """Return the loss of each corpus, with a bar on a terminal."""
    model, seen, losses = run.model, document_tokens(run.data.splits.train), {}
    for name, corpus in corpora.items():
        batches = process.track_batches(index_corpus(model, corpus), corpus.num_predictions)
        losses[name] = evaluate_corpus(model, variables, corpus, batches, seen)
    return losses


def _read_other(run: Run, source: str) -> tuple[Corpus, int]:
    """Return other data in the vocabulary of a run, and how many documents or lines it lacks."""
    vocab, is_text = run.data.vocab, run.data.is_text
    whole = replace(run.config.data, data=source, val_fraction=0.0, test_fraction=0.0)
    try:
        other = datasets.load_dataset(whole)
    except InputError as error:
        if error.field != "column":
            raise
        process.say(f"{source} has no column {whole.column!r}: its lines are taken whole.")
        other = datasets.load_dataset(replace(whole, column=None))
    print_notes(other.notes)
    units = _lines(other) if is_text else other.documents
    known = set(vocab.characters[1:])
    kept = [unit for unit in units if known.issuperset(unit)]
    left_out, noun = len(units) - len(kept), "line" if is_text else "document"
    if left_out:
        process.say(
            f"{left_out:,} of {pluralize(len(units), noun)} are left out, for characters that "
            f"{run.folder} does not know: {_unknown(other.vocab, known)}"
        )
    require(
        len(kept) > 0,
        f"data {source!r} has no {noun} of the characters that the run knows, expected at least "
        f"one; the run knows {tables.vocab_line(vocab)}.",
        "data",
    )
    if is_text:
        ids = vocab.encode_document("".join(kept))
        return Corpus(np.insert(ids, 0, datasets.BOUNDARY_ID)), left_out
    return datasets.corpus_from_documents(kept, vocab), left_out


def _lines(text: Dataset) -> list[str]:
    """Return the lines of a text, each with its end."""
    whole = text.vocab.decode(np.asarray(text.splits.train.tokens[1:]))
    return [line for line in re.split("(?<=\n)", whole) if line]


def _unknown(vocab: Vocab, known: set[str]) -> str:
    unknown = [character for character in vocab.characters[1:] if character not in known]
    return " ".join(map(repr, unknown[:MAX_UNKNOWN])) + " ..." * (len(unknown) > MAX_UNKNOWN)


def _losses_json(
    folder: Path, command: Evaluate, step: int, losses: dict[str, Evaluation]
) -> dict[str, Any]:
    head = {"run": str(folder), "checkpoint": command.checkpoint, "step": step}
    return head | {"splits": tables.losses_json(losses)}
