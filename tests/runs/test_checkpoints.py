"""States saved and restored to the bit: the latest, the best, and what damages them."""

import errno
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.runs import assert_same, changed

from wavenet_jax.config import Config
from wavenet_jax.data import Dataset
from wavenet_jax.errors import InputError
from wavenet_jax.runs import Run, create_run, load_run, open_checkpoints
from wavenet_jax.runs.disk import CheckpointRecord, damage_of_checkpoint, read_manifest
from wavenet_jax.training import TrainState, fit, init_state, make_trainer


def random_state(run: Run) -> TrainState:
    """Return a state in which every number but the step is random."""
    state = init_state(make_trainer(run.model, run.config, run.total_steps))
    rng = np.random.default_rng(0)

    def fill(leaf: jax.Array) -> jax.Array:
        return jnp.asarray(100 * rng.normal(size=leaf.shape), leaf.dtype)

    filled = jax.tree.map(fill, state._replace(key=state.step))
    return filled._replace(step=state.step + 20, key=jax.random.key(5))


def saved_steps(run: Run) -> list[int]:
    return sorted(int(path.name) for path in (run.folder / "checkpoints").iterdir())


@pytest.mark.parametrize(
    "values",
    [
        {"layer": "gated", "norm": "none", "dropout": 0.2},
        {"layer": "gated", "optimizer": "adamw", "schedule": "linear"},
        {"norm": "none", "residual": True, "activation": "gelu", "optimizer": "adamw"},
        {"optimizer": "muon", "schedule": "linear", "clip_norm": 1.0},
        {"optimizer": "schedule_free_adamw", "schedule": "constant", "clip_norm": 1.0},
        {"ema": 0.9, "momentum": 0.5},
    ],
)
def test_the_state_of_any_model_and_optimizer_is_restored_to_the_bit(
    tmp_path: Path, tiny: Config, data: Dataset, values: dict[str, Any]
) -> None:
    config = changed(tiny, mode="sequence", seq_len=16, steps=20, **values)
    run = Run(tmp_path / "run", config, data)
    create_run(run)
    state = random_state(run)
    assert len(jax.tree.leaves(state.opt_state)) > 1 or config.optim.optimizer == "sgd"
    assert bool(state.batch_stats) == (config.model.norm == "batch")
    with open_checkpoints(run) as checkpoints:
        averages = jax.tree.map(lambda leaf: leaf + 1, state.variables)
        evaluated = averages if state.has_averages else state.variables
        checkpoints.save(state, evaluated, val_loss=2.0)
    with open_checkpoints(load_run(run.folder)) as checkpoints:
        assert_same(checkpoints.restore_state(), state)
        step, variables = checkpoints.restore_variables("best")
    assert step == 20
    jax.tree.map(np.testing.assert_array_equal, variables, evaluated)


def test_states_saved_in_mid_run_are_those_of_their_steps(run: Run) -> None:
    """A save runs in the background while the next chunk takes over the state's memory."""
    kept: dict[int, TrainState] = {}
    with open_checkpoints(run) as checkpoints:
        for info in fit(run.model, run.config, run.data.splits):
            if info.val is not None:
                kept[info.step] = jax.tree.map(lambda leaf: leaf.copy(), info.state)
                checkpoints.save(info.state, info.variables, val_loss=info.step)
    with open_checkpoints(load_run(run.folder)) as checkpoints:
        assert checkpoints.latest_step() == 60
        assert_same(checkpoints.restore_state(), kept[60])
        for which, step in (("best", 20), ("latest", 60)):
            restored_step, variables = checkpoints.restore_variables(which)
            assert restored_step == step
            jax.tree.map(np.testing.assert_array_equal, variables, kept[step].variables)


def save_losses(run: Run, losses: list[float | None], first: int = 1) -> None:
    state = init_state(make_trainer(run.model, run.config, 60))
    with open_checkpoints(run) as checkpoints:
        for step, loss in enumerate(losses, start=first):
            checkpoints.save(state._replace(step=state.step + step), state.variables, loss)


@pytest.mark.parametrize(
    ("losses", "latest", "best"),
    [
        ([3.0, 1.0, 2.0, float("inf"), 2.5], 5, 2),
        ([3.0, 1.0, 2.0, None], 4, 2),
        ([0.0, 1.0], 2, 1),
        ([None], 1, 1),
        ([None, None, 3.0, None], 4, 3),
        ([2.0, float("nan"), 3.0], 3, 1),
    ],
)
def test_the_two_latest_and_the_best_are_kept(
    run: Run, losses: list[float | None], latest: int, best: int
) -> None:
    save_losses(run, losses)
    assert saved_steps(run) == sorted({max(latest - 1, 1), latest, best})
    with open_checkpoints(run) as checkpoints:
        assert checkpoints.restore_variables("latest")[0] == latest
        assert checkpoints.restore_variables("best")[0] == best


def test_a_folder_without_checkpoint_is_named(run: Run) -> None:
    with open_checkpoints(run) as checkpoints:
        assert checkpoints.latest_step() is None
        with pytest.raises(InputError, match="no checkpoint"):
            checkpoints.restore_state()


def test_another_checkpoint_than_best_and_latest_is_refused(run: Run) -> None:
    with open_checkpoints(run) as checkpoints, pytest.raises(InputError) as caught:
        checkpoints.restore_variables("last")
    assert str(caught.value) == "checkpoint is 'last', expected best or latest."
    assert caught.value.field == "checkpoint"


def test_what_a_killed_save_leaves_is_no_checkpoint(run: Run) -> None:
    (run.folder / "checkpoints" / "20.orbax-checkpoint-tmp").mkdir(parents=True)
    (run.folder / "checkpoints" / "30").mkdir()  # has no record
    with open_checkpoints(run) as checkpoints, pytest.raises(InputError, match="no checkpoint"):
        checkpoints.restore_variables("latest")


def test_a_run_that_is_resumed_keeps_nothing_but_whole_states_up_to_there(run: Run) -> None:
    save_losses(run, [3.0, 1.0, 2.0, 2.5])
    folder = run.folder / "checkpoints"
    damage(folder / "3")
    for name in ("30", "20.orbax-checkpoint-tmp", str(2**40), "notes"):
        (folder / name).mkdir()
    with open_checkpoints(run) as checkpoints:
        checkpoints.discard_after(3)
    assert {path.name for path in folder.iterdir()} == {"2", "notes"}
    assert set(read_manifest(run.folder).checkpoints) == {2}


def damage(checkpoint: Path) -> Path:
    """Flip a bit in the middle of the largest file of a checkpoint."""
    files = (path for path in checkpoint.rglob("*") if path.is_file())
    largest = max(files, key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    return largest


def test_damage_is_named_and_the_next_whole_state_is_taken(run: Run) -> None:
    save_losses(run, [3.0, 1.0, 2.0])
    damaged = damage(run.folder / "checkpoints" / "3")
    with open_checkpoints(run) as checkpoints:
        assert checkpoints.restore_variables("latest")[0] == 2
        assert checkpoints.notes == [f"{damaged} is damaged; step 2 is taken instead."]
        assert checkpoints.restore_variables("best")[0] == 2
        assert checkpoints.notes == []
    damage(run.folder / "checkpoints" / "2")
    with open_checkpoints(run) as checkpoints, pytest.raises(InputError) as caught:
        checkpoints.restore_state()
    assert str(caught.value).startswith(f"{damaged} is damaged, and no other checkpoint of ")


def test_every_file_of_a_checkpoint_is_guarded(run: Run) -> None:
    save_losses(run, [1.0])
    folder = run.folder / "checkpoints" / "1"
    record = read_manifest(run.folder).checkpoints[1]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        whole = path.read_bytes()
        for other in (whole[:-1], b"", whole + b"x"):
            if other != whole:
                path.write_bytes(other)
                assert damage_of_checkpoint(folder, record) == f"{path} is damaged"
        path.unlink()
        assert f"{path} cannot be read" in (damage_of_checkpoint(folder, record) or "")
        path.write_bytes(whole)
    assert damage_of_checkpoint(folder, record) is None
    (folder / "more").symlink_to(files[0])
    assert damage_of_checkpoint(folder, record) == f"{folder / 'more'} is a link"
    (folder / "more").unlink()
    (folder / "more").touch()
    assert damage_of_checkpoint(folder, record) == f"{folder / 'more'} is no part of it"


def test_a_run_that_was_overwritten_meanwhile_is_not_read(run: Run) -> None:
    save_losses(run, [1.0])
    loaded = load_run(run.folder)
    create_run(run, overwrite=True)
    save_losses(run, [1.0])
    with open_checkpoints(loaded) as checkpoints, pytest.raises(InputError, match="overwritten"):
        checkpoints.restore_variables("best")


def test_a_state_that_goes_away_while_it_is_read_gives_way_to_a_newer_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_losses(run, [3.0, 2.0])
    loaded = load_run(run.folder)
    reads: list[str] = []

    def train_on(folder: Path, record: CheckpointRecord) -> str | None:
        if not reads:
            save_losses(
                run, [1.5] * 3, first=3
            )  # the run goes on, and the states of before are removed
        reads.append(folder.name)
        return damage_of_checkpoint(folder, record)

    monkeypatch.setattr("wavenet_jax.runs.checkpoints.damage_of_checkpoint", train_on)
    with open_checkpoints(loaded) as checkpoints:
        assert checkpoints.restore_variables("latest")[0] == 5
        assert checkpoints.notes == []
    assert reads[0] == "2"


def test_the_best_that_goes_away_while_it_is_read_gives_way_to_the_new_best(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_losses(run, [1.0, 5.0, 6.0])
    loaded = load_run(run.folder)

    def train_on(folder: Path, record: CheckpointRecord) -> str | None:
        if folder.name == "1" and folder.exists():
            save_losses(run, [0.5], first=4)
        return damage_of_checkpoint(folder, record)

    monkeypatch.setattr("wavenet_jax.runs.checkpoints.damage_of_checkpoint", train_on)
    with open_checkpoints(loaded) as checkpoints:
        assert checkpoints.restore_variables("best")[0] == 4
        assert checkpoints.notes == []


def test_a_failed_save_is_said_and_what_was_saved_stays(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_losses(run, [1.0])

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("orbax.checkpoint.v1.save_checkpointables", full)
    with pytest.raises(InputError, match=r"step 2 cannot be saved .*No space left on device"):
        save_losses(run, [1.0], first=2)
    with open_checkpoints(load_run(run.folder)) as checkpoints:
        assert checkpoints.restore_variables("best")[0] == 1
