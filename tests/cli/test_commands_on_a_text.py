"""The commands on one text: trained in rows, evaluated by stretches, printed as it is drawn."""

import json
import math
from pathlib import Path

import pytest
from support.commands import Prints, call, train_text_command
from support.corpora import TEXT

from wavenet_jax.data import LABEL_FILES
from wavenet_jax.runs import load_run
from wavenet_jax.runs.folder import CONTENTS


def test_training_leaves_a_whole_run_folder_and_nothing_beside_it(trained_text: Path) -> None:
    assert {path.name for path in trained_text.iterdir()} == set(CONTENTS) - {
        "documents.txt",
        "inspect",
        "samples",
        "tensorboard",
        *LABEL_FILES,
    }
    assert {path.name for path in trained_text.parent.iterdir()} == {"run", "text.txt"}
    lines = [json.loads(line) for line in (trained_text / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [10, 20, 30, 40, 50, 60]
    assert [line["step"] for line in lines if "val_loss" in line] == [20, 40, 60]
    assert lines[-1]["val_loss"] < 0.9 * math.log(21)


def test_samples_of_the_folder_are_those_of_the_command(trained_text: Path, prints: Prints) -> None:
    samples = (trained_text / "samples.txt").read_text("utf-8")
    assert len(samples) == 1_001
    assert prints("sample", trained_text, "--seed", "0") == samples


def test_training_says_how_many_characters_and_rows_there_are(
    text_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = "--test-fraction 0.05 --steps 10 --eval-every 10"
    assert call(train_text_command(text_file, tmp_path / "run", more)) == 0
    out, err = capsys.readouterr()
    lengths = [part.num_predictions for part in load_run(tmp_path / "run").data.splits]
    assert sum(lengths) == len(TEXT)
    assert " / ".join(f"{length:,}" for length in lengths) + " characters" in err
    assert f"21 characters {''.join(sorted(set(TEXT)))!r}" in err
    assert f"10 steps of 2 sequences of 32 ({640 / lengths[0]:.3g} epochs)" in err
    assert out.startswith(f"{tmp_path / 'run'}: val ")


def test_evaluate_prints_the_same_losses_as_table_and_as_json(
    trained_text: Path, prints: Prints
) -> None:
    head, *rows = prints("evaluate", trained_text, "--checkpoint", "latest").splitlines()
    losses = json.loads(prints("evaluate", trained_text, "--checkpoint", "latest", "--json"))
    assert "unseen" not in head
    assert list(losses["splits"]) == ["train", "val"]
    for row, (split, loss) in zip(rows, losses["splits"].items(), strict=True):
        name, stretches, predictions, nats, _, bits = row.split()
        assert (name, int(stretches)) == (split, loss["stretches"])
        assert loss["stretches"] == math.ceil(loss["predictions"] / 1_000)
        assert int(predictions.replace(",", "")) == loss["predictions"]
        assert float(nats) == pytest.approx(loss["nats_per_character"], abs=1e-4)
        assert float(bits) == pytest.approx(loss["bits_per_character"], abs=1e-4)
    last = json.loads((trained_text / "metrics.jsonl").read_text().splitlines()[-1])
    assert losses["splits"]["val"]["nats_per_character"] == pytest.approx(last["val_loss"])


def test_score_of_the_training_text_is_its_loss(trained_text: Path, prints: Prints) -> None:
    loss = json.loads(prints("evaluate", trained_text, "--json"))["splits"]["train"]
    text = TEXT[: loss["predictions"]]
    score = json.loads(prints("score", trained_text, "--json", "--text-start", text))
    assert score["text"] == text
    assert score["characters"] == loss["predictions"]
    expected = loss["nats_per_character"] * loss["predictions"]
    assert score["nll_nats"] == pytest.approx(expected, rel=1e-5)


def test_text_is_scored_from_its_first_character_without_an_end(
    trained_text: Path, prints: Prints
) -> None:
    lines = prints("score", trained_text, "--json", "t", "to", "to b", "to").splitlines()
    scores = [json.loads(line) for line in lines]
    assert [score["characters"] for score in scores] == [1, 2, 4, 2]
    nats = [score["nll_nats"] for score in scores]
    assert 0 < nats[0] < nats[1] < nats[2]
    assert nats[3] == pytest.approx(nats[1])
    every = [json.loads(prints("score", trained_text, "--json", c))["nll_nats"] for c in set(TEXT)]
    assert sum(math.exp(-one) for one in every) < 1  # the boundary has the rest
    assert sum(math.exp(-one) for one in every) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_sample_prints_as_many_characters_as_text_length(
    length: int, trained_text: Path, prints: Prints
) -> None:
    text = prints("sample", trained_text, "--seed", "0", "--text-length", str(length))
    assert len(text) == length + 1
    assert text.endswith("\n")
    assert set(text) <= set(TEXT)
    assert prints("sample", trained_text, "--seed", "0")[:length] == text[:-1]


@pytest.mark.parametrize(
    "prefix", ["to be or", "é漢 ", TEXT[:100], "q" * 64], ids=["few", "rare", "long", "piece"]
)
def test_sample_begins_with_the_prefix_and_depends_on_it(
    prefix: str, trained_text: Path, prints: Prints
) -> None:
    text = prints("sample", trained_text, "--seed", "0", "--text-length", "150", "--prefix", prefix)
    assert len(text) == 151
    assert text.startswith(prefix)
    assert (
        text[len(prefix) :]
        != prints("sample", trained_text, "--seed", "0", "--text-length", "150")[len(prefix) :]
    )
    alone = prints(
        "sample", trained_text, "--seed", "0", "--text-length", str(len(prefix)), "--prefix", prefix
    )
    assert alone == prefix + "\n"


def test_sample_depends_on_its_seed_and_index_alone(trained_text: Path, prints: Prints) -> None:
    sample = ["sample", str(trained_text), "--text-length", "80"]
    first, again, other = (prints(*sample, "--seed", seed) for seed in ("5", "5", "6"))
    assert first == again != other
    two = prints(*sample, "--seed", "5", "-n", "2").split("--------\n")
    assert two[0] == first
    assert len(two) == 2
    assert len(two[1]) == 81
    assert two[1] != first
    said = prints(*sample, "--seed", "5", "-n", "2", "--json").splitlines()
    assert [json.loads(line)["text"] + "\n" for line in said] == two


def test_run_folder_can_be_moved_and_its_text_deleted(
    text_file: Path, tmp_path: Path, prints: Prints
) -> None:
    more = [
        "--steps",
        "20",
        "--layer",
        "gated",
        "--norm",
        "none",
        "--dilations",
        "1",
        "2",
        "4",
        "1",
    ]
    prints(*train_text_command(text_file, tmp_path / "run").split(), *more)
    text_file.unlink()
    (tmp_path / "run").rename(tmp_path / "moved")
    assert len(prints("evaluate", tmp_path / "moved").splitlines()) == 3
    assert len(prints("sample", tmp_path / "moved", "--text-length", "9")) == 10
    assert "at the last step, 20" in prints("resume", tmp_path / "moved")


def test_run_in_the_working_folder_is_trained_and_evaluated_there(
    text_file: Path, tmp_path: Path, prints: Prints, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    prints(*train_text_command(text_file, Path()).split())
    assert len(prints("evaluate", ".").splitlines()) == 3


def test_text_can_be_trained_in_windows(text_file: Path, tmp_path: Path, prints: Prints) -> None:
    small = "--n-embd 4 --n-hidden 8 --steps 20 --batch-size 8 --report-every 10 --eval-every 20"
    command = f"train --data {text_file} --kind text --run-dir {tmp_path / 'run'} {small}"
    assert "at the last step, 20" in prints(*command.split())
    assert len(prints("sample", tmp_path / "run", "--text-length", "70")) == 71
