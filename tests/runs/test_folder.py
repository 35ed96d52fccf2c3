"""The run folder: what it contains, and what damages it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.runs import assert_same_data, names_in

from wavenet_jax.config import Config, DataConfig
from wavenet_jax.data import TOKEN_FILES, dataset_from_list, load_dataset
from wavenet_jax.errors import InputError
from wavenet_jax.runs import Run, accept_run, changed_environment, create_run, load_run
from wavenet_jax.runs.creation import require_vacant
from wavenet_jax.runs.folder import CONTENTS, load_run_config


def test_a_folder_contains_all_that_its_run_is(run: Run) -> None:
    assert names_in(run.folder) == {
        "config.json",
        "vocab.json",
        "documents.txt",
        "environment.json",
        "manifest.json",
    }
    assert names_in(run.folder) < set(CONTENTS)
    loaded = load_run(run.folder)
    assert loaded.config == load_run_config(run.folder) == run.config
    assert_same_data(loaded.data, run.data)
    assert loaded.model == run.model
    environment = json.loads((run.folder / "environment.json").read_text())
    assert environment["jax"] == jax.__version__
    assert changed_environment(run) == []


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=6), min_size=3, max_size=9))
def test_documents_are_read_the_same_from_the_run_folder(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "list.txt").write_bytes("\n".join(lines).encode())
    try:
        data = load_dataset(DataConfig(data=str(folder / "list.txt"), kind="list"))
    except InputError:
        return
    run = Run(folder / "run", Config(), data)
    create_run(run)
    assert_same_data(load_run(run.folder).data, data)


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0\n"), max_size=6).map(
            "É{}İ".format
        ),
        min_size=3,
        max_size=9,
    )
)
@example(["a\u2028b", "\x85", "\x0b \x0c", "\ufeffa", "b\r", " c ", "x,y"])
def test_documents_are_the_same_to_the_letter_and_prepared_once(
    tmp_path_factory: pytest.TempPathFactory, documents: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("memory")
    config = DataConfig(lower=True, normalize="NFKD")
    data = dataset_from_list(documents, config)
    run = Run(folder / "run", Config(data=replace(config, column="2")), data)
    create_run(run)
    assert_same_data(load_run(run.folder).data, data)
    plain = dataset_from_list(documents, DataConfig())
    create_run(Run(folder / "plain", Config(), plain))
    assert load_run(folder / "plain").data.documents == documents


def test_the_folder_of_a_text_contains_its_tokens_and_no_documents(
    text_run: Run, text_file: Path
) -> None:
    others = {"config.json", "manifest.json", "vocab.json", "environment.json"}
    assert names_in(text_run.folder) == others | set(TOKEN_FILES)
    content = text_file.read_text("utf-8")
    sizes = [(text_run.folder / name).stat().st_size for name in TOKEN_FILES]
    assert sum(sizes) == len(content) + 3  # a byte for each character, and a boundary first
    text_file.unlink()
    loaded = load_run(text_run.folder)
    assert loaded.data.is_text
    assert loaded.data.vocab.boundary == "\0"
    splits = [loaded.data.vocab.decode(corpus.tokens[1:]) for corpus in loaded.data.splits]
    assert "".join(splits) == content
    assert_same_data(loaded.data, text_run.data)
    assert all(isinstance(corpus.tokens, np.memmap) for corpus in loaded.data.splits)
    assert loaded.total_steps == text_run.total_steps


def test_a_text_in_memory_is_written_like_a_prepared_text(
    text_run: Run, text: Config, tmp_path: Path
) -> None:
    run = Run(tmp_path / "memory", text, load_dataset(text.data))
    create_run(run)
    for name in TOKEN_FILES:
        assert (run.folder / name).read_bytes() == (text_run.folder / name).read_bytes()


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no run.*train"):
        load_run(tmp_path)


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_text("")


def truncate(path: Path) -> None:
    path.write_text(path.read_text("latin-1")[:1], "latin-1")


def hollow(path: Path) -> None:
    path.write_text("{}")


every_damage = pytest.mark.parametrize("damage", [remove, empty, truncate, hollow])


@pytest.mark.parametrize("name", ["config.json", "vocab.json", "documents.txt"])
@every_damage
def test_damage_is_named(run: Run, name: str, damage: Callable[[Path], None]) -> None:
    damage(run.folder / name)
    with pytest.raises(InputError):
        load_run(run.folder)


@pytest.mark.parametrize("name", ["train.bin", "val.bin"])
@every_damage
def test_damage_of_a_text_is_named(
    text_run: Run, name: str, damage: Callable[[Path], None]
) -> None:
    damage(text_run.folder / name)
    with pytest.raises(InputError, match=rf"{name}.*restore"):
        load_run(text_run.folder)


@pytest.mark.parametrize("characters", ["", "\0", "abc", "\0abca", ".abc", "\0a\ud800"])
def test_a_damaged_vocabulary_is_named(run: Run, characters: str) -> None:
    (run.folder / "vocab.json").write_text(json.dumps({"characters": characters}))
    with pytest.raises(InputError, match=r"vocab\.json is damaged, expected '\\x00' and the"):
        accept_run(run.folder)


def rewrite_config(run: Run, **values: Any) -> None:
    """Replace sections of config.json; those given as None are left out."""
    path = run.folder / "config.json"
    replaced = json.loads(path.read_text()) | values
    path.write_text(json.dumps({key: part for key, part in replaced.items() if part is not None}))


@pytest.mark.parametrize(
    "model",
    [
        [],
        {"dilations": [1.0, 2, 4]},
        {"n_hidden": True},
        {"kernel_size": "2"},
        {"dilations": 1},
        {"kernel_size": 1},
        {"kernel_size": 2.0},
        {"width": 3},
        None,
    ],
)
def test_a_config_of_wrong_values_is_named(run: Run, model: Any) -> None:
    rewrite_config(run, model=model)
    with pytest.raises(InputError, match=r"config\.json (is damaged|cannot be used)"):
        load_run(run.folder)


@pytest.mark.parametrize("name", ["documents.txt", "checkpoints", "samples.txt", "metrics.jsonl"])
def test_a_link_in_a_run_folder_is_not_followed(run: Run, tmp_path: Path, name: str) -> None:
    if (run.folder / name).exists():
        (run.folder / name).rename(tmp_path / "elsewhere")
    (run.folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=f"{name} is a link, expected a file of the run"):
        load_run(run.folder)
    create_run(run, overwrite=True)  # replaces the link, not what it leads to
    assert load_run(run.folder).config == run.config


@pytest.mark.parametrize("written", [None, 0, 1, "2"])
def test_another_format_is_refused_by_name_and_can_be_overwritten(run: Run, written: Any) -> None:
    assert json.loads((run.folder / "config.json").read_text())["format"] == 2
    rewrite_config(run, format=written)
    with pytest.raises(InputError, match=rf"config\.json .*format is {written!r}, expected 2"):
        load_run(run.folder)
    with pytest.raises(InputError, match="already holds a run"):
        require_vacant(run.folder, overwrite=False)
    create_run(run, overwrite=True)
    assert load_run(run.folder).config == run.config


def test_another_environment_is_listed(run: Run) -> None:
    path = run.folder / "environment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"jax": "0.1.2"}))
    assert changed_environment(run) == ["jax 0.1.2"]


def test_a_setting_that_would_change_all_numbers_is_refused(run: Run) -> None:
    path = run.folder / "environment.json"
    values = json.loads(path.read_text())
    assert values["jax_enable_x64"] is False
    path.write_text(json.dumps(values | {"jax_enable_x64": True}))
    with pytest.raises(InputError, match="jax_enable_x64 is False, but the run began with True"):
        changed_environment(run)
