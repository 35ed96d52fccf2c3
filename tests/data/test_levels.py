"""Recordings as data: found, resampled, left out, split, written and mapped."""

import bz2
import gzip
import lzma
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from support.sounds import RATE, TONES, write_tones

from wavenet_jax.config import DataConfig
from wavenet_jax.data import (
    BOUNDARY_ID,
    TOKEN_FILES,
    Dataset,
    load_dataset,
    map_dataset,
    split_documents,
    write_dataset,
)
from wavenet_jax.data.sound import FIRST_LEVEL_ID, encode_levels
from wavenet_jax.errors import InputError

ORDER = [0, 1, 2, 4, 5, 6, 7, 3]  # of the tones, by path: more/3.wav is the last


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tones(tmp_path / "recordings")


def load(data: Path, tokens_dir: Path | None = None, **options: Any) -> Dataset:
    return load_dataset(DataConfig(data=str(data), **options), tokens_dir)


def levels_of(dataset: Dataset) -> list[list[list[int]]]:
    """Return the levels of each recording of each split."""
    return [
        [
            (corpus.tokens[start + 1 : end].astype(int) - FIRST_LEVEL_ID).tolist()
            for start, end in pairwise(np.append(corpus.starts, corpus.num_predictions))
        ]
        for corpus in dataset.splits
    ]


def expected(split_seed: int = 42) -> list[list[list[int]]]:
    config = DataConfig(split_seed=split_seed)
    pcm = [np.round(TONES[index] * 2**15) / 2**15 for index in ORDER]
    parts = split_documents([encode_levels(tone).tolist() for tone in pcm], config)
    return list(parts)


def test_recordings_are_documents_of_levels_in_the_order_of_their_paths(folder: Path) -> None:
    dataset = load(folder)
    assert (dataset.kind, dataset.rate, dataset.is_text) == ("audio", RATE, False)
    assert levels_of(dataset) == expected()
    assert dataset.documents == []
    assert dataset.notes == (
        f"data {folder} is a folder: 8 recordings are read in the order of their names.",
    )


def test_ids_of_levels_are_1_to_256_and_the_boundary_is_0(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([-1.0, 0, 1]), RATE, subtype="FLOAT")
    dataset = load(tmp_path / "a.wav", val_fraction=0.0, test_fraction=0.0)
    assert dataset.splits.train.tokens.tolist() == [BOUNDARY_ID, 1, 129, 256, BOUNDARY_ID]
    assert dataset.splits.val.tokens.tolist() == [BOUNDARY_ID]
    assert len(dataset.vocab) == 257
    assert dataset.extent == ("audio", 4, 3, RATE, False)


def test_files_of_tokens_are_mapped_and_equal_to_those_in_memory(
    folder: Path, tmp_path: Path
) -> None:
    inside, mapped = load(folder), load(folder, tmp_path / "tokens")
    assert isinstance(mapped.splits.train.tokens, np.memmap)
    assert sorted(path.name for path in (tmp_path / "tokens").iterdir()) == sorted(TOKEN_FILES)
    assert levels_of(mapped) == levels_of(inside)
    write_dataset(inside, tmp_path / "written")
    config = DataConfig(str(folder), kind="audio", rate=RATE)
    again = map_dataset(tmp_path / "written", inside.vocab, config)
    assert (levels_of(again), again.rate) == (levels_of(inside), RATE)


@pytest.mark.parametrize("name", TOKEN_FILES)
def test_damaged_files_of_tokens_are_refused(folder: Path, tmp_path: Path, name: str) -> None:
    place, config = tmp_path / "tokens", DataConfig(str(folder), kind="audio", rate=RATE)
    vocab = load(folder, place).vocab
    tokens = np.fromfile(place / name, vocab.dtype)
    tokens[:-1].tofile(place / name)
    with pytest.raises(InputError, match=f"{name} is damaged, expected a boundary, then the rec"):
        map_dataset(place, vocab, config)
    np.tile(tokens[1:], 9).tofile(place / name)
    with pytest.raises(InputError, match=f"{name} is damaged"):
        map_dataset(place, vocab, config)
    np.append(tokens, np.tile(tokens[1:], 9)).tofile(place / name)
    with pytest.raises(InputError, match=r"hold [\d /]+ recordings, expected the fractions"):
        map_dataset(place, vocab, config)


def test_split_follows_the_split_seed_alone(folder: Path) -> None:
    assert levels_of(load(folder, split_seed=1)) == expected(split_seed=1)
    assert levels_of(load(folder, split_seed=1)) != levels_of(load(folder))


def test_rates_are_refused_if_they_differ_and_resampled_to_one_that_is_given(folder: Path) -> None:
    soundfile.write(folder / "8.wav", np.full(1_600, 0.1), 2 * RATE)
    match = r"8\.wav has 4,000 samples per second, .* 2,000, expected one rate; set rate to 2000 "
    with pytest.raises(InputError, match=match) as caught:
        load(folder)
    assert caught.value.field == "rate"
    dataset = load(folder, rate=RATE)
    assert dataset.rate == RATE
    assert "1 recording resampled to 2,000 Hz." in dataset.notes
    assert sorted(np.concatenate([each.lengths for each in dataset.splits])) == sorted(
        [800, *map(len, TONES)]
    )


def test_bad_recordings_are_named_or_left_out(folder: Path) -> None:
    shutil.copy(folder / "1.wav", folder / "bad.wav")
    content = (folder / "bad.wav").read_bytes()
    (folder / "bad.wav").write_bytes(content[:-100])
    soundfile.write(folder / "empty.wav", np.zeros(0), RATE)
    with pytest.raises(InputError, match=r"bad\.wav is cut short after 380 samples, expected"):
        load(folder)
    dataset = load(folder, skip_bad=True)
    assert levels_of(dataset) == expected()
    assert any(
        re.match(r"2 bad recordings left out, the first: .*bad\.wav is cut short", note)
        for note in dataset.notes
    )


def test_too_few_recordings_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"has 1 recording, expected at least 3, one for each"):
        load(folder / "1.wav")


def test_folder_of_more_recordings_than_others_is_one_of_sound(folder: Path) -> None:
    (folder / "README").write_text("Tones.\n" * 30)
    assert load(folder).kind == "audio"
    assert load(folder).notes[0].endswith("names, 1 other left out.")
    assert load(folder, kind="list").documents == ["Tones."] * 30
    for index in range(9):
        (folder / f"{index}.txt").write_text("one\ntwo\nthree\n")
    assert load(folder).kind == "list"
    assert load(folder, kind="audio").kind == "audio"


def test_recordings_are_known_by_their_endings(folder: Path) -> None:
    (folder / "0.wav").rename(folder / "0.WAV")
    soundfile.write(folder / "1.flac", TONES[1], RATE)
    soundfile.write(folder / "2.ogg", TONES[2], RATE)
    files = tuple(str(folder / name) for name in ("0.WAV", "1.flac", "2.ogg"))
    assert load_dataset(DataConfig(files)).kind == "audio"
    (folder / "names.txt").write_text("one\ntwo\nthree\n")
    with pytest.raises(InputError, match="are recordings and other files, expected files of one"):
        load_dataset(DataConfig((*files, str(folder / "names.txt"))))


@pytest.mark.parametrize("ending", [".gz", ".BZ2", ".xz", ""])
def test_recordings_that_are_compressed_are_refused_as_such(tmp_path: Path, ending: str) -> None:
    compress = {".BZ2": bz2, ".xz": lzma}.get(ending, gzip).compress
    for path in write_tones(tmp_path / "recordings").rglob("*.wav"):
        path.with_name(path.name + ending).write_bytes(compress(path.read_bytes()))
    for path in tmp_path.rglob("*.wav" if ending else "none"):
        path.unlink()
    with pytest.raises(InputError, match=r"0\.wav\S* is compressed, expected .*; decompress it"):
        load(tmp_path / "recordings")


def test_folder_without_a_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    with pytest.raises(InputError, match=r"without a recording, expected files that end in \.wav"):
        load(tmp_path, kind="audio")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"kind": "audio", "lower": True}, "lower is True, but recordings have no text"),
        ({"kind": "audio", "column": "a"}, "column is a, but recordings have no text"),
        ({"kind": "list", "rate": 8_000}, "rate is 8000, but a list has no sound"),
        ({"kind": "text", "rate": 8_000}, "rate is 8000, but a text has no sound"),
        ({"rate": 0}, "rate is 0, expected a number from 100 to"),
    ],
)
def test_options_without_effect_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        DataConfig(**options)


def test_options_without_effect_are_refused_when_the_kind_is_known(folder: Path) -> None:
    with pytest.raises(InputError, match="lower is True, but recordings have no text"):
        load(folder, lower=True)
