"""What a command needs of its process: signals, and the cache of compiled programs."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.experimental.compilation_cache import compilation_cache
from support.commands import call

from wavenet_jax.cli import process
from wavenet_jax.paths import cache_dir


def cache_settings() -> dict[str, Any]:
    names = (
        "jax_compilation_cache_dir",
        "jax_enable_compilation_cache",
        "jax_persistent_cache_min_compile_time_secs",
        "jax_persistent_cache_min_entry_size_bytes",
    )
    return {name: getattr(jax.config, name) for name in names}


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the user a cache of their own, and JAX its settings back."""
    before = cache_settings()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    yield tmp_path
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def test_compilation_cache_is_the_users_own(
    trained: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(f"sample {trained} -n 1") == 0
    (folder,) = (cache_dir() / "compiled").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(folder)
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(own_cache / "mine"))
    assert call(f"sample {trained} -n 1") == 0
    assert not folder.exists()


@pytest.mark.usefixtures("own_cache")
def test_programs_that_compile_in_no_time_are_cached_too() -> None:
    jax.config.update("jax_enable_compilation_cache", True)
    process.use_compilation_cache()
    compilation_cache.reset_cache()
    jax.jit(lambda x: x + 1)(jnp.zeros(3)).block_until_ready()
    (folder,) = (cache_dir() / "compiled").iterdir()
    assert any(folder.iterdir())


def test_home_that_cannot_be_written_is_no_failure(own_cache: Path) -> None:
    (own_cache / "wavenet_jax").write_text("a file where the folder would be")
    before = cache_settings()
    process.use_compilation_cache()
    assert cache_settings() == before


def test_first_signal_is_noted_and_the_second_acts_as_before() -> None:
    acted = []
    before = signal.signal(signal.SIGTERM, lambda number, _: acted.append(number))
    try:
        with process.stop_signals() as received:
            signal.raise_signal(signal.SIGTERM)
            assert (received, acted) == ([signal.SIGTERM], [])
            signal.raise_signal(signal.SIGTERM)
            assert (received, acted) == ([signal.SIGTERM], [signal.SIGTERM])
        signal.raise_signal(signal.SIGTERM)
        assert len(acted) == 2
    finally:
        signal.signal(signal.SIGTERM, before)


def test_signals_unwind_through_finally() -> None:
    before, cleaned = signal.getsignal(signal.SIGINT), []

    def interrupt() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            cleaned.append(True)

    with pytest.raises(SystemExit) as leave, process.signals_unwind():
        interrupt()
    assert leave.value.code == 130
    assert cleaned
    assert signal.getsignal(signal.SIGINT) is before
