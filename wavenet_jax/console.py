"""What the commands show: progress on a terminal or in plain lines, tables of results."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wavenet_jax.corpus import Splits
from wavenet_jax.evaluate import Block, Evaluation, Loss
from wavenet_jax.sample import Sample
from wavenet_jax.train import Report
from wavenet_jax.vocab import Vocab

ALPHABET = 100  # characters shown of a vocabulary
COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
)

# Results go to standard output by `print`; this is for everything else.
stderr = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


class TrainingProgress:
    """Shows the reports of a run: a bar that moves, and a line at each validation."""

    def __init__(self, bar: Progress, total: int, done: int) -> None:
        self._bar = bar
        self._total = total
        self._task = bar.add_task("compiling", total=total, completed=done)
        self._first: tuple[float, int] | None = None  # when the first report came, and its step

    def show(self, report: Report) -> None:
        """Show one report."""
        speed = report.steps_per_second
        rate = "compiling" if speed is None else f"{speed:,.0f} steps/s"
        loss = f"train {report.train_loss:.4f}"
        left = self._time_left(report.step)
        self._bar.update(self._task, completed=report.step, description=f"{loss}  {rate}")
        if report.val is not None:
            self._bar.console.print(
                f"step {report.step:>7,} of {self._total:,}  {loss}  "
                f"val {report.val.nats_per_character:.4f}  {rate}  {left}"
            )

    def _time_left(self, step: int) -> str:
        # Reckoned from the first report on, for compilation comes before it.
        now = time.perf_counter()
        if self._first is None:
            self._first = (now, step)
        then, before = self._first
        if step == before:
            return ""
        seconds = (now - then) / (step - before) * (self._total - step)
        return f"{timedelta(seconds=round(seconds))} left"


@contextmanager
def training_progress(total: int, done: int) -> Iterator[TrainingProgress]:
    """Open the progress of a run of so many steps; off a terminal there is no bar."""
    with Progress(*COLUMNS, console=stderr, disable=not stderr.is_terminal) as bar:
        yield TrainingProgress(bar, total, done)


class Score(NamedTuple):
    """How likely a text is."""

    text: str
    characters: int  # scored ones, a document's end among them
    nll_nats: float


def count(number: int, noun: str) -> str:
    """Return a number and what it counts, such as "1 sample" and "1,000 samples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def alphabet(vocab: Vocab) -> str:
    """Return how many characters there are, and which, as far as they fit a line."""
    shown = vocab.characters if vocab.boundary.isprintable() else vocab.characters[1:]
    more = "..." if len(shown) > ALPHABET else ""
    return f"{count(len(shown), 'character')} {shown[:ALPHABET]!r}{more}"


def watched(blocks: Iterator[Block], predictions: int) -> Iterator[Block]:
    """Yield the blocks, showing on a terminal how many of the predictions they make."""
    with Progress(*COLUMNS, console=stderr, disable=not stderr.is_terminal, transient=True) as bar:
        task = bar.add_task("scoring", total=predictions)
        for block in blocks:
            yield block
            bar.advance(task, len(block.targets))


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


def scores_table(scores: list[Score]) -> str:
    """Return a line per text: its loss whole and by character, and its probability."""
    # A text of several lines keeps to one.
    texts = [score.text if score.text.isprintable() else repr(score.text) for score in scores]
    width = max(len("text"), *map(cell_len, texts))
    rows = [
        f"{_padded(text, width)}  {score.characters:10,}  {score.nll_nats:9.3f}  "
        f"{score.nll_nats / score.characters:9.4f}  "
        f"{score.nll_nats / score.characters / math.log(2):9.4f}  {math.exp(-score.nll_nats):11.3e}"
        for text, score in zip(texts, scores, strict=True)
    ]
    head = (
        f"{'text':<{width}}  {'characters':>10}  {'nats':>9}  {'nats/char':>9}  {'bits/char':>9}  "
        f"{'probability':>11}"
    )
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


def _padded(text: str, width: int) -> str:
    """Fill a text with blanks to a width in columns, of which some characters take two or none."""
    return text + " " * (width - cell_len(text))


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


def samples_table(samples: list[Sample], origins: list[str]) -> str:
    """Return a line per sample: its text, where it stands in the data, whether it was cut off."""
    width = max(cell_len(sample.text) for sample in samples)
    return "\n".join(
        f"{_padded(sample.text, width)}  {origin if origin == 'new' else f'in {origin}'}"
        f"{'' if sample.ended else ', cut off'}"
        for sample, origin in zip(samples, origins, strict=True)
    )
