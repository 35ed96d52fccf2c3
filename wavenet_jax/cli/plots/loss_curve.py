"""The loss curve of a run."""

import math
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wavenet_jax.cli.plots.canvas import literal, save
from wavenet_jax.errors import pluralize

Metrics = list[dict[str, Any]]


def draw_loss_curve(metrics: Metrics, title: str, path: Path, unit: str = "character") -> None:
    """Draw the mean training loss of each report, the validation losses and the learning rate.

    As in the lecture, which plots means of 1,000 steps.  Losses are in nats per unit of the data.
    """
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    losses = figure.subplots()
    losses.set(xlabel="step", ylabel=f"loss (nats per {unit})")
    losses.set_title(literal(title), parse_math=False)
    losses.xaxis.set_major_locator(MaxNLocator(integer=True))
    losses.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    losses.grid(alpha=0.3)
    rates = losses.twinx()
    rates.set(ylabel="learning rate")
    _plot_losses(losses, metrics)
    _plot_learning_rate(rates, metrics)
    losses.set_xlim(left=0)
    handles = [*losses.get_lines(), *rates.get_lines()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    save(figure, path)


def _plot_losses(axes: Axes, metrics: Metrics) -> None:
    steps = [line["step"] for line in metrics]
    axes.plot(
        steps,
        _column(metrics, "train_loss"),
        marker="." if len(steps) < 30 else None,  # a line needs two reports, a dot needs one
        linewidth=1.2,
        label=f"train, means of {pluralize(steps[0], 'step')}",
    )
    validated = [line for line in metrics if not math.isnan(_number(line, "val_loss"))]
    if validated:
        steps, values = [line["step"] for line in validated], _column(validated, "val_loss")
        axes.plot(steps, values, "o", markersize=4, label="validation")


def _plot_learning_rate(axes: Axes, metrics: Metrics) -> None:
    values = _column(metrics, "learning_rate")
    is_piecewise = len(set(values)) < len(values) / 2  # constant but for a few steps
    # The line of a linear one, which may end at 0, leaves a logarithmic axis at its bottom.
    axes.set_yscale("log" if any(value > 0 for value in values) else "linear")
    axes.plot(
        [line["step"] for line in metrics],
        values,
        marker="." if len(values) == 1 else None,
        drawstyle="steps-pre" if is_piecewise else "default",
        color="grey",
        linestyle=":",
        label="learning rate",
    )


def _column(metrics: Metrics, name: str) -> list[float]:
    return [_number(line, name) for line in metrics]


def _number(line: dict[str, Any], name: str) -> float:
    """Return a value of a report, NaN where the report has none."""
    value = line.get(name)
    return math.nan if value is None else float(value)
