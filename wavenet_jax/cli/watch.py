"""What can be watched while a run trains: its loss curve, and its metrics in TensorBoard."""

import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any

from wavenet_jax.cli import process
from wavenet_jax.errors import require, show_short
from wavenet_jax.runs import Run, read_metrics

SHARE_OF_TIME = 0.05  # of a run, that redrawing its loss curve may take
WORTH_WATCHING = 5.0  # seconds that a run has taken when its curve is first drawn
SCALARS = {
    "train_loss": "loss/train",
    "val_loss": "loss/val",
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
    "steps_per_second": "steps_per_second",
}
BOARD = "tensorboard"  # the folder in a run's


def require_tensorboard() -> None:
    """Raise `InputError` where tensorboardX is not installed."""
    require(
        find_spec("tensorboardX") is not None,
        "tensorboard needs tensorboardX, which is not installed; `pip install -e '.[tensorboard]'` "
        "in a clone adds it.",
        "tensorboard",
    )


def has_board(run: Run) -> bool:
    """Tell whether a run is written for TensorBoard already."""
    return (run.folder / BOARD).is_dir()


class Watch:
    """Shows what metrics.jsonl holds, at every validation.

    The loss curve is passed over where drawing it would take too much of the time.  TensorBoard is
    written from the beginning, so that a resumed run has its earlier steps.
    """

    def __init__(self, run: Run, *, tensorboard: bool) -> None:
        self._run = run
        self._next_drawing = monotonic() + WORTH_WATCHING
        self._board: Any = None
        self._boarded = 0  # the last step in TensorBoard
        self._opened = time.time()  # which TensorBoard takes for that of the first step
        folder = run.folder / BOARD
        is_there, has_package = has_board(run), find_spec("tensorboardX") is not None
        if is_there and not has_package:
            process.say(f"{folder} stays as it is: tensorboardX is not installed.")
        if has_package and (tensorboard or is_there):
            from tensorboardX import SummaryWriter  # noqa: PLC0415  an optional extra

            shutil.rmtree(folder, ignore_errors=True)
            self._board = SummaryWriter(str(folder))

    def update(self, *, at_once: bool = False) -> None:
        """Show what is new, the curve only where it is due, or at once."""
        metrics = read_metrics(self._run.folder)
        if self._board is not None:
            self._write(metrics)
        started = monotonic()
        if at_once or started >= self._next_drawing:
            draw_loss_curve(self._run, metrics)
            ended = monotonic()
            self._next_drawing = ended + (ended - started) / SHARE_OF_TIME

    def close(self) -> None:
        """Write what TensorBoard does not have yet."""
        if self._board is not None:
            self._write(read_metrics(self._run.folder))
            self._board.close()

    def _write(self, metrics: list[dict[str, Any]]) -> None:
        began = self._opened - (metrics[0].get("seconds", 0.0) if metrics else 0.0)
        for line in metrics:
            if line["step"] > self._boarded:
                self._add(line, began + line.get("seconds", 0.0))
        self._boarded = metrics[-1]["step"] if metrics else 0
        self._board.flush()

    def _add(self, line: dict[str, Any], walltime: float) -> None:
        for name, title in SCALARS.items():
            if line.get(name) is not None:
                self._board.add_scalar(title, line[name], line["step"], walltime)
        if line.get("samples"):
            text = "\n".join(f"    {sample}" for sample in "\n".join(line["samples"]).split("\n"))
            self._board.add_text("samples", text, line["step"], walltime)  # indented, as it is


def draw_loss_curve(run: Run, metrics: list[dict[str, Any]]) -> str:
    """Draw the loss curve of a run where that can be done; return why not, else nothing."""
    if not metrics:
        return ""
    if find_spec("matplotlib") is None:
        return (
            "No loss curve is drawn without matplotlib; `pip install -e '.[plots]'` in a clone "
            "adds it."
        )
    try:
        from wavenet_jax.cli import plots  # noqa: PLC0415  an optional extra

        title = Path(run.config.data.title).name
        plots.draw_loss_curve(metrics, title, run.folder / "loss.png", run.config.data.unit)
    except Exception as error:  # whatever matplotlib meets: a picture never ends a run
        reason = show_short(str(error) or type(error).__name__)
        return f"No loss curve is drawn: matplotlib says {reason}."
    return ""
