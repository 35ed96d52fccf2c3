"""Where the cache lies, and the names that come with the package."""

import re
from pathlib import Path

import pytest

from wavenet_jax.errors import InputError
from wavenet_jax.paths import bundled_names, cache_dir


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def test_cache_is_where_xdg_puts_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    assert cache_dir() == home / "cache" / "wavenet_jax"
    assert not cache_dir().exists()


@pytest.mark.parametrize("value", ["", "relative/cache", None])
def test_cache_is_in_the_home_folder_otherwise(
    value: str | None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv("XDG_CACHE_HOME")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert cache_dir() == home / "home" / ".cache" / "wavenet_jax"


def test_unknown_home_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(InputError, match="set HOME or XDG_CACHE_HOME"):
        cache_dir()


def test_bundled_names_are_many_plain_sorted_and_distinct() -> None:
    lines = bundled_names().read_text("utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch("[a-z]{2,15}", line)] == []
    assert lines == sorted(set(lines))
    assert len(lines) >= 8_000
