"""What `wavenet-jax score` does with its arguments."""

import math
import sys

from wavenet_jax.cli import process, tables
from wavenet_jax.cli.arguments import Score
from wavenet_jax.cli.commands.common import describe, restore
from wavenet_jax.errors import pluralize, require
from wavenet_jax.evaluation import line_start, score_texts, why_unscorable
from wavenet_jax.nn import Variables
from wavenet_jax.runs import Run
from wavenet_jax.sampling import document_origins

MAX_PIPED = 2**28  # characters


def score(command: Score) -> int:
    """Print the log-likelihood of each text, by default of standard input.

    Return 0, or 1 where some cannot be scored.
    """
    run, step, variables = restore(command.run, command)
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
    process.say(f"{pluralize(len(texts), 'score')} by {describe(run, command, step)}, from {start}")
    if command.sort:
        scored.sort(key=lambda each: each.score.total_nats if each.score else math.inf)
    if command.json:
        for each in scored:
            process.print_json(tables.score_json(each, per_char=command.per_char))
    else:
        print(tables.scores_table(scored, per_char=command.per_char))
    failed = sum(each.score is None for each in scored)
    if failed:
        process.say(
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
    text = sys.stdin.read(MAX_PIPED + 1) if sys.stdin else ""
    require(
        len(text) <= MAX_PIPED,
        f"standard input has more than {MAX_PIPED:,} characters, expected fewer to score; give "
        "them in parts.",
    )
    text = text.replace("\ufeff", "")
    if is_text:
        return [text] if text else []
    return [line.strip() for line in text.rstrip().split("\n")] if text.strip() else []
