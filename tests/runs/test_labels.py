"""Labels in run folders: written, loaded to the bit, and refused where they are damaged."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.runs import assert_same_data, names_in

from wavenet_jax.config import Config, DataConfig, Recipe
from wavenet_jax.data import LABEL_FILES, Dataset, dataset_from_list
from wavenet_jax.errors import InputError
from wavenet_jax.runs import Run, accept_run, create_run, load_run, prepare_run, verify_run

LABELS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5)
KINDS = LABELS.filter(lambda kind: "=" not in kind)  # which is refused
BY_PATH = r"(?P<digit>\d)_(?P<speaker>\w+)\."


def created(folder: Path, **options: Any) -> Run:
    with prepare_run(folder, Recipe("auto", {"n_hidden": 4, "steps": 1, **options})) as run:
        create_run(run)
        return run


@settings(max_examples=10)
@example([("a\tb", "\\t"), ("\n", "\\"), ("\r", "\x85\u2028")], ["a\tb", "split"])
@given(
    st.lists(st.tuples(LABELS, LABELS), min_size=3, max_size=9).filter(
        lambda rows: all(len(set(column)) > 1 for column in zip(*rows, strict=True))
    ),
    st.lists(KINDS, min_size=2, max_size=2, unique=True),
)
def test_labels_of_a_list_are_loaded_to_the_letter(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], kinds: list[str]
) -> None:
    columns = dict(zip(kinds, map(list, zip(*rows, strict=True)), strict=True))
    data = dataset_from_list([f"d{i % 4}" for i in range(len(rows))], DataConfig(), columns)
    run = Run(tmp_path_factory.mktemp("labels") / "run", Config(), data)
    create_run(run)
    assert_same_data(load_run(run.folder).data, data)


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    for name, count in (("Czech", 6), ("Thai", 5), ("Dutch", 4)):
        lines = "".join(f"{name}{number}\n" for number in range(count))
        (tmp_path / f"{name}.txt").write_text(lines)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "has_labels"),
    [
        ({}, False),
        ({"label_pattern": r"(?P<language>\w+)\.txt"}, True),
        ({"label_pattern": r"(?P<language>\w+)\.txt", "split_by": "language"}, True),
        ({"label_pattern": r"(?P<language>\w+)\.txt", "test_pattern": "Czech"}, True),
        ({"test_pattern": "Dutch"}, True),
    ],
)
def test_a_list_is_split_and_labelled_the_same_without_its_source(
    lists: Path, tmp_path: Path, options: dict[str, Any], has_labels: bool
) -> None:
    run = created(tmp_path / "run", data=str(lists), kind="list", **options)
    for path in lists.glob("*.txt"):
        path.unlink()
    assert set(LABEL_FILES) & names_in(run.folder) == (set(LABEL_FILES) if has_labels else set())
    loaded = load_run(run.folder)
    assert_same_data(loaded.data, run.data)
    if has_labels:
        parts = run.data.split_documents._asdict().items()
        split_of = {document: name for name, part in parts for document in part}
        rows = [[split_of[each], each[:-1]] for each in run.data.documents]
        head, *lines = (run.folder / "labels.tsv").read_text().splitlines()
        width = len(head.split("\t"))
        assert [line.split("\t") for line in lines] == [row[:width] for row in rows]
    assert verify_run(run.folder).damages[1:] == []  # metrics are not there yet


def write_sounds(folder: Path) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(12):
        name = f"{index % 3}_{'abc'[index // 4]}.{index}.wav"
        soundfile.write(folder / name, rng.uniform(-1, 1, 100 + index), 2_000)
    return folder


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"split_by": "speaker"},
        {"split_by": "speaker", "test_pattern": r"\.1\d?\.wav"},
        {"test_pattern": r"\.[0-3]\.wav"},
    ],
)
def test_recordings_are_split_and_labelled_the_same_without_their_files(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    source = write_sounds(tmp_path / "sounds")
    run = created(tmp_path / "run", data=str(source), label_pattern=BY_PATH, **options)
    lengths = {len(soundfile.read(path)[0]): path.name for path in source.iterdir()}
    loaded = load_run(run.folder)
    assert_same_data(loaded.data, run.data)
    lines = (run.folder / "labels.tsv").read_text().splitlines()
    assert lines[0] == "split\tdigit\tspeaker"
    named = [
        f"{split}\t{name[0]}\t{name[2]}"
        for split, corpus in loaded.data.splits._asdict().items()
        for name in (lengths[length] for length in corpus.lengths.tolist())
    ]
    assert lines[1:] == named
    kinds = json.loads((run.folder / "labels.json").read_text())
    assert kinds == {"digit": ["0", "1", "2"], "speaker": ["a", "b", "c"]}


def labelled(folder: Path) -> Run:
    data = dataset_from_list(list("abcdef"), DataConfig(), {"kind": list("xyxyzz")})
    run = Run(folder, Config(data=replace(DataConfig(), kind="list")), data)
    create_run(run)
    return run


@pytest.mark.parametrize(
    ("name", "pattern", "replacement", "sentence"),
    [
        ("labels.tsv", r"\n[a-z]+\tx", "\n", "a row for each document with its split and its lab"),
        ("labels.tsv", r"\tx", "\tw", "a row for each document with its split and its labels"),
        ("labels.tsv", r"\tx", "\tx\tx", "a row for each document with its split and its labels"),
        ("labels.tsv", r"kind", "kinds", "a row for each document with its split and its labels"),
        ("labels.tsv", r"\n$", "", "a row for each document with its split and its labels"),
        ("labels.tsv", r"(?s)^.*$", "", "a row for each document with its split and its labels"),
        ("labels.tsv", r"train", "test", "with the split that the configuration gives it"),
        ("labels.tsv", r"\n[^\n]*\n$", "\n", "with the split that the configuration gives it"),
        ("labels.tsv", r"(?s)^.*$", "\udcff", "cannot be read"),
        ("labels.json", r'"x"', '"y"', "expected the labels of each kind, each once"),
        ("labels.json", r'"x"', "1", "expected the labels of each kind, each once"),
        ("labels.json", r"(?s)\[.*\]", "[]", "expected the labels of each kind, each once"),
        ("labels.json", r"(?s)^.*$", "[]", "expected the labels of each kind, each once"),
        ("labels.json", r"(?s)^.*$", "{", "cannot be read"),
    ],
)
def test_damaged_labels_are_named(
    tmp_path: Path, name: str, pattern: str, replacement: str, sentence: str
) -> None:
    run = labelled(tmp_path / "run")
    path = run.folder / name
    changed = re.sub(pattern, replacement, path.read_text(), count=1)
    path.write_bytes(changed.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=f"{name}.*expected the file that the run was created"):
        load_run(run.folder)
    with pytest.raises(InputError, match=rf"{name}.*{sentence}"):
        accept_run(run.folder)


@pytest.mark.parametrize("name", LABEL_FILES)
def test_missing_labels_are_named(tmp_path: Path, name: str) -> None:
    run = labelled(tmp_path / "run")
    (run.folder / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        load_run(run.folder)
    with pytest.raises(InputError, match=f"{name} cannot be read"):
        accept_run(run.folder)


def test_labels_of_recordings_must_fit_their_splits(tmp_path: Path) -> None:
    source = write_sounds(tmp_path / "sounds")
    run = created(tmp_path / "run", data=str(source), test_pattern=r"\.[0-3]\.wav")
    path = run.folder / "labels.tsv"
    path.write_text(path.read_text().replace("test\n", "train\n", 1))
    with pytest.raises(InputError, match="with the split that the configuration gives it"):
        accept_run(run.folder)


def test_an_overwritten_run_loses_its_labels(tmp_path: Path) -> None:
    run = labelled(tmp_path / "run")
    data: Dataset = dataset_from_list(list("abcdef"), DataConfig())
    create_run(run._replace(data=data), overwrite=True)
    assert not set(LABEL_FILES) & names_in(run.folder)
