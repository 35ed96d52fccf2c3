"""A new run: what it refuses, what it replaces and leaves, and that it is whole or not there."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from support.runs import assert_same_data, changed, names_in

from wavenet_jax.config import Config, Recipe
from wavenet_jax.data import TOKEN_FILES
from wavenet_jax.errors import InputError
from wavenet_jax.runs import Run, create_run, load_run, prepare_run


@pytest.mark.parametrize("name", ["p[1]", "a*", "what?", "back\\slash", "b\udcff"])
def test_a_path_that_checkpoints_cannot_be_read_from_is_refused(
    tmp_path: Path, text: Config, name: str
) -> None:
    refused = pytest.raises(InputError, match="cannot be read again")
    with refused as caught, prepare_run(tmp_path / name / "run", Recipe(text)):
        pass
    assert caught.value.field == "run_dir"
    assert not (tmp_path / name).exists()


def test_a_path_too_long_for_checkpoints_is_refused(tmp_path: Path, text: Config) -> None:
    deep = tmp_path.joinpath(*["d" * 200] * 18)
    with pytest.raises(InputError, match="expected at most"), prepare_run(deep, Recipe(text)):
        pass


def test_a_run_is_prepared_by_one_process_at_a_time(tmp_path: Path, text: Config) -> None:
    with prepare_run(tmp_path / "run", Recipe(text)) as run:
        refused = pytest.raises(InputError, match="another process is training")
        with refused, prepare_run(tmp_path / "run", Recipe(text)):
            pass
        create_run(run)
    assert load_run(run.folder).config == run.config


def test_tokens_of_a_text_wait_in_its_folder_under_a_name_of_their_own(
    tmp_path: Path, text: Config
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with prepare_run(place / "run", Recipe(text)) as run:
        before = [corpus.tokens.copy() for corpus in run.data.splits]
        assert run.staged_tokens is not None
        assert names_in(place / "run") == {run.staged_tokens.name}
        create_run(run)
        assert set(TOKEN_FILES) < names_in(place / "run")
        assert names_in(run.staged_tokens) == set()
        for corpus, tokens in zip(run.data.splits, before, strict=True):
            np.testing.assert_array_equal(corpus.tokens, tokens)
    assert not run.staged_tokens.exists()
    assert names_in(place) == {"run"}


@pytest.mark.parametrize("folder", ["run", "deep/er/run"])
def test_a_run_prepared_but_not_created_leaves_nothing(
    tmp_path: Path, text: Config, folder: str
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with prepare_run(place / folder, Recipe(text)):
        pass
    assert not list(place.iterdir())
    with pytest.raises(ZeroDivisionError), prepare_run(place / folder, Recipe(text)):
        raise ZeroDivisionError
    assert not list(place.iterdir())


@pytest.mark.parametrize("content", [b"ab\0c", b"ab\xffc", b"", b"a" * 2])
def test_a_text_that_is_refused_leaves_nothing(
    tmp_path: Path, text: Config, text_file: Path, content: bytes
) -> None:
    text_file.write_bytes(content)
    config = changed(text, test_fraction=0.1)
    with pytest.raises(InputError), prepare_run(tmp_path / "place" / "run", Recipe(config)):
        pass
    assert not (tmp_path / "place").exists()


def test_a_run_may_be_prepared_in_the_working_folder(
    tmp_path: Path, text: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with prepare_run(Path(), Recipe(text)) as run:
        create_run(run)
    assert load_run(Path()).config == text
    assert names_in(tmp_path) == {"here", "text.txt"}


def test_an_old_run_stands_until_the_new_one_is_created(text_run: Run, text: Config) -> None:
    config = changed(text, seed=1)
    with (
        pytest.raises(InputError, match=r"already holds a run") as caught,
        prepare_run(text_run.folder, Recipe(config)),
    ):
        pass
    assert caught.value.field == "run_dir"
    with prepare_run(text_run.folder, Recipe(config), overwrite=True):
        pass
    assert_same_data(load_run(text_run.folder).data, text_run.data)
    assert load_run(text_run.folder).config == text
    with prepare_run(text_run.folder, Recipe(config), overwrite=True) as run:
        create_run(run, overwrite=True)
    assert load_run(text_run.folder).config == config


def test_list_and_text_replace_each_other_whole(run: Run, text: Config) -> None:
    with prepare_run(run.folder, Recipe(text), overwrite=True) as new:
        create_run(new, overwrite=True)
    assert not (run.folder / "documents.txt").exists()
    assert_same_data(load_run(run.folder).data, new.data)
    create_run(run, overwrite=True)
    assert not set(TOKEN_FILES) & names_in(run.folder)
    assert_same_data(load_run(run.folder).data, run.data)


def test_a_new_run_replaces_the_files_of_the_old_run_and_no_others(run: Run) -> None:
    (run.folder / "checkpoints" / "20").mkdir(parents=True)
    (run.folder / "notes.txt").write_text("mine")
    config = changed(run.config, seed=1)
    with pytest.raises(InputError, match="already holds a run"):
        create_run(run._replace(config=config))
    assert load_run(run.folder).config == run.config
    create_run(run._replace(config=config), overwrite=True)
    assert load_run(run.folder).config == config
    assert not (run.folder / "checkpoints").exists()
    assert (run.folder / "notes.txt").read_text() == "mine"


def test_a_new_run_leaves_the_contents_of_a_linked_folder(tmp_path: Path, run: Run) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "precious").touch()
    (run.folder / "checkpoints").symlink_to(tmp_path / "scratch")
    create_run(run, overwrite=True)
    assert (tmp_path / "scratch" / "precious").exists()


@pytest.mark.parametrize("config", [None, "", "{", "[]", "\xff"])
def test_a_run_whose_configuration_is_damaged_is_replaced(run: Run, config: str | None) -> None:
    (run.folder / "config.json").unlink()
    if config is not None:
        (run.folder / "config.json").write_text(config, "latin-1")
    with pytest.raises(InputError, match="already holds a run"):
        create_run(run)
    create_run(run, overwrite=True)
    assert load_run(run.folder).config == run.config


@pytest.mark.parametrize("config", [None, "{", "{}", '{"name": "another project"}'])
def test_files_that_belong_to_no_run_stay(tmp_path: Path, run: Run, config: str | None) -> None:
    project = tmp_path / "project"
    (project / "checkpoints").mkdir(parents=True)
    (project / "checkpoints" / "weights.bin").touch()
    if config:
        (project / "config.json").write_text(config)
    (project / "manifest.json").write_text('{"files": {}, "checkpoints": {}}')
    with pytest.raises(InputError, match="or remove this one"):
        create_run(run._replace(folder=project), overwrite=True)
    assert (project / "checkpoints" / "weights.bin").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file, expected a folder") as caught:
        create_run(run._replace(folder=tmp_path / "file" / "run"))
    assert caught.value.field == "run_dir"


def test_a_disk_that_fills_while_a_run_is_created_leaves_none(
    tmp_path: Path, text: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("wavenet_jax.runs.folder.record_file", full)
    refused = pytest.raises(InputError, match="No space left on device")
    with refused, prepare_run(tmp_path / "new" / "run", Recipe(text)) as run:
        create_run(run)
    assert list(tmp_path.glob("new*")) == []
