"""How a command behaves as a process: its console, progress and signals."""

import codecs
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wavenet_jax.errors import escape, is_control, pluralize
from wavenet_jax.evaluation import IndexedBatch
from wavenet_jax.sampling import GeneratedDocument
from wavenet_jax.training import StepInfo

ADVANCE_EVERY = 0.1  # seconds
LINES = 20  # of a run's validations that are printed, at most
WORTH_SAYING = 20  # seconds that a run takes
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
    """Shows the infos of a run: a bar that moves, and lines at some of the validations."""

    def __init__(self, bar: Progress, total: int, done: int) -> None:
        self._bar = bar
        self._total = total
        self._task = bar.add_task("compiling", total=total, completed=done)
        self._mark: tuple[float, int] | None = None  # time and step after a first validation
        self._expected = False  # whether the time of the run has been printed
        self._lines = LINES * done // total

    def show(self, info: StepInfo) -> None:
        """Show one info."""
        speed = info.steps_per_second
        rate = "" if speed is None else f"{speed:,.0f} steps/s"  # a chunk that compiled has none
        loss = f"train {info.train_loss:.4f}"
        seconds = self._seconds_left(info)
        self._bar.update(self._task, completed=info.step, description=f"{loss}  {rate}".strip())
        if seconds is not None and not self._expected:
            self._expected = True
            if seconds > WORTH_SAYING:
                left = pluralize(self._total - info.step, "step")
                self._print(f"About {_duration(seconds)} for the next {left}")
        if info.val is not None and LINES * info.step // self._total > self._lines:
            self._lines = LINES * info.step // self._total
            step = f"step {info.step:>7,} of {self._total:,}"
            val = "" if info.val_loss is None else f"val {info.val_loss:.4f}"
            left = "" if seconds is None else f"{timedelta(seconds=round(seconds))} left"
            self._print("  ".join(filter(None, [step, loss, val, rate, left])))
        if info.samples and self._bar.console.is_terminal:
            shown = (text if text.isprintable() else repr(text) for text in info.samples)
            self._print(f"     {' · '.join(shown)}")

    def _print(self, line: str) -> None:
        self._bar.console.print(line)

    def _seconds_left(self, info: StepInfo) -> float | None:
        """Estimate the time to the end, first by the speed of steps alone."""
        now, left = time.perf_counter(), self._total - info.step
        if self._mark is not None and left:
            then, before = self._mark
            return (now - then) / (info.step - before) * left
        if info.val is not None:  # a validation compiles what the next ones use again
            self._mark = (now, info.step)
        return left / info.steps_per_second if info.steps_per_second and left else None


def _duration(seconds: float) -> str:
    """Return a time in words, such as "40 seconds" or "3 minutes"."""
    for unit, name in ((3_600, "hour"), (60, "minute")):
        if seconds >= 1.5 * unit:
            return pluralize(round(seconds / unit), name)
    return pluralize(round(seconds), "second")


@contextmanager
def training_progress(total: int, done: int) -> Iterator[TrainingProgress]:
    """Open the progress of a run of `total` steps; off a terminal there is no bar."""
    with Progress(*COLUMNS, console=stderr, disable=not stderr.is_terminal) as bar:
        yield TrainingProgress(bar, total, done)


@contextmanager
def _bar(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal until it closes; yield the function that advances it."""
    with Progress(
        *COLUMNS,
        console=stderr,
        disable=not stderr.is_terminal,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # else results would go where the bar is
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.advance(task, more)


def track_batches(batches: Iterator[IndexedBatch], num_predictions: int) -> Iterator[IndexedBatch]:
    """Yield the batches, and show on a terminal how many of the predictions are scored."""
    with _bar(num_predictions, "scoring") as advance:
        for batch in batches:
            yield batch
            advance(len(batch.targets))


def track_labels(nats: Iterator[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """Yield what is found under each combination of labels, and show how many of them are done."""
    with _bar(count, "scoring") as advance:
        for each in nats:
            yield each
            advance(1)


def track_documents(documents: Iterator[GeneratedDocument], n: int) -> Iterator[GeneratedDocument]:
    """Yield the documents, and show on a terminal how many of `n` are drawn."""
    with _bar(n, "sampling") as advance:
        drawn, then = 0, time.perf_counter()
        for document in documents:
            yield document
            drawn += 1
            if time.perf_counter() - then > ADVANCE_EVERY:
                advance(drawn)
                drawn, then = 0, time.perf_counter()


def say(text: str) -> None:
    """Print on standard error, without codes of a stranger's file that a terminal would obey."""
    stderr.print(escape(text, "\n"))


def _is_main_thread() -> bool:
    """Tell whether signals can be handled, which Python leaves to the main thread alone."""
    return threading.current_thread() is threading.main_thread()


# How a user, the system and a closed terminal end a process; Windows has no SIGHUP.
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def _heeded() -> dict[int, Any]:
    """Return the handlers of the signals that stop a process, but for those that are ignored.

    What is ignored stays so, as SIGHUP under nohup.
    """
    handlers = {number: signal.getsignal(number) for number in STOPS}
    return {number: each for number, each in handlers.items() if each is not signal.SIG_IGN}


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Note the first signal that stops a process in a list; a second one acts as it did before."""
    received: list[int] = []
    if not _is_main_thread():
        yield received
        return

    def note(number: int, _: Any) -> None:
        received.append(number)
        signal.signal(number, before[number])

    before = _heeded()
    for number in before:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def signals_unwind() -> Iterator[list[int]]:
    """Let such signals leave through `finally`, which removes what is half written.

    They are noted in a list too, since Python loses what is raised within a callback.
    """
    received: list[int] = []
    if not _is_main_thread():
        yield received
        return

    def leave(number: int, _: Any) -> None:
        received.append(number)
        raise SystemExit(128 + number)

    before = _heeded()
    for number in before:
        signal.signal(number, leave)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_utf8() -> bool:
    """Tell whether standard output is UTF-8; elsewhere JSON, which has to be, is escaped."""
    return codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"


def print_json(values: dict[str, Any]) -> None:
    """Print plain values as a line of JSON."""
    line = json.dumps(values, ensure_ascii=not is_utf8())
    if not line.isprintable():  # it holds what a terminal would obey, or bytes that are no text
        line = "".join(f"\\u{ord(c):04x}" if is_control(c) else c for c in line)
    print(line)
