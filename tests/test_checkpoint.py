"""States saved and restored to the bit: the latest, the best, and what damages them."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from conftest import assert_same, changed

from wavenet_jax import checkpoint, optim, runs, train
from wavenet_jax.config import Config
from wavenet_jax.corpus import Dataset
from wavenet_jax.errors import InputError
from wavenet_jax.runs import Run


def fit_and_save(run: Run) -> train.TrainState:
    with checkpoint.checkpoints(run) as states:
        for report in train.fit(run.model, run.config, run.data.splits):
            if report.val is not None:
                states.save(report.state, report.val.nats_per_character)
    return report.state


def saved_steps(run: Run) -> list[int]:
    return sorted(int(path.name) for path in (run.folder / "checkpoints").iterdir())


def test_state_comes_back_to_the_bit(run: Run) -> None:
    state = fit_and_save(run)
    with checkpoint.checkpoints(runs.load(run.folder)) as states:
        assert_same(states.restore_state(), state)
        assert states.latest_step() == 60


@pytest.mark.parametrize(
    "values",
    [
        {"layer": "gated", "norm": "none", "dropout": 0.2},
        {"layer": "gated", "optimizer": "adamw", "schedule": "linear"},
        {"norm": "none", "residual": True, "activation": "gelu", "optimizer": "adamw"},
    ],
)
def test_state_of_any_model_and_optimizer_comes_back_to_the_bit(
    tmp_path: Path, tiny: Config, data: Dataset, values: dict[str, Any]
) -> None:
    config = changed(tiny, run="sequence", length=16, steps=20, **values)
    run = Run(tmp_path / "run", config, data)
    runs.create(run)
    state = fit_and_save(run)
    assert bool(state.batch_stats) == (config.model.norm == "batch")
    with checkpoint.checkpoints(runs.load(run.folder)) as states:
        assert_same(states.restore_state(), state)
        step, variables = states.restore_variables("best")
    assert step == 20
    jax.tree.map(np.testing.assert_array_equal, variables, state.variables)


def test_states_saved_in_mid_run_are_those_of_their_steps(run: Run) -> None:
    """A save runs in the background while the next chunk takes over the state's memory."""
    kept: dict[int, train.TrainState] = {}
    with checkpoint.checkpoints(run) as states:
        for report in train.fit(run.model, run.config, run.data.splits):
            if report.val is not None:
                kept[report.step] = jax.tree.map(lambda leaf: leaf.copy(), report.state)
                states.save(report.state, val_loss=report.step)
    with checkpoint.checkpoints(run) as states:
        assert_same(states.restore_state(), kept[60])
        for which, step in (("best", 20), ("latest", 60)):
            restored_step, variables = states.restore_variables(which)
            assert restored_step == step
            jax.tree.map(np.testing.assert_array_equal, variables, kept[step].variables)


def save_losses(run: Run, losses: list[float | None]) -> None:
    state = train.init(run.model, optim.optimizer(run.config.optim, 60), seed=0)
    with checkpoint.checkpoints(run) as states:
        for step, loss in enumerate(losses, start=1):
            states.save(state._replace(step=state.step + step), loss)


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
    with checkpoint.checkpoints(run) as states:
        assert states.restore_variables("latest")[0] == latest
        assert states.restore_variables("best")[0] == best


def test_folder_without_checkpoint_is_named(run: Run) -> None:
    with checkpoint.checkpoints(run) as states:
        assert states.latest_step() is None
        with pytest.raises(InputError, match="no checkpoint"):
            states.restore_state()


def test_leftover_of_a_killed_save_is_no_checkpoint(run: Run) -> None:
    (run.folder / "checkpoints" / "20.orbax-checkpoint-tmp").mkdir(parents=True)
    with checkpoint.checkpoints(run) as states, pytest.raises(InputError, match="no checkpoint"):
        states.restore_variables("latest")


def test_damaged_checkpoint_is_named(run: Run) -> None:
    save_losses(run, [1.0])
    damaged: Path = run.folder / "checkpoints" / "1" / "variables"
    for path in damaged.rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    with (
        checkpoint.checkpoints(run) as states,
        pytest.raises(InputError, match=r"checkpoint 1 .* cannot be read"),
    ):
        states.restore_variables("latest")
