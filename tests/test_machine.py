"""Files that are none, or larger than they may be, are refused at once and by their kind."""

import os
import resource
import socket
from pathlib import Path

import pytest

from wavenet_jax import machine
from wavenet_jax.devices import backend
from wavenet_jax.errors import InputError
from wavenet_jax.machine import (
    memory_bytes,
    open_regular,
    read_given,
    read_regular,
    reason,
    require_open_files,
    show_bytes,
)


def test_regular_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    assert read_regular(tmp_path / "a", 10) == b"0123456789"
    (tmp_path / "link").symlink_to("a")
    with open_regular(tmp_path / "link") as file:
        assert file.read(3) == b"012"


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="a pipe has no path there")
def test_what_a_user_gives_may_be_a_pipe_that_ends() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"0123456789")
    os.close(writer)
    assert read_given(Path(f"/dev/fd/{reader}"), 10) == b"0123456789"
    os.close(reader)
    with pytest.raises(OSError, match=r"it has 11 bytes, at most 10 bytes are read"):
        read_given(Path("/dev/zero"), 10)


def make(kind: str, path: Path) -> None:
    match kind:
        case "it is a folder":
            path.mkdir()
        case "it is a named pipe":
            os.mkfifo(path)
        case "it is a device":
            path.symlink_to("/dev/zero")
        case "it is a socket":
            socket.socket(socket.AF_UNIX).bind(str(path))
        case "No such file or directory":
            path.symlink_to("nowhere")
        case "it has 10 GB, at most 10 bytes are read":
            with path.open("wb") as file:
                file.truncate(10**10)


@pytest.mark.parametrize(
    "kind",
    [
        "it is a folder",
        "it is a named pipe",
        "it is a device",
        "No such file or directory",
        "it has 10 GB, at most 10 bytes are read",
    ],
)
def test_what_is_no_file_to_read_is_refused_at_once(
    kind: str, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    make(kind, tmp_path / "a")
    with pytest.raises(OSError) as caught:  # noqa: PT011  any of the system's
        read_regular(tmp_path / "a", 10)
    assert reason(caught.value) == kind
    assert caught.value.filename == str(tmp_path / "a")
    assert not recwarn.list


def test_file_that_is_replaced_meanwhile_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"a")
    found = os.stat(tmp_path / "a")
    (tmp_path / "a").unlink()
    os.mkfifo(tmp_path / "a")
    monkeypatch.setattr(os, "stat", lambda _: found)
    with pytest.raises(OSError, match="it is a named pipe"):
        open_regular(tmp_path / "a")


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="a file of Linux")
def test_file_that_is_larger_than_it_says_is_refused() -> None:
    with pytest.raises(OSError, match="at most 10 bytes are read"):
        read_regular(Path("/proc/self/maps"), 10)


def test_open_files_are_as_many_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    asked = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    require_open_files(soft)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (32, hard))
    require_open_files(64)
    assert asked == [(64, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (32, 32))
    with pytest.raises(InputError, match=r"^the process may open 32 files, expected at least 64"):
        require_open_files(64)


def test_error_without_words_is_named_by_its_type() -> None:
    assert reason(OSError()) == reason(OSError(None)) == "OSError"
    assert reason(OSError(28, "No space\nleft", "a")) == "No space left"


def test_memory_is_that_of_the_machine_or_of_its_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_CONTROL_GROUPS", (str(tmp_path / "max"),))
    whole = memory_bytes()
    assert whole is None or whole > 2**28
    (tmp_path / "max").write_text("max\n")
    assert memory_bytes() == whole
    (tmp_path / "max").write_text("1000000\n")
    assert memory_bytes() == backend.memory_bytes() == 1_000_000


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (25_300_000_000, "25.3 GB"),
        (4 * 10**15, "4e+03 TB"),
        (10**30, "1.0e+30 bytes"),
    ],
)
def test_bytes_are_shown_in_their_unit(size: int, shown: str) -> None:
    assert show_bytes(size) == shown
