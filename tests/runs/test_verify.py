"""What is whole and what is damaged, and files that are taken as they are."""

import json
import os

import pytest
from support.runs import write_lines

from wavenet_jax.errors import InputError
from wavenet_jax.runs import Run, accept_run, load_run, open_checkpoints, verify_run
from wavenet_jax.runs.disk import read_manifest, record_metrics
from wavenet_jax.training import init_state, make_trainer


@pytest.fixture
def saved(run: Run) -> Run:
    """Return a run with states at the steps 1 to 3, of which the second is the best."""
    state = init_state(make_trainer(run.model, run.config, 60))
    with open_checkpoints(run) as checkpoints:
        for step, loss in enumerate([3.0, 1.0, 2.0], start=1):
            checkpoints.save(state._replace(step=state.step + step), state.variables, loss)
    return run


def test_a_whole_run_is_whole(saved: Run) -> None:
    found = verify_run(saved.folder)
    assert found.damages == []
    assert set(found.checkpoints) == {2, 3}
    assert (found.best, found.latest) == (2, 3)
    assert "documents.txt" in found.files


def test_every_damage_is_listed(saved: Run) -> None:
    (saved.folder / "documents.txt").unlink()
    (saved.folder / "metrics.jsonl").write_bytes(b"\xff\n")
    (saved.folder / "checkpoints" / "3" / "_CHECKPOINT_METADATA").write_text("")
    found = verify_run(saved.folder)
    assert len(found.damages) == 3
    assert found.checkpoints[2] is None
    assert (found.best, found.latest) == (2, 2)


def test_a_changed_file_is_accepted_where_it_is_a_run(saved: Run) -> None:
    path = saved.folder / "documents.txt"
    path.write_text(path.read_text().splitlines()[0] + "\n" + path.read_text())
    with pytest.raises(InputError, match=r"documents\.txt is damaged"):
        load_run(saved.folder)
    (saved.folder / "manifest.json").unlink()
    accept_run(saved.folder)
    load_run(saved.folder)
    assert verify_run(saved.folder).damages == []
    path.write_text("")
    with pytest.raises(InputError):
        accept_run(saved.folder)
    assert verify_run(saved.folder).damages == [f"{path} is damaged"]  # nothing was accepted


def test_lines_that_vanish_are_named_until_they_are_accepted(saved: Run) -> None:
    path = saved.folder / "metrics.jsonl"
    write_lines(saved.folder, 1, 2, 3)
    accept_run(saved.folder)
    assert read_manifest(saved.folder).metrics == record_metrics(path.read_text())
    write_lines(saved.folder, 1, 3)
    assert verify_run(saved.folder).damages == [f"{path} is damaged"]
    accept_run(saved.folder)
    assert verify_run(saved.folder).damages == []
    path.unlink()
    assert verify_run(saved.folder).damages == [f"{path} is missing"]
    accept_run(saved.folder)
    assert verify_run(saved.folder).damages == []
    path.write_text("{}\n")
    with pytest.raises(InputError, match="restore it, or remove it and let"):
        accept_run(saved.folder)


def test_a_loss_that_is_none_is_accepted_as_none(saved: Run) -> None:
    line = json.dumps({"step": 2, "train_loss": 1.0, "val_loss": float("nan")})
    (saved.folder / "metrics.jsonl").write_text(f"{line}\n")
    (saved.folder / "manifest.json").unlink()
    accept_run(saved.folder)
    found = verify_run(saved.folder)
    assert found.damages == []
    assert found.best == 3  # without losses the latest


def test_damage_of_a_checkpoint_is_never_accepted(saved: Run) -> None:
    (saved.folder / "checkpoints" / "3" / "_CHECKPOINT_METADATA").write_text("{}")
    (saved.folder / "checkpoints" / "40").mkdir()
    accept_run(saved.folder)
    found = verify_run(saved.folder)
    assert set(found.checkpoints) == {2, 3}
    assert found.checkpoints[2] is None
    assert "_CHECKPOINT_METADATA is damaged" in (found.checkpoints[3] or "")


@pytest.mark.parametrize(
    "content", [b"[" * 100_000 + b"\n", b'{"step": 1}\n', b'{"step": 1, "train_loss": "x"}\n']
)
def test_metrics_that_are_none_are_named(saved: Run, content: bytes) -> None:
    (saved.folder / "metrics.jsonl").write_bytes(content)
    assert verify_run(saved.folder).damages == [f"{saved.folder / 'metrics.jsonl'} is damaged"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_named_pipe_in_place_of_the_metrics_is_not_waited_for(saved: Run) -> None:
    os.mkfifo(saved.folder / "metrics.jsonl")
    assert verify_run(saved.folder).damages == [f"{saved.folder / 'metrics.jsonl'} is damaged"]
