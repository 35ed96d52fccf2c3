"""How results are told: tables for people, plain values for JSON."""

import math
from bisect import bisect_left
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from wavenet_jax import console
from wavenet_jax.corpus import Splits
from wavenet_jax.errors import counted
from wavenet_jax.evaluate import Evaluation, Loss
from wavenet_jax.generate import Found
from wavenet_jax.vocab import Vocab

ALPHABET = 100  # characters shown of a vocabulary
A_LINE = 10  # characters of which a line tells the probability
LONG = 60  # characters of a text in a table


def alphabet(vocab: Vocab) -> str:
    """Return how many characters there are, and which, as far as they fit a line."""
    shown = vocab.characters if vocab.boundary.isprintable() else vocab.characters[1:]
    more = "..." if len(shown) > ALPHABET else ""
    return f"{counted(len(shown), 'character')} {shown[:ALPHABET]!r}{more}"


def losses_table(evaluations: Splits[Evaluation]) -> str:
    """Return the losses of the splits that hold anything, as a table."""
    listed = evaluations.train.unseen is not None
    head = (
        f"{'':5}  {'documents' if listed else 'stretches':>9}  {'predictions':>11}  "
        f"{'nats/char':>9}  {'± s.e.':>6}  {'bits/char':>9}"
    )
    if listed:
        head += f"  {'unseen':>6}  {'nats/char':>9}  {'± s.e.':>6}"
    rows = []
    for split, (loss, unseen) in evaluations._asdict().items():
        row = (
            f"{split:5}  {loss.documents:9,}  {loss.predictions:11,}  "
            f"{_number(loss.nats_per_character):>9}  {_number(loss.standard_error):>6}  "
            f"{_number(loss.bits_per_character):>9}"
        )
        if unseen is not None:
            row += (
                f"  {unseen.documents:6,}  {_number(unseen.nats_per_character):>9}  "
                f"{_number(unseen.standard_error):>6}"
            )
        if loss.predictions:
            rows.append(row)
    return "\n".join([head, *rows])


def losses_json(evaluations: Splits[Evaluation]) -> dict[str, Any]:
    """Return the losses of the splits that hold anything as plain values; undefined is null."""
    return {
        split: {**_loss_json(loss), "unseen": _loss_json(unseen)}
        if unseen is not None
        else _loss_json(loss, units="stretches")
        for split, (loss, unseen) in evaluations._asdict().items()
        if loss.predictions
    }


def _loss_json(loss: Loss, units: str = "documents") -> dict[str, Any]:
    return {
        units: loss.documents,
        "predictions": loss.predictions,
        "nats_per_character": _finite(loss.nats_per_character),
        "standard_error": _finite(loss.standard_error),
        "bits_per_character": _finite(loss.bits_per_character),
    }


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


class Score(NamedTuple):
    """How likely a text is."""

    text: str
    characters: str  # scored ones, a document's end among them
    nll_nats: list[float]  # of each
    rank: int  # among the given ones, from the likeliest down

    @property
    def total_nats(self) -> float:
        """Return the sum over the characters."""
        return math.fsum(self.nll_nats)

    @property
    def bits_per_character(self) -> float:
        """Return the mean over the characters in bits."""
        return self.total_nats / len(self.characters) / math.log(2)


def scores(texts: list[str], nats: list[np.ndarray], end: str) -> list[Score]:
    """Return the scores of texts, given the nats of each character, behind them of the `end`."""
    totals = sorted(math.fsum(each.tolist()) for each in nats)
    return [
        Score(text, text + end, each.tolist(), 1 + bisect_left(totals, math.fsum(each.tolist())))
        for text, each in zip(texts, nats, strict=True)
    ]


def scores_table(scores: list[Score], *, per_char: bool) -> str:
    """Return a line per text: its rank, its loss whole and by character, and its probability.

    With `per_char` the probability of each character follows, for a terminal as a heat map.
    """
    texts = [_in_a_line(score.text) for score in scores]
    width = max(len("text"), *map(cell_len, texts))
    lines = [
        f"{'text':<{width}}  {'rank':>6}  {'characters':>10}  {'nats':>9}  {'nats/char':>9}  "
        f"{'bits/char':>9}  {'probability':>11}"
    ]
    for text, score in zip(texts, scores, strict=True):
        nats, number = score.total_nats, len(score.characters)
        lines.append(
            f"{_padded(text, width)}  {score.rank:6,}  {number:10,}  {nats:9.3f}  "
            f"{nats / number:9.4f}  {score.bits_per_character:9.4f}  {_probability(nats):>11}"
        )
        if per_char:
            with console.stdout.capture() as rendered:
                console.stdout.print(_heat_map(score), end="")
            lines.append(rendered.get())
    return "\n".join(lines)


def _heat_map(score: Score) -> Text:
    """Return each character with its probability, the less likely the darker, a few a line."""
    heat = Text()
    for index, (character, nats) in enumerate(zip(score.characters, score.nll_nats, strict=True)):
        shown = repr(character) if character.isspace() else _in_a_line(character)
        heat.append("  " if index % A_LINE else "  " if index == 0 else "\n  ")
        light = round(255 * math.exp(-nats / 3))  # 3 nats: one choice of twenty
        style = f"{'black' if light > 127 else 'white'} on rgb(255,{light},{light})"
        heat.append(f"{shown} {math.exp(-nats):.2g}", style)
    return heat


def _probability(nats: float) -> str:
    """Return exp(-nats), however small, with four digits."""
    power = -nats / math.log(10)
    exponent = math.floor(power)
    digits = f"{10 ** (power - exponent):.3f}"
    if digits == "10.000":
        digits, exponent = "1.000", exponent + 1
    return f"{digits}e{exponent:+03d}"


def score_json(score: Score, *, per_char: bool) -> dict[str, Any]:
    """Return a score as plain values."""
    values: dict[str, Any] = {
        "text": score.text,
        "characters": len(score.characters),
        "nll_nats": score.total_nats,
        "bits_per_character": score.bits_per_character,
        "probability": math.exp(-score.total_nats),
        "rank": score.rank,
    }
    if per_char:
        values["per_character"] = [
            {"character": character, "nll_nats": nats, "probability": math.exp(-nats)}
            for character, nats in zip(score.characters, score.nll_nats, strict=True)
        ]
    return values


def found_table(found: list[Found]) -> str:
    """Return a line per document: text, loss, where the data hold it, whether it was cut off."""
    texts = [one.sample.text or repr("") for one in found]
    width = max(map(cell_len, texts))
    return "\n".join(
        f"{_padded(text, width)}  {one.sample.nll_nats:6.2f} nats  "
        f"{one.origin if one.is_new else f'in {one.origin}'}"
        f"{'' if one.sample.ended else ', cut off'}"
        for text, one in zip(texts, found, strict=True)
    )


def found_json(found: Found) -> dict[str, Any]:
    """Return a document drawn as plain values."""
    return {
        "text": found.sample.text,
        "nll_nats": found.sample.nll_nats,
        "is_new": found.is_new,
        "ended": found.sample.ended,
        "origin": found.origin,
    }


def summary(found: list[Found], *, exact: bool) -> str:
    """Return how many documents are new, and what share of the attempts was accepted."""
    counts = Counter("new" if one.is_new else f"in {one.origin}" for one in found)
    parts = [f"{number:,} {mark}" for mark, number in counts.most_common()]
    if exact:
        attempts = sum(one.sample.attempts for one in found)
        parts.append(
            f"{100 * len(found) / attempts:.3g}% of the {attempts:,} drawn for them accepted"
        )
    return ", ".join(parts)


def _in_a_line(text: str) -> str:
    """Return a text as it can be told from others in a line, cut where it is long."""
    shown = text if text and text.isprintable() else repr(text)
    return shown if len(shown) <= LONG else f"{shown[:LONG]}..."


def _padded(text: str, width: int) -> str:
    """Fill a text with blanks to a width in columns, of which some characters take two or none."""
    return text + " " * (width - cell_len(text))
