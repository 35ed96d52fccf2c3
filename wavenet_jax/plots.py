"""Pictures of a run; the only user of matplotlib, an optional extra."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def draw_loss_curve(metrics: list[dict[str, Any]], title: str, path: Path) -> None:
    """Draw the mean training loss of each report, validation marks and the learning rate.

    The lecture draws its curve so, as means of 1,000 steps.  Losses are in nats per character.
    """
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    losses = figure.subplots()
    steps = [line["step"] for line in metrics]
    every = steps[0]
    losses.plot(
        steps,
        [line["train_loss"] for line in metrics],
        marker="." if len(steps) < 30 else None,  # a single report would be no line
        linewidth=1.2,
        label=f"train, means of {every:,} steps",
    )
    validated = [line for line in metrics if "val_loss" in line]
    losses.plot(
        [line["step"] for line in validated],
        [line["val_loss"] for line in validated],
        "o",
        markersize=4,
        label="validation",
    )
    losses.set(xlabel="step", ylabel="loss (nats per character)", title=title)
    losses.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    losses.grid(alpha=0.3)

    rates = losses.twinx()
    values = [line["learning_rate"] for line in metrics]
    pieces = len(set(values)) < len(values) / 2  # constant but for a few steps
    rates.plot(
        steps,
        values,
        drawstyle="steps-pre" if pieces else "default",
        color="grey",
        linestyle=":",
        label="learning rate",
    )
    rates.set(yscale="log", ylabel="learning rate")
    handles = [*losses.get_lines(), *rates.get_lines()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    figure.savefig(path, dpi=120)
