"""Recordings that are read, refused, resampled and written."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wavenet_jax.data.files import SourceFile
from wavenet_jax.data.sound import (
    NUM_LEVELS,
    decode_levels,
    encode_levels,
    read_recording,
    recordings,
    resample,
    wav_writer,
)
from wavenet_jax.errors import InputError

TONE = (0.5 * np.sin(2 * np.pi * 300 * np.arange(4_000) / 8_000)).astype(np.float32)


def written(
    path: Path, samples: np.ndarray = TONE, rate: int = 8_000, **options: str
) -> SourceFile:
    soundfile.write(path, samples, rate, **options)
    return SourceFile(path.name, path)


@pytest.mark.parametrize(
    ("ending", "subtype", "tolerance"),
    [
        ("wav", "PCM_U8", 1 / 127),
        ("wav", "PCM_16", 1e-4),
        ("wav", "PCM_24", 1e-6),
        ("wav", "PCM_32", 1e-6),
        ("wav", "FLOAT", 0),
        ("flac", "PCM_16", 1e-4),
        ("ogg", "VORBIS", 0.05),
    ],
)
def test_formats_are_read(tmp_path: Path, ending: str, subtype: str, tolerance: float) -> None:
    found = read_recording(written(tmp_path / f"a.{ending}", subtype=subtype))
    assert found.rate == 8_000
    np.testing.assert_allclose(found.samples, TONE, atol=tolerance)


def test_channels_are_mixed_to_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "_BLOCK", 300)  # the last block is shorter
    both = written(tmp_path / "a.wav", np.stack([TONE, 0 * TONE], axis=1), subtype="FLOAT")
    np.testing.assert_allclose(read_recording(both).samples, TONE / 2, atol=1e-7)


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (TONE[:0], "a.wav holds no sample, expected"),
        (np.where(np.arange(9) == 7, np.nan, 0), "holds a sample that is not finite, at 7"),
        (np.where(np.arange(9) == 2, np.inf, 0), "holds a sample that is not finite, at 2"),
    ],
)
def test_samples_of_no_use_are_refused(tmp_path: Path, samples: np.ndarray, sentence: str) -> None:
    file = written(tmp_path / "a.wav", samples, subtype="FLOAT")
    with pytest.raises(InputError, match=sentence):
        read_recording(file)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("share", [0.0, 0.002, 0.5, 0.95])
def test_files_that_are_cut_short_are_refused(tmp_path: Path, ending: str, share: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 80_000).astype(np.float32)
    file = written(tmp_path / f"a.{ending}", noise)
    content = file.path.read_bytes()
    file.path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"^a\.\w+ (cannot be read|is cut short|holds no sample)"):
        read_recording(file)


def test_wav_that_says_no_length_ends_with_the_file(tmp_path: Path) -> None:
    file = written(tmp_path / "a.wav", subtype="PCM_16")
    content = file.path.read_bytes()
    header, samples = content[:44], content[44:]
    unknown = b"\xff" * 4
    file.path.write_bytes(header[:4] + unknown + header[8:40] + unknown + samples)
    np.testing.assert_allclose(read_recording(file).samples, TONE, atol=1e-4)
    file.path.write_bytes(header[:4] + unknown + header[8:40] + unknown)
    with pytest.raises(InputError, match="holds no sample"):
        read_recording(file)


def test_what_is_no_recording_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_text("no sound")
    with pytest.raises(InputError, match=r"a.wav cannot be read \(Format not recognised\), expec"):
        read_recording(SourceFile("a.wav", path))
    with pytest.raises(InputError, match="cannot be read") as caught:
        read_recording(SourceFile("b.wav", tmp_path / "b.wav"))
    assert str(tmp_path) not in str(caught.value)


def test_missing_package_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=re.escape("pip install 'wavenet-jax[sound]'")):
        read_recording(SourceFile("a.wav", tmp_path / "a.wav"))


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_tone_is_the_same_tone_at_another_rate(rate: int) -> None:
    tone = np.sin(2 * np.pi * 300 * np.arange(rate) / rate).astype(np.float32)
    found = resample(tone, rate, 8_000)
    meant = np.sin(2 * np.pi * 300 * np.arange(8_000) / 8_000)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[200:-200], meant[200:-200], atol=2e-3)


def test_what_a_rate_cannot_hold_is_removed() -> None:
    high = np.sin(2 * np.pi * 6_000 * np.arange(16_000) / 16_000).astype(np.float32)
    assert np.abs(resample(high, 16_000, 8_000)[200:-200]).max() < 0.01


def test_written_levels_are_read_again(tmp_path: Path) -> None:
    levels = np.arange(NUM_LEVELS)
    with wav_writer(tmp_path / "a.wav", 11_025) as write:
        write(decode_levels(levels[:100]))
        write(decode_levels(levels[100:]))
    found = read_recording(SourceFile("a.wav", tmp_path / "a.wav"))
    assert found.rate == 11_025
    assert encode_levels(found.samples).tolist() == levels.tolist()


def test_a_file_is_whole_after_each_piece(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wav_writer(path, 8_000) as write:
        for count in (1_000, 2_000):
            write(TONE[:1_000])
            assert len(read_recording(SourceFile("a.wav", path)).samples) == count


@pytest.mark.parametrize("missing", [1, 300, 2_000])
@pytest.mark.parametrize("subtype", ["OPUS", "VORBIS"])
def test_ogg_that_is_cut_short_is_refused(tmp_path: Path, subtype: str, missing: int) -> None:
    whole = written(tmp_path / "a.ogg", np.tile(TONE, 10), subtype=subtype)
    read_recording(whole)
    content = whole.path.read_bytes()
    whole.path.write_bytes(content[:-missing])
    with pytest.raises(InputError, match=r"^a.ogg (is cut short after|cannot be read)"):
        read_recording(whole)


@pytest.mark.parametrize("kind", ["AIFF", "AU", "CAF", "W64", "RF64"])
def test_formats_that_could_be_cut_short_unseen_are_refused(tmp_path: Path, kind: str) -> None:
    other = written(tmp_path / "a.wav", format=kind, subtype="PCM_16")
    with pytest.raises(InputError, match=f"^a.wav is {kind} of 8,000 samples per second, expected"):
        read_recording(other)


def test_rate_that_no_recording_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is WAV of 1 samples per second, expected .* of 100 to"):
        read_recording(written(tmp_path / "a.wav", rate=1))


def test_names_need_not_be_text(tmp_path: Path) -> None:
    written(tmp_path / "a.wav")
    path = (tmp_path / "a.wav").rename(tmp_path / "a\udcff.wav")
    assert len(read_recording(SourceFile(str(path), path)).samples) == len(TONE)


def test_pipes_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(InputError, match=r"a.wav cannot be read"):
        read_recording(SourceFile("a.wav", tmp_path / "a.wav"))
