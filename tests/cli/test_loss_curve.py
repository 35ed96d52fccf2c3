"""The loss curve: what is drawn, and how."""

import math
from pathlib import Path
from typing import Any

import pytest
from support.commands import call, train_command

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
    savefig = plots.loss_curve.Figure.savefig

    def keep_and_save(figure: Any, path: Path, **options: Any) -> None:
        drawn.append(figure)
        savefig(figure, path, **options)

    def draw(metrics: list[dict[str, Any]], title: str = "names") -> Any:
        plots.draw_loss_curve(metrics, title, tmp_path / "loss.png")
        return drawn[-1].axes

    monkeypatch.setattr(plots.loss_curve.Figure, "savefig", keep_and_save)
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


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("a$b$c_1^{2}.txt", "a$b$c_1^{2}.txt"),
        (r"$\frac{x$", r"$\frac{x$"),
        ("名字 أسماء 😀.txt", "名字 أسماء 😀.txt"),
        ("a\nb\x1b[31m\udcff", r"a\nb\x1b[31m\udcff"),
        ("x" * 99, "x" * 59 + "…"),
        ("", ""),
    ],
)
def test_a_title_is_literal_text_whatever_it_holds(title: str, shown: str, curve: Any) -> None:
    losses, _ = curve(METRICS, title)
    assert losses.get_title() == shown


@pytest.mark.parametrize(
    ("metrics", "scale"),
    [
        ([{"step": 1, "train_loss": 2.5, "learning_rate": 0.0}], "linear"),
        ([{"step": 1, "train_loss": math.nan}, {"step": 2}], "linear"),
        (reports([0.2, 0.1, 0.0]), "log"),
        ([*reports([0.2, 0.1, 0.0]), {"step": 4, "train_loss": math.inf}], "log"),
    ],
)
def test_reports_without_a_value_or_with_zero_leave_a_gap(
    metrics: list[dict[str, Any]], scale: str, curve: Any
) -> None:
    losses, rates = curve(metrics)
    assert [line.get_label() for line in losses.get_lines()] == ["train, means of 1 step"]
    assert rates.get_yscale() == scale
    ((_, low), (_, high)) = rates.viewLim.get_points()
    assert math.isfinite(low)
    assert low < high < 1 or len(metrics) < 3


def test_validations_without_a_loss_are_not_drawn(curve: Any) -> None:
    more = [{"step": step, "val_loss": loss} for step, loss in ((30, None), (40, math.nan))]
    losses, _ = curve(METRICS + more)
    assert losses.get_lines()[1].get_xydata().tolist() == [[20, 2.6], [25, 2.5]]


def test_a_picture_that_fails_is_one_line_and_no_end_of_the_run(
    names_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no\nspace")

    monkeypatch.setattr(plots, "draw_loss_curve", fail)
    assert call(train_command(names_file, tmp_path / "run")) == 0
    printed = capsys.readouterr()
    assert r"No loss curve is drawn: matplotlib says 'no\nspace'." in printed.err.splitlines()
    assert "best" in printed.out
    assert not (tmp_path / "run" / "loss.png").exists()
    assert (tmp_path / "run" / "samples.txt").exists()
