"""The records of a run's files: what differs from them is noticed."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.errors import InputError
from wavenet_jax.runs import Run, load_run
from wavenet_jax.runs.disk import (
    CheckpointRecord,
    Manifest,
    MetricsRecord,
    damage_of_checkpoint,
    damage_of_file,
    read_manifest,
    record_file,
    write_manifest,
)
from wavenet_jax.runs.disk.manifest import ALWAYS

values = st.none() | st.integers() | st.floats() | st.text(max_size=4) | st.booleans()
records = st.fixed_dictionaries({"sha256": values, "size": values, "mtime_ns": values}) | values
states = st.fixed_dictionaries(
    {"val_loss": values, "files": st.dictionaries(st.text(max_size=4), values, max_size=2) | values}
)
names = st.sampled_from(["1", "20", "x", "-1", "a/b", ""]) | st.text(max_size=4)
strange = st.dictionaries(names, records | states | values, max_size=3) | values


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    records = {
        2: CheckpointRecord(1.5, {"a/b": "0"}, MetricsRecord(100, "1")),
        10: CheckpointRecord(None, {}),
    }
    manifest = Manifest(dict.fromkeys(ALWAYS, record_file(tmp_path / "file")), records)
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    assert manifest.metrics == (100, "1")


def test_a_manifest_without_records_of_metrics_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    files = dict.fromkeys(ALWAYS, record_file(tmp_path / "file"))
    write_manifest(tmp_path, Manifest(files, {2: CheckpointRecord(1.5, {}, MetricsRecord(5))}))
    path = tmp_path / "manifest.json"
    values = json.loads(path.read_text())
    assert values["checkpoints"]["2"].pop("metrics") == {"size": 5, "sha256": ""}
    path.write_text(json.dumps(values))
    assert read_manifest(tmp_path).metrics == MetricsRecord()


@pytest.mark.parametrize("name", ["/etc/hostname", "../config.json", "a/../../b", "..\\b", "a\0b"])
def test_a_record_of_a_file_outside_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("text")
    record = record_file(tmp_path / "file")
    files = dict.fromkeys(ALWAYS, record)
    write_manifest(tmp_path, Manifest(files, {1: CheckpointRecord(0.5, {"a/b": "0"})}))
    read_manifest(tmp_path)  # is one
    for manifest in (
        Manifest({**files, name: record}, {}),
        Manifest(files, {1: CheckpointRecord(None, {name: record.sha256})}),
        Manifest(files, {2**31: CheckpointRecord(None, {})}),
        Manifest(files, {1: CheckpointRecord(float("nan"), {})}),
        Manifest(files, {1: CheckpointRecord(None, {}, MetricsRecord(0, None))}),  # type: ignore[arg-type]
        Manifest({"vocab.json": record}, {}),
    ):
        write_manifest(tmp_path, manifest)
        with pytest.raises(InputError, match=r"manifest\.json is damaged"):
            read_manifest(tmp_path)


@given(st.dictionaries(st.sampled_from(["files", "checkpoints"]), strange, min_size=2))
def test_whatever_stands_in_a_manifest_is_a_manifest_or_refused(
    tmp_path_factory: pytest.TempPathFactory, values: Any
) -> None:
    folder = tmp_path_factory.mktemp("manifest")
    (folder / "manifest.json").write_text(json.dumps(values))
    try:
        manifest = read_manifest(folder)
    except InputError:
        return
    assert len(manifest.ranked("best")) == len(manifest.checkpoints)
    for name, record in manifest.files.items():
        assert damage_of_file(folder, name, record, whole=True)
    for record_of_state in manifest.checkpoints.values():
        damage_of_checkpoint(folder / "none", record_of_state)


def test_checkpoints_are_ranked_by_loss_or_step() -> None:
    losses = {1: 2.0, 2: 1.0, 3: None, 4: 1.0}
    manifest = Manifest({}, {step: CheckpointRecord(loss, {}) for step, loss in losses.items()})
    assert manifest.ranked("latest") == [4, 3, 2, 1]
    assert manifest.ranked("best") == [4, 2, 1, 3]


def test_a_file_is_taken_to_be_whole_by_its_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("text")
    record = record_file(path)
    path.write_text("tixt")
    os.utime(path, ns=(record.mtime_ns, record.mtime_ns))
    assert damage_of_file(tmp_path, "file", record, whole=False) is None
    assert damage_of_file(tmp_path, "file", record, whole=True) == f"{path} is damaged"
    path.write_text("text")
    os.utime(path, ns=(0, 0))  # a copy
    assert damage_of_file(tmp_path, "file", record, whole=False) is None
    path.unlink()
    assert damage_of_file(tmp_path, "file", record, whole=False) == f"{path} is missing"
    path.mkdir()
    assert "cannot be read" in (damage_of_file(tmp_path, "file", record, whole=True) or "")


@pytest.mark.parametrize(
    "name", ["config.json", "vocab.json", "documents.txt", "environment.json", "manifest.json"]
)
def test_a_changed_file_of_a_run_is_named(run: Run, name: str) -> None:
    path = run.folder / name
    whole = path.read_bytes()
    flipped = whole.replace(b"a", b"c", 1)
    for content in (whole[: len(whole) // 2], b"", flipped):
        path.write_bytes(content)
        with pytest.raises(InputError, match=name):
            load_run(run.folder)
    path.unlink()
    with pytest.raises(InputError, match=name if name != "config.json" else "holds no run"):
        load_run(run.folder)
    path.write_bytes(whole)
    load_run(run.folder)
