"""The published data sets: fetched once, checked by size and SHA-256, kept in the user's cache."""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from wavenet_jax.config import DataKind
from wavenet_jax.errors import InputError, require
from wavenet_jax.machine import read_regular
from wavenet_jax.paths import cache_dir


class Source(NamedTuple):
    """Where a file is published, and how to tell that it arrived whole."""

    url: str
    sha256: str
    size: int  # bytes
    kind: DataKind


SOURCES: Mapping[str, Source] = {
    "makemore": Source(
        "https://raw.githubusercontent.com/karpathy/makemore/master/names.txt",
        "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
        228_145,
        "list",
    ),
    "shakespeare": Source(
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        1_115_394,
        "text",
    ),
}


def download(
    name: str,
    *,
    timeout_seconds: float = 30.0,
    deadline_seconds: float = 300.0,
    sources: Mapping[str, Source] = SOURCES,
) -> Path:
    """Return the file of a data set, fetched unless it is already there and whole.

    Raises `InputError` for an unknown name, where nothing arrives for `timeout_seconds`, the whole
    takes longer than `deadline_seconds`, anything but the published file arrives, or it cannot be
    written.
    """
    require(name in sources, f"data set {name!r} is unknown, expected {' or '.join(sources)}.")
    source, path = sources[name], download_path(name)
    if not is_whole(path, source):
        try:
            _fetch(source, path, timeout_seconds, deadline_seconds)
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a bad proxy
            raise InputError(
                f"{source.url} could not be fetched to {path} ({_reason(error)}), expected "
                f"{source.size} bytes with SHA-256 {source.sha256[:12]}; try again, put the file "
                "there by other means, or set XDG_CACHE_HOME to a writable folder with room for it."
            ) from error
    return path


def download_path(name: str) -> Path:
    """Return where the file of a data set lies, whether or not it is there."""
    return cache_dir() / "data" / f"{name}.txt"


def is_whole(path: Path, source: Source) -> bool:
    """Tell whether the file is there with the right size and checksum."""
    try:
        return hashlib.sha256(read_regular(path, source.size)).hexdigest() == source.sha256
    except OSError:
        return False


def _fetch(source: Source, path: Path, timeout_seconds: float, deadline_seconds: float) -> None:
    """Replace the file at once and whole, so that no reader sees half of it, or leave it alone."""
    deadline = time.monotonic() + deadline_seconds
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    opener = urllib.request.build_opener()  # reads the proxies from the environment now
    with opener.open(source.url, timeout=timeout_seconds) as response:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                # A socket's timeout starts again with every byte, so a trickle needs the deadline.
                while chunk := response.read1(source.size + 1 - file.tell()):
                    file.write(chunk)
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"incomplete after {deadline_seconds:g} seconds")
                file.flush()
                os.fsync(file.fileno())
                arrived = file.tell()
            if not is_whole(temporary, source):
                raise OSError(f"the {arrived} bytes that arrived are not the file")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"the server answered {error.code}"
    cause = getattr(error, "reason", error)  # of a URLError
    return " ".join(str(getattr(cause, "strerror", None) or cause).split())
