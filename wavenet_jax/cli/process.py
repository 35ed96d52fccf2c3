"""How a command behaves as a process: its console, progress and signals."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wavenet_jax.evaluation import IndexedBatch
from wavenet_jax.sampling import GeneratedDocument
from wavenet_jax.training import StepInfo

ADVANCE_EVERY = 256  # documents
COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
)

# Results go to standard output by `print`, whose reader may leave; this knows its colours.
stdout = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
# For everything else.
stderr = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


class TrainingProgress:
    """Shows the infos of a run: a bar that moves, and a line at each validation."""

    def __init__(self, bar: Progress, total: int, done: int) -> None:
        self._bar = bar
        self._total = total
        self._task = bar.add_task("compiling", total=total, completed=done)
        self._first: tuple[float, int] | None = None  # time and step of the first info

    def show(self, info: StepInfo) -> None:
        """Show one info."""
        speed = info.steps_per_second
        rate = "" if speed is None else f"{speed:,.0f} steps/s"  # a chunk that compiled has none
        loss = f"train {info.train_loss:.4f}"
        left = self._time_left(info.step)
        self._bar.update(self._task, completed=info.step, description=f"{loss}  {rate}".strip())
        if info.val is not None:
            step = f"step {info.step:>7,} of {self._total:,}"
            val = f"val {info.val.nats_per_character:.4f}"
            self._bar.console.print("  ".join(filter(None, [step, loss, val, rate, left])))

    def _time_left(self, step: int) -> str:
        # Counts from the first info on, for compilation comes before it.
        now = time.perf_counter()
        if self._first is None:
            self._first = (now, step)
        then, before = self._first
        if step in (before, self._total):
            return ""
        seconds = (now - then) / (step - before) * (self._total - step)
        return f"{timedelta(seconds=round(seconds))} left"


@contextmanager
def training_progress(total: int, done: int) -> Iterator[TrainingProgress]:
    """Open the progress of a run of `total` steps; off a terminal there is no bar."""
    with Progress(*COLUMNS, console=stderr, disable=not stderr.is_terminal) as bar:
        yield TrainingProgress(bar, total, done)


@contextmanager
def _bar(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal until it closes; yield the function that advances it."""
    with Progress(*COLUMNS, console=stderr, disable=not stderr.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.advance(task, more)


def track_batches(batches: Iterator[IndexedBatch], num_predictions: int) -> Iterator[IndexedBatch]:
    """Yield the batches, and show on a terminal how many of the predictions are scored."""
    with _bar(num_predictions, "scoring") as advance:
        for batch in batches:
            yield batch
            advance(len(batch.targets))


def track_documents(documents: Iterator[GeneratedDocument], n: int) -> Iterator[GeneratedDocument]:
    """Yield the documents, and show on a terminal how many of `n` are drawn."""
    with _bar(n, "sampling") as advance:
        for index, document in enumerate(documents, start=1):
            yield document
            if index % ADVANCE_EVERY == 0:
                advance(ADVANCE_EVERY)


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Note the first Ctrl-C or SIGTERM in a list; a second one acts as it did before."""
    received: list[int] = []

    def note(number: int, _: Any) -> None:
        received.append(number)
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def signals_unwind() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM leave through `finally`, which removes what is half written."""

    def leave(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
