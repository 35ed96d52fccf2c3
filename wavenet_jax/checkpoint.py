"""The states of a run, saved and restored; the only user of Orbax."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
from orbax.checkpoint import v1 as ocp

from wavenet_jax import model as models
from wavenet_jax import optim, train
from wavenet_jax.errors import InputError, require
from wavenet_jax.model import Variables
from wavenet_jax.runs import Run


class Checkpoints:
    """The states of a run: the latest and the best are kept, written in the background."""

    def __init__(self, checkpointer: ocp.training.Checkpointer, run: Run) -> None:
        self._checkpointer = checkpointer
        self._run = run

    def save(self, state: train.TrainState, val_loss: float | None) -> None:
        """Start to save a state, never the best without a loss; raise what the last save met."""
        parts = {
            "variables": state.variables,
            "training": {"opt_state": state.opt_state, "key": state.key},
        }
        metrics = None if val_loss is None else {"val_loss": val_loss}
        # Without force, Orbax skips a save while the one before it is still being written.
        self._checkpointer.save_checkpointables_async(
            int(state.step), parts, metrics=metrics, force=True
        )

    def latest_step(self) -> int | None:
        """Return the step of the latest state saved, None if there is none."""
        return max((found.step for found in self._checkpointer.checkpoints), default=None)

    def restore_state(self) -> train.TrainState:
        """Return the latest state, to go on from; raise `InputError` when there is none."""
        chosen = self._choose("latest")
        optimizer = optim.optimizer(self._run.config.optim, self._run.total_steps)
        state = jax.eval_shape(
            lambda: train.init(self._run.model, optimizer, self._run.config.train.seed)
        )
        training = {"opt_state": state.opt_state, "key": state.key}
        loaded = self._load(chosen, {"variables": state.variables, "training": training})
        return train.TrainState(
            **loaded["variables"], **loaded["training"], step=jnp.asarray(chosen.step, jnp.int32)
        )

    def restore_variables(self, which: str) -> tuple[int, Variables]:
        """Return step and variables of the `best` or the `latest` state, to apply the model with.

        Raises `InputError` when there is none.
        """
        chosen = self._choose(which)
        shapes = jax.eval_shape(lambda: models.init(self._run.model, jax.random.key(0)))
        return chosen.step, self._load(chosen, {"variables": shapes})["variables"]

    def _choose(self, which: str) -> Any:
        found = self._checkpointer.checkpoints
        require(
            len(found) > 0,
            f"run folder {str(self._run.folder)!r} holds no checkpoint, expected one in "
            "checkpoints/; train it anew with --overwrite.",
        )
        by = _val_loss if which == "best" else lambda checkpoint: -checkpoint.step
        return min(found, key=by)

    def _load(self, chosen: Any, shapes: dict[str, Any]) -> dict[str, Any]:
        device = jax.sharding.SingleDeviceSharding(jax.devices()[0])
        described = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device), shapes
        )
        try:
            loaded: dict[str, Any] = self._checkpointer.load_checkpointables(chosen, described)
        except (ValueError, KeyError, OSError) as error:
            raise InputError(
                f"checkpoint {chosen.step} of {str(self._run.folder)!r} cannot be read: it is "
                "damaged, or config.json or vocab.json is another's; restore the folder or train "
                "anew."
            ) from error
        return loaded


@contextmanager
def checkpoints(run: Run) -> Iterator[Checkpoints]:
    """Open the checkpoints of a run; wait for the last save when closing."""
    policies = ocp.training.preservation_policies
    best = policies.BestN(
        get_metric_fn=lambda metrics: metrics["val_loss"],
        reverse=True,
        n=1,
        keep_checkpoints_without_metrics=False,
    )
    kept = policies.AnyPreservationPolicy([policies.LatestN(1), best])
    folder = (run.folder / "checkpoints").resolve()  # Orbax wants an absolute path
    with ocp.training.Checkpointer(folder, preservation_policy=kept) as checkpointer:
        yield Checkpoints(checkpointer, run)


def _val_loss(checkpoint: Any) -> float:
    return float((checkpoint.metrics or {}).get("val_loss", math.inf))
