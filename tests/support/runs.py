"""Configurations changed, and runs compared."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from wavenet_jax.config import Config
from wavenet_jax.data import Dataset
from wavenet_jax.runs import load_run, open_checkpoints
from wavenet_jax.runs.disk import read_manifest
from wavenet_jax.training import TrainState


def changed(config: Config, **values: Any) -> Config:
    """Return the configuration with fields of any section replaced."""
    sections = {
        section.name: dataclasses.replace(
            getattr(config, section.name),
            **{
                name: value
                for name, value in values.items()
                if name in {field.name for field in dataclasses.fields(section.type)}  # type: ignore[arg-type]
            },
        )
        for section in dataclasses.fields(config)
    }
    return Config(**sections)


def assert_same(a: TrainState, b: TrainState) -> None:
    """Compare two states to the bit."""
    a, b = (state._replace(key=jax.random.key_data(state.key)) for state in (a, b))
    jax.tree.map(np.testing.assert_array_equal, a, b)


def final_state(run: Path) -> TrainState:
    """Return the latest state of the run in a folder."""
    with open_checkpoints(load_run(run)) as checkpoints:
        return checkpoints.restore_state()


def losses(run: Path) -> list[dict[str, Any]]:
    """Return the metrics of the run in a folder, without the times."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    times = ("seconds", "steps_per_second")
    return [{k: v for k, v in line.items() if k not in times} for line in lines]


def write_lines(run: Path, *steps: int) -> None:
    """Write metrics of these steps."""
    lines = (json.dumps({"step": step, "train_loss": 1.0}) + "\n" for step in steps)
    (run / "metrics.jsonl").write_text("".join(lines))


def modified(run: Path) -> dict[Path, int]:
    """Return when each file of the run was last changed."""
    return {path: path.stat().st_mtime_ns for path in run.rglob("*")}


def assert_same_run(a: Path, b: Path) -> None:
    """Compare the last state, the best one, the losses and the samples."""
    assert_same(final_state(a), final_state(b))
    manifests = [read_manifest(run) for run in (a, b)]
    for which in ("best", "latest"):
        steps = [manifest.ranked(which)[0] for manifest in manifests]
        assert steps[0] == steps[1]
    best = []
    for run in (a, b):
        with open_checkpoints(load_run(run)) as checkpoints:
            best.append(checkpoints.restore_variables("best"))
    jax.tree.map(np.testing.assert_array_equal, *best)
    assert losses(a) == losses(b)
    assert (a / "samples.txt").read_text() == (b / "samples.txt").read_text()


def names_in(folder: Path) -> set[str]:
    """Return the names of what a folder holds."""
    return {path.name for path in folder.iterdir()}


def assert_same_data(a: Dataset, b: Dataset) -> None:
    """Compare two sets of data to the letter and the token."""
    assert (a.vocab, a.documents, a.split_documents) == (b.vocab, b.documents, b.split_documents)
    assert a.labels == b.labels
    np.testing.assert_array_equal(a.label_ids, b.label_ids)
    for one, other in zip(a.splits, b.splits, strict=True):
        assert one.tokens.dtype == other.tokens.dtype
        np.testing.assert_array_equal(one.tokens, other.tokens)
        assert (one.labels is None) == (other.labels is None)
        for labels in zip(one.labels or (), other.labels or (), strict=True):
            assert labels[0].dtype == labels[1].dtype
            np.testing.assert_array_equal(*labels)
