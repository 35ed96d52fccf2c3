"""A run on recordings by the command line: trained, evaluated, refused where it has no words."""

import json
from pathlib import Path

import pytest
from support.commands import Prints, Says, call
from support.sounds import TONES, train_sound_command, write_tones

from wavenet_jax.data import TOKEN_FILES


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tones(tmp_path_factory.mktemp("sound") / "recordings")


@pytest.fixture(scope="module")
def trained_sound(recordings: Path) -> Path:
    run = recordings.with_name("run")
    assert call(train_sound_command(recordings, run)) == 0
    return run


def test_training_says_what_it_hears(recordings: Path, tmp_path: Path, prints: Prints) -> None:
    prints(*train_sound_command(recordings, tmp_path / "run").split())
    assert "on " + str(recordings) + ": 6 / 1 / 1 recordings, 0.5 seconds in all, " in prints.err
    assert "256 levels at 8,000 Hz\n" in prints.err
    assert "characters" not in prints.err


def test_run_holds_tokens_and_needs_no_recordings(trained_sound: Path) -> None:
    assert all((trained_sound / name).is_file() for name in TOKEN_FILES)
    assert not (trained_sound / "documents.txt").exists()
    config = json.loads((trained_sound / "config.json").read_text("utf-8"))
    assert (config["data"]["kind"], config["data"]["rate"]) == ("audio", 8_000)


def test_losses_are_per_sample(trained_sound: Path, prints: Prints) -> None:
    head, *rows = prints("evaluate", trained_sound).splitlines()
    assert head.split()[2:6] == ["nats/sample", "±", "s.e.", "bits/sample"]
    assert [row.split()[0] for row in rows] == ["train", "val", "test"]
    splits = json.loads(prints("evaluate", trained_sound, "--json"))["splits"]
    predictions = sum(splits[name]["predictions"] for name in splits)
    assert predictions == sum(len(tone) + 1 for tone in TONES)
    loss = splits["train"]
    assert loss["bits_per_sample"] == pytest.approx(loss["nats_per_sample"] / 0.693147, rel=1e-5)
    assert prints("evaluate", trained_sound, trained_sound).startswith("nats/sample")


def test_loss_on_other_recordings_is_that_of_the_same(
    trained_sound: Path, recordings: Path, prints: Prints
) -> None:
    losses = json.loads(prints("evaluate", trained_sound, "--json"))["splits"].values()
    nats = sum(loss["nats_per_sample"] * loss["predictions"] for loss in losses)
    other = json.loads(prints("evaluate", trained_sound, "--data", recordings, "--json"))
    (loss,) = other["splits"].values()
    assert loss["nats_per_sample"] * loss["predictions"] == pytest.approx(nats, rel=1e-5)
    assert other["left_out"] == 0


def test_interrupted_run_is_resumed_from_its_folder(trained_sound: Path, prints: Prints) -> None:
    assert "at the last step, 25" in prints("resume", trained_sound, "--steps", "5")
    assert prints("verify", trained_sound).count("whole") > 5


def test_score_of_sound_is_refused(trained_sound: Path, says: Says) -> None:
    assert "was trained on recordings, expected a run on a list" in says(f"score {trained_sound} a")


def test_options_of_words_are_refused(recordings: Path, says: Says) -> None:
    sentence = says(train_sound_command(recordings, recordings.with_name("none"), "--lower"))
    assert "--lower is True, but recordings have no text" in sentence
