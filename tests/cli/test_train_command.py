"""What `train` plans, says and leaves beside a run: notes, minutes, links, early ends."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import pytest
from support.commands import Prints, Says, call
from support.corpora import NAMES

from wavenet_jax.cli.process import TrainingProgress
from wavenet_jax.runs import load_run
from wavenet_jax.training import StepInfo

TINY = "--preset makemore --n-hidden 8 --n-embd 4 --steps 20"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that commands run in, with a list in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("\n".join(NAMES))
    return tmp_path


def test_notes_are_printed_with_options_as_they_are_typed(place: Path, prints: Prints) -> None:
    (place / "a.csv").write_text("name,country\nParis,France\nLima,Peru\nOslo,Norway\n" * 5)
    prints("train", "--data", "a.csv", "--run-dir", "run", *TINY.split())
    assert "Note: a.csv looks like a table of 2 columns" in prints.err
    assert "set --column to a name" in prints.err
    prints("train", "--data", "list.txt", "--run-dir", "run", "--overwrite", *TINY.split())
    assert "set --kind to text" in prints.err


def test_bad_lines_are_counted_with_the_option_that_leaves_them_out(
    place: Path, says: Says
) -> None:
    (place / "bad.txt").write_bytes(b"ada\nb\0b\n\0\nbea\ncia\n")
    sentence = says("train --data bad.txt")
    assert "as the first of 2 bad lines" in sentence
    assert "set --kind to text" in sentence
    assert "--skip-bad to leave out what is bad" in sentence


def test_latest_leads_to_the_run_that_was_trained_last(place: Path, prints: Prints) -> None:
    for name in ("a", "b"):
        prints("train", "--data", "list.txt", "--run-dir", f"runs/{name}", *TINY.split())
    assert (place / "runs" / "latest").resolve() == place / "runs" / "b"
    prints("resume", "runs/latest")
    prints("sample", "runs/latest", "-n", "1", "--seed", "0")
    assert (place / "runs" / "latest").resolve() == place / "runs" / "b"


@pytest.mark.usefixtures("place")
def test_a_link_is_no_folder_to_train_in(says: Says, prints: Prints) -> None:
    prints("train", "--data", "list.txt", "--run-dir", "runs/a", *TINY.split())
    assert "which is a link" in says("train --data list.txt --run-dir runs/latest --overwrite")


@pytest.mark.parametrize(("minutes", "steps"), [("1", 58), ("100", 1_000)])
def test_minutes_bound_the_steps_and_keep_given_intervals(
    minutes: str,
    steps: int,
    place: Path,
    prints: Prints,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[Any] = []

    def seconds(call: Callable[[], object]) -> float:
        jax.block_until_ready(call())
        calls.append(call)
        return 10.0 if len(calls) == 1 else 0.5  # of 10 steps, and of a validation

    monkeypatch.setattr("wavenet_jax.training.loop._seconds", seconds)
    every = "--steps 1000 --report-every 10 --eval-every 250 --minutes"
    options = f"--preset makemore --n-hidden 8 --n-embd 4 {every} {minutes}".split()
    prints("train", "--data", "list.txt", "--run-dir", "run", *options)
    settings = load_run(place / "run").config.train
    assert settings.steps is not None
    # Of a second each, with 4 validations of half a second, and what the measuring took.
    assert steps - 40 <= settings.steps <= steps
    assert (settings.report_every, settings.eval_every) == (10, 250)


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "1e+308"])
def test_minutes_are_a_number_above_0(minutes: str, says: Says) -> None:
    assert says(f"train --minutes {minutes}").startswith(f"wavenet-jax: --minutes is {minutes}")


def test_a_run_ends_early_where_nothing_improves(place: Path, prints: Prints) -> None:
    started = time.perf_counter()
    tiny = f"{TINY.removesuffix('20')}400 --patience 0.1".split()
    prints("train", "--data", "list.txt", "--run-dir", "run", *tiny)
    assert "Stopped early at step" in prints.err
    lines = (place / "run" / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    assert last["step"] < 400
    assert 0 < last["seconds"] < time.perf_counter() - started
    prints("resume", "run")
    assert "is finished at step" in prints.err
    assert (place / "run" / "metrics.jsonl").read_text().splitlines() == lines


@pytest.mark.usefixtures("place")
def test_without_val_the_last_state_is_the_best(prints: Prints) -> None:
    fractions = "--val-fraction 0 --test-fraction 0".split()
    out = prints("train", "--data", "list.txt", "--run-dir", "run", *fractions, *TINY.split())
    assert "the best state is the last" in prints.err
    assert out.startswith("run: train ")
    assert "at step 20 (best" in (prints("evaluate", "run"), prints.err)[1]


@pytest.mark.usefixtures("place")
def test_diverged_training_ends_in_a_sentence(says: Says) -> None:
    sentence = says("train --data list.txt --preset makemore --learning-rate 1000 --run-dir run")
    assert (
        "expected a finite and small number; train again with a lower --learning-rate" in sentence
    )


def test_interrupted_run_has_samples_and_a_loss_curve(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = TrainingProgress.show

    def interrupt(progress: TrainingProgress, info: StepInfo) -> None:
        show(progress, info)
        if info.step == 10:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(TrainingProgress, "show", interrupt)
    assert call(f"train --data list.txt --run-dir run {TINY}") == 143
    assert (place / "run" / "samples.txt").exists()
    assert (place / "run" / "loss.png").exists()
