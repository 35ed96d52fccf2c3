"""Run folders: configuration, data, metrics and checkpoints on disk."""

from wavenet_jax.runs.checkpoints import Checkpoints, open_checkpoints
from wavenet_jax.runs.folder import (
    Run,
    changed_environment,
    create_run,
    load_run,
    prepare_run,
)
from wavenet_jax.runs.record import (
    read_metrics,
    record_new,
    record_resumed,
)

__all__ = [
    "Checkpoints",
    "Run",
    "changed_environment",
    "create_run",
    "load_run",
    "open_checkpoints",
    "prepare_run",
    "read_metrics",
    "record_new",
    "record_resumed",
]
