"""metrics.jsonl: a line for each report, and what has been written so far."""

import hashlib
import json
import os
from itertools import takewhile
from pathlib import Path
from typing import Any

from wavenet_jax.devices import is_first
from wavenet_jax.errors import require
from wavenet_jax.machine import MIB, read_regular
from wavenet_jax.runs.disk import METRICS, MetricsRecord, write_whole
from wavenet_jax.runs.folder import Run
from wavenet_jax.training import StepInfo, Validation, has_stalled

NUMBERS = ("train_loss", "val_loss", "learning_rate", "seconds")
MAX_METRICS = 1_024 * MIB


class MetricsFile:
    """The metrics of a run that trains.

    Their record is of what was written, not of what is found later, so that a change by others is
    noticed.  Of several processes, the first writes.
    """

    def __init__(self, folder: Path) -> None:
        """Begin without lines, whatever the folder holds."""
        self._path = folder / METRICS
        self._size, self._digest = 0, hashlib.sha256()

    def keep(self, step: int) -> None:
        """Drop the lines after a step, which a run resumed there writes again.

        Raises `InputError` as `read_metrics` does.
        """
        lines = metrics_until(self._path.parent, step)
        if is_first():
            write_whole(self._path, lines)
        self._add(lines.encode())

    def append(self, line: dict[str, Any]) -> MetricsRecord:
        """Write a line, and return the record of all lines up to it."""
        content = f"{json.dumps(line)}\n".encode()
        if is_first():
            self._write(content)
        return self._add(content)

    def _write(self, content: bytes) -> None:
        try:
            with self._path.open("ab") as file:
                file.write(content)
        except OSError as error:  # which names no file where the disk is full
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def _add(self, content: bytes) -> MetricsRecord:
        self._size += len(content)
        self._digest.update(content)
        return MetricsRecord(self._size, self._digest.hexdigest())


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


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of the metrics of a run, without an incomplete last line.

    Raises `InputError` where they are damaged.
    """
    return [line for line, _ in _read(folder)]


def metrics_until(folder: Path, step: int) -> str:
    """Return what the metrics of a run hold up to a step, as it is written there.

    Raises `InputError` as `read_metrics` does.
    """
    kept = takewhile(lambda read: read[0]["step"] <= step, _read(folder))
    return "".join(f"{written}\n" for _, written in kept)


def _read(folder: Path) -> list[tuple[dict[str, Any], str]]:
    """Return each line as a value and as it is written."""
    path = folder / METRICS
    if not os.path.lexists(path):
        return []
    try:
        complete = read_regular(path, MAX_METRICS).split(b"\n")[:-1]
        written = [each.decode("utf-8") for each in complete]
        lines = [json.loads(each) for each in written]
    except (ValueError, RecursionError, OSError):
        written, lines = [""], [None]
    require(
        all(map(_is_line, lines)),
        f"{path} is damaged, expected a JSON object with its step and losses per line; restore it, "
        "or remove it and let `wavenet-jax verify` accept the run without it.",
    )
    return list(zip(lines, written, strict=True))


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
