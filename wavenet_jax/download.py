"""The lecture's names and Shakespeare's text: fetched once, checked by SHA-256, cached."""

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

from wavenet_jax.errors import InputError, require

TIMEOUTS_IN_ALL = 10  # a whole download may take this many times its timeout


class Source(NamedTuple):
    """Where a file is published, and how to tell that it arrived whole."""

    url: str
    sha256: str
    size: int  # bytes
    stream: bool = False  # one text, not a list


SOURCES = {
    "makemore": Source(
        "https://raw.githubusercontent.com/karpathy/makemore/master/names.txt",
        "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
        228_145,
    ),
    "shakespeare": Source(
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        1_115_394,
        stream=True,
    ),
}


def cache_dir() -> Path:
    """Return the folder of the package's cache; raise `InputError` without a home folder."""
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if configured.is_absolute():  # the XDG specification: an empty or relative path is ignored
        return configured / "wavenet_jax"
    try:
        return Path.home() / ".cache" / "wavenet_jax"
    except RuntimeError as error:
        raise InputError(
            "the home folder is unknown, expected it in HOME; set HOME or XDG_CACHE_HOME."
        ) from error


def cached(name: str) -> Path:
    """Return where the file of that name lies, whether or not it is there."""
    return cache_dir() / "data" / f"{name}.txt"


def download(
    name: str, *, timeout_seconds: float = 30.0, sources: Mapping[str, Source] = SOURCES
) -> Path:
    """Return the file of that name, fetched unless it is there with the right checksum.

    Raises `InputError` when the name is unknown, nothing comes for `timeout_seconds`, the whole
    takes `TIMEOUTS_IN_ALL` times as long, something else comes, or it cannot be written.
    """
    require(name in sources, f"download {name!r} is unknown, expected one of {', '.join(sources)}.")
    source, path = sources[name], cached(name)
    if not is_whole(path, source):
        _write(path, _fetch(source, path, timeout_seconds))
    return path


def is_whole(path: Path, source: Source) -> bool:
    """Tell whether the file is there with the right size and checksum."""
    try:
        # The size first: it keeps a large file out of memory, and a named pipe from blocking.
        right_size = path.stat().st_size == source.size
        return right_size and hashlib.sha256(path.read_bytes()).hexdigest() == source.sha256
    except OSError:
        return False  # if it cannot be replaced either, `_write` says why


def _fetch(source: Source, path: Path, timeout_seconds: float) -> bytes:
    url, expected, size, _ = source
    remedy = (
        f"try again, or fetch the file by other means and put it at {path}, "
        "or pass its path with --data FILE."
    )
    try:
        body = _read(source, timeout_seconds)
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a bad proxy
        cause = getattr(error, "reason", error)
        reason = " ".join(str(getattr(cause, "strerror", None) or cause).split())
        raise InputError(
            f"{url} could not be fetched ({reason}), expected {size} bytes; {remedy}"
        ) from error
    sent = f"more than {size}" if len(body) > size else len(body)
    require(len(body) == size, f"{url} sent {sent} bytes, expected {size}; {remedy}")
    digest = hashlib.sha256(body).hexdigest()
    require(
        digest == expected,
        f"{url} sent a file with SHA-256 {digest[:12]}, expected {expected[:12]}; {remedy}",
    )
    return body


def _read(source: Source, timeout_seconds: float) -> bytes:
    """Return what the server sends, at most one byte over the size; raise as urllib does."""
    limit_seconds = TIMEOUTS_IN_ALL * timeout_seconds
    deadline = time.monotonic() + limit_seconds
    opener = urllib.request.build_opener()  # reads the proxies from the environment, now
    try:
        with opener.open(source.url, timeout=timeout_seconds) as response:
            body = b""
            # A socket's timeout starts anew with every byte, so a trickle needs the deadline.
            while piece := response.read1(source.size + 1 - len(body)):
                body += piece
                if time.monotonic() > deadline:
                    raise TimeoutError(f"not complete after {limit_seconds:g} seconds")
            return body
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(f"the server answered {error.code}") from error


def _write(path: Path, body: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)  # at once and whole, so that no reader sees half a file
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}), expected a writable folder with room "
            f"for {len(body)} bytes; make it one, or set XDG_CACHE_HOME to another, "
            "or fetch the file by other means and pass its path with --data FILE."
        ) from error
