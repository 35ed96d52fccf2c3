"""The loss curve: what is drawn, and how."""

from pathlib import Path
from typing import Any

import pytest

plots = pytest.importorskip("wavenet_jax.cli.plots")

METRICS = [
    {"step": 10, "train_loss": 3.0, "learning_rate": 0.1},
    {"step": 20, "train_loss": 2.5, "learning_rate": 0.1, "val_loss": 2.6},
    {"step": 25, "train_loss": 2.4, "learning_rate": 0.01, "val_loss": 2.5},
]


@pytest.fixture
def curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function from metrics to the axes of the losses and of the learning rate."""
    drawn: list[Any] = []
    savefig = plots.Figure.savefig

    def keep_and_save(figure: Any, path: Path, **options: Any) -> None:
        drawn.append(figure)
        savefig(figure, path, **options)

    def draw(metrics: list[dict[str, float]]) -> Any:
        plots.draw_loss_curve(metrics, "names", tmp_path / "loss.png")
        return drawn[-1].axes

    monkeypatch.setattr(plots.Figure, "savefig", keep_and_save)
    return draw


def reports(rates: list[float]) -> list[dict[str, float]]:
    return [
        {"step": step, "train_loss": 3.0, "learning_rate": rate}
        for step, rate in enumerate(rates, start=1)
    ]


def test_curve_shows_training_means_validation_marks_and_learning_rate(
    curve: Any, tmp_path: Path
) -> None:
    losses, rates = curve(METRICS)
    train, val = (line.get_xydata().tolist() for line in losses.get_lines())
    assert train == [[10, 3.0], [20, 2.5], [25, 2.4]]
    assert val == [[20, 2.6], [25, 2.5]]
    assert rates.get_lines()[0].get_ydata().tolist() == [0.1, 0.1, 0.01]
    assert [line.get_label() for line in losses.get_lines()] == [
        "train, means of 10 steps",
        "validation",
    ]
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_losses_have_a_linear_scale_and_learning_rates_a_logarithmic_scale(curve: Any) -> None:
    losses, rates = curve(METRICS)
    assert (losses.get_yscale(), rates.get_yscale()) == ("linear", "log")


@pytest.mark.parametrize(
    ("rates", "drawstyle"),
    [
        ([0.1] * 6 + [0.01] * 2, "steps-pre"),  # piecewise: jumps at the report of the change
        ([0.1 - 0.01 * step for step in range(8)], "default"),  # linear: falls at every report
    ],
)
def test_only_a_piecewise_learning_rate_is_drawn_in_steps(
    rates: list[float], drawstyle: str, curve: Any
) -> None:
    _, axes = curve(reports(rates))
    assert axes.get_lines()[0].get_drawstyle() == drawstyle


@pytest.mark.parametrize(("number", "marker"), [(1, "."), (29, "."), (30, "None")])
def test_few_reports_are_seen_as_dots(number: int, marker: str, curve: Any) -> None:
    losses, _ = curve(reports([0.1] * number))
    assert losses.get_lines()[0].get_marker() == marker
