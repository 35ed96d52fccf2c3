"""Plucked strings: the recursion of the paper, their pitch, and what they are as data."""

import numpy as np
import pytest

from wavenet_jax.config import DataConfig
from wavenet_jax.data import load_dataset
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


def test_strings_are_of_no_other_kind() -> None:
    with pytest.raises(InputError, match="kind is 'list', but data 'strings' is audio, expected"):
        load_dataset(DataConfig("strings", kind="list"))
