"""The states of a run, saved and restored; the only user of Orbax.

    checkpoints/250/   written by Orbax, and complete once manifest.json has its record

The two latest states are kept, so that damage of one leaves the other, and the best.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from orbax.checkpoint import v1 as ocp

from wavenet_jax.devices import is_first, make_mesh, process_count, replicate
from wavenet_jax.errors import InputError, require
from wavenet_jax.machine import reason
from wavenet_jax.nn import Variables, init_variables
from wavenet_jax.runs.disk import (
    CHECKPOINTS,
    METRICS,
    CheckpointRecord,
    Manifest,
    MetricsRecord,
    damage_of_checkpoint,
    fsync_file,
    read_manifest,
    record_checkpoint,
    remove,
    states,
    write_manifest,
)
from wavenet_jax.runs.folder import Run, require_in_place
from wavenet_jax.training import TrainState, init_state, make_trainer

LATEST_KEPT = 2


class Checkpoints:
    """The states of a run.

    Attributes:
        notes: What was damaged when a state was restored, and which state was taken instead.
    """

    def __init__(self, run: Run, writer: ThreadPoolExecutor) -> None:
        self.notes: list[str] = []
        self._run = run
        self._folder = (run.folder / CHECKPOINTS).resolve()  # Orbax needs an absolute path
        self._writer = writer
        self._saving: Future[None] | None = None

    def save(
        self,
        state: TrainState,
        variables: Variables,
        val_loss: float | None,
        metrics: MetricsRecord = MetricsRecord(),  # noqa: B008  it cannot change
    ) -> None:
        """Start to save a state and what to evaluate it with, and raise what the last save met.

        A state without a validation loss is never the best; `metrics` are the lines up to it.
        Several processes save together, and the first keeps the folder.
        """
        self.wait()
        what = int(state.step), {"variables": variables, "training": _training(state)}
        if process_count() > 1:  # not beside the training, whose messages would mix with Orbax's
            everywhere = replicate(make_mesh(jax.device_count()), what[1])
            self._write(what[0], everywhere, val_loss, metrics)
        else:
            self._saving = self._writer.submit(self._write, *what, val_loss, metrics)

    def wait(self) -> None:
        """Wait until the last save is complete; raise `InputError` where it failed."""
        saving, self._saving = self._saving, None
        if saving is not None:
            saving.result()

    def _write(
        self, step: int, items: dict[str, Any], val_loss: float | None, metrics: MetricsRecord
    ) -> None:
        """Write a checkpoint, then its record, then remove those that are not kept any more."""
        require_in_place(self._run)
        folder = self._folder / str(step)
        try:
            if is_first():
                remove(folder)  # what has no record is left from an interrupted save
            ocp.save_checkpointables(folder, items)
            if is_first():
                self._record(step, record_checkpoint(folder, val_loss)._replace(metrics=metrics))
        except (OSError, ValueError) as error:
            raise InputError(
                f"the state of step {step:,} cannot be saved in {str(self._run.folder)!r} "
                f"({reason(error)[:100]}), expected a folder that has room and stays where it is; "
                "what was saved before is whole: resume the run from there."
            ) from error

    def _record(self, step: int, record: CheckpointRecord) -> None:
        """Let a checkpoint that is complete count, and others go."""
        manifest = read_manifest(self._run.folder)
        manifest.checkpoints[step] = record
        gone = set(manifest.checkpoints) - _kept(manifest)
        kept = {s: each for s, each in manifest.checkpoints.items() if s not in gone}
        fsync_file(self._run.folder / METRICS)  # the lines that a resumed run goes on from
        write_manifest(self._run.folder, manifest._replace(checkpoints=kept))
        for each in gone:
            remove(self._folder / str(each))

    def latest_step(self) -> int | None:
        """Return the step of the latest state, None if there is none."""
        return max(self._manifest().checkpoints, default=None)

    def restore_state(self) -> TrainState:
        """Return the latest whole state, to resume from; raise `InputError` when there is none."""
        trainer = make_trainer(self._run.model, self._run.config, self._run.total_steps)
        shapes = jax.eval_shape(lambda: init_state(trainer))
        wanted = {"variables": shapes.variables, "training": _training(shapes)}
        step, loaded = self._load("latest", wanted)
        parts = loaded["variables"] | loaded["training"]
        return TrainState(**parts, step=jnp.asarray(step, jnp.int32))

    def restore_variables(self, which: str) -> tuple[int, Variables]:
        """Return step and variables of the `best` or the `latest` whole state.

        Raises `InputError` when there is none.
        """
        require(
            which in ("best", "latest"),
            f"checkpoint is {which!r}, expected best or latest.",
            "checkpoint",
        )
        shapes = jax.eval_shape(lambda: init_variables(self._run.model, jax.random.key(0)))
        step, loaded = self._load(which, {"variables": shapes})
        return step, loaded["variables"]

    def discard_leftovers(self) -> None:
        """Remove what interrupted saves have left: states that have no record."""
        recorded = set(map(str, self._manifest().checkpoints))
        for path in states(self._folder):
            if path.name not in recorded:
                remove(path)

    def discard_after(self, step: int) -> None:
        """Remove whatever is not the whole state of a step up to this, which a run resumes from."""
        manifest = self._manifest()
        whole = {
            s: each
            for s, each in manifest.checkpoints.items()
            if s <= step and damage_of_checkpoint(self._folder / str(s), each) is None
        }
        write_manifest(self._run.folder, manifest._replace(checkpoints=whole))
        self.discard_leftovers()

    def _manifest(self) -> Manifest:
        """Return the manifest, of the run that was loaded and no other."""
        manifest = read_manifest(self._run.folder)
        require(
            self._run.recorded in (None, manifest.files),
            f"{str(self._run.folder)!r} was overwritten by another run while it was read; run the "
            "command again.",
        )
        return manifest

    def _load(self, which: str, shapes: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return step and contents of the first whole state in the order of `which`."""
        found = None
        while found is None:
            found = self._try_to_load(which, shapes)
        return found

    def _try_to_load(self, which: str, shapes: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """Do so; return None where the run trains on and has removed a state meanwhile."""
        manifest, damages = self._manifest(), list[str]()
        require(
            len(manifest.checkpoints) > 0,
            f"run folder {str(self._run.folder)!r} holds no checkpoint, expected one in "
            "checkpoints/; train the run again.",
        )
        for step in manifest.ranked(which):
            damage, loaded = self._read(step, manifest.checkpoints[step], shapes)
            if damage is None:
                self.notes = [f"{each}; step {step:,} is taken instead." for each in damages]
                return step, loaded
            if self._manifest().checkpoints.get(step) != manifest.checkpoints[step]:
                return None
            damages.append(damage)
        raise InputError(
            f"{damages[0]}, and no other checkpoint of {str(self._run.folder)!r} is whole, "
            "expected one; restore the folder or train the run again."
        )

    def _read(
        self, step: int, record: CheckpointRecord, shapes: dict[str, Any]
    ) -> tuple[str | None, dict[str, Any]]:
        """Return what is wrong with a checkpoint, None if nothing is, and its contents."""
        folder = self._folder / str(step)
        if damage := damage_of_checkpoint(folder, record):
            return damage, {}
        device = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        described = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device), shapes
        )
        try:
            with _alone():
                return None, ocp.load_checkpointables(folder, described)
        except (ValueError, KeyError, OSError) as error:
            return f"{folder} cannot be read ({reason(error)[:100]})", {}


@contextmanager
def open_checkpoints(run: Run) -> Iterator[Checkpoints]:
    """Open the checkpoints of a run; closing waits for the last save."""
    with ThreadPoolExecutor(1, "save") as writer:
        checkpoints = Checkpoints(run, writer)
        try:
            yield checkpoints
        finally:
            checkpoints.wait()


def _alone() -> ocp.Context:
    """Let Orbax not wait for other processes: each reads the whole state, which all hold."""
    context = ocp.Context()
    context.multiprocessing.primary_host = jax.process_index()
    context.multiprocessing.active_processes = {jax.process_index()}
    return context


def is_orbax_checkpoint(folder: Path) -> bool:
    """Tell whether a folder holds a complete checkpoint of Orbax."""
    return folder.name.isdecimal() and ocp.is_orbax_checkpoint(folder)


def _kept(manifest: Manifest) -> set[int]:
    """Return the steps of the checkpoints that are kept."""
    return {*manifest.ranked("latest")[:LATEST_KEPT], *manifest.ranked("best")[:1]}


def _training(state: TrainState) -> dict[str, Any]:
    """Return what training needs of a state, beside the variables to evaluate with."""
    training = {"opt_state": state.opt_state, "key": state.key}
    if not state.has_averages:
        return training
    average = {} if state.average is None else {"average": state.average}
    return training | state.variables | average
