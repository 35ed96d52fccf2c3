"""What JAX runs on: the device that a user names, and the cache of compiled programs."""

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.experimental.compilation_cache import compilation_cache
from support.commands import Prints, Says, call

import wavenet_jax as wn
from wavenet_jax.devices import backend
from wavenet_jax.errors import InputError
from wavenet_jax.paths import cache_dir

CACHE_SETTINGS = (
    "jax_compilation_cache_dir",
    "jax_enable_compilation_cache",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)


def settings(names: tuple[str, ...] = CACHE_SETTINGS) -> dict[str, Any]:
    return {name: getattr(jax.config, name) for name in names}


SETTINGS: Any = jax.config  # whose attributes one version of JAX declares


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the user a cache of their own, which is on, and JAX its settings back."""
    before = settings()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    jax.config.update("jax_enable_compilation_cache", True)
    jax.config.update("jax_compilation_cache_dir", None)
    yield tmp_path
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


@pytest.fixture
def platforms() -> Iterator[None]:
    """Give JAX its choice of devices back."""
    before = SETTINGS.jax_platforms
    yield
    jax.config.update("jax_platforms", before)


@pytest.mark.parametrize("way", ["command", "python"])
def test_compilation_cache_is_the_users_own(way: str, trained: Path, own_cache: Path) -> None:
    if way == "command":
        assert call(f"sample {trained} -n 1") == 0
    else:
        wn.load(trained).sample(1)
    (folder,) = (cache_dir() / "compiled").iterdir()
    assert folder.is_relative_to(own_cache)
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("way", ["variable", "config", "off"])
def test_what_the_user_has_chosen_stays(
    way: str, trained: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "variable":
        monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(own_cache / "mine"))
    elif way == "config":
        jax.config.update("jax_compilation_cache_dir", str(own_cache / "mine"))
    else:
        jax.config.update("jax_enable_compilation_cache", False)
    before = settings()
    wn.load(trained)
    assert settings() == before
    assert not (cache_dir() / "compiled").exists()


@pytest.mark.usefixtures("own_cache")
def test_programs_that_compile_in_no_time_are_cached_even_where_jax_has_begun() -> None:
    compilation_cache.reset_cache()
    jax.jit(lambda x: x + 1)(jnp.zeros(3)).block_until_ready()  # JAX looks for a cache, finds none
    backend.use_compilation_cache()
    jax.jit(lambda x: x + 2)(jnp.zeros(3)).block_until_ready()
    (folder,) = (cache_dir() / "compiled").iterdir()
    assert any(folder.iterdir())
    shutil.rmtree(folder)


@pytest.mark.parametrize("home", ["a file", "unknown"])
def test_home_that_cannot_be_written_is_no_failure(
    home: str, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if home == "a file":
        (own_cache / "wavenet_jax").write_text("a file where the folder would be")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", "")
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError))
    before = settings()
    backend.use_compilation_cache()
    assert settings() == before


@pytest.mark.usefixtures("platforms")
def test_a_device_that_is_there_is_used_and_another_is_refused_by_what_is_there(
    says: Says, trained: Path
) -> None:
    backend.use_device("cpu")
    assert SETTINGS.jax_platforms == "cpu"
    backend.use_device(None)
    assert call(f"evaluate {trained} --device cpu") == 0
    sentence = says(f"sample {trained} --device tpu")
    assert sentence.startswith("wavenet-jax: --device is tpu, expected cpu, the one that JAX")


@pytest.mark.usefixtures("platforms")
@pytest.mark.parametrize("command", ["train", "resume RUN", "evaluate RUN", "score RUN a"])
def test_every_command_that_computes_takes_a_device(
    command: str, says: Says, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "--device is gpu, expected cpu" in says(f"{command} --device gpu")
    assert "--device is 'gtx', expected cpu or gpu or tpu" in says(f"{command} --device gtx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("platform", ["nonsense", "cuda"])
def test_platforms_that_jax_cannot_use_are_answered_in_one_sentence(
    platform: str,
) -> None:
    words = [sys.executable, "-m", "wavenet_jax", "evaluate", "nowhere"]
    variables = os.environ | {"JAX_PLATFORMS": platform, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(words, capture_output=True, text=True, env=variables, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"wavenet-jax: JAX_PLATFORMS is {platform!r}, which JAX cannot")
    assert done.stderr.count("\n") == 1
    words += ["--device", "cpu"]  # stands above the variable
    done = subprocess.run(words, capture_output=True, text=True, env=variables, check=False)
    assert done.stderr.startswith("wavenet-jax: 'nowhere' holds no run")


@pytest.mark.usefixtures("platforms")
def test_a_device_that_is_not_there_is_an_input_error() -> None:
    with pytest.raises(InputError) as caught:
        backend.use_device("gpu")
    assert caught.value.field == "device"


def test_a_command_gives_the_same_numbers_whatever_the_environment_says(
    trained: Path, prints: Prints
) -> None:
    words = ["sample", str(trained), "--seed", "1", "--json"]
    expected, before = prints(*words), settings(tuple(backend.SETTINGS))
    try:
        SETTINGS.update("jax_enable_x64", True)
        SETTINGS.update("jax_threefry_partitionable", False)
        assert prints(*words) == expected
    finally:
        for name, value in before.items():
            SETTINGS.update(name, value)


def test_a_cache_that_is_damaged_or_cannot_be_written_warns_nobody(own_cache: Path) -> None:
    backend.use_compilation_cache()
    assert own_cache.exists()
    for what in ("reading", "writing"):
        text = f"Error {what} persistent compilation cache entry for 'jit_f': EOFError"
        warnings.warn(text, stacklevel=1)
    with pytest.raises(UserWarning, match="another"):
        warnings.warn("another", stacklevel=1)
