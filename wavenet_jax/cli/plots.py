"""The picture of a run; the only user of matplotlib, an optional extra."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

Metrics = list[dict[str, Any]]


def draw_loss_curve(metrics: Metrics, title: str, path: Path) -> None:
    """Draw the mean training loss of each report, the validation losses and the learning rate.

    As in the lecture, which plots means of 1,000 steps.  Losses are in nats per character.
    """
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    losses = figure.subplots()
    losses.set(xlabel="step", ylabel="loss (nats per character)", title=title)
    losses.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    losses.grid(alpha=0.3)
    rates = losses.twinx()
    rates.set(yscale="log", ylabel="learning rate")
    _plot_losses(losses, metrics)
    _plot_learning_rate(rates, metrics)
    handles = [*losses.get_lines(), *rates.get_lines()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    figure.savefig(path, dpi=120)


def _plot_losses(axes: Axes, metrics: Metrics) -> None:
    steps = _column(metrics, "step")
    axes.plot(
        steps,
        _column(metrics, "train_loss"),
        marker="." if len(steps) < 30 else None,  # a line needs two reports, a dot needs one
        linewidth=1.2,
        label=f"train, means of {steps[0]:,} steps",
    )
    validated = [line for line in metrics if "val_loss" in line]
    values = _column(validated, "val_loss")
    axes.plot(_column(validated, "step"), values, "o", markersize=4, label="validation")


def _plot_learning_rate(axes: Axes, metrics: Metrics) -> None:
    values = _column(metrics, "learning_rate")
    is_piecewise = len(set(values)) < len(values) / 2  # constant but for a few steps
    axes.plot(
        _column(metrics, "step"),
        values,
        drawstyle="steps-pre" if is_piecewise else "default",
        color="grey",
        linestyle=":",
        label="learning rate",
    )


def _column(metrics: Metrics, name: str) -> list[Any]:
    return [line[name] for line in metrics]
