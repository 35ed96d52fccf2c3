"""The commands as a user types them: what is printed where, exit codes, what is left behind."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from conftest import NAMES, assert_same

from wavenet_jax import checkpoint, console, download, runs, train
from wavenet_jax.cli import main
from wavenet_jax.runs import Run
from wavenet_jax.train import TrainState

# The learning rate is such that validation at step 30, which is not on schedule, would be the best.
SMALL = (
    "--n-embd 4 --n-hidden 8 --steps 60 --batch-size 8 --report-every 10 --eval-every 20 "
    "--learning-rate 3 --seed 3"
)


def call(command: str) -> int:
    try:
        return main(command.split())
    except SystemExit as leave:  # how the argument parser leaves
        return int(leave.code or 0)


def train_command(names_file: Path, run: Path, more: str = "") -> str:
    return f"train --data {names_file} --run-dir {run} {SMALL} {more}"


def final_state(run: Path) -> TrainState:
    with checkpoint.checkpoints(runs.load(run)) as states:
        return states.restore_state()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "list.txt").write_text("\n".join(NAMES))
    assert call(train_command(folder / "list.txt", folder / "run")) == 0
    return folder / "run"


def losses(run: Path) -> list[dict[str, float]]:
    """Return what the metrics say but for the speed."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "steps_per_second"} for line in lines]


def assert_same_run(a: Path, b: Path) -> None:
    """Compare the last state, the best one, which states are kept, and the losses on the way."""
    assert_same(final_state(a), final_state(b))
    kept = [sorted(path.name for path in (run / "checkpoints").iterdir()) for run in (a, b)]
    assert kept[0] == kept[1]
    best = []
    for run in (a, b):
        with checkpoint.checkpoints(runs.load(run)) as states:
            best.append(states.restore_variables("best"))
    jax.tree.map(np.testing.assert_array_equal, *best)
    assert losses(a) == losses(b)
    assert (a / "samples.txt").read_text() == (b / "samples.txt").read_text()


Says = Callable[[str], str]


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Says:
    """Give what a bad command says, after checking that it is one sentence and the exit is 2."""

    def run(command: str) -> str:
        assert call(command) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "Traceback" not in printed.err
        last = printed.err.strip().splitlines()[-1]
        assert last.startswith("wavenet-jax: ")
        assert last.endswith((".", "?"))
        return last

    return run


def test_training_leaves_a_whole_run_folder(trained: Path) -> None:
    assert {path.name for path in trained.iterdir()} == set(runs.CONTENTS)
    lines = (trained / "metrics.jsonl").read_text().splitlines()
    metrics = [json.loads(line) for line in lines]
    assert [line["step"] for line in metrics] == [10, 20, 30, 40, 50, 60]
    assert [line["step"] for line in metrics if "val_loss" in line] == [20, 40, 60]
    assert len((trained / "samples.txt").read_text().splitlines()) == 20


def test_training_says_what_it_does_on_standard_error_and_its_result_on_standard_output(
    names_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(train_command(names_file, tmp_path / "run")) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(rf"{tmp_path / 'run'}: val \d\.\d+ at the last step, 60; best .*\n", out)
    assert "40 / 5 / 5 documents" in err
    assert "60 steps of 8 windows" in err
    assert "step      60 of 60  train" in err


def test_evaluate_prints_the_same_losses_as_table_and_as_json(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(f"evaluate {trained} --checkpoint latest") == 0
    _, *rows = capsys.readouterr().out.splitlines()
    assert call(f"evaluate {trained} --checkpoint latest --json") == 0
    losses = json.loads(capsys.readouterr().out)
    assert losses["step"] == 60
    for row, (split, loss) in zip(rows, losses["splits"].items(), strict=True):
        name, documents, predictions, nats, error, bits, unseen, *_ = row.split()
        assert (name, int(documents)) == (split, loss["documents"])
        assert int(predictions) == loss["predictions"]
        assert float(nats) == pytest.approx(loss["nats_per_character"], abs=1e-4)
        assert float(error) == pytest.approx(loss["standard_error"], abs=1e-4)
        assert float(bits) == pytest.approx(loss["bits_per_character"], abs=1e-4)
        assert int(unseen) == loss["unseen"]["documents"]
    assert losses["splits"]["train"]["unseen"]["nats_per_character"] is None
    last = json.loads((trained / "metrics.jsonl").read_text().splitlines()[-1])
    assert losses["splits"]["val"]["nats_per_character"] == pytest.approx(last["val_loss"])


def test_evaluate_takes_the_best_checkpoint_unless_told_otherwise(
    names_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert call(train_command(names_file, run, "--learning-rate 20 --boundaries 0.1")) == 0
    capsys.readouterr()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    best = min((line for line in lines if "val_loss" in line), key=lambda line: line["val_loss"])
    assert call(f"evaluate {run} --json") == 0
    losses = json.loads(capsys.readouterr().out)
    assert losses["step"] == best["step"]
    assert losses["splits"]["val"]["nats_per_character"] == pytest.approx(best["val_loss"])


def test_sample_prints_the_same_samples_as_lines_and_as_json(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(f"sample {trained} -n 30 --seed 3 --max-length 5") == 0
    lines = capsys.readouterr().out.splitlines()
    assert call(f"sample {trained} -n 30 --seed 3 --max-length 5 --json") == 0
    samples = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == len(samples) == 30
    assert len({sample["text"] for sample in samples}) > 20
    for line, sample in zip(lines, samples, strict=True):
        assert line.startswith(sample["text"])
        assert line.endswith("cut off") == (not sample["ended"])
        assert len(sample["text"]) <= 5


def test_sample_marks_what_the_data_already_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ab.txt").write_text("a\nb\n" * 10 + "abab\n")
    assert call(train_command(tmp_path / "ab.txt", tmp_path / "run")) == 0
    capsys.readouterr()
    assert call(f"sample {tmp_path / 'run'} -n 200 --json") == 0
    samples = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    origins = {sample["text"]: sample["origin"] for sample in samples}
    assert origins["a"] == origins["b"] == "train"
    assert {origins[text] for text in origins if text not in ("a", "b", "abab")} <= {"new"}


def test_run_folder_can_be_moved_and_its_data_deleted(
    names_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(train_command(names_file, tmp_path / "run")) == 0
    names_file.unlink()
    (tmp_path / "run").rename(tmp_path / "moved")
    assert call(f"evaluate {tmp_path / 'moved'}") == 0
    assert call(f"sample {tmp_path / 'moved'} -n 2") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 4 + 2


def test_interrupted_run_resumes_to_the_end_of_the_uninterrupted_one(
    names_file: Path,
    tmp_path: Path,
    trained: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"

    def append_and_interrupt(run: Run, line: dict[str, float]) -> None:
        append_metrics(run, line)
        if line["step"] == 30:  # where no validation is due
            signal.raise_signal(signal.SIGINT)

    append_metrics = runs.append_metrics
    with monkeypatch.context() as patch:
        patch.setattr(runs, "append_metrics", append_and_interrupt)
        assert call(train_command(names_file, run)) == 130
    assert f"`wavenet-jax train --run-dir {run} --resume`" in capsys.readouterr().err
    assert int(final_state(run).step) == 30

    assert call(f"train --run-dir {run} --resume") == 0
    assert "From step 30 to 60" in capsys.readouterr().err
    assert_same_run(run, trained)


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

    append_metrics = runs.append_metrics
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


def test_non_finite_loss_keeps_the_last_good_checkpoint(
    names_file: Path, tmp_path: Path, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    append_metrics = runs.append_metrics

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
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    says(train_command(names_file, trained, f"--overwrite {options}"))
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


def test_run_in_the_folder_is_neither_lost_nor_overwritten(
    names_file: Path, trained: Path, says: Says
) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    sentence = says(train_command(names_file, trained))
    assert "already holds a run" in sentence
    assert "--resume" in sentence
    assert "--overwrite" in sentence
    says(f"train --data missing.txt --run-dir {trained} --overwrite")
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


def test_overwrite_starts_anew(names_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert call(train_command(names_file, run)) == 0
    assert call(train_command(names_file, run, "--overwrite --seed 1")) == 0
    assert runs.load(run).config.train.seed == 1
    assert len(losses(run)) == 6


def test_resume_with_another_configuration_names_the_fields(trained: Path, says: Says) -> None:
    sentence = says(f"train --run-dir {trained} --resume --n-hidden 9 --learning-rate 0.2")
    assert "n_hidden 8 -> 9" in sentence
    assert "learning_rate 3.0 -> 0.2" in sentence
    assert "seed" not in sentence


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("train --data missing.txt", ["'missing.txt'", "not there"]),
        ("train --preset makemor", ["'makemor'", "did you mean makemore?"]),
        ("train --steps 0", ["steps is 0", "above 0"]),
        ("train --steps 3000000000", ["steps is 3000000000", "2,147,483,648"]),
        ("train --batch-size -4", ["batch_size is -4"]),
        ("train --learning-rate 0", ["learning_rate is 0"]),
        ("train --learning-rate nan", ["learning_rate is nan"]),
        ("train --dilations 1 2 3", ["dilations 1 2 3", "receptive field", "1 2 4"]),
        ("train --taps 3", ["dilations 1 2 4 with 3 taps", "1 3 9"]),
        ("train --data shakespeare", ["'shakespeare'", "one long text"]),
        ("train --steps 50 --epochs 3", ["steps 50 and epochs 3", "expected one"]),
        ("train --resume", ["--run-dir"]),
        ("train --resume --overwrite --run-dir nowhere", ["both given"]),
        ("train --resume --run-dir nowhere", ["'nowhere'", "holds no run"]),
        ("evaluate nowhere", ["'nowhere'", "holds no run"]),
        ("sample nowhere", ["'nowhere'", "holds no run"]),
        ("sample nowhere -n 0", ["n is 0"]),
        ("sample nowhere --max-length 0", ["max_length is 0"]),
        ("sample nowhere --seed -1", ["seed is -1"]),
        ("data nothing", ["'nothing'", "makemore", "shakespeare"]),
    ],
)
def test_bad_use_is_answered_in_one_sentence(
    command: str, parts: list[str], says: Says, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sentence = says(command)
    for part in parts:
        assert part in sentence
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["0 documents", "at least 3"]),
        (b"anna\nben\n", ["2 documents"]),
        (b"anna\nb\xe9n\ncleo\n", ["line 2", "UTF-8"]),
        (b"anna\nben\ncl\x00eo\n", ["line 3", "binary"]),
        (b"anna\nst. john\ncleo\n", ["line 2", "'st. john'", "boundary"]),
    ],
)
def test_bad_data_are_answered_in_one_sentence(
    content: bytes, parts: list[str], says: Says, tmp_path: Path
) -> None:
    (tmp_path / "bad.txt").write_bytes(content)
    sentence = says(f"train --data {tmp_path / 'bad.txt'} --run-dir {tmp_path / 'run'}")
    for part in parts:
        assert part in sentence
    assert not (tmp_path / "run").exists()


def test_run_without_checkpoint_is_answered_in_one_sentence(run: Run, says: Says) -> None:
    for command in ("evaluate {}", "sample {}", "train --resume --run-dir {}"):
        assert "no checkpoint" in says(command.format(run.folder))


def test_untidy_file_is_read_and_its_vocabulary_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["Zoë  ", "", "Ümit", "anna", "  ", "BEN", "cleo"]
    (tmp_path / "untidy.txt").write_bytes("\r\n".join(lines).encode())
    assert call(train_command(tmp_path / "untidy.txt", tmp_path / "run")) == 0
    assert repr("".join(sorted(set(".ZoëÜmitannaBENcleo")))) in capsys.readouterr().err
    documents = runs.load(tmp_path / "run").data.documents
    assert documents == ["Zoë", "Ümit", "anna", "BEN", "cleo"]


def test_unknown_options_and_values_leave_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train --stepz 3") == 2
    assert "--steps" in capsys.readouterr().err
    assert call("train --steps many") == 2
    assert call("train --resume=yes") == 2
    assert call("train --preset") == 2
    assert call("fly") == 2
    assert call("") == 2


def test_finished_run_without_metrics_resumes_too(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained, tmp_path / "run")
    (tmp_path / "run" / "metrics.jsonl").unlink()
    assert call(f"train --run-dir {tmp_path / 'run'} --resume") == 0
    assert "Next:" in capsys.readouterr().err


def test_compilation_cache_is_the_users_own(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    try:
        assert call(f"sample {trained} -n 1") == 0
        (folder,) = (download.cache_dir() / "compiled").iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        shutil.rmtree(folder)
        monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "mine"))
        assert call(f"sample {trained} -n 1") == 0
        assert not folder.exists()
    finally:
        jax.config.update("jax_compilation_cache_dir", None)


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == 0
    assert capsys.readouterr().out == f"wavenet-jax {metadata.version('wavenet-jax')}\n"


def test_module_is_the_command() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "wavenet_jax", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("train", "evaluate", "sample", "data"):
        assert command in process.stdout


@pytest.mark.parametrize("n", [20, 20_000])  # less and more than a pipe holds
def test_reader_who_leaves_early_is_no_error(trained: Path, n: int) -> None:
    command = f"{sys.executable} -m wavenet_jax sample {trained} -n {n} | head -1"
    process = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.count("\n") == 1
    assert "Traceback" not in process.stderr
