"""What the commands that read a run do with their arguments: compute and print."""

import json
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from wavenet_jax import data as datasets
from wavenet_jax.cli import process, tables
from wavenet_jax.cli.arguments import Data, Evaluate, Sample, Score
from wavenet_jax.errors import InputError, pluralize, require
from wavenet_jax.evaluation import evaluate_splits, require_scorable, score_texts
from wavenet_jax.nn import Variables
from wavenet_jax.paths import cache_dir
from wavenet_jax.runs import Run, load_run, open_checkpoints
from wavenet_jax.sampling import (
    GeneratedDocument,
    generate_documents,
    generate_texts,
    num_samples,
)


def evaluate(command: Evaluate) -> int:
    """Print the losses of a run on its splits; return 0."""
    run, step, variables = _restored(command)
    note = "" if run.data.is_text else "; unseen are documents that do not occur in train"
    process.stderr.print(f"Losses of {_checkpoint(command, step)}{note}")
    splits = run.data.splits
    losses = evaluate_splits(run.model, variables, splits, process.track_batches)
    if command.json:
        head = {"run": str(command.run), "checkpoint": command.checkpoint, "step": step}
        print(json.dumps(head | {"splits": tables.losses_json(losses)}, indent=2))
    else:
        print(tables.losses_table(losses))
    return 0


def score(command: Score) -> int:
    """Print the log-likelihood of each text, by default of standard input; return 0."""
    run, step, variables = _restored(command)
    vocab, is_text = run.data.vocab, run.data.is_text
    texts = list(command.texts) or _piped(is_text=is_text)
    require_scorable(vocab, texts, is_text=is_text)  # before anything is printed
    end = "the text" if is_text else "the document, whose end counts as a character"
    process.stderr.print(
        f"{pluralize(len(texts), 'score')} by {_checkpoint(command, step)}, from the start of {end}"
    )
    scores = score_texts(run.model, variables, vocab, texts, is_text=is_text)
    if command.json:
        for each in scores:
            _print_json(tables.score_json(each, per_char=command.per_char))
    else:
        print(tables.scores_table(scores, per_char=command.per_char))
    return 0


def _piped(*, is_text: bool) -> list[str]:
    """Return the documents on standard input, one a line, or the one text that it is."""
    text = sys.stdin.read().replace("\ufeff", "") if sys.stdin else ""
    if is_text:
        return [text] if text else []
    return [line.strip() for line in text.split("\n") if line.strip()]


def sample(command: Sample) -> int:
    """Print new documents, or text as it is drawn, or write them to a file; return 0."""
    with _standard_output_to(command.out):
        run, step, variables = _restored(command)
        n = num_samples(command.config, is_text=run.data.is_text)
        head = (
            f"{pluralize(n, 'sample')} of {_checkpoint(command, step)}, seed {command.config.seed}"
        )
        if run.data.is_text:
            texts = generate_texts(run.model, variables, run.data.vocab, command.config)
            process.stderr.print(head)
            _print_texts(texts, run, variables, as_json=command.json)
        else:
            documents = generate_documents(run.model, variables, run.data, command.config)
            process.stderr.print(head)
            shown = documents if command.json else process.track_documents(documents, n)
            _print_documents(shown, command)
    return 0


@contextmanager
def _standard_output_to(path: Path | None) -> Iterator[None]:
    """Write standard output to a file, if a path is given: whole, or the file stays as it was.

    After an `InputError`, what was written goes to standard output, so that it is not lost.
    """
    if path is None:
        yield
        return
    _require_file(path)
    partial = path.resolve().with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    with process.signals_unwind():
        try:
            with partial.open("x", encoding="utf-8") as file, redirect_stdout(file):
                yield
            partial.replace(path.resolve())
            process.stderr.print(f"Wrote {path}")
        except InputError:
            with partial.open(encoding="utf-8") as found:
                shutil.copyfileobj(found, sys.stdout)
            raise
        finally:
            partial.unlink(missing_ok=True)


def _require_file(path: Path) -> None:
    """Raise `InputError` where no plain file can be written."""
    require(
        path.parent.is_dir() and (path.is_file() or not path.exists()),
        f"out is {str(path)!r}, expected a new or plain file in a folder that exists; choose "
        "another.",
        "out",
    )


def _print_documents(documents: Iterator[GeneratedDocument], command: Sample) -> None:
    """Print the documents; where too few are found, those that are."""
    found = []
    try:
        for document in documents:
            found.append(document)
            if command.json:
                _print_json(tables.document_json(document))
    finally:
        if found and not command.json:
            print(tables.documents_table(found))
    process.stderr.print(tables.summary(found, exact=command.config.exact))


def _print_texts(
    texts: Iterator[Iterator[str]], run: Run, variables: Variables, *, as_json: bool
) -> None:
    """Print each text as it is drawn, or as JSON with its log-likelihood."""
    for index, pieces in enumerate(texts):
        if as_json:
            text = "".join(pieces)
            (score,) = score_texts(run.model, variables, run.data.vocab, [text], is_text=True)
            _print_json({"text": text, "nll_nats": score.total_nats, "ended": False})
            continue
        if index:
            print("-" * 8)
        for piece in pieces:
            print(piece, end="", flush=True)
        print()


def data(command: Data) -> int:
    """Download a data set and print its path; return 0."""
    if command.name in datasets.SOURCES:
        process.stderr.print(f"Fetching the data set {command.name!r} into {cache_dir()}")
    print(datasets.download(command.name))
    return 0


def _restored(command: Evaluate | Score | Sample) -> tuple[Run, int, Variables]:
    """Return the run that a command reads, with the step and variables of its checkpoint."""
    run = load_run(command.run)
    with open_checkpoints(run) as checkpoints:
        return run, *checkpoints.restore_variables(command.checkpoint)


def _checkpoint(command: Evaluate | Score | Sample, step: int) -> str:
    return f"{command.run} at step {step:,} ({command.checkpoint} checkpoint)"


def _print_json(values: dict[str, Any]) -> None:
    print(json.dumps(values, ensure_ascii=False))
