"""Files written whole, and a folder that one process writes."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wavenet_jax.errors import InputError
from wavenet_jax.runs.disk import only_writer, remove, write_whole

HOLD = """
import sys, time
from pathlib import Path
from wavenet_jax.runs.disk import only_writer
with only_writer(Path(sys.argv[1]), "run"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_file_is_replaced_whole_and_not_through_a_link(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.write_text("kept")
    inside.symlink_to(outside)
    inside.with_name("inside.partial").symlink_to(outside)
    write_whole(inside, "new\r\n")
    assert inside.read_bytes() == b"new\r\n"
    assert outside.read_text() == "kept"
    assert {path.name for path in tmp_path.iterdir()} == {"outside", "inside"}


def test_a_file_that_cannot_be_written_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_whole(path, "new")
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_removing_a_link_keeps_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    remove(tmp_path / "link")
    remove(tmp_path / "missing")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
def test_a_second_writer_is_refused_until_the_first_is_dead(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        refused = pytest.raises(InputError, match="another process is training")
        with refused as caught, only_writer(tmp_path, "run"):
            pass
        assert caught.value.field == "run"
        first.kill()
        first.wait()
    with only_writer(tmp_path, "run"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")
def test_a_file_system_without_locks_stops_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: int) -> None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))  # as NFS answers

    monkeypatch.setattr("fcntl.flock", unsupported)
    with only_writer(tmp_path, "run"), only_writer(tmp_path, "run"):
        pass


def test_a_folder_that_was_made_anew_meanwhile_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    opened = os.open

    def open_the_old(path: Path, flags: int) -> int:
        descriptor = opened(path, flags)
        folder.rename(tmp_path / "old")
        folder.mkdir()
        return descriptor

    monkeypatch.setattr("os.open", open_the_old)
    refused = pytest.raises(InputError, match="another process")
    with refused, only_writer(folder, "run"):
        pass
