"""Results as tables for people, and as plain values for JSON."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.text import Text

from wavenet_jax.cli import process
from wavenet_jax.data import BOUNDARY, END_SIGN, Vocab
from wavenet_jax.errors import escape, pluralize
from wavenet_jax.evaluation import Evaluation, Loss, Score
from wavenet_jax.sampling import GeneratedDocument

MAX_SHOWN_CHARACTERS = 100  # of a vocabulary
MAX_SHOWN_TEXT = 60  # characters of a text in a table
MAX_COLUMN = 64  # columns of a terminal
CUT_OFF_SHARE = 0.05  # of the documents, above which the summary says what to do
CHARACTERS_PER_LINE = 10  # of a heat map


def table(rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """Return a line per row, its cells in columns two blanks apart.

    `align` has a character per column: < for left, > for right.  A column is as wide as its widest
    cell on a terminal, where a character takes two columns, one or none.  A cell above
    `MAX_COLUMN` runs over instead of widening its column.
    """
    widths = [_width(list(map(cell_len, column))) for column in zip(*rows, strict=True)]
    return [
        "  ".join(map(_pad, row, widths, align)).rstrip()  # no blanks at the end of a line
        for row in rows
    ]


def _width(lengths: list[int]) -> int:
    return max((length for length in lengths if length <= MAX_COLUMN), default=0)


def _pad(cell: str, width: int, align: str) -> str:
    blanks = " " * (width - cell_len(cell))
    return cell + blanks if align == "<" else blanks + cell


def vocab_line(vocab: Vocab) -> str:
    """Return the number of characters, and the characters as far as they fit a line."""
    shown = vocab.characters[1:]  # without the boundary
    more = "..." if len(shown) > MAX_SHOWN_CHARACTERS else ""
    return f"{pluralize(len(shown), 'character')} {shown[:MAX_SHOWN_CHARACTERS]!r}{more}"


def losses_table(evaluations: Mapping[str, Evaluation], unit: str = "character") -> str:
    """Return the losses of the splits that are not empty, a row each, per unit of the data."""
    is_text = all(evaluation.unseen is None for evaluation in evaluations.values())
    loss, bits = [f"nats/{short(unit)}", "± s.e."], f"bits/{short(unit)}"
    head = ["", "stretches" if is_text else "documents", "predictions", *loss, bits]
    rows = [head if is_text else [*head, "unseen", *loss]]
    for split, (all_, unseen) in _not_empty(evaluations):
        row = [split, f"{all_.num_documents:,}", f"{all_.num_predictions:,}"]
        row += [*_mean_and_error(all_), number(all_.bits_per_character)]
        if unseen is not None:
            row += [f"{unseen.num_documents:,}", *_mean_and_error(unseen)]
        rows.append(row + ["–"] * (len(rows[0]) - len(row)))
    return "\n".join(table(rows, "<" + ">" * (len(rows[0]) - 1)))


def short(unit: str) -> str:
    """Return a unit as the head of a column has it."""
    return "char" if unit == "character" else unit


def runs_table(
    runs: Sequence[tuple[str, Mapping[str, Evaluation]]], unit: str = "character"
) -> str:
    """Return a row per run: its name, and its nats per unit of the data on each split."""
    known = dict.fromkeys(split for _, losses in runs for split in losses)  # in their order
    filled = {split for _, losses in runs for split, _ in _not_empty(losses)}
    columns = [split for split in known if split in filled]
    rows = [[f"nats/{short(unit)}", *columns]]
    for name, losses in runs:
        means = [number(losses[split].all.nats_per_character) for split in columns]
        rows.append([visible(name), *means])
    return "\n".join(table(rows, "<" + ">" * len(columns)))


def _not_empty(evaluations: Mapping[str, Evaluation]) -> list[tuple[str, Evaluation]]:
    return [
        (split, evaluation)
        for split, evaluation in evaluations.items()
        if evaluation.all.num_predictions
    ]


def _mean_and_error(loss: Loss) -> list[str]:
    return [number(loss.nats_per_character), number(loss.standard_error)]


def number(value: float) -> str:
    """Return a number with four digits, a dash where it is undefined."""
    return "–" if math.isnan(value) else f"{value:.4f}"


def losses_json(evaluations: Mapping[str, Evaluation], unit: str = "character") -> dict[str, Any]:
    """Return the losses of the splits that are not empty as plain values; undefined is null."""
    return {
        split: _loss_json(loss, unit, "stretches")
        if unseen is None
        else {**_loss_json(loss, unit), "unseen": _loss_json(unseen, unit)}
        for split, (loss, unseen) in _not_empty(evaluations)
    }


def _loss_json(loss: Loss, unit: str, counted: str = "documents") -> dict[str, Any]:
    return {
        counted: loss.num_documents,
        "predictions": loss.num_predictions,
        f"nats_per_{unit}": finite(loss.nats_per_character),
        "standard_error": finite(loss.standard_error),
        f"bits_per_{unit}": finite(loss.bits_per_character),
    }


def finite(value: float) -> float | None:
    """Return a number, None where it is not finite, which JSON does not know."""
    return value if math.isfinite(value) else None


class Scored(NamedTuple):
    """A text with its score, or why it has none."""

    text: str
    score: Score | None
    note: str | None  # the split of the data that contains it, `new`, or why it has no score


def scores_table(scores: Sequence[Scored], *, per_char: bool, is_ranked: bool = True) -> str:
    """Return a row per text: its rank, its loss in all and by character, and its probability.

    Where there are notes, they are the last column.  With `per_char` the probability of each
    character follows, on a terminal as a heat map.  Unless `is_ranked`, there are no ranks.
    """
    head = ["text", f"{'rank':>6}", "characters", f"{'nats':>9}", "nats/char", "bits/char"]
    rows = [[*head, "probability", "data"], *map(_score_row, scores)]
    align = "<>>>>>><"
    if all(each.note is None for each in scores):
        rows, align = [row[:-1] for row in rows], align[:-1]
    if not is_ranked:
        rows, align = [[row[0], *row[2:]] for row in rows], align[:1] + align[2:]
    head_line, *lines = table(rows, align)
    if per_char:
        lines = [
            f"{line}\n{_rendered(each.score)}" if each.score else line
            for line, each in zip(lines, scores, strict=True)
        ]
    return "\n".join([head_line, *lines])


def _score_row(each: Scored) -> list[str]:
    text, score = in_a_line(each.text), each.score
    if score is None:
        return [text, *["–"] * 6, f"error: {each.note}"]
    nats, length = score.total_nats, len(score.characters)
    means = [f"{nats / length:.4f}", f"{score.bits_per_character:.4f}"]
    numbers = [f"{score.rank:,}", f"{length:,}", f"{nats:.3f}", *means, _probability(nats)]
    return [text, *numbers, each.note or ""]


def _rendered(score: Score) -> str:
    with process.stdout.capture() as rendered:
        process.stdout.print(_heat_map(score), end="")
    return rendered.get()


def _heat_map(score: Score) -> Text:
    """Return each character with its probability; the less likely, the darker."""
    heat = Text()
    for index, (character, nats) in enumerate(zip(score.characters, score.nll_nats, strict=True)):
        shown = repr(character) if character.isspace() else in_a_line(_shown(character))
        heat.append("\n  " if index and index % CHARACTERS_PER_LINE == 0 else "  ")
        light = round(255 * math.exp(-nats / 3))  # 3 nats: the probability is 1 in 20
        style = f"{'black' if light > 127 else 'white'} on rgb(255,{light},{light})"
        heat.append(f"{shown} {math.exp(-nats):.2g}", style)
    return heat


def _shown(character: str) -> str:
    """Return a character, or the sign of the boundary."""
    return END_SIGN if character == BOUNDARY else character


def in_a_line(text: str) -> str:
    """Return a text so that it can be told from others in a line, cut where it is long."""
    shown = visible(text)
    return shown if len(shown) <= MAX_SHOWN_TEXT else f"{shown[:MAX_SHOWN_TEXT]}..."


def visible(text: str) -> str:
    """Return a text so that a terminal shows all of it and obeys none of it.

    In quotes, with its control characters escaped, where it has any or is empty.
    """
    escaped = escape(text)
    return escaped if escaped == text != "" else f"'{escaped}'"


def _probability(nats: float) -> str:
    """Return exp(-nats), however small, with four digits."""
    power = -nats / math.log(10)
    exponent = math.floor(power)
    digits = f"{10 ** (power - exponent):.3f}"
    if digits == "10.000":
        digits, exponent = "1.000", exponent + 1
    return f"{digits}e{exponent:+03d}"


def score_json(each: Scored, *, per_char: bool, is_ranked: bool = True) -> dict[str, Any]:
    """Return a score as plain values, unless `is_ranked` without the rank."""
    score = each.score
    if score is None:
        return {"text": each.text, "error": each.note}
    values: dict[str, Any] = {
        "text": score.text,
        "characters": len(score.characters),
        "nll_nats": score.total_nats,
        "bits_per_character": score.bits_per_character,
        "probability": math.exp(-score.total_nats),
    }
    if is_ranked:
        values["rank"] = score.rank
    if each.note is not None:
        values["origin"] = each.note
    if per_char:
        values["per_character"] = [
            {"character": _shown(character), "nll_nats": nats, "probability": math.exp(-nats)}
            for character, nats in zip(score.characters, score.nll_nats, strict=True)
        ]
    return values


def documents_table(documents: list[GeneratedDocument]) -> str:
    """Return a row per document: text, loss, where the data contain it, whether it was cut off."""
    rows = [
        [
            visible(document.sample.text),
            f"{document.sample.nll_nats:6.2f} nats",
            *([show_labels(document.labels)] if document.labels else []),
            _mark(document) + ("" if document.sample.ended else ", cut off"),
        ]
        for document in documents
    ]
    return "\n".join(table(rows, "<><<"[: len(rows[0])]))


def show_labels(labels: dict[str, str]) -> str:
    """Return labels in a few words, such as `digit 7, speaker ann`."""
    return ", ".join(f"{visible(kind)} {visible(label)}" for kind, label in labels.items())


def labels_json(labels: dict[str, str]) -> dict[str, Any]:
    """Return the labels of a document as an entry, if it has any."""
    return {"labels": labels} if labels else {}


def _mark(document: GeneratedDocument) -> str:
    return document.origin if document.is_new else f"in {document.origin}"


def document_json(document: GeneratedDocument) -> dict[str, Any]:
    """Return a document as plain values."""
    return {
        "text": document.sample.text,
        "nll_nats": document.sample.nll_nats,
        "is_new": document.is_new,
        "ended": document.sample.ended,
        "origin": document.origin,
        **labels_json(document.labels),
    }


@dataclass
class Tally:
    """What is counted of documents as they come, for their summary."""

    marks: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    cut_off: int = 0

    def add(self, document: GeneratedDocument) -> None:
        """Count a document."""
        self.marks[_mark(document)] += 1
        self.attempts += document.sample.attempts
        self.cut_off += not document.sample.ended


def summary(tally: Tally, *, is_exact: bool, max_length: int) -> str:
    """Return how many documents are new, and the rate of acceptance where some were rejected.

    With `is_exact` the rate is said in any case.  Where more than a few per cent are cut off, also
    what to do about it.
    """
    count = tally.marks.total()
    parts = [f"{number:,} {mark}" for mark, number in tally.marks.most_common()]
    if is_exact or tally.attempts > count:
        rate = 100 * count / tally.attempts
        parts.append(f"{rate:.3g}% of {pluralize(tally.attempts, 'attempt')} accepted")
    if tally.cut_off > CUT_OFF_SHARE * count:
        parts.append(
            f"{tally.cut_off:,} cut off at {pluralize(max_length, 'character')}; --exact draws "
            "documents that end by themselves, --max-length makes them end, --cut-at moves the cut"
        )
    return ", ".join(parts)
