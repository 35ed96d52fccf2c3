from pathlib import Path
from typing import Any

import pytest

plots = pytest.importorskip("wavenet_jax.plots")

METRICS = [
    {"step": 10, "train_loss": 3.0, "learning_rate": 0.1},
    {"step": 20, "train_loss": 2.5, "learning_rate": 0.1, "val_loss": 2.6},
    {"step": 25, "train_loss": 2.4, "learning_rate": 0.01, "val_loss": 2.5},
]


def test_curve_shows_training_means_validation_marks_and_learning_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    savefig = plots.Figure.savefig

    def keep_and_save(figure: Any, path: Path, **options: Any) -> None:
        drawn.append(figure)
        savefig(figure, path, **options)

    monkeypatch.setattr(plots.Figure, "savefig", keep_and_save)
    plots.draw_loss_curve(METRICS, "names", tmp_path / "loss.png")
    (figure,) = drawn
    losses, rates = figure.axes
    train, val = (line.get_xydata().tolist() for line in losses.get_lines())
    assert train == [[10, 3.0], [20, 2.5], [25, 2.4]]
    assert val == [[20, 2.6], [25, 2.5]]
    assert rates.get_lines()[0].get_ydata().tolist() == [0.1, 0.1, 0.01]
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
