"""The states of a run, saved and restored; the only user of Orbax."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
from orbax.checkpoint import v1 as ocp

from wavenet_jax.errors import InputError, require
from wavenet_jax.nn import Variables, init_variables
from wavenet_jax.runs.folder import Run
from wavenet_jax.training import TrainState, init_state, make_trainer


class Checkpoints:
    """The states of a run: the latest and the best are kept, written in the background."""

    def __init__(self, checkpointer: ocp.training.Checkpointer, run: Run) -> None:
        self._checkpointer = checkpointer
        self._run = run

    def save(self, state: TrainState, variables: Variables, val_loss: float | None) -> None:
        """Start to save a state and what to evaluate it with, and raise what the last save met.

        A state without a validation loss is never the best.
        """
        items = {"variables": variables, "training": _training(state)}
        metrics = None if val_loss is None else {"val_loss": val_loss}
        # Without force, Orbax skips a save while the previous one is still being written.
        self._checkpointer.save_checkpointables_async(
            int(state.step), items, metrics=metrics, force=True
        )

    def latest_step(self) -> int | None:
        """Return the step of the latest state, None if there is none."""
        return max((found.step for found in self._checkpointer.checkpoints), default=None)

    def restore_state(self) -> TrainState:
        """Return the latest state, to resume from; raise `InputError` when there is none."""
        chosen = self._choose("latest")
        trainer = make_trainer(self._run.model, self._run.config, self._run.total_steps)
        shapes = jax.eval_shape(lambda: init_state(trainer))
        loaded = self._load(chosen, {"variables": shapes.variables, "training": _training(shapes)})
        step = jnp.asarray(chosen.step, jnp.int32)
        return TrainState(**loaded["variables"] | loaded["training"], step=step)

    def restore_variables(self, which: str) -> tuple[int, Variables]:
        """Return step and variables of the `best` or the `latest` state.

        Raises `InputError` when there is none.
        """
        require(
            which in ("best", "latest"),
            f"checkpoint is {which!r}, expected best or latest.",
            "checkpoint",
        )
        chosen = self._choose(which)
        shapes = jax.eval_shape(lambda: init_variables(self._run.model, jax.random.key(0)))
        return chosen.step, self._load(chosen, {"variables": shapes})["variables"]

    def _choose(self, which: str) -> Any:
        found = self._checkpointer.checkpoints
        require(
            len(found) > 0,
            f"run folder {str(self._run.folder)!r} holds no checkpoint, expected one in "
            "checkpoints/; train the run again.",
        )
        # Without validation losses the latest state is the best.
        by = _val_loss if which == "best" else lambda _: 0.0
        return min(found, key=lambda checkpoint: (by(checkpoint), -checkpoint.step))

    def _load(self, chosen: Any, shapes: dict[str, Any]) -> dict[str, Any]:
        device = jax.sharding.SingleDeviceSharding(jax.devices()[0])
        described = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device), shapes
        )
        try:
            loaded: dict[str, Any] = self._checkpointer.load_checkpointables(chosen, described)
        except (ValueError, KeyError, OSError) as error:
            raise InputError(
                f"checkpoint {chosen.step} of {str(self._run.folder)!r} cannot be read, expected "
                "the state of this run: it is damaged, or config.json or vocab.json is of another "
                "run; restore the folder or train again."
            ) from error
        return loaded


@contextmanager
def open_checkpoints(run: Run) -> Iterator[Checkpoints]:
    """Open the checkpoints of a run; closing waits for the last save."""
    policies = ocp.training.preservation_policies
    best = policies.BestN(
        get_metric_fn=lambda metrics: metrics["val_loss"],
        reverse=True,
        n=1,
        keep_checkpoints_without_metrics=False,
    )
    kept = policies.AnyPreservationPolicy([policies.LatestN(1), best])
    folder = (run.folder / "checkpoints").resolve()  # Orbax needs an absolute path
    with ocp.training.Checkpointer(folder, preservation_policy=kept) as checkpointer:
        yield Checkpoints(checkpointer, run)


def _training(state: TrainState) -> dict[str, Any]:
    """Return what training needs of a state, beside the variables to evaluate with."""
    training = {"opt_state": state.opt_state, "key": state.key}
    if not state.has_averages:
        return training
    average = {} if state.average is None else {"average": state.average}
    return training | state.variables | average


def _val_loss(checkpoint: Any) -> float:
    return float((checkpoint.metrics or {}).get("val_loss", math.inf))
