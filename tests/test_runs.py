"""The run folder: what it says, what damages it, what a new run replaces and leaves."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from conftest import changed
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax import corpus, runs
from wavenet_jax.config import Config, DataConfig
from wavenet_jax.corpus import Dataset
from wavenet_jax.errors import InputError
from wavenet_jax.runs import Run


def assert_same_data(a: Dataset, b: Dataset) -> None:
    assert (a.vocab, a.documents, a.parts) == (b.vocab, b.documents, b.parts)
    for one, other in zip(a.splits, b.splits, strict=True):
        assert one.tokens.dtype == other.tokens.dtype
        np.testing.assert_array_equal(one.tokens, other.tokens)


@pytest.fixture
def stream(tiny: Config, text_file: Path) -> Config:
    return changed(tiny, data=str(text_file), stream=True, run="sequence", length=16)


@pytest.fixture
def stream_run(tmp_path: Path, stream: Config) -> Run:
    with runs.prepare(tmp_path / "stream", stream, overwrite=False) as run:
        runs.create(run)
    return run


def test_folder_says_all_that_its_run_is(run: Run) -> None:
    loaded = runs.load(run.folder)
    assert loaded.config == run.config
    assert_same_data(loaded.data, run.data)
    assert runs.environment()["jax"] == jax.__version__
    assert runs.changed_environment(run) == []


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=6), min_size=3, max_size=9))
def test_documents_read_once_are_read_the_same_from_the_run_folder(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "list.txt").write_bytes("\n".join(lines).encode())
    try:
        data = corpus.load(DataConfig(data=str(folder / "list.txt")))
    except InputError:
        return
    run = Run(folder / "run", Config(), data)
    runs.create(run)
    assert_same_data(runs.load(run.folder).data, data)


def test_folder_of_a_stream_holds_its_numbers_and_no_documents(
    stream_run: Run, text_file: Path
) -> None:
    written = {path.name for path in stream_run.folder.iterdir()}
    assert written == {"config.json", "vocab.json", "tokens.bin", "environment.json"}
    text = text_file.read_text("utf-8")
    assert (stream_run.folder / "tokens.bin").stat().st_size == len(text) + 3
    text_file.unlink()
    loaded = runs.load(stream_run.folder)
    assert loaded.data.is_stream
    assert loaded.data.vocab.boundary == "\0"
    parts = [loaded.data.vocab.decode(part.tokens[1:]) for part in loaded.data.splits]
    assert "".join(parts) == text
    assert_same_data(loaded.data, stream_run.data)
    assert isinstance(loaded.data.splits.train.tokens, np.memmap)
    assert loaded.total_steps == stream_run.total_steps


def test_stream_kept_in_memory_is_written_as_one_prepared(
    stream_run: Run, stream: Config, tmp_path: Path
) -> None:
    run = Run(tmp_path / "memory", stream, corpus.load(stream.data))
    runs.create(run)
    written = [(folder / "tokens.bin").read_bytes() for folder in (run.folder, stream_run.folder)]
    assert written[0] == written[1]


def test_numbers_of_a_stream_wait_in_its_folder_under_a_name_of_their_own(
    tmp_path: Path, stream: Config
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with runs.prepare(place / "run", stream, overwrite=False) as run:
        before = [part.tokens.copy() for part in run.data.splits]
        with runs.prepare(place / "run", stream, overwrite=False) as other:
            waiting = {path.name for path in (place / "run").iterdir()}
            assert waiting == {run.prepared.name, other.prepared.name}  # type: ignore[union-attr]
        runs.create(run)
        assert "tokens.bin" in {path.name for path in (place / "run").iterdir()}
        assert not run.prepared.exists()  # type: ignore[union-attr]
        for part, tokens in zip(run.data.splits, before, strict=True):
            np.testing.assert_array_equal(part.tokens, tokens)
    assert [path.name for path in place.iterdir()] == ["run"]


@pytest.mark.parametrize("folder", ["run", "deep/er/run"])
def test_run_prepared_but_not_created_leaves_nothing(
    tmp_path: Path, stream: Config, folder: str
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with runs.prepare(place / folder, stream, overwrite=False):
        pass
    assert not list(place.iterdir())
    with (
        pytest.raises(ZeroDivisionError),
        runs.prepare(place / folder, stream, overwrite=False),
    ):
        raise ZeroDivisionError
    assert not list(place.iterdir())


@pytest.mark.parametrize("content", [b"ab\0c", b"ab\xffc", b"", b"a" * 2])
def test_text_that_is_refused_leaves_nothing(
    tmp_path: Path, stream: Config, text_file: Path, content: bytes
) -> None:
    text_file.write_bytes(content)
    config = changed(stream, test_fraction=0.1)
    with (
        pytest.raises(InputError),
        runs.prepare(tmp_path / "place" / "run", config, overwrite=False),
    ):
        pass
    assert not (tmp_path / "place").exists()


def test_run_may_be_prepared_in_the_working_folder(
    tmp_path: Path, stream: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with runs.prepare(Path(), stream, overwrite=False) as run:
        runs.create(run)
    assert runs.load(Path()).config == stream
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "text.txt"]


def test_old_run_stands_until_the_new_one_is_created(stream_run: Run, stream: Config) -> None:
    config = changed(stream, seed=1)
    with (
        pytest.raises(InputError, match="already holds a run"),
        runs.prepare(stream_run.folder, config, overwrite=False),
    ):
        pass
    with runs.prepare(stream_run.folder, config, overwrite=True):
        pass
    assert_same_data(runs.load(stream_run.folder).data, stream_run.data)
    assert runs.load(stream_run.folder).config == stream
    with runs.prepare(stream_run.folder, config, overwrite=True) as run:
        runs.create(run, overwrite=True)
    assert runs.load(stream_run.folder).config == config


def test_list_and_stream_replace_each_other_whole(run: Run, stream: Config) -> None:
    with runs.prepare(run.folder, stream, overwrite=True) as new:
        runs.create(new, overwrite=True)
    assert not (run.folder / "documents.txt").exists()
    assert_same_data(runs.load(run.folder).data, new.data)
    runs.create(run, overwrite=True)
    assert not (run.folder / "tokens.bin").exists()
    assert_same_data(runs.load(run.folder).data, run.data)


def test_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no run.*train"):
        runs.load(tmp_path)


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_text("")


def truncate(path: Path) -> None:
    path.write_text(path.read_text()[:1])


def hollow(path: Path) -> None:
    path.write_text("{}")


@pytest.mark.parametrize("name", ["config.json", "vocab.json", "documents.txt"])
@pytest.mark.parametrize("damage", [remove, empty, truncate, hollow])
def test_damage_is_named(run: Run, name: str, damage: Callable[[Path], None]) -> None:
    damage(run.folder / name)
    with pytest.raises(InputError):
        runs.load(run.folder)


@pytest.mark.parametrize("damage", [remove, empty, truncate, hollow])
def test_damage_of_a_stream_is_named(stream_run: Run, damage: Callable[[Path], None]) -> None:
    damage(stream_run.folder / "tokens.bin")
    with pytest.raises(InputError, match=r"tokens\.bin"):
        runs.load(stream_run.folder)


@pytest.mark.parametrize("characters", ["", ".", "abc", ".abca", "\0abc"])
def test_vocabulary_that_is_none_is_named(run: Run, characters: str) -> None:
    (run.folder / "vocab.json").write_text(json.dumps({"characters": characters}))
    with pytest.raises(InputError, match=r"vocab\.json is damaged, expected '\.' and the char"):
        runs.load(run.folder)


@pytest.mark.parametrize(
    "model",
    [
        [],
        {"dilations": [1.0, 2, 4]},
        {"n_hidden": True},
        {"taps": "2"},
        {"dilations": 1},
        {"taps": 1},
        {"taps": 2.0},
        {"width": 3},
        None,
    ],
)
def test_config_of_wrong_values_is_named(run: Run, model: Any) -> None:
    path = run.folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model": model}))
    with pytest.raises(InputError, match=r"config\.json is damaged"):
        runs.load(run.folder)


def test_new_run_replaces_the_old_ones_files_and_no_others(run: Run) -> None:
    (run.folder / "checkpoints" / "20").mkdir(parents=True)
    (run.folder / "notes.txt").write_text("mine")
    config = changed(run.config, seed=1)
    with pytest.raises(InputError, match="already holds a run"):
        runs.create(run._replace(config=config))
    assert runs.load(run.folder).config == run.config
    runs.create(run._replace(config=config), overwrite=True)
    assert runs.load(run.folder).config == config
    assert not (run.folder / "checkpoints").exists()
    assert (run.folder / "notes.txt").read_text() == "mine"


def test_new_run_leaves_what_a_linked_folder_holds(tmp_path: Path, run: Run) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "precious").touch()
    (run.folder / "checkpoints").symlink_to(tmp_path / "scratch")
    runs.create(run, overwrite=True)
    assert (tmp_path / "scratch" / "precious").exists()


@pytest.mark.parametrize("config", [None, "{}", '{"name": "another project"}'])
def test_files_that_are_no_runs_stay(tmp_path: Path, run: Run, config: str | None) -> None:
    project = tmp_path / "project"
    (project / "checkpoints").mkdir(parents=True)
    (project / "checkpoints" / "weights.bin").touch()
    if config:
        (project / "config.json").write_text(config)
    with pytest.raises(InputError):
        runs.create(run._replace(folder=project), overwrite=True)
    assert (project / "checkpoints" / "weights.bin").exists()


def test_folder_that_cannot_be_written_is_named(tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        runs.create(run._replace(folder=tmp_path / "file" / "run"))


def test_metrics_after_the_resumed_step_are_dropped(run: Run) -> None:
    for step in (10, 20, 30):
        runs.append_metrics(run, {"step": step})
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4')  # a line cut short by a kill
    runs.cut_metrics(run, 20)
    runs.append_metrics(run, {"step": 30})
    assert [line["step"] for line in runs.read_metrics(run)] == [10, 20, 30]


def test_damaged_metrics_are_named(run: Run) -> None:
    (run.folder / "metrics.jsonl").write_text('{"step": 10}\n{"st\n{"step": 30}\n')
    with pytest.raises(InputError, match=r"metrics\.jsonl is damaged"):
        runs.read_metrics(run)


def test_another_environment_is_told(run: Run) -> None:
    path = run.folder / "environment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"jax": "0.1.2"}))
    assert runs.changed_environment(run) == ["jax 0.1.2"]
