"""What the commands show while they work: progress on a terminal, or in plain lines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wavenet_jax.evaluate import Block
from wavenet_jax.generate import Found
from wavenet_jax.train import Report

SHOWN_EVERY = 256  # documents
COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
)

# Results go to standard output by `print`, whose reader may leave; this tells of its colours.
stdout = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
# For everything else.
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


@contextmanager
def _bar(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, gone in the end; what it opens tells how much more is done."""
    with Progress(*COLUMNS, console=stderr, disable=not stderr.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.advance(task, more)


def watched_blocks(blocks: Iterator[Block], predictions: int) -> Iterator[Block]:
    """Yield the blocks, showing on a terminal how many of the predictions they make."""
    with _bar(predictions, "scoring") as advance:
        for block in blocks:
            yield block
            advance(len(block.targets))


def watched(found: Iterator[Found], n: int) -> Iterator[Found]:
    """Yield the documents, showing on a terminal how many of them are drawn."""
    with _bar(n, "drawing") as advance:
        for index, one in enumerate(found, start=1):
            yield one
            if index % SHOWN_EVERY == 0:
                advance(SHOWN_EVERY)
