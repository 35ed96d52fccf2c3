"""Metrics and checkpoints, written while a run trains."""

import math
import time
from collections.abc import Generator, Iterator
from itertools import chain
from typing import NamedTuple

from wavenet_jax.devices import is_first, process_count, share
from wavenet_jax.runs.checkpoints import Checkpoints, open_checkpoints
from wavenet_jax.runs.creation import create_run
from wavenet_jax.runs.disk import MetricsRecord
from wavenet_jax.runs.folder import Run, require_in_place
from wavenet_jax.runs.metrics import MetricsFile, metrics_line, read_metrics
from wavenet_jax.training import StepInfo

SECONDS_BETWEEN_SAVES = 2.0  # a save takes a tenth of one


def record_new(
    run: Run, infos: Iterator[StepInfo], *, overwrite: bool = False
) -> Generator[StepInfo, None, None]:
    """Create the folder of a new run and record its infos in it, as they pass.

    Nothing on disk is touched before the first info has come, so that a run that fails at once
    leaves nothing behind.  Of several processes all record, and the first writes.  Raises
    `InputError` as `create_run` does, and where the folder is moved.
    """
    infos = _in_place(run, infos)
    first = next(infos, None)
    if first is not None:
        if is_first():
            create_run(run, overwrite=overwrite)
        yield from _record(run, chain([first], infos), MetricsFile(run.folder))


def record_resumed(
    run: Run, infos: Iterator[StepInfo], step: int
) -> Generator[StepInfo, None, None]:
    """Record the infos of a run that is resumed at a step, as they pass.

    Lines of the metrics after that step are dropped first, when the first info has come.  Raises
    `InputError` where the folder is moved.
    """
    infos = _in_place(run, infos)
    first = next(infos, None)
    if first is not None:
        if is_first():
            with open_checkpoints(run) as checkpoints:
                checkpoints.discard_after(step)
        metrics = MetricsFile(run.folder)
        metrics.keep(step)
        kept = read_metrics(run.folder)
        seconds = kept[-1].get("seconds", 0.0) if kept else 0.0
        yield from _record(run, chain([first], infos), metrics, seconds)


def _in_place(run: Run, infos: Iterator[StepInfo]) -> Iterator[StepInfo]:
    """Yield the infos while the folder that this process holds is the one that it writes to."""
    for info in infos:
        require_in_place(run)
        yield info


def _record(
    run: Run, infos: Iterator[StepInfo], metrics: MetricsFile, seconds: float = 0.0
) -> Generator[StepInfo, None, None]:
    """Write a line of metrics for every info, and save states; `seconds` were trained before."""
    with open_checkpoints(run) as checkpoints:
        saver = _Saver(checkpoints)
        try:
            for info in infos:
                saver.add(info, metrics.append(metrics_line(info, seconds)))
                yield info
        except Exception:
            if process_count() > 1:  # perhaps in one alone, for which others would wait in vain
                saver.forget()
            raise
        finally:  # the last state is saved however else the run stops
            saver.save()


class _Reported(NamedTuple):
    """An info, and the lines of metrics up to its own."""

    info: StepInfo
    metrics: MetricsRecord

    @property
    def loss(self) -> float:
        return math.inf if self.info.val_loss is None else self.info.val_loss


class _Saver:
    """Saves the validated states of a run, but for those that follow within seconds.

    A state that is passed over is saved later if it is the best, or the last.  One without a
    validation loss is never the best, so that a run stopped between validations and resumed keeps
    the same best state as an uninterrupted run.
    """

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self._best: _Reported | None = None  # of those not saved yet
        self._last: _Reported | None = None
        self._saved_step = 0
        self._saved_at = -math.inf

    def add(self, info: StepInfo, metrics: MetricsRecord) -> None:
        """Take note of an info, and save its state if a save is due."""
        self._last = _Reported(info, metrics)
        if self._last.loss < (math.inf if self._best is None else self._best.loss):
            self._best = self._last
        is_late = time.monotonic() - self._saved_at >= SECONDS_BETWEEN_SAVES
        if info.val is not None and share(str(is_late))[0] == "True":  # by the clock of the first
            self.save()

    def forget(self) -> None:
        """Save nothing more."""
        self._best = self._last = None

    def save(self) -> None:
        """Save the best state since the last save, and the latest."""
        for each in (self._best, self._last):
            if each is not None and each.info.step > self._saved_step:
                info = each.info
                self._checkpoints.save(info.state, info.variables, info.val_loss, each.metrics)
                self._saved_step = info.step
        self._best, self._saved_at = None, time.monotonic()
