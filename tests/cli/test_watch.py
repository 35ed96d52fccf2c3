"""What can be watched: TensorBoard has what metrics.jsonl has, and pictures come early."""

import json
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.commands import Says, call, train_command

from wavenet_jax.cli import watch
from wavenet_jax.runs import load_run

event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")


def read_events(run: Path) -> Iterator[Any]:
    """Yield the events of the one file of TensorBoard: length, checksum, event, checksum each."""
    (file,) = (run / "tensorboard").iterdir()
    content, place = file.read_bytes(), 0
    while place < len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        yield event_pb2.Event.FromString(content[place + 12 : place + 12 + length])
        place += 12 + length + 4


def read_scalars(run: Path) -> dict[tuple[str, int], float]:
    return {
        (value.tag, event.step): value.simple_value
        for event in read_events(run)
        for value in event.summary.value
        if value.HasField("simple_value")
    }


def read_metrics(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def assert_board_holds_the_metrics(run: Path) -> None:
    expected = {
        (title, line["step"]): pytest.approx(line[name], rel=1e-6)
        for line in read_metrics(run)
        for name, title in watch.SCALARS.items()
        if line.get(name) is not None
    }
    assert read_scalars(run) == expected


@pytest.fixture
def watched(names_file: Path, tmp_path: Path) -> Path:
    run = tmp_path / "run"
    more = "--tensorboard --schedule constant --learning-rate 0.3"
    assert call(train_command(names_file, run, more)) == 0
    return run


def test_tensorboard_holds_the_metrics_and_the_samples(watched: Path) -> None:
    assert_board_holds_the_metrics(watched)
    texts = {
        event.step: value.tensor.string_val[0].decode()
        for event in read_events(watched)
        for value in event.summary.value
        if value.tag.startswith("samples")
    }
    samples = {line["step"]: line["samples"] for line in read_metrics(watched) if "samples" in line}
    assert set(texts) == set(samples)
    for step, several in samples.items():
        assert texts[step].split() == " ".join(several).split()


def test_run_that_goes_on_has_its_earlier_steps_in_tensorboard_too(watched: Path) -> None:
    assert call(f"resume {watched} --steps 20") == 0
    assert read_metrics(watched)[-1]["step"] == 80
    assert_board_holds_the_metrics(watched)


def test_finished_run_is_written_for_tensorboard_later(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "run")
    assert call(f"resume {tmp_path / 'run'} --tensorboard") == 0
    assert_board_holds_the_metrics(tmp_path / "run")


def test_tensorboard_without_its_package_is_refused_before_training(
    says: Says, names_file: Path, tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    said = says(train_command(names_file, tmp_path / "run", "--tensorboard"))
    assert "--tensorboard needs tensorboardX, which is not installed; `pip install" in said
    assert not (tmp_path / "run").exists()
    assert "needs tensorboardX" in says(f"resume {trained} --tensorboard")


def test_loss_curve_is_there_while_the_run_trains(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []

    def draw(_: Any, metrics: list[dict[str, Any]]) -> str:
        drawn.append(metrics[-1]["step"])
        return ""

    monkeypatch.setattr(watch, "draw_loss_curve", draw)
    clock = iter([90.0, 94.9, 100.0, 101.0, 120.9, 121.0, 122.0])  # drawing takes a second
    monkeypatch.setattr(watch, "monotonic", lambda: next(clock))
    seen = watch.Watch(load_run(trained), tensorboard=False)
    for due in (0, 1, 1, 2):  # after five seconds, and not before twenty times as long as it took
        seen.update()
        assert len(drawn) == due
