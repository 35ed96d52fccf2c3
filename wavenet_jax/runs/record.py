"""Metrics and checkpoints, written while a run trains."""

import json
import math
import os
import time
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from wavenet_jax.errors import require
from wavenet_jax.machine import MIB, read_regular
from wavenet_jax.runs.checkpoints import Checkpoints, open_checkpoints
from wavenet_jax.runs.creation import create_run
from wavenet_jax.runs.disk import METRICS, write_whole
from wavenet_jax.runs.folder import Run
from wavenet_jax.training import StepInfo, Validation, has_stalled

NUMBERS = ("train_loss", "val_loss", "learning_rate", "seconds")
MAX_METRICS = 1_024 * MIB
SECONDS_BETWEEN_SAVES = 2.0  # a save takes a tenth of one


def record_new(
    run: Run, infos: Iterator[StepInfo], *, overwrite: bool = False
) -> Generator[StepInfo, None, None]:
    """Create the folder of a new run and record its infos in it, as they pass.

    Nothing on disk is touched before the first info has come, so that a run that fails at once
    leaves nothing behind.  Raises `InputError` as `create_run` does.
    """
    first = next(infos, None)
    if first is not None:
        create_run(run, overwrite=overwrite)
        yield from _record(run, chain([first], infos))


def record_resumed(
    run: Run, infos: Iterator[StepInfo], step: int
) -> Generator[StepInfo, None, None]:
    """Record the infos of a run that is resumed at a step, as they pass.

    Lines of the metrics after that step are dropped first, when the first info has come.
    """
    first = next(infos, None)
    if first is not None:
        with open_checkpoints(run) as checkpoints:
            checkpoints.discard_after(step)
        kept = truncate_metrics(run, step)
        seconds = kept[-1].get("seconds", 0.0) if kept else 0.0
        yield from _record(run, chain([first], infos), seconds)


def _record(
    run: Run, infos: Iterator[StepInfo], seconds: float = 0.0
) -> Generator[StepInfo, None, None]:
    """Write a line of metrics for every info, and save states; `seconds` were trained before."""
    with open_checkpoints(run) as checkpoints:
        saver = _Saver(checkpoints)
        try:
            for info in infos:
                append_metrics(run, metrics_line(info, seconds))
                saver.add(info)
                yield info
        finally:  # the last state is saved however the run stops
            saver.save()


class _Saver:
    """Saves the validated states of a run, but for those that follow within seconds.

    A state that is passed over is saved later if it is the best, or the last.  One without a
    validation loss is never the best, so that a run stopped between validations and resumed keeps
    the same best state as an uninterrupted run.
    """

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self._best: StepInfo | None = None  # of those not saved yet
        self._last: StepInfo | None = None
        self._saved_step = 0
        self._saved_at = -math.inf

    def add(self, info: StepInfo) -> None:
        """Take note of an info, and save its state if a save is due."""
        self._last = info
        if info.val_loss is not None and info.val_loss < _loss(self._best):
            self._best = info
        if info.val is not None and time.monotonic() - self._saved_at >= SECONDS_BETWEEN_SAVES:
            self.save()

    def save(self) -> None:
        """Save the best state since the last save, and the latest."""
        for info in (self._best, self._last):
            if info is not None and info.step > self._saved_step:
                self._checkpoints.save(info.state, info.variables, info.val_loss)
                self._saved_step = info.step
        self._best, self._saved_at = None, time.monotonic()


def _loss(info: StepInfo | None) -> float:
    return math.inf if info is None or info.val_loss is None else info.val_loss


def metrics_line(info: StepInfo, seconds: float = 0.0) -> dict[str, Any]:
    """Return the line of metrics.jsonl for an info; `seconds` were trained before."""
    speed = info.steps_per_second
    line: dict[str, Any] = {
        "step": info.step,
        "train_loss": info.train_loss,
        "learning_rate": info.learning_rate,
        "steps_per_second": None if speed is None else round(speed, 1),
        "seconds": round(seconds + info.seconds, 3),
    }
    if info.gradient_norm is not None:
        line["gradient_norm"] = info.gradient_norm
    if info.val_loss is not None:
        line["val_loss"] = info.val_loss
    if info.samples:
        line["samples"] = list(info.samples)
    return line


def append_metrics(run: Run, line: dict[str, Any]) -> None:
    """Add a line to the metrics of a run."""
    with (run.folder / METRICS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of the metrics of a run, without an incomplete last line.

    Raises `InputError` where they are damaged.
    """
    path = folder / METRICS
    if not os.path.lexists(path):
        return []
    try:
        pieces = read_regular(path, MAX_METRICS).split(b"\n")[:-1]
        lines = [json.loads(piece) for piece in pieces]
    except (ValueError, RecursionError, OSError):
        lines = [None]
    require(
        all(map(_is_line, lines)),
        f"{path} is damaged, expected a JSON object with its step and losses per line; remove it "
        "to go on without it.",
    )
    return lines


def _is_line(line: Any) -> bool:
    """Tell whether a value is a line of metrics, as far as it is used."""
    if not isinstance(line, dict) or not {"step", "train_loss"} <= line.keys():
        return False
    numbers = all(isinstance(line.get(name, 0.0), int | float) for name in NUMBERS)
    return numbers and isinstance(line["step"], int)


def read_validations(run: Run, step: int) -> list[Validation]:
    """Return the validations up to a step, as `fit` takes them from a run that is resumed."""
    return [
        Validation(line["step"], line["val_loss"])
        for line in read_metrics(run.folder)
        if line["step"] <= step and "val_loss" in line
    ]


def is_finished(run: Run, step: int) -> bool:
    """Tell whether a run that has come to a step has nothing left to train."""
    total, patience = run.total_steps, run.config.train.patience
    return step >= total or has_stalled(read_validations(run, step), patience, total)


def truncate_metrics(run: Run, step: int) -> list[dict[str, Any]]:
    """Drop the lines after a step, which a run resumed there writes again; return the others."""
    kept = [line for line in read_metrics(run.folder) if line["step"] <= step]
    write_whole(run.folder / METRICS, "".join(json.dumps(line) + "\n" for line in kept))
    return kept
