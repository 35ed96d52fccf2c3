"""What JAX runs on: its backend and settings, the devices that share a batch, the processes."""

from wavenet_jax.devices.backend import (
    PACKAGES,
    SETTINGS,
    DeviceKind,
    environment,
    memory_bytes,
    pin_settings,
    use_compilation_cache,
    use_device,
)
from wavenet_jax.devices.mesh import AXIS, local, make_mesh, replicate, replicated, shard_rows
from wavenet_jax.devices.processes import (
    has_joined,
    is_first,
    join_processes,
    join_shares,
    leave_at_once,
    meet,
    meet_in_turn,
    process_count,
    require_same,
    share,
    share_of,
)

__all__ = [
    "AXIS",
    "PACKAGES",
    "SETTINGS",
    "DeviceKind",
    "environment",
    "has_joined",
    "is_first",
    "join_processes",
    "join_shares",
    "leave_at_once",
    "local",
    "make_mesh",
    "meet",
    "meet_in_turn",
    "memory_bytes",
    "pin_settings",
    "process_count",
    "replicate",
    "replicated",
    "require_same",
    "shard_rows",
    "share",
    "share_of",
    "use_compilation_cache",
    "use_device",
]
