"""The devices that train together: the rows of a batch are parted among them, all else is copied.

The program is that of one device, in which arrays are as large as ever; where to cut them is said
here, and XLA adds what the devices have to tell each other (`jax.sharding`).  So the loss and the
statistics of BatchNorm are those of the whole batch.
"""

from typing import Any, TypeVar

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from wavenet_jax.errors import require

T = TypeVar("T")
AXIS = "data"


def devices_for(rows: int) -> int:
    """Return how many devices share the rows of a batch: as many as can have equally many.

    Raises `InputError` where these are not all, and several processes train, none of which may be
    left without work.
    """
    count = jax.device_count()
    if jax.process_count() == 1:
        return max(each for each in range(1, count + 1) if rows % each == 0)
    multiple = -(-rows // count) * count
    require(
        rows == multiple,
        f"a step has {rows} rows at a time (batch_size / accumulate), which {count} devices of "
        f"{jax.process_count()} processes cannot share evenly, expected a multiple such as "
        f"{multiple}; choose that.",
        "batch_size",
    )
    return count


def make_mesh(rows: int) -> Mesh | None:
    """Return the mesh of the devices that share the rows of a batch; None where that is one.

    Raises `InputError` as `devices_for` does.
    """
    devices = jax.devices()[: devices_for(rows)]
    if len(devices) == 1:
        return None
    return jax.make_mesh((len(devices),), (AXIS,), axis_types=(AxisType.Auto,), devices=devices)


def replicate(mesh: Mesh | None, tree: T) -> T:
    """Return arrays of this process as arrays of which every device of the mesh has a copy.

    Nothing crosses between processes, which have equal arrays.  Without a mesh, they are on JAX's
    first device.  Where a device's memory is the host's, a mapped file stays a file.
    """
    if mesh is None:
        return jax.device_put(tree, jax.devices()[0], may_alias=True)
    sharding = NamedSharding(mesh, PartitionSpec())

    def copy(leaf: Any) -> jax.Array:
        here = [jax.device_put(leaf, device, may_alias=True) for device in mesh.local_devices]
        return jax.make_array_from_single_device_arrays(leaf.shape, sharding, here)

    return jax.tree.map(copy, tree)


def local(tree: T) -> T:
    """Return this process's copy of replicated arrays, on one device."""
    return jax.tree.map(lambda leaf: leaf.addressable_data(0), tree)


def replicated(mesh: Mesh | None, tree: T) -> T:
    """Let every device have a copy of arrays, inside `jit`."""
    return _constrained(mesh, tree, PartitionSpec())


def shard_rows(mesh: Mesh | None, tree: T, axis: int = 0) -> T:
    """Part arrays among the devices along an axis, that of a batch's rows, inside `jit`."""
    return _constrained(mesh, tree, PartitionSpec(*[None] * axis, AXIS))


def _constrained(mesh: Mesh | None, tree: T, spec: PartitionSpec) -> T:
    if mesh is None:
        return tree
    return jax.lax.with_sharding_constraint(tree, NamedSharding(mesh, spec))
