"""Metrics and checkpoints of a run, written as its infos pass."""

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.runs import assert_same, changed, final_state, losses, modified, write_lines

from wavenet_jax.config import Config, Recipe
from wavenet_jax.data import Dataset
from wavenet_jax.errors import InputError
from wavenet_jax.runs import (
    Checkpoints,
    Run,
    load_run,
    open_checkpoints,
    prepare_run,
    read_metrics,
    record_new,
    record_resumed,
)
from wavenet_jax.runs.disk import read_manifest, record_metrics
from wavenet_jax.runs.metrics import metrics_until
from wavenet_jax.training import StepInfo, TrainState, fit


@pytest.fixture
def new(tmp_path: Path, tiny: Config, data: Dataset) -> Run:
    return Run(tmp_path / "place" / "run", tiny, data)


def infos_of(
    run: Run, state: TrainState | None = None, stop_at: int | None = None
) -> Iterator[StepInfo]:
    for info in fit(run.model, run.config, run.data.splits, state):
        yield info
        if info.step == stop_at:
            return


def test_every_info_is_a_line_and_every_validation_a_checkpoint(new: Run) -> None:
    infos = []
    for info in record_new(new, infos_of(new)):
        infos.append(info)
        assert read_metrics(new.folder)[-1]["step"] == info.step
    lines = read_metrics(new.folder)
    assert [line["step"] for line in lines] == [10, 20, 30, 40, 50, 60]
    for info, line in zip(infos, lines, strict=True):
        assert line["train_loss"] == info.train_loss
        assert line["learning_rate"] == info.learning_rate
        assert line["steps_per_second"] == (
            info.steps_per_second and round(info.steps_per_second, 1)
        )
        assert ("val_loss" in line) == (info.step % 20 == 0)
        assert line.get("val_loss") == (info.val and info.val.nats_per_character)
    by_loss = min((line["val_loss"], line["step"]) for line in lines if "val_loss" in line)
    with open_checkpoints(load_run(new.folder)) as checkpoints:
        assert checkpoints.latest_step() == 60
        assert checkpoints.restore_variables("best")[0] == by_loss[1]
    assert_same(final_state(new.folder), infos[-1].state)


@pytest.mark.parametrize("folder", ["run", "place/run"])
def test_nothing_is_touched_before_the_first_info(run: Run, tmp_path: Path, folder: str) -> None:
    """In a folder that holds a run, and in none."""
    before = modified(tmp_path)
    chosen = run._replace(folder=tmp_path / folder)

    def infos() -> Iterator[StepInfo]:
        assert modified(tmp_path) == before
        yield next(infos_of(chosen))

    recorded = record_new(chosen, infos(), overwrite=True)
    assert modified(tmp_path) == before
    assert next(recorded).step == 10
    assert modified(tmp_path) != before
    assert (chosen.folder / "metrics.jsonl").exists()
    assert list(recorded) == []


def failing() -> Iterator[Any]:
    """Return infos of which the first fails."""
    return (1 / zero for zero in [0])


def test_a_run_whose_first_steps_fail_leaves_nothing_behind(
    tmp_path: Path, tiny: Config, text_file: Path
) -> None:
    config = changed(tiny, data=str(text_file), kind="text", mode="sequence", seq_len=16)
    with (
        pytest.raises(ZeroDivisionError),
        prepare_run(tmp_path / "place" / "run", Recipe(config)) as run,
    ):
        list(record_new(run, failing()))
    assert not (tmp_path / "place").exists()


def test_an_old_run_stands_where_the_first_steps_of_a_new_run_fail(run: Run) -> None:
    before = modified(run.folder)
    with pytest.raises(ZeroDivisionError):
        list(record_new(run, failing(), overwrite=True))
    assert modified(run.folder) == before


def test_a_run_is_not_replaced_unless_told(run: Run) -> None:
    before = modified(run.folder)
    with pytest.raises(InputError, match="already holds a run"):
        next(record_new(run, infos_of(run)))
    assert modified(run.folder) == before


def test_a_run_stopped_between_validations_and_resumed_is_the_uninterrupted_run(
    new: Run, tmp_path: Path
) -> None:
    whole = new._replace(folder=tmp_path / "whole")
    assert [info.step for info in record_new(whole, infos_of(whole))][-1] == 60
    stopped = [info.step for info in record_new(new, infos_of(new, stop_at=50))]
    assert stopped == [10, 20, 30, 40, 50]
    assert "val_loss" not in read_metrics(new.folder)[-1]
    with open_checkpoints(load_run(new.folder)) as checkpoints:
        state = checkpoints.restore_state()  # saved although there is no loss
        best = checkpoints.restore_variables("best")[0]
    assert int(state.step) == 50
    assert best in (20, 40)
    with (new.folder / "metrics.jsonl").open("a") as file:  # by a run that was killed later
        file.write('{"step": 60, "train_loss": 0.0}\n')
    (resumed,) = record_resumed(new, infos_of(new, state), step=50)
    assert resumed.step == 60
    assert losses(new.folder) == losses(whole.folder)
    assert_same(final_state(new.folder), final_state(whole.folder))
    kept = [read_manifest(each.folder).ranked("best")[0] for each in (new, whole)]
    assert kept[0] == kept[1]


def test_resuming_drops_later_lines_only_when_the_first_info_has_come(run: Run) -> None:
    write_lines(run.folder, 10, 20, 30)
    with pytest.raises(ZeroDivisionError):
        list(record_resumed(run, failing(), 20))
    assert [line["step"] for line in read_metrics(run.folder)] == [10, 20, 30]
    assert list(record_resumed(run, iter(()), 20)) == []  # all steps were done
    assert [line["step"] for line in read_metrics(run.folder)] == [10, 20, 30]


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
@pytest.mark.parametrize("stands_again", [True, False])
def test_a_folder_that_is_moved_while_its_run_trains_is_left_alone(
    tmp_path: Path, tiny: Config, names_file: Path, stands_again: bool
) -> None:
    """A copy in its place may be trained by another process."""
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    recipe = Recipe(changed(tiny, data=str(names_file)))
    with prepare_run(folder, recipe) as run:
        recorded = record_new(run, infos_of(run))
        while next(recorded).step < 20:
            pass
        wait_for_states(folder)
        folder.rename(elsewhere)
        if stands_again:
            shutil.copytree(elsewhere, folder)
        before = modified(tmp_path)
        with pytest.raises(InputError, match="run' was moved or replaced while the run trained"):
            next(recorded)
    assert modified(tmp_path) == before
    assert read_metrics(elsewhere)[-1]["step"] == 20


def wait_for_states(folder: Path) -> None:
    """Wait until a save that runs in the background is complete."""
    while not read_manifest(folder).checkpoints:
        time.sleep(0.01)


def test_states_that_follow_within_seconds_are_saved_where_they_are_the_best_or_the_last(
    new: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    save = Checkpoints.save

    def note(checkpoints: Checkpoints, state: TrainState, variables: Any, *others: Any) -> None:
        saved.append(int(state.step))
        save(checkpoints, state, variables, *others)

    monkeypatch.setattr(Checkpoints, "save", note)
    often = new._replace(config=changed(new.config, eval_every=10))

    def infos() -> Iterator[StepInfo]:
        for info in infos_of(often):
            assert info.val is not None
            loss = 1.0 if info.step == 40 else 2.0
            yield info._replace(val=info.val._replace(nll_nats=10 * loss, num_predictions=10))

    monkeypatch.setattr("wavenet_jax.runs.record.SECONDS_BETWEEN_SAVES", 1e9)
    list(record_new(often, infos()))
    assert saved == [10, 40, 60]
    with open_checkpoints(often) as checkpoints:
        assert checkpoints.latest_step() == 60
        assert checkpoints.restore_variables("best")[0] == 40
    saved.clear()
    for step, record in read_manifest(often.folder).checkpoints.items():
        assert record.metrics == record_metrics(metrics_until(often.folder, step)) > (0, "")
    monkeypatch.setattr("wavenet_jax.runs.record.SECONDS_BETWEEN_SAVES", 0.0)
    list(record_new(often, infos(), overwrite=True))
    assert saved == [10, 20, 30, 40, 50, 60]
