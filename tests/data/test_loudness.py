"""Silence at the ends of recordings, and their peaks."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from wavenet_jax.config import DataConfig
from wavenet_jax.data import decode_levels, load_dataset, read_levels
from wavenet_jax.data.sound import FIRST_LEVEL_ID, Recording
from wavenet_jax.data.sound.loudness import scale, trim
from wavenet_jax.errors import InputError

RATE = 2_000  # 20 samples a frame


def steps(*amplitudes: float) -> np.ndarray:
    """Return frames of ±amplitude."""
    return np.repeat(amplitudes, 20).astype(np.float32) * np.tile([1, -1], 10 * len(amplitudes))


@pytest.mark.parametrize(
    ("below_db", "kept"),
    [
        (60, [0.002, 0.0, 1.0, 0.05, 0.02]),
        (40, [1.0, 0.05, 0.02]),
        (30, [1.0, 0.05]),  # 20 · log10(0.05) = -26
        (10, [1.0]),
    ],
)
def test_frames_below_the_loudest_are_cut_from_both_ends(
    below_db: float, kept: list[float]
) -> None:
    samples = steps(0.0, 0.0005, 0.002, 0.0, 1.0, 0.05, 0.02, 0.0009)
    for loudness in (1, 0.25):
        found, rate = trim(Recording(np.float32(loudness) * samples, RATE), below_db)
        assert rate == RATE
        np.testing.assert_array_equal(found, np.float32(loudness) * steps(*kept))


def test_the_last_frame_may_be_short_and_the_only_one() -> None:
    samples = np.concatenate([steps(0.0), [0.5, -0.5, 0.5]]).astype(np.float32)
    assert trim(Recording(samples, RATE), 20).samples.tolist() == [0.5, -0.5, 0.5]
    assert trim(Recording(samples[20:], 100), 20).samples.tolist() == [0.5, -0.5, 0.5]


def test_the_loudest_sample_is_brought_to_the_peak() -> None:
    found = scale(np.array([0.1, -0.2, 0.05], np.float32), 0.8)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [0.4, -0.8, 0.2], rtol=1e-6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index, loudness in enumerate((0.1, 0.2, 0.4)):
        samples = loudness * steps(0.0, 0.5, 1.0, 0.0)
        soundfile.write(tmp_path / f"{index}.wav", samples, RATE, subtype="FLOAT")
    return tmp_path


def test_recordings_are_changed_where_that_is_asked(folder: Path) -> None:
    plain = load_dataset(DataConfig(str(folder)))
    assert [corpus.lengths.tolist() for corpus in plain.splits] == [[80], [80], [80]]
    changed = load_dataset(DataConfig(str(folder), trim_db=20, peak=0.9))
    for corpus in changed.splits:
        samples = decode_levels(corpus.tokens[1:-1].astype(int) - FIRST_LEVEL_ID)
        np.testing.assert_allclose(samples, 0.9 * steps(0.5, 1.0), atol=0.02)


def test_silence_is_refused_or_left_out(folder: Path) -> None:
    soundfile.write(folder / "silent.wav", np.zeros(100), RATE)
    with pytest.raises(InputError, match=r"silent.wav is silent throughout, expected a sound"):
        load_dataset(DataConfig(str(folder)))
    dataset = load_dataset(DataConfig(str(folder), skip_bad=True, trim_db=30, peak=0.5))
    assert "1 bad recording left out, the first: " in dataset.notes[-1]
    assert dataset.notes[-1].endswith("silent.wav is silent throughout.")


def test_a_recording_by_itself_is_read_as_those_of_the_configuration(folder: Path) -> None:
    config = DataConfig(str(folder), kind="audio", rate=RATE, trim_db=20, peak=0.9)
    (path, *_) = sorted(folder.rglob("*.wav"))
    levels, notes = read_levels(path, config)
    corpora = load_dataset(config).splits
    known = [corpus.tokens[1:-1].astype(int) - FIRST_LEVEL_ID for corpus in corpora]
    assert any(np.array_equal(levels, each) for each in known)
    assert not notes
