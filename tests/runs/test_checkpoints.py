"""States saved and restored to the bit: the latest, the best, and what damages them."""

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


def save_losses(run: Run, losses: list[float | None]) -> None:
    state = init_state(make_trainer(run.model, run.config, 60))
    with open_checkpoints(run) as checkpoints:
        for step, loss in enumerate(losses, start=1):
            checkpoints.save(state._replace(step=state.step + step), state.variables, loss)


@pytest.mark.parametrize(
    ("losses", "latest", "best"),
    [
        ([3.0, 1.0, 2.0, float("inf"), 2.5], 5, 2),
        ([3.0, 1.0, 2.0, None], 4, 2),
        ([0.0, 1.0], 2, 1),
        ([None], 1, 1),
        ([None, None, 3.0, None], 4, 3),
    ],
)
def test_latest_and_best_are_kept(
    run: Run, losses: list[float | None], latest: int, best: int
) -> None:
    save_losses(run, losses)
    assert saved_steps(run) == sorted({latest, best})
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
    with open_checkpoints(run) as checkpoints, pytest.raises(InputError, match="no checkpoint"):
        checkpoints.restore_variables("latest")


def test_a_damaged_checkpoint_is_named(run: Run) -> None:
    save_losses(run, [1.0])
    damaged: Path = run.folder / "checkpoints" / "1" / "variables"
    for path in damaged.rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    with (
        open_checkpoints(run) as checkpoints,
        pytest.raises(InputError, match=r"checkpoint 1 .* cannot be read"),
    ):
        checkpoints.restore_variables("latest")
