"""A run on recordings by the command line: trained, evaluated, refused where it has no words."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.commands import Prints, Says, call
from support.sounds import RATE, TONES, train_sound_command, write_tones

import wavenet_jax as wn
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
    short = "--steps 2 --eval-every 2 --report-every 1"
    prints(*train_sound_command(recordings, tmp_path / "run", short).split())
    assert "on " + str(recordings) + ": 6 / 1 / 1 recordings, 1.8 seconds in all, " in prints.err
    assert "256 levels at 2,000 Hz\n" in prints.err
    assert "characters" not in prints.err


def test_run_holds_tokens_and_needs_no_recordings(trained_sound: Path) -> None:
    assert all((trained_sound / name).is_file() for name in TOKEN_FILES)
    assert not (trained_sound / "documents.txt").exists()
    config = json.loads((trained_sound / "config.json").read_text("utf-8"))
    assert (config["data"]["kind"], config["data"]["rate"]) == ("audio", RATE)


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
    assert repr(wn.load(trained_sound).evaluate()).count("nats per sample, unseen ") == 3


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


def test_samples_are_files_that_play(trained_sound: Path, tmp_path: Path, prints: Prints) -> None:
    words = f"--out {tmp_path / 'takes'} -n 2 --seconds 0.1 --seed 0 --top-k 200".split()
    lines = list(map(json.loads, prints("sample", trained_sound, *words, "--json").splitlines()))
    assert [Path(line["path"]) for line in lines] == [
        tmp_path / "takes" / f"{i}.wav" for i in (0, 1)
    ]
    for line in lines:
        samples, rate = soundfile.read(line["path"])
        assert rate == RATE
        assert line["seconds"] == len(samples) / RATE == 0.1
        assert line["nll_nats"] > 0
    table = prints("sample", trained_sound, *words).splitlines()
    assert [row.split()[0] for row in table] == [line["path"] for line in lines]
    assert prints.err.startswith(f"2 samples of {trained_sound} at step ")


def test_samples_go_on_from_a_prompt_at_any_rate(
    trained_sound: Path, tmp_path: Path, prints: Prints
) -> None:
    soundfile.write(tmp_path / "a.wav", TONES[0], RATE)
    soundfile.write(tmp_path / "b.wav", np.repeat(TONES[0], 2), 2 * RATE)
    words = f"--out {tmp_path} --seconds 0.05 --json --seed 0".split()
    for name in ("a.wav", "b.wav"):
        (line,) = prints("sample", trained_sound, *words, "--prompt", tmp_path / name).splitlines()
        written, _ = soundfile.read(json.loads(line)["path"])
        assert len(written) == len(TONES[0]) + RATE / 20
        np.testing.assert_allclose(written[: len(TONES[0])], TONES[0], atol=0.1)
        assert ("b.wav is resampled from 4,000 to 2,000 Hz." in prints.err) == (name == "b.wav")


def test_run_ends_with_samples_and_a_picture(trained_sound: Path) -> None:
    found = sorted(path.name for path in (trained_sound / "samples").iterdir())
    assert found == ["0.wav", "1.wav", "2.wav", "samples.png"]
    assert not (trained_sound / "samples.txt").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("", "--out is not given, expected a folder for the WAV files, such as --out takes."),
        ("--out {} --pattern a", "--pattern is 'a', but the run was trained on recordings, which"),
        ("--out {} --prefix a", "--prefix is 'a', but the run was trained on recordings, which"),
        (
            "--out {} --text-length 9",
            "which have no characters, expected no such option; leave it out.",
        ),
        ("--out {} --plain", "--prefix-file and --plain are of words, but the run was trained on"),
        ("--out {} --seconds 0", "--seconds is 0.0, expected a number above 0"),
        (
            "--out {} --prompt {}/no.wav",
            "no.wav cannot be read (No such file or directory), expected ",
        ),
        ("--out {}/none/takes", "expected a new or plain file in a folder that exists"),
    ],
)
def test_samples_are_refused_in_a_sentence(
    trained_sound: Path, tmp_path: Path, says: Says, options: str, sentence: str
) -> None:
    assert sentence in says(f"sample {trained_sound} {options.replace('{}', str(tmp_path))}")


def test_score_of_sound_is_refused(trained_sound: Path, says: Says) -> None:
    assert "was trained on recordings, expected a run on a list" in says(f"score {trained_sound} a")


def test_options_of_words_are_refused(recordings: Path, says: Says) -> None:
    sentence = says(train_sound_command(recordings, recordings.with_name("none"), "--lower"))
    assert "--lower is True, but recordings have no text" in sentence


def test_the_network_is_inspected(trained_sound: Path, tmp_path: Path, prints: Prints) -> None:
    assert "saturated" in prints("inspect", trained_sound, "--out", tmp_path)
    assert "one batch: 1 sequence of 128 samples, " in prints.err
    assert (tmp_path / "activations.png").exists()


def test_pipe_in_place_of_a_wav_file_is_refused_at_once(
    trained_sound: Path, tmp_path: Path, says: Says
) -> None:
    os.mkfifo(tmp_path / "0.wav")
    sentence = says(f"sample {trained_sound} --seconds 0.1 --out {tmp_path}")
    assert "cannot be written (0.wav is no file)" in sentence
