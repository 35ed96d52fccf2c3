"""What of a run is whole, what is damaged, and what can still be done."""

from pathlib import Path
from typing import NamedTuple

from wavenet_jax.errors import InputError
from wavenet_jax.runs.checkpoints import is_orbax_checkpoint
from wavenet_jax.runs.disk import (
    CHECKPOINTS,
    METRICS,
    CheckpointRecord,
    Manifest,
    MetricsRecord,
    damage_of_checkpoint,
    damage_of_file,
    damage_of_metrics,
    only_writer,
    read_manifest,
    record_checkpoint,
    record_metrics,
    states,
    write_manifest,
)
from wavenet_jax.runs.folder import (
    load_run_config,
    record_files,
    require_no_links,
    require_run,
)
from wavenet_jax.runs.metrics import metrics_until, read_metrics


class Verification(NamedTuple):
    """What is wrong with each file and each checkpoint of a run, in some words; None if nothing."""

    files: dict[str, str | None]
    checkpoints: dict[int, str | None]  # by step
    best: int | None  # of the whole checkpoints, the one with the lowest validation loss
    latest: int | None

    @property
    def damages(self) -> list[str]:
        """Return what is wrong with the run."""
        return [each for each in (*self.files.values(), *self.checkpoints.values()) if each]


def verify_run(folder: Path) -> Verification:
    """Read every file of a run and compare it with its record.

    Raises `InputError` where the folder holds no run, or its manifest is damaged.
    """
    require_no_links(folder)
    load_run_config(folder)
    manifest = read_manifest(folder)
    files = {
        name: damage_of_file(folder, name, record, whole=True)
        for name, record in manifest.files.items()
    }
    checkpoints = {
        step: damage_of_checkpoint(folder / CHECKPOINTS / str(step), record)
        for step, record in sorted(manifest.checkpoints.items())
    }
    whole = [step for step in manifest.ranked("best") if checkpoints[step] is None]
    return Verification(
        files | {METRICS: _damage_of_metrics(folder, manifest.metrics)},
        checkpoints,
        best=next(iter(whole), None),
        latest=max(whole, default=None),
    )


def _damage_of_metrics(folder: Path, record: MetricsRecord) -> str | None:
    """Return whether the metrics have changed, or hold lines since that cannot be read."""
    if damage := damage_of_metrics(folder, record):
        return damage
    try:
        read_metrics(folder)
    except InputError:
        return f"{folder / METRICS} is damaged"
    return None


def accept_run(folder: Path) -> None:
    """Write the records of the files and the metrics anew, as they are.

    Checkpoints keep their records, so that damage of theirs is never accepted; without a manifest,
    those that Orbax takes for its own are recorded.  Raises `InputError` where the files are no
    run, the metrics cannot be read, or another process trains it.
    """
    require_no_links(folder)
    load_run_config(folder)
    with only_writer(folder, "run"):
        require_run(folder)
        write_manifest(folder, Manifest(record_files(folder), _checkpoints(folder)))


def _checkpoints(folder: Path) -> dict[int, CheckpointRecord]:
    try:
        known = read_manifest(folder).checkpoints
    except InputError:
        known = _found(folder)
    return {
        step: record._replace(metrics=record_metrics(metrics_until(folder, step)))
        for step, record in known.items()
    }


def _found(folder: Path) -> dict[int, CheckpointRecord]:
    losses = {line["step"]: line.get("val_loss") for line in read_metrics(folder)}
    found = [path for path in states(folder / CHECKPOINTS) if is_orbax_checkpoint(path)]
    return {int(path.name): record_checkpoint(path, losses.get(int(path.name))) for path in found}
