"""What `wavenet-jax sample` does with its arguments."""

import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

from wavenet_jax.cli import process, tables
from wavenet_jax.cli.arguments import Sample
from wavenet_jax.cli.commands.common import describe, restore
from wavenet_jax.cli.commands.sounds import sample_sounds
from wavenet_jax.config import SampleConfig
from wavenet_jax.data import Vocab
from wavenet_jax.errors import InputError, escape, pluralize, require
from wavenet_jax.evaluation import score_texts
from wavenet_jax.machine import MIB, read_given, reason
from wavenet_jax.nn import Variables
from wavenet_jax.runs import Run
from wavenet_jax.sampling import (
    DocumentStream,
    GeneratedDocument,
    generate_documents,
    generate_texts,
    num_samples,
)

MAX_PREFIXES_BYTES = 256 * MIB
MAX_ROWS = 10_000  # of a table that are held, and have columns of the same width


def sample(command: Sample) -> int:
    """Print new documents, or text as it is drawn, or write sound to files; return 0."""
    if command.out is not None and not command.out.is_dir():  # a folder is for sound
        _require_file(command.out)
    run, step, variables = restore(command.run, command)
    config = command.config.seeded()
    head = f"of {describe(run, command, step)}, seed {config.seed}{_drawn(run, config)}"
    if run.data.kind == "audio":
        n = num_samples(config, "audio")
        sample_sounds(run, variables, command, config, f"{pluralize(n, 'sample')} {head}")
        return 0
    require(
        command.prompt is None,
        f"prompt is {str(command.prompt)!r}, but the run was trained on words, expected no such "
        "option; leave it out or give --prefix.",
        "prompt",
    )
    with _standard_output_to(command.out):
        _sample_words(run, variables, command, config, head)
    return 0


def _drawn(run: Run, config: SampleConfig) -> str:
    """Return which labels are drawn, in words."""
    kinds = [kind for kind in run.data.labels.names if kind not in config.labels]
    return f", {' and '.join(kinds)} as frequent as in train" if kinds else ""


def _sample_words(
    run: Run, variables: Variables, command: Sample, config: SampleConfig, head: str
) -> None:
    """Print documents or text, for each prefix where there is a file of them."""
    known = None if config.ignore_case else run.data.vocab
    prefixes = _read_prefixes(command.prefix_file, known)
    count = pluralize(num_samples(config, run.data.kind), "sample")
    head = f"{count}{_of_each(prefixes)} {head}"
    configs = [config] if prefixes is None else [replace(config, prefix=p) for p in prefixes]
    if run.data.is_text:
        _sample_texts(run, variables, command, configs, head)
    else:
        _sample_documents(run, variables, command, configs, head)


def _of_each(prefixes: list[str] | None) -> str:
    return "" if prefixes is None else f" for each of {len(prefixes):,} prefixes"


def _read_prefixes(path: Path | None, vocab: Vocab | None) -> list[str] | None:
    """Return the lines of a file that are not empty, of characters of a vocabulary if given."""
    if path is None:
        return None
    try:
        lines = read_given(path, MAX_PREFIXES_BYTES).decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"prefix_file {str(path)!r} cannot be read ({reason(error)}), expected UTF-8 text with "
            "a prefix a line.",
            "prefix_file",
        ) from error
    prefixes = [line.removesuffix("\r") for line in lines if line.removesuffix("\r")]
    require(
        len(prefixes) > 0,
        f"prefix_file {str(path)!r} is empty, expected a prefix a line.",
        "prefix_file",
    )
    if vocab is not None:
        for prefix in prefixes:  # before anything is drawn
            try:
                vocab.encode_document(prefix)
            except InputError as error:
                raise InputError(f"prefix_file {str(path)!r}: {error}", "prefix_file") from error
    return prefixes


def _sample_documents(
    run: Run, variables: Variables, command: Sample, configs: list[SampleConfig], head: str
) -> None:
    """Print the documents of each configuration; where too few are found, those that are."""
    tally, rows = tables.Tally(), list[GeneratedDocument]()
    is_table = not (command.json or command.plain)
    try:
        for index, config in enumerate(configs):
            stream = generate_documents(run.model, variables, run.data, config)
            if index == 0:
                process.say(f"{head}{_method(stream, len(configs))}")
            n = num_samples(config, "list")
            for document in process.track_documents(stream, n) if is_table else stream:
                tally.add(document)
                if command.json:
                    process.print_json(_named(command, config) | tables.document_json(document))
                elif command.plain:
                    print(_shown(document.sample.text))
                else:
                    rows.append(document)
                    if len(rows) == MAX_ROWS:
                        print(tables.documents_table(rows))
                        rows.clear()
    finally:
        if rows:
            print(tables.documents_table(rows))
    process.say(tables.summary(tally, is_exact=stream.is_exact, max_length=stream.max_length))


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
    return escape(text, obeyed) if sys.stdout.isatty() else text


def _sample_texts(
    run: Run, variables: Variables, command: Sample, configs: list[SampleConfig], head: str
) -> None:
    """Print each text as it is drawn, or as JSON with its log-likelihood."""
    vocab, count = run.data.vocab, 0
    for index, config in enumerate(configs):
        texts = generate_texts(run.model, variables, vocab, config)
        if index == 0:
            process.say(head)
        for pieces in texts:
            if command.json:
                process.print_json(
                    _named(command, config) | _text_json(run, variables, config, pieces)
                )
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
            process.say(f"Wrote {path}")
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
