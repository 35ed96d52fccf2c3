"""Runs that are interrupted, killed, resumed, replaced, or fail: what is kept of them."""

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from conftest import (
    Says,
    assert_same,
    assert_same_run,
    call,
    final_state,
    losses,
    modified,
    stream_command,
    train_command,
)

from wavenet_jax import console, runs, train
from wavenet_jax.runs import Run
from wavenet_jax.train import TrainState


def append_and_interrupt(run: Run, line: dict[str, Any]) -> None:
    append_metrics(run, line)
    if line["step"] == 30:  # where no validation is due
        signal.raise_signal(signal.SIGINT)


append_metrics = runs.append_metrics


@pytest.mark.parametrize("kind", ["list", "stream"])
def test_interrupted_run_resumes_to_the_end_of_the_uninterrupted_one(
    kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    of_list = kind == "list"
    file: Path = request.getfixturevalue("names_file" if of_list else "text_file")
    whole: Path = request.getfixturevalue("trained" if of_list else "streamed")
    command = (train_command if of_list else stream_command)(file, run)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "append_metrics", append_and_interrupt)
        assert call(command) == 130
    assert f"`wavenet-jax train --run-dir {run} --resume`" in capsys.readouterr().err
    assert int(final_state(run).step) == 30
    file.unlink()

    assert call(f"train --run-dir {run} --resume") == 0
    assert "From step 30 to 60" in capsys.readouterr().err
    assert_same_run(run, whole)


def test_interrupt_just_after_a_report_was_written_down_is_saved_too(
    names_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = console.TrainingProgress.show

    def show_and_interrupt(progress: console.TrainingProgress, report: train.Report) -> None:
        show(progress, report)
        if report.step == 10:  # before any checkpoint
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(console.TrainingProgress, "show", show_and_interrupt)
    assert call(train_command(names_file, tmp_path / "run")) == 130
    assert int(final_state(tmp_path / "run").step) == 10


def test_run_killed_between_saves_resumes_from_the_last_one(
    names_file: Path, tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"

    def append_and_die(run: Run, line: dict[str, float]) -> None:
        append_metrics(run, line)
        if line["step"] == 50:
            raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(runs, "append_metrics", append_and_die)
        assert call(train_command(names_file, run)) == 9
    assert int(final_state(run).step) == 40
    assert call(f"train --run-dir {run} --resume") == 0
    assert_same_run(run, trained)


def test_finished_run_resumes_to_nothing_more(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = final_state(trained)
    assert call(f"train --run-dir {trained} --resume") == 0
    assert "at the last step, 60" in capsys.readouterr().out
    assert_same(final_state(trained), before)


def test_finished_run_without_metrics_resumes_too(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained, tmp_path / "run")
    (tmp_path / "run" / "metrics.jsonl").unlink()
    assert call(f"train --run-dir {tmp_path / 'run'} --resume") == 0
    assert "Next:" in capsys.readouterr().err


def test_resume_with_another_configuration_names_the_fields(trained: Path, says: Says) -> None:
    sentence = says(f"train --run-dir {trained} --resume --n-hidden 9 --learning-rate 0.2")
    assert "n_hidden 8 -> 9" in sentence
    assert "learning_rate 3.0 -> 0.2" in sentence
    assert "seed" not in sentence


def test_non_finite_loss_keeps_the_last_good_checkpoint(
    names_file: Path, tmp_path: Path, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"

    def append_and_poison(run: Run, line: dict[str, float]) -> None:
        append_metrics(run, line)
        if line["step"] == 40:
            monkeypatch.setattr(train, "train_chunk", poisoned)

    def poisoned(state: TrainState, *arguments: Any, **options: Any) -> Any:
        state, losses = train_chunk(state, *arguments, **options)
        return state, losses.at[3].set(float("nan"))

    train_chunk = train.train_chunk
    monkeypatch.setattr(runs, "append_metrics", append_and_poison)
    sentence = says(train_command(names_file, run))
    assert "loss is nan in step 44" in sentence
    assert f"{run} keeps the state of step 40" in sentence
    assert "learning_rate" in sentence
    assert int(final_state(run).step) == 40


@pytest.mark.parametrize(
    ("options", "said"),
    [("--learning-rate 1e38", "nothing was saved yet"), ("--n-hidden 10000000", "does not fit")],
)
def test_run_that_fails_in_its_first_steps_leaves_all_as_it_was(
    options: str, said: str, names_file: Path, tmp_path: Path, trained: Path, says: Says
) -> None:
    assert said in says(train_command(names_file, tmp_path / "run", options))
    assert not (tmp_path / "run").exists()
    before = modified(trained)
    says(train_command(names_file, trained, f"--overwrite {options}"))
    assert modified(trained) == before


def test_run_in_the_folder_is_neither_lost_nor_overwritten(
    names_file: Path, trained: Path, says: Says
) -> None:
    before = modified(trained)
    sentence = says(train_command(names_file, trained))
    assert "already holds a run" in sentence
    assert "--resume" in sentence
    assert "--overwrite" in sentence
    says(f"train --data missing.txt --run-dir {trained} --overwrite")
    assert modified(trained) == before


def test_overwrite_starts_anew(names_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert call(train_command(names_file, run)) == 0
    assert call(train_command(names_file, run, "--overwrite --seed 1")) == 0
    assert runs.load(run).config.train.seed == 1
    assert len(losses(run)) == 6
