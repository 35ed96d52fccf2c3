"""Plucked strings: the recursion of the paper, their pitch, and what they are as data."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from wavenet_jax.config import DataConfig
from wavenet_jax.data import LabelVocab, load_dataset
from wavenet_jax.data.sound import FIRST_LEVEL_ID, encode_levels, pluck_string, recordings, strings
from wavenet_jax.errors import InputError


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strings, "NUM_STRINGS", 10)


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_is_the_mean_of_two_a_period_before(seed: int) -> None:
    samples, rate = pluck_string(seed)
    assert (rate, len(samples)) == (8_000, 4_000)
    fitting = [
        period
        for period in range(15, 80)
        if np.allclose(
            samples[period + 1 :],
            (samples[1 : len(samples) - period] + samples[: len(samples) - period - 1]) / 2,
            atol=1e-6,
        )
    ]
    assert len(fitting) == 1
    assert set(np.abs(samples[: fitting[0]]).tolist()) == {0.5}
    octaves = np.log2(rate / (fitting[0] + 0.5) / 110)
    assert -0.05 < octaves < 2.05
    spectrum = np.abs(np.fft.rfft(samples[800:]))
    loudest = np.argmax(spectrum) * rate / len(samples[800:])
    harmonic = loudest * (fitting[0] + 0.5) / rate
    assert abs(harmonic - round(harmonic)) < 0.1


def test_a_string_follows_from_its_seed_at_every_rate() -> None:
    np.testing.assert_array_equal(pluck_string(3).samples, pluck_string(3).samples)
    assert not np.array_equal(pluck_string(3).samples, pluck_string(4).samples)
    assert len(pluck_string(3, 16_000).samples) == 8_000


@pytest.mark.usefixtures("few")
def test_strings_are_recordings_without_files_or_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "find_spec", lambda _: None)
    dataset = load_dataset(DataConfig("strings"))
    assert (dataset.kind, dataset.rate, dataset.notes) == ("audio", 8_000, ())
    assert [len(corpus.starts) for corpus in dataset.splits] == [8, 1, 1]
    known = {encode_levels(pluck_string(seed).samples).tobytes() for seed in range(10)}
    val = dataset.splits.val.tokens[1:-1] - FIRST_LEVEL_ID
    assert val.astype(np.uint8).tobytes() in known
    assert load_dataset(DataConfig("strings", rate=4_000)).extent.document_length == 2_000


@pytest.mark.usefixtures("few")
def test_strings_are_labelled_by_the_note_that_sounds() -> None:
    dataset = load_dataset(DataConfig("strings"))
    ((kind, notes),) = dataset.labels.kinds
    assert kind == "note"
    assert list(notes) == sorted({strings.note_of(seed) for seed in range(10)})
    names = "C C# D D# E F F# G G# A A# B".split()
    known = {encode_levels(pluck_string(seed).samples).tobytes(): seed for seed in range(10)}
    for corpus, part in zip(dataset.splits, dataset.numbers, strict=True):
        ends = np.append(corpus.starts[1:], corpus.num_predictions)
        for start, end, ids in zip(corpus.starts, ends, dataset.label_ids[part], strict=True):
            levels = corpus.tokens[start + 1 : end] - FIRST_LEVEL_ID
            samples, rate = pluck_string(known[levels.astype(np.uint8).tobytes()])
            period = next(
                p
                for p in range(15, 80)
                if np.allclose(samples[p + 1], samples[:2].mean(), atol=1e-6)
                and np.allclose(
                    samples[p + 1 : 2 * p], (samples[1:p] + samples[: p - 1]) / 2, atol=1e-6
                )
            )
            above_c0 = round(12 * np.log2(rate / (period + 0.5) / 440)) + 57
            name = f"{names[above_c0 % 12]}{above_c0 // 12}"
            assert dataset.labels.decode(ids) == {"note": name}


def test_all_strings_have_25_notes() -> None:
    found = {strings.note_of(seed) for seed in range(strings.NUM_STRINGS)}
    assert len(found) == strings.NUM_NOTES
    assert {"A2", "A#2", "B2", "C3", "A3", "G#4", "A4"} < found


@pytest.mark.usefixtures("few")
def test_strings_beside_other_data_have_no_label(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", pluck_string(0).samples, 8_000)
    dataset = load_dataset(DataConfig(("strings", str(tmp_path))))
    assert (dataset.labels, len(dataset.splits.train.starts)) == (LabelVocab(), 8)


def test_strings_are_of_no_other_kind() -> None:
    with pytest.raises(InputError, match="kind is 'list', but data 'strings' is audio, expected"):
        load_dataset(DataConfig("strings", kind="list"))
