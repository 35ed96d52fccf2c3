"""The commands on a list as a user types them: what is printed where, what is left behind."""

import json
import math
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import pytest
from conftest import call, train_command

from wavenet_jax import checkpoint, corpus, download, evaluate, runs


def test_training_leaves_a_whole_run_folder(trained: Path) -> None:
    assert {path.name for path in trained.iterdir()} == set(runs.CONTENTS) - {"tokens.bin"}
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


def test_list_may_be_trained_in_sequences_with_gated_layers_and_evaluated(
    names_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    options = "--run sequence --length 16 --layer gated --norm none --optimizer adamw"
    rates = "--schedule linear --learning-rate 0.02 --dilations 1 2 1 2"
    assert call(train_command(names_file, run, f"{options} {rates}")) == 0
    out, err = capsys.readouterr()
    assert "60 steps of 8 sequences of 16" in err
    assert "(receptive field 7)" in err
    assert call(f"evaluate {run} --json --checkpoint latest") == 0
    splits = json.loads(capsys.readouterr().out)["splits"]
    assert f"val {splits['val']['nats_per_character']:.4f} at the last step" in out
    assert splits["train"]["nats_per_character"] < 0.9 * math.log(27)


def score(run: Path, texts: list[str], capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    assert call(["score", str(run), "--json", *texts]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_scores_of_names_are_the_models(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs.load(trained)
    with checkpoint.checkpoints(run) as states:
        _, variables = states.restore_variables("best")
    texts = ["emma", "", "lazella", "emma"]
    for text, found in zip(texts, score(trained, texts, capsys), strict=True):
        laid = corpus.from_documents([text], run.data.vocab)
        nll = evaluate.nll_nats(run.model, variables, evaluate.blocks(run.model, laid))
        assert found["text"] == text
        assert found["characters"] == len(text) + 1
        assert found["nll_nats"] == pytest.approx(sum(piece.sum() for piece in nll), rel=1e-5)


def test_scores_of_a_split_add_up_to_its_loss(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(f"evaluate {trained} --json") == 0
    loss = json.loads(capsys.readouterr().out)["splits"]["val"]
    scores = score(trained, runs.load(trained).data.parts.val, capsys)
    assert sum(each["characters"] for each in scores) == loss["predictions"]
    nats = sum(each["nll_nats"] for each in scores)
    assert nats / loss["predictions"] == pytest.approx(loss["nats_per_character"], rel=1e-5)


def test_score_prints_the_same_as_table_and_as_json(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["emma", "lazella"]
    assert call(["score", str(trained), "--checkpoint", "latest", *texts]) == 0
    _, *rows = capsys.readouterr().out.splitlines()
    found = score(trained, ["--checkpoint", "latest", *texts], capsys)
    for row, each in zip(rows, found, strict=True):
        text, characters, nats, mean, bits, probability = row.split()
        assert (text, int(characters)) == (each["text"], each["characters"])
        assert float(nats) == pytest.approx(each["nll_nats"], abs=1e-3)
        assert float(mean) == pytest.approx(each["nll_nats"] / int(characters), abs=1e-4)
        assert float(bits) == pytest.approx(float(mean) / math.log(2), abs=2e-4)
        assert float(probability) == pytest.approx(math.exp(-each["nll_nats"]), rel=1e-3)


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


def test_sample_begins_every_name_with_the_prefix(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(f"sample {trained} -n 30 --prefix ann --max-length 6 --json") == 0
    samples = [json.loads(line)["text"] for line in capsys.readouterr().out.splitlines()]
    assert all(text.startswith("ann") for text in samples)
    assert len(set(samples)) > 5
    assert call(f"sample {trained} -n 2 --prefix ann --max-length 3 --json") == 0
    samples = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["text"], each["ended"]) for each in samples] == [("ann", False)] * 2


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
    assert repr("".join(sorted(set(".ZoëÜmitannaBENcleo")))) in capsys.readouterr().err
    documents = runs.load(tmp_path / "run").data.documents
    assert documents == ["Zoë", "Ümit", "anna", "BEN", "cleo"]


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
    for command in ("train", "evaluate", "score", "sample", "data"):
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


def test_sample_keeps_what_is_asked_of_its_documents(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "--prefix l --pattern .*[aeiou] --forbid vz --min-length 4 --max-length 7"
    assert call(f"sample {trained} -n 50 --json {asked}") == 0
    samples = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(samples) == 50
    for one in samples:
        assert re.fullmatch("l[^vz]{2,5}[aeiou]", one["text"])
        assert one["ended"]
