"""What the commands that read a run do with their arguments: compute and print."""

import codecs
import json
import math
import re
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wavenet_jax import data as datasets
from wavenet_jax.cli import process, tables
from wavenet_jax.cli.arguments import Data, Evaluate, Sample, Score
from wavenet_jax.config import SampleConfig
from wavenet_jax.data import Corpus, Dataset, Vocab
from wavenet_jax.errors import InputError, pluralize, require
from wavenet_jax.evaluation import (
    Evaluation,
    document_tokens,
    evaluate_corpus,
    evaluate_splits,
    index_corpus,
    line_start,
    score_texts,
    why_unscorable,
)
from wavenet_jax.nn import Variables
from wavenet_jax.paths import cache_dir
from wavenet_jax.runs import Run, load_run, open_checkpoints
from wavenet_jax.sampling import (
    DocumentStream,
    GeneratedDocument,
    document_origins,
    generate_documents,
    generate_texts,
    num_samples,
)

MAX_UNKNOWN = 10  # characters that a line shows


def evaluate(command: Evaluate) -> int:
    """Print the losses of a run on its splits or on other data, or of runs together; return 0."""
    if command.others:
        return _compare(command)
    run, step, variables = _restored(command.run, command)
    note = "" if run.data.is_text else "; unseen are documents that do not occur in train"
    process.stderr.print(f"Losses of {_checkpoint(command.run, command, step)}{note}")
    losses, left_out = _losses(run, variables, command.data)
    if command.json:
        values = _losses_json(command.run, command, step, losses) | left_out
        print(json.dumps(values, indent=2, ensure_ascii=not _is_utf8()))
    else:
        print(tables.losses_table(losses))
    return 0


def _compare(command: Evaluate) -> int:
    """Print a row per run."""
    found, values = [], []
    for folder in (command.run, *command.others):
        run, step, variables = _restored(folder, command)
        process.stderr.print(f"Losses of {_checkpoint(folder, command, step)}")
        losses, left_out = _losses(run, variables, command.data)
        found.append((str(folder), losses))
        values.append(_losses_json(folder, command, step, losses) | left_out)
    if command.json:
        print(json.dumps(values, indent=2, ensure_ascii=not _is_utf8()))
    else:
        print(tables.runs_table(found))
    return 0


def _losses(
    run: Run, variables: Variables, source: str | None
) -> tuple[dict[str, Evaluation], dict[str, int]]:
    """Return the losses by split, or on other data by their name, with the number left out."""
    if source is None:
        splits = evaluate_splits(run.model, variables, run.data.splits, process.track_batches)
        return splits._asdict(), {}
    corpus, left_out = _read_other(run, source)
    batches = process.track_batches(index_corpus(run.model, corpus), corpus.num_predictions)
    seen = document_tokens(run.data.splits.train)
    loss = evaluate_corpus(run.model, variables, corpus, batches, seen)
    return {source: loss}, {"left_out": left_out}


def _read_other(run: Run, source: str) -> tuple[Corpus, int]:
    """Return other data in the vocabulary of a run, and how many documents or lines it lacks."""
    vocab, is_text = run.data.vocab, run.data.is_text
    other = datasets.load_dataset(replace(run.config.data, data=source))
    units = _lines(other) if is_text else other.documents
    known = set(vocab.characters[1:])
    kept = [unit for unit in units if known.issuperset(unit)]
    left_out, noun = len(units) - len(kept), "line" if is_text else "document"
    if left_out:
        process.stderr.print(
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
    parts = [text.vocab.decode(np.asarray(corpus.tokens[1:])) for corpus in text.splits]
    return [line for line in re.split("(?<=\n)", "".join(parts)) if line]


def _unknown(vocab: Vocab, known: set[str]) -> str:
    unknown = [character for character in vocab.characters[1:] if character not in known]
    return " ".join(map(repr, unknown[:MAX_UNKNOWN])) + " ..." * (len(unknown) > MAX_UNKNOWN)


def _losses_json(
    folder: Path, command: Evaluate, step: int, losses: dict[str, Evaluation]
) -> dict[str, Any]:
    head = {"run": str(folder), "checkpoint": command.checkpoint, "step": step}
    return head | {"splits": tables.losses_json(losses)}


def score(command: Score) -> int:
    """Print the log-likelihood of each text, by default of standard input.

    Return 0, or 1 where some cannot be scored.
    """
    run, step, variables = _restored(command.run, command)
    is_text = run.data.is_text
    require(
        is_text or not command.text_start,
        "text_start is True, but the run was trained on a list, expected no such option; leave it "
        "out.",
        "text_start",
    )
    texts = list(command.texts) or _piped(is_text=is_text)
    require(len(texts) > 0, "no text is given, expected at least one to score.")
    scored = _score(run, variables, texts, command)
    start = f"the start of {_start(run, text_start=command.text_start)}"
    process.stderr.print(
        f"{pluralize(len(texts), 'score')} by {_checkpoint(command.run, command, step)}, "
        f"from {start}"
    )
    if command.sort:
        scored.sort(key=lambda each: each.score.total_nats if each.score else math.inf)
    if command.json:
        for each in scored:
            _print_json(tables.score_json(each, per_char=command.per_char))
    else:
        print(tables.scores_table(scored, per_char=command.per_char))
    failed = sum(each.score is None for each in scored)
    if failed:
        process.stderr.print(
            f"{failed:,} of {pluralize(len(scored), 'text')} cannot be scored; expected characters "
            f"of this vocabulary, {tables.vocab_line(run.data.vocab)}."
        )
    return 1 if failed else 0


def _start(run: Run, *, text_start: bool) -> str:
    """Return where a text or a document begins, in words."""
    if not run.data.is_text:
        return "the document, whose end counts as a character"
    return "a line" if not text_start and line_start(run.data.vocab) else "the text"


def _score(run: Run, variables: Variables, texts: list[str], command: Score) -> list[tables.Scored]:
    """Score the texts that can be scored, and say of the others why not."""
    vocab, is_text, text_start = run.data.vocab, run.data.is_text, command.text_start
    # The empty document has a score, but an empty line is no document in the data either.
    needs_text = is_text or not command.texts
    why = [why_unscorable(vocab, text, is_text=needs_text) for text in texts]
    good = [text for text, reason in zip(texts, why, strict=True) if reason is None]
    scores = iter(
        score_texts(run.model, variables, vocab, good, is_text=is_text, text_start=text_start)
        if good
        else []
    )
    origins = document_origins(run.data.split_documents)
    notes = [None if is_text else origins.get(text, "new") for text in texts]
    return [
        tables.Scored(text, next(scores), note)
        if reason is None
        else tables.Scored(text, None, reason)
        for text, reason, note in zip(texts, why, notes, strict=True)
    ]


def _piped(*, is_text: bool) -> list[str]:
    """Return the documents on standard input, one a line, or the one text that it is.

    Empty lines count, but for those at the end.
    """
    text = sys.stdin.read().replace("\ufeff", "") if sys.stdin else ""
    if is_text:
        return [text] if text else []
    return [line.strip() for line in text.rstrip().split("\n")] if text.strip() else []


def sample(command: Sample) -> int:
    """Print new documents, or text as it is drawn, or write them to a file; return 0."""
    with _standard_output_to(command.out):
        run, step, variables = _restored(command.run, command)
        config = command.config.seeded()
        prefixes = _read_prefixes(command.prefix_file, run.data.vocab)
        n = num_samples(config, is_text=run.data.is_text)
        head = (
            f"{pluralize(n, 'sample')}{_of_each(prefixes)} of "
            f"{_checkpoint(command.run, command, step)}, seed {config.seed}"
        )
        configs = [config] if prefixes is None else [replace(config, prefix=p) for p in prefixes]
        if run.data.is_text:
            _sample_texts(run, variables, command, configs, head)
        else:
            _sample_documents(run, variables, command, configs, head)
    return 0


def _of_each(prefixes: list[str] | None) -> str:
    return "" if prefixes is None else f" for each of {len(prefixes):,} prefixes"


def _read_prefixes(path: Path | None, vocab: Vocab) -> list[str] | None:
    """Return the lines of a file that are not empty, all of characters that the run knows."""
    if path is None:
        return None
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"prefix_file {str(path)!r} cannot be read ({getattr(error, 'strerror', error)}), "
            "expected UTF-8 text with a prefix a line.",
            "prefix_file",
        ) from error
    prefixes = [line.removesuffix("\r") for line in lines if line.removesuffix("\r")]
    require(
        len(prefixes) > 0,
        f"prefix_file {str(path)!r} is empty, expected a prefix a line.",
        "prefix_file",
    )
    for prefix in prefixes:  # before anything is drawn
        vocab.encode_document(prefix)
    return prefixes


def _sample_documents(
    run: Run, variables: Variables, command: Sample, configs: list[SampleConfig], head: str
) -> None:
    """Print the documents of each configuration; where too few are found, those that are."""
    found: list[GeneratedDocument] = []
    is_table = not (command.json or command.plain)
    try:
        for index, config in enumerate(configs):
            stream = generate_documents(run.model, variables, run.data, config)
            if index == 0:
                process.stderr.print(f"{head}{_method(stream, len(configs))}")
            n = num_samples(config, is_text=False)
            for document in process.track_documents(stream, n) if is_table else stream:
                found.append(document)
                if command.json:
                    _print_json(_named(command, config) | tables.document_json(document))
                elif command.plain:
                    print(_shown(document.sample.text))
    finally:
        if found and is_table:
            print(tables.documents_table(found))
    is_exact = any(document.sample.attempts > 1 for document in found) or stream.is_exact
    process.stderr.print(tables.summary(found, is_exact=is_exact, max_length=stream.max_length))


def _method(stream: DocumentStream, configs: int) -> str:
    """Return how constraints are met, where there are any; each prefix may have its own way."""
    if configs > 1 or not (stream.has_constraints or stream.is_exact):
        return ""
    return ", exact" if stream.is_exact else ", masked"


def _named(command: Sample, config: SampleConfig) -> dict[str, str]:
    """Return the prefix of a sample, where there are several."""
    return {} if command.prefix_file is None else {"prefix": config.prefix}


def _shown(text: str, obeyed: str = "") -> str:
    """Return a text as it is, but on a terminal without codes that this would obey."""
    return tables.escape(text, obeyed) if sys.stdout.isatty() else text


def _sample_texts(
    run: Run, variables: Variables, command: Sample, configs: list[SampleConfig], head: str
) -> None:
    """Print each text as it is drawn, or as JSON with its log-likelihood."""
    vocab, count = run.data.vocab, 0
    for index, config in enumerate(configs):
        texts = generate_texts(run.model, variables, vocab, config)
        if index == 0:
            process.stderr.print(head)
        for pieces in texts:
            if command.json:
                _print_json(_named(command, config) | _text_json(run, variables, config, pieces))
                continue
            if count and not command.plain:
                print("-" * 8)
            for piece in pieces:
                print(_shown(piece, "\n\t"), end="", flush=True)
            print()
            count += 1


def _text_json(
    run: Run, variables: Variables, config: SampleConfig, pieces: Iterator[str]
) -> dict[str, Any]:
    text, start = "".join(pieces), config.text_start
    (score,) = score_texts(
        run.model, variables, run.data.vocab, [text], is_text=True, text_start=start
    )
    return {"text": text, "nll_nats": score.total_nats, "ended": False}


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


def data(command: Data) -> int:
    """Download a data set and print its path; return 0."""
    if command.name in datasets.SOURCES:
        process.stderr.print(f"Fetching the data set {command.name!r} into {cache_dir()}")
    print(datasets.download(command.name))
    return 0


def _restored(folder: Path, command: Evaluate | Score | Sample) -> tuple[Run, int, Variables]:
    """Return a run that a command reads, with the step and variables of its checkpoint."""
    run = load_run(folder)
    with open_checkpoints(run) as checkpoints:
        return run, *checkpoints.restore_variables(command.checkpoint)


def _checkpoint(folder: Path, command: Evaluate | Score | Sample, step: int) -> str:
    return f"{folder} at step {step:,} ({command.checkpoint} checkpoint)"


def _is_utf8() -> bool:
    """Tell whether standard output is UTF-8; elsewhere JSON, which has to be, is escaped."""
    return codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"


def _print_json(values: dict[str, Any]) -> None:
    line = json.dumps(values, ensure_ascii=not _is_utf8())
    try:
        line.encode()
    except UnicodeEncodeError:  # bytes of an argument or of standard input that are no text
        line = json.dumps(values)
    print(line)
