"""Runs that are interrupted, killed, resumed, replaced, or fail: what is kept of them."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.commands import Says, call, train_command, train_text_command
from support.runs import assert_same, assert_same_run, final_state, losses, modified

from wavenet_jax.cli.process import TrainingProgress
from wavenet_jax.runs import load_run
from wavenet_jax.training import StepInfo, TrainState, train_chunk


def after_step(step: int, act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Act when a step has been recorded and shown."""
    show = TrainingProgress.show

    def show_and_act(progress: TrainingProgress, info: StepInfo) -> None:
        show(progress, info)
        if info.step == step:
            act()

    monkeypatch.setattr(TrainingProgress, "show", show_and_act)


interrupt = partial(signal.raise_signal, signal.SIGINT)


@pytest.mark.parametrize("kind", ["list", "text"])
def test_interrupted_run_resumes_to_the_end_of_the_uninterrupted_run(
    kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    is_list = kind == "list"
    file: Path = request.getfixturevalue("names_file" if is_list else "text_file")
    whole: Path = request.getfixturevalue("trained" if is_list else "trained_text")
    command = (train_command if is_list else train_text_command)(file, run)
    with monkeypatch.context() as patch:
        after_step(30, interrupt, patch)  # where no validation is due
        assert call(command) == 130
    assert f"`wavenet-jax resume {run}`" in capsys.readouterr().err
    assert int(final_state(run).step) == 30
    file.unlink()

    assert call(f"resume {run}") == 0
    assert "From step 30 to 60" in capsys.readouterr().err
    assert_same_run(run, whole)


def test_hint_of_an_interrupted_run_can_be_pasted_into_a_shell(
    names_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    after_step(10, interrupt, monkeypatch)
    command = train_command(names_file, Path("RUN")).split()
    command[command.index("RUN")] = str(tmp_path / "my run")
    assert call(command) == 130
    assert f"`wavenet-jax resume '{tmp_path}/my run'`" in capsys.readouterr().err


def test_interrupt_before_any_checkpoint_is_saved_too(
    names_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_step(10, interrupt, monkeypatch)
    assert call(train_command(names_file, tmp_path / "run")) == 130
    assert int(final_state(tmp_path / "run").step) == 10


def test_run_killed_between_saves_resumes_from_the_last_save(
    names_file: Path, tmp_path: Path, trained: Path
) -> None:
    run = tmp_path / "run"
    die_after_50 = (
        "import os, sys, wavenet_jax.cli.process as process, wavenet_jax.runs.record as record\n"
        "from wavenet_jax.cli import main\n"
        "record.SECONDS_BETWEEN_SAVES = 0\n"
        "show = process.TrainingProgress.show\n"
        "process.TrainingProgress.show = lambda self, info: (\n"
        "    os._exit(9) if info.step == 50 else show(self, info)\n"
        ")\n"
        "main(sys.argv[1:])\n"
    )
    words = [sys.executable, "-c", die_after_50, *train_command(names_file, run).split()]
    assert subprocess.run(words, check=False).returncode == 9
    assert int(final_state(run).step) in (20, 40)  # the save of 40 may not have been complete
    assert call(f"resume {run}") == 0
    assert_same_run(run, trained)


def test_finished_run_resumes_without_a_step(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = final_state(trained)
    assert call(f"resume {trained}") == 0
    assert "at the last step, 60" in capsys.readouterr().out
    assert_same(final_state(trained), before)


def test_finished_run_without_metrics_resumes_once_that_is_accepted(
    trained: Path, tmp_path: Path, says: Says, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained, tmp_path / "run")
    path = tmp_path / "run" / "metrics.jsonl"
    path.unlink()
    sentence = says(f"resume {tmp_path / 'run'}")
    assert f"{path} is missing, expected the lines that were written up to step 60" in sentence
    assert call(f"verify {tmp_path / 'run'}") == 1
    assert "can be used, but not resumed: restore metrics.jsonl" in capsys.readouterr().err
    assert call(f"sample {tmp_path / 'run'} -n 1") == 0
    assert call(f"verify {tmp_path / 'run'} --accept") == 0
    assert call(f"resume {tmp_path / 'run'}") == 0
    assert "Next:" in capsys.readouterr().err


def test_non_finite_loss_keeps_the_last_good_checkpoint(
    names_file: Path, tmp_path: Path, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"

    def poisoned(*arguments: Any) -> tuple[TrainState, Any]:
        state, metrics = train_chunk(*arguments)
        return state, metrics._replace(loss=metrics.loss.at[3].set(float("nan")))

    poison = partial(monkeypatch.setattr, "wavenet_jax.training.loop.train_chunk", poisoned)
    after_step(40, poison, monkeypatch)
    sentence = says(train_command(names_file, run))
    assert "loss is nan in step 44" in sentence
    assert f"{run} keeps the state of step 40" in sentence
    assert (run / "loss.png").exists()
    assert "--learning-rate" in sentence
    assert int(final_state(run).step) == 40


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--learning-rate 1e38", "nothing was saved yet"),
        ("--n-hidden 1000000", "would take"),
    ],
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
    assert sentence.startswith(f"wavenet-jax: --run-dir is {str(trained)!r}")
    assert "already holds a run" in sentence
    says(f"train --data missing.txt --run-dir {trained} --overwrite")
    assert modified(trained) == before


def test_overwrite_replaces_the_run(names_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert call(train_command(names_file, run)) == 0
    assert call(train_command(names_file, run, "--overwrite --seed 1")) == 0
    assert load_run(run).config.train.seed == 1
    assert len(losses(run)) == 6
