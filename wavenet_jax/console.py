"""What the commands show: progress on a terminal or in plain lines, tables of results."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wavenet_jax.corpus import Splits
from wavenet_jax.evaluate import Evaluation, Loss
from wavenet_jax.sample import Sample
from wavenet_jax.train import Report

# Results go to standard output by `print`; this is for everything else.
stderr = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


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
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bar:
        yield TrainingProgress(bar, total, done)


def losses_table(evaluations: Splits[Evaluation]) -> str:
    """Return the losses of the splits as a table."""
    head = (
        f"{'':5}  {'documents':>9}  {'predictions':>11}  {'nats/char':>9}  {'± s.e.':>6}  "
        f"{'bits/char':>9}  {'unseen':>6}  {'nats/char':>9}  {'± s.e.':>6}"
    )
    rows = [
        f"{split:5}  {one.all.documents:9,}  {one.all.predictions:11,}  "
        f"{_number(one.all.nats_per_character):>9}  {_number(one.all.standard_error):>6}  "
        f"{_number(one.all.bits_per_character):>9}  {one.unseen.documents:6,}  "
        f"{_number(one.unseen.nats_per_character):>9}  {_number(one.unseen.standard_error):>6}"
        for split, one in evaluations._asdict().items()
    ]
    return "\n".join([head, *rows])


def losses_json(evaluations: Splits[Evaluation]) -> dict[str, Any]:
    """Return the losses of the splits as plain values; what is undefined is null."""
    return {
        split: {**_loss_json(one.all), "unseen": _loss_json(one.unseen)}
        for split, one in evaluations._asdict().items()
    }


def _loss_json(loss: Loss) -> dict[str, Any]:
    return {
        "documents": loss.documents,
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
    width = max(len(sample.text) for sample in samples)
    return "\n".join(
        f"{sample.text:<{width}}  {origin if origin == 'new' else f'in {origin}'}"
        f"{'' if sample.ended else ', cut off'}"
        for sample, origin in zip(samples, origins, strict=True)
    )
