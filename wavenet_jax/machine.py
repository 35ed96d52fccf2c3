"""What the machine gives: regular files of a bounded size, and memory.

Whatever a folder of a stranger holds in place of a file (a named pipe, a device, a link to one, ten
gigabytes of nothing), it is refused before it is read, and nothing waits for it.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from wavenet_jax.errors import require

KIB, MIB = 2**10, 2**20
_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a named pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)
_CONTROL_GROUPS = (  # where Linux says how much memory a container has
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


def open_regular(path: Path, most_bytes: int | None = None) -> BinaryIO:
    """Open a regular file to read it; raise `OSError` for all else, and above a number of bytes."""
    _require_regular(path, os.stat(path), most_bytes)
    # Opened without waiting, in case that it has been replaced since.
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NON_BLOCKING))  # noqa: SIM115
    try:
        _require_regular(path, os.fstat(file.fileno()), most_bytes)
    except OSError:
        file.close()
        raise
    return file


def read_regular(path: Path, most_bytes: int) -> bytes:
    """Return what a regular file holds; raise `OSError` as `open_regular` does."""
    with open_regular(path, most_bytes) as file:
        return _read_whole(file, path, most_bytes)  # of /proc, a file is larger than it says


def read_given(path: Path, most_bytes: int) -> bytes:
    """Return what a user's own file or pipe holds; raise `OSError` above a number of bytes."""
    with path.open("rb") as file:
        return _read_whole(file, path, most_bytes)


def _read_whole(file: BinaryIO, path: Path, most_bytes: int) -> bytes:
    content = file.read(most_bytes + 1)
    _require_size(path, len(content), most_bytes)
    return content


_NON_BLOCKING: int = getattr(os, "O_NONBLOCK", 0)  # which Windows does not have


def kind_of(mode: int) -> str | None:
    """Return what a file is by its mode, such as "it is a folder"; None for a regular file."""
    if stat.S_ISREG(mode):
        return None
    return next((what for is_kind, what in _KINDS if is_kind(mode)), "it is no file")


def _require_regular(path: Path, found: os.stat_result, most_bytes: int | None) -> None:
    what = kind_of(found.st_mode)
    if what is not None:
        raise OSError(errno.EINVAL, what, str(path))
    if most_bytes is not None:
        _require_size(path, found.st_size, most_bytes)


def _require_size(path: Path, size: int, most_bytes: int) -> None:
    if size > most_bytes:
        what = f"it has {show_bytes(size)}, at most {show_bytes(most_bytes)} are read"
        raise OSError(errno.EFBIG, what, str(path))


def reason(error: Exception) -> str:
    """Return what an error of the system says, without number and path."""
    said = " ".join(str(getattr(error, "strerror", None) or error).split())
    return type(error).__name__ if said in ("", "None") else said


def require_open_files(least: int) -> None:
    """Let the process open as many files as it may; raise `InputError` where these are too few."""
    try:
        import resource  # noqa: PLC0415  Windows has no such limit
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < least <= hard or (soft < least and hard == resource.RLIM_INFINITY):
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (least, hard))
            soft = least
    require(
        soft >= least or soft == resource.RLIM_INFINITY,
        f"the process may open {soft} files, expected at least {least} to write checkpoints; raise "
        f"the limit, as by `ulimit -n {least}`.",
    )


def memory_bytes() -> int | None:
    """Return the memory of the machine, or of the container if that is less; None if unknown."""
    sizes = list[int]()
    with suppress(OSError, ValueError, AttributeError):
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in _CONTROL_GROUPS:
        with suppress(OSError, ValueError):
            sizes.append(int(read_regular(Path(path), KIB)))
    return min((size for size in sizes if size > 0), default=None)


def show_bytes(size: float) -> str:
    """Return a number of bytes in the largest unit that it has one of.

    >>> show_bytes(1_500_000_000)
    '1.5 GB'
    """
    for power, unit in ((12, "TB"), (9, "GB"), (6, "MB"), (3, "kB")):
        if size >= 10**power:
            return f"{size / 10**power:,.3g} {unit}" if size < 1e18 else f"{size:.1e} bytes"
    return f"{size:,.0f} bytes"
