"""Run folders: configuration, data, metrics and checkpoints on disk."""

from wavenet_jax.runs.checkpoints import Checkpoints, open_checkpoints
from wavenet_jax.runs.creation import create_run, prepare_run
from wavenet_jax.runs.disk import read_manifest, write_whole
from wavenet_jax.runs.folder import (
    Run,
    changed_environment,
    load_run,
)
from wavenet_jax.runs.going_on import Reopened, WarmStart, extend_run, reopen_run, warm_start
from wavenet_jax.runs.metrics import is_finished, read_metrics, read_validations
from wavenet_jax.runs.record import record_new, record_resumed
from wavenet_jax.runs.verify import Verification, accept_run, verify_run

__all__ = [
    "Checkpoints",
    "Reopened",
    "Run",
    "Verification",
    "WarmStart",
    "accept_run",
    "changed_environment",
    "create_run",
    "extend_run",
    "is_finished",
    "load_run",
    "open_checkpoints",
    "prepare_run",
    "read_manifest",
    "read_metrics",
    "read_validations",
    "record_new",
    "record_resumed",
    "reopen_run",
    "verify_run",
    "warm_start",
    "write_whole",
]
