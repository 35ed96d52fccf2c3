"""What a process sets up before it computes: signals, and the cache of compiled programs."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jaxlib.version

from wavenet_jax import download


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Note the first Ctrl-C or SIGTERM in a list, to be acted on; a second one acts as ever."""
    received: list[int] = []

    def note(number: int, _: Any) -> None:
        received.append(number)
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def signals_unwind() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM leave through `finally`, so that what is half made is removed."""

    def leave(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def use_compilation_cache() -> None:
    """Keep compiled programs between commands, in the user's cache.

    A folder that the user has set, by JAX_COMPILATION_CACHE_DIR, is respected;
    JAX_ENABLE_COMPILATION_CACHE=false turns the cache off.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    folder = download.cache_dir() / "compiled" / f"jaxlib-{jaxlib.version.__version__}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return  # a home that cannot be written is no reason to fail
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
