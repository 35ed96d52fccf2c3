"""What `wavenet-jax score` does with its arguments."""

import math
import sys
from collections.abc import Iterator, Mapping
from itertools import chain, count, repeat

import numpy as np

from wavenet_jax.cli import process, tables
from wavenet_jax.cli.arguments import Score
from wavenet_jax.cli.commands import classify
from wavenet_jax.cli.commands.common import describe, restore
from wavenet_jax.config import parse_labels
from wavenet_jax.errors import pluralize, require
from wavenet_jax.evaluation import line_start, score_texts, why_unscorable
from wavenet_jax.nn import Variables
from wavenet_jax.runs import Run
from wavenet_jax.sampling import document_origins

MAX_PIPED = 2**28  # characters of what is held whole: one text, or documents to be sorted
MAX_LINE = 2**24  # characters of a document on standard input
PIECE = 2**20  # characters of documents that are read, scored and printed together


def score(command: Score) -> int:
    """Print the log-likelihood of each text, by default of standard input, as far as it is read.

    Return 0, or 1 where some cannot be scored.
    """
    run, step, variables = restore(command.run, command)
    if command.by is not None:
        return _score_by(run, step, variables, command)
    is_text = run.data.is_text
    require(
        run.data.kind != "audio",
        f"{command.run} was trained on recordings, expected a run on a list or a text; its loss on "
        "others is what `wavenet-jax evaluate` prints with --data, and their labels what --by is "
        "for.",
    )
    labels = run.data.scored_labels(parse_labels(command.label))
    require(
        is_text or not command.text_start,
        "text_start is True, but the run was trained on a list, expected no such option; leave it "
        "out.",
        "text_start",
    )
    pieces = _pieces(command, is_text=is_text)
    first, second = next(pieces, []), next(pieces, [])
    is_whole = not second
    require(len(first) > 0, "no text is given, expected at least one to score.")
    require(
        is_whole or not command.sort,
        f"standard input has more than {MAX_PIPED:,} characters, expected fewer to sort; leave "
        "--sort out.",
    )
    head = f"{pluralize(len(first), 'score') if is_whole else 'Scores'} by"
    start = f"the start of {_start(run, text_start=command.text_start)}"
    ranks = "" if is_whole else "; they are printed as they come, and ranked with --sort alone"
    process.say(f"{head} {describe(run, command, step)}, from {start}{ranks}")
    origins = document_origins(run.data.split_documents)
    number = failed = 0
    for piece in filter(None, chain([first, second], pieces)):
        scored = _score(run, variables, piece, command, origins, labels)
        _print(scored, command, is_first=number == 0, is_ranked=is_whole)
        number += len(scored)
        failed += sum(each.score is None for each in scored)
    if failed:
        process.say(
            f"{failed:,} of {pluralize(number, 'text')} cannot be scored; expected characters "
            f"of this vocabulary, {tables.vocab_line(run.data.vocab)}."
        )
    return 1 if failed else 0


def _score_by(run: Run, step: int, variables: Variables, command: Score) -> int:
    """Print what texts, or recordings, say of the labels of a kind; return 0, or 1 as `score`."""
    assert command.by is not None
    counts = run.data.counts_by(command.by, parse_labels(command.label))
    require(
        not (command.sort or command.per_char or command.text_start),
        "--sort, --per-char and --text-start are of scores, expected none of them with --by; leave "
        "them out.",
        "by",
    )
    is_sound = run.data.kind == "audio"
    require(
        not is_sound or len(command.texts) > 0,
        "no recording is given, expected the path of at least one to score.",
    )
    known = classify.read_recordings(run, command.texts) if is_sound else None
    pieces = _pieces(command, is_text=False)
    first, second = next(pieces, []), next(pieces, [])
    require(len(first) > 0, "no text is given, expected at least one to score.")
    what = pluralize(len(first), "recording" if is_sound else "text")
    combinations = pluralize(len(counts.ids), "combination")
    process.say(
        f"{command.by}{'' if second else f' of {what}'} by {describe(run, command, step)}, under "
        f"each of {combinations} of labels"
    )
    failed = 0
    for piece in filter(None, chain([first, second], pieces)):
        failed += classify.print_scores_by(run, variables, piece, known, command, counts)
    return 1 if failed else 0


def _pieces(command: Score, *, is_text: bool) -> Iterator[list[str]]:
    """Yield the texts that are scored together: all that are given, or some of the piped ones."""
    if command.texts:
        yield list(command.texts)
    elif is_text:
        yield from _piped_text()
    else:
        documents = _piped_documents()
        size = MAX_PIPED if command.sort else PIECE
        while piece := _take(documents, size):
            yield piece


def _piped_text() -> Iterator[list[str]]:
    """Yield the one text that standard input is, unless it is empty."""
    text = sys.stdin.read(MAX_PIPED + 1) if sys.stdin else ""
    require(
        len(text) <= MAX_PIPED,
        f"standard input has more than {MAX_PIPED:,} characters, expected fewer to score; give "
        "them in parts, or to evaluate --data - for their loss alone.",
    )
    text = text.replace("\ufeff", "")
    if text:
        yield [text]


def _piped_documents() -> Iterator[str]:
    """Yield the documents on standard input, one a line; empty ones count, but not at the end."""
    num_empty = 0
    for number in count(1):
        line = sys.stdin.readline(MAX_LINE + 1) if sys.stdin else ""
        if not line:
            return
        require(
            len(line) <= MAX_LINE,
            f"line {number:,} of standard input has more than {MAX_LINE:,} characters, expected a "
            "document a line; give shorter ones.",
        )
        document = line.replace("\ufeff", "").strip()
        if document:
            yield from repeat("", num_empty)
            yield document
        num_empty = 0 if document else num_empty + 1


def _take(documents: Iterator[str], size: int) -> list[str]:
    """Return the next documents, of about as many characters, ends included."""
    taken, length = [], 0
    for document in documents:
        taken.append(document)
        length += len(document) + 1
        if length >= size:
            break
    return taken


def _print(scored: list[tables.Scored], command: Score, *, is_first: bool, is_ranked: bool) -> None:
    """Print what is scored, of a table the head only once."""
    if command.sort:
        scored.sort(key=lambda each: each.score.total_nats if each.score else math.inf)
    if command.json:
        for each in scored:
            process.print_json(
                tables.score_json(each, per_char=command.per_char, is_ranked=is_ranked)
            )
    else:
        table = tables.scores_table(scored, per_char=command.per_char, is_ranked=is_ranked)
        print(table if is_first else table.partition("\n")[2])
    sys.stdout.flush()


def _start(run: Run, *, text_start: bool) -> str:
    """Return where a text or a document begins, in words."""
    if not run.data.is_text:
        return "the document, whose end counts as a character"
    return "a line" if not text_start and line_start(run.data.vocab) else "the text"


def _score(
    run: Run,
    variables: Variables,
    texts: list[str],
    command: Score,
    origins: Mapping[str, str],
    labels: np.ndarray | None,
) -> list[tables.Scored]:
    """Score the texts that can be scored, and say of the others why not."""
    vocab, is_text, text_start = run.data.vocab, run.data.is_text, command.text_start
    # The empty document has a score, but an empty line is no document in the data either.
    needs_text = is_text or not command.texts
    why = [why_unscorable(vocab, text, is_text=needs_text) for text in texts]
    good = [text for text, reason in zip(texts, why, strict=True) if reason is None]
    scores = iter(
        score_texts(
            run.model,
            variables,
            vocab,
            good,
            is_text=is_text,
            text_start=text_start,
            labels=labels,
        )
        if good
        else []
    )
    notes = [None if is_text else origins.get(text, "new") for text in texts]
    return [
        tables.Scored(text, next(scores), note)
        if reason is None
        else tables.Scored(text, None, reason)
        for text, reason, note in zip(texts, why, notes, strict=True)
    ]
