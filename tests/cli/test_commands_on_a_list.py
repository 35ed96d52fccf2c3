"""The commands on a list, as a user types them: what they print where, and what they leave."""

import json
import math
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from support.commands import Prints, call, train_command

from wavenet_jax.cli.arguments import Train
from wavenet_jax.cli.main import parse_command
from wavenet_jax.config import DataConfig
from wavenet_jax.data import LABEL_FILES, TOKEN_FILES
from wavenet_jax.runs import load_run
from wavenet_jax.runs.folder import CONTENTS


def test_training_leaves_a_whole_run_folder(trained: Path) -> None:
    assert {path.name for path in trained.iterdir()} == set(CONTENTS) - {
        "inspect",
        "samples",
        "tensorboard",
        *LABEL_FILES,
        *TOKEN_FILES,
    }
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


def test_evaluate_takes_the_best_checkpoint_by_default(
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


def test_list_can_be_trained_in_sequences_with_gated_layers_and_evaluated(
    names_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    options = "--mode sequence --seq-len 16 --layer gated --norm none --optimizer adamw"
    rates = "--schedule linear --learning-rate 0.02 --dilations 1 2 1 2"
    assert call(train_command(names_file, run, f"{options} {rates}")) == 0
    out, err = capsys.readouterr()
    assert "60 steps of 8 sequences of 16" in err
    assert "receptive field 7)" in err
    assert call(f"evaluate {run} --json --checkpoint latest") == 0
    splits = json.loads(capsys.readouterr().out)["splits"]
    assert f"val {splits['val']['nats_per_character']:.4f} at the last step" in out
    assert splits["train"]["nats_per_character"] < 0.9 * math.log(27)


def test_run_folder_can_be_moved_and_its_data_deleted(
    names_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(train_command(names_file, tmp_path / "run")) == 0
    names_file.unlink()
    (tmp_path / "run").rename(tmp_path / "moved")
    assert call(f"evaluate {tmp_path / 'moved'}") == 0
    assert call(f"sample {tmp_path / 'moved'} -n 2") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 4 + 2


def test_untidy_file_is_read_and_its_vocabulary_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["Zoë  ", "", "Ümit", "anna", "  ", "BEN", "cleo"]
    (tmp_path / "untidy.txt").write_bytes("\r\n".join(lines).encode())
    assert call(train_command(tmp_path / "untidy.txt", tmp_path / "run")) == 0
    assert repr("".join(sorted(set("ZoëÜmitannaBENcleo")))) in capsys.readouterr().err
    documents = load_run(tmp_path / "run").data.documents
    assert documents == ["Zoë", "Ümit", "anna", "BEN", "cleo"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--data", "a.txt"], DataConfig("a.txt")),
        (["--data", "a.txt", "b.txt"], DataConfig(("a.txt", "b.txt"))),
        (["--data", "-", "--lower"], DataConfig("-", lower=True)),
        (["--data=folder/", "--normalize", "NFC"], DataConfig("folder/", normalize="NFC")),
        (["--kind", "text", "--data", "a", "b"], DataConfig(("a", "b"), kind="text")),
        (["--data", "a.csv", "--column", "2"], DataConfig("a.csv", column="2")),
        (
            ["--val-fraction", "0", "--test-fraction", "0", "--skip-bad"],
            DataConfig(val_fraction=0, test_fraction=0, skip_bad=True),
        ),
    ],
)
def test_data_are_one_source_or_several(words: list[str], expected: DataConfig) -> None:
    command = parse_command("train", *words)
    assert isinstance(command, Train)
    assert command.recipe.data_config() == expected


def test_documents_with_periods_are_trained_on_scored_and_drawn(
    tmp_path: Path, prints: Prints
) -> None:
    (tmp_path / "list.txt").write_text("St. Ives\nSt. Asaph\nSt. Davids\nst.ives.example\n" * 5)
    assert call(train_command(tmp_path / "list.txt", tmp_path / "run")) == 0
    prints("score", tmp_path / "run", "St. Ives", ".")
    table = prints("sample", tmp_path / "run", "-n", "3", "--prefix", "St. ", "--forbid", "v")
    assert table.count("St. ") == 3


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == 0
    assert capsys.readouterr().out == f"wavenet-jax {metadata.version('wavenet-jax')}\n"


def test_module_is_the_command() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "wavenet_jax", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("train", "resume", "evaluate", "score", "sample", "data"):
        assert command in process.stdout


@pytest.mark.parametrize(
    "command",
    ["sample {run} -n 20", "sample {run} -n 5000 --json", "score {run} --json", "score {run}"],
)  # what a pipe holds, and more
def test_reader_who_leaves_early_is_no_error(trained: Path, command: str, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("emma\n" * 5_000)
    wavenet_jax = f"{sys.executable} -m wavenet_jax {command.format(run=trained)}"
    process = subprocess.run(
        ["/bin/bash", "-c", f"set -o pipefail; {wavenet_jax} < names.txt | head -n 1"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert process.stdout.count("\n") == 1
    said = process.stderr.splitlines()
    assert re.match(r"[\d,]+ (samples of|scores by) ", said[0])
    assert not said[1:] or re.fullmatch(r"20 new|\d+ new, \d+ in train.*", said[1])
    assert process.returncode == 0
