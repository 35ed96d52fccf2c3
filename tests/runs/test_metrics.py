"""The lines of metrics: what is read, what is kept, and what of them is recorded."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.runs import write_lines

from wavenet_jax.errors import InputError
from wavenet_jax.runs import Run, read_metrics
from wavenet_jax.runs.disk import MetricsRecord, damage_of_metrics, record_metrics
from wavenet_jax.runs.metrics import MetricsFile, metrics_until


def line(step: int) -> dict[str, Any]:
    return {"step": step, "train_loss": 1.0}


def test_metrics_after_the_resumed_step_are_dropped(run: Run) -> None:
    write_lines(run.folder, 10, 20, 30)
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4')  # a line that a kill cut short
    metrics = MetricsFile(run.folder)
    metrics.keep(20)
    metrics.append(line(30))
    assert [each["step"] for each in read_metrics(run.folder)] == [10, 20, 30]


@pytest.mark.parametrize("content", ['{"st', "3", "[]", "{}", '{"step": "10"}'])
def test_damaged_metrics_are_named(run: Run, content: str) -> None:
    (run.folder / "metrics.jsonl").write_text(f'{{"step": 10}}\n{content}\n{{"step": 30}}\n')
    with pytest.raises(InputError, match=r"metrics\.jsonl is damaged"):
        read_metrics(run.folder)


def test_metrics_that_are_no_utf_8_are_damaged(run: Run) -> None:
    content = b'{"step": 10, "train_loss": 1.0, "samples": ["\xed\xa0\x80"]}\n'
    (run.folder / "metrics.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=r"metrics\.jsonl is damaged"):
        read_metrics(run.folder)


def test_metrics_that_are_missing_are_none(run: Run) -> None:
    assert read_metrics(run.folder) == []


def test_a_record_is_of_the_lines_up_to_its_step(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path)
    first, second = metrics.append(line(10)), metrics.append(line(20))
    content = (tmp_path / "metrics.jsonl").read_text()
    assert first == record_metrics(metrics_until(tmp_path, 19)) < second
    assert second == record_metrics(content) == record_metrics(metrics_until(tmp_path, 20))
    resumed = MetricsFile(tmp_path)
    resumed.keep(10)
    assert (tmp_path / "metrics.jsonl").read_text() == content.splitlines(keepends=True)[0]
    assert resumed.append(line(20)) == second


def test_lines_that_changed_while_the_run_went_on_differ_from_their_record(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path)
    metrics.append(line(10))
    path = tmp_path / "metrics.jsonl"
    path.write_text(path.read_text().replace("1.0", "2.0"))
    assert damage_of_metrics(tmp_path, metrics.append(line(20))) == f"{path} is damaged"


def test_lines_that_vanish_or_change_before_a_record_are_noticed_and_later_ones_are_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = [json.dumps(line(step)) + "\n" for step in (10, 20, 30)]
    record = record_metrics(lines[0] + lines[1])
    for whole in (lines, lines[:2], [*lines[:2], "{"]):
        path.write_text("".join(whole))
        assert damage_of_metrics(tmp_path, record) is None
    for other in (lines[1:], lines[:1], [], [lines[0], lines[0], lines[1]]):
        path.write_text("".join(other))
        assert damage_of_metrics(tmp_path, record) == f"{path} is damaged"
    path.unlink()
    assert damage_of_metrics(tmp_path, record) == f"{path} is missing"
    assert damage_of_metrics(tmp_path, MetricsRecord()) is None
