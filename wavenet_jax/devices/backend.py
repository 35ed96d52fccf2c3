"""What JAX runs on: the device, versions, settings, and the user's cache of compiled programs."""

import os
import platform
import sys
import warnings
from importlib.metadata import version
from typing import Any, Literal

import jax
import jaxlib.version

from wavenet_jax import __version__, machine
from wavenet_jax.errors import InputError, require
from wavenet_jax.paths import cache_dir

DeviceKind = Literal["cpu", "gpu", "tpu"]
_settings: Any = jax.config  # whose attributes mypy does not know


def use_device(kind: DeviceKind | None) -> None:
    """Let JAX run on devices of a kind, or by default on the best that it finds.

    Acts before JAX has begun; later it only checks.  Raises `InputError`, which names what is
    there, where JAX finds no such device, and where JAX_PLATFORMS names none.
    """
    if kind is not None:  # a GPU's memory is left alone by those who choose the CPU
        _settings.update("jax_platforms", "cpu" if kind == "cpu" else None)
    try:
        found = jax.default_backend()
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"JAX_PLATFORMS is {_settings.jax_platforms!r}, which JAX cannot use on this machine, "
            "expected cpu, cuda or tpu; unset it for the best that is there."
        ) from error
    require(
        kind in (None, found),
        f"device is {kind}, expected {found}, the one that JAX runs on; leave it out, or install "
        "JAX for it first, as in `pip install 'jax[cuda12]'`.",
        "device",
    )


PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")
# On which all numbers depend, and what they are unless somebody has changed them.
SETTINGS = {
    "jax_enable_x64": False,
    "jax_threefry_partitionable": True,
    "jax_default_prng_impl": "threefry2x32",
}


def pin_settings() -> None:
    """Let a seed mean the same numbers whatever JAX's environment variables say."""
    for name, value in SETTINGS.items():
        _settings.update(name, value)


def environment() -> dict[str, Any]:
    """Return the versions, devices and settings on which the bits of a run's numbers depend."""
    return {
        "python": platform.python_version(),
        "wavenet-jax": __version__,  # also of a checkout that is not installed
        **{package: version(package) for package in PACKAGES},
        "machine": platform.machine(),
        "cpus": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "devices": [device.device_kind for device in jax.devices()],
        **{name: getattr(_settings, name) for name in SETTINGS},
    }


def use_compilation_cache() -> None:
    """Keep compiled programs between processes, in the user's cache.

    Does nothing where the user has chosen: a folder of their own by JAX_COMPILATION_CACHE_DIR or
    in `jax.config`, or no cache by JAX_ENABLE_COMPILATION_CACHE=false.
    """
    chosen = _settings.jax_compilation_cache_dir or "JAX_COMPILATION_CACHE_DIR" in os.environ
    if chosen or not _settings.jax_enable_compilation_cache:
        return
    try:
        folder = cache_dir() / "compiled" / f"jaxlib-{jaxlib.version.__version__}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, InputError):
        return  # a home that is missing or cannot be written is no reason to fail
    # Entries that are cut short, or cannot be written, are compiled instead: no reason to warn.
    cache_errors = "Error (reading|writing) persistent compilation cache entry"
    warnings.filterwarnings("ignore", cache_errors, UserWarning)
    _settings.update("jax_compilation_cache_dir", str(folder))
    # Every program, however small: a command runs many that compile in less than JAX's threshold.
    _settings.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    _settings.update("jax_persistent_cache_min_entry_size_bytes", -1)


def memory_bytes() -> int | None:
    """Return the memory of the device that JAX runs on; None if it is unknown."""
    statistics = jax.local_devices()[0].memory_stats() or {}  # of a CPU there are none
    return statistics.get("bytes_limit") or machine.memory_bytes()
