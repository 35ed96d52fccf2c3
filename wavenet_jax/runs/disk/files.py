"""Files that are written whole or not at all, and folders that one process writes."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wavenet_jax.errors import require

if sys.platform != "win32":
    import fcntl

GLOB = "*?[]\\"  # which Orbax takes for patterns
MAX_PATH = 3_500  # bytes
PARTIAL = ".partial"  # suffix of a file or folder that is not complete yet


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all; what was written survives a power cut.

    Raises `OSError` that names the file.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        remove(partial)  # it might be a link
        with partial.open("xb") as file:
            file.write(text.encode("utf-8"))  # line ends and all as they are
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            remove(partial)
        raise OSError(error.errno, error.strerror, str(path)) from error
    fsync_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, whole or not at all."""
    write_whole(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def fsync_file(path: Path) -> None:
    """Let a file that may be there reach the disk."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        os.fsync(file.fileno())


def fsync_folder(folder: Path) -> None:
    """Let the names in a folder reach the disk, where the system can."""
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that it holds."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def require_savable(folder: Path) -> None:
    """Raise `InputError` where Orbax could not read again what it saved in a folder."""
    path = str(folder.absolute())
    bad = next((sign for sign in path if sign in GLOB or "\udc80" <= sign <= "\udcff"), None)
    require(
        bad is None,
        f"run_dir is {path!r}, which has {bad!r} in it, expected a path in UTF-8 without any of "
        f"{' '.join(GLOB)}: checkpoints there cannot be read again; choose another folder.",
        "run_dir",
    )
    length = len(os.fsencode(path))
    require(
        length <= MAX_PATH,
        f"run_dir is a path of {length:,} bytes, expected at most {MAX_PATH:,}, since the names of "
        "a checkpoint's files are longer still; choose another folder.",
        "run_dir",
    )


@contextmanager
def only_writer(folder: Path, name: str) -> Iterator[int | None]:
    """Hold a folder that exists against other processes that write it; yield its descriptor.

    It is an advisory lock of the folder itself, which a process that dies gives back; where the
    file system has none, as NFS may not, nothing is held.  Raises `InputError` where another
    process holds it; `name` is the option that names the folder.
    """
    if sys.platform == "win32":  # nothing is locked
        yield None
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        require(
            _lock(descriptor) and is_at(descriptor, folder),
            f"{name} is {str(folder)!r}, in which another process is training, expected a folder "
            "that no other uses; wait for its end, or choose another.",
            name,
        )
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock an open folder; tell whether no other process holds it."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # the file system has no locks
            pass
    return True


def is_at(descriptor: int, folder: Path) -> bool:
    """Tell whether an open folder still is the one of its name, neither moved nor made anew."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(folder))
    except (FileNotFoundError, NotADirectoryError):
        return False
