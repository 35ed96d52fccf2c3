"""Run folders: configuration, data, metrics and checkpoints on disk."""

from wavenet_jax.runs.checkpoints import Checkpoints, open_checkpoints
from wavenet_jax.runs.folder import (
    CONTENTS,
    Run,
    changed_environment,
    create_run,
    load_run,
    load_run_config,
    prepare_run,
    require_vacant,
)
from wavenet_jax.runs.record import (
    append_metrics,
    read_metrics,
    record_new,
    record_resumed,
    truncate_metrics,
)

__all__ = [
    "CONTENTS",
    "Checkpoints",
    "Run",
    "append_metrics",
    "changed_environment",
    "create_run",
    "load_run",
    "load_run_config",
    "open_checkpoints",
    "prepare_run",
    "read_metrics",
    "record_new",
    "record_resumed",
    "require_vacant",
    "truncate_metrics",
]
