import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import pytest
from conftest import changed
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax import corpus, runs
from wavenet_jax.config import Config, DataConfig, InputError
from wavenet_jax.runs import Run


def test_folder_says_all_that_its_run_is(run: Run) -> None:
    loaded = runs.load(run.folder)
    assert loaded.config == run.config
    assert loaded.data[:3] == run.data[:3]
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
    assert runs.load(run.folder).data[:3] == data[:3]


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


@pytest.mark.parametrize(
    "model", [[], {"taps": "2"}, {"dilations": 1}, {"taps": 1}, {"taps": 2.0}, {"width": 3}, None]
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
