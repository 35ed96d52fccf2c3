"""The standard streams of a command, which may be closed, full, or left by their readers."""

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO, cast


def prepare() -> None:
    """Let the standard streams of a process be there, and take whatever text there is."""
    _open_missing()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # where a terminal is not UTF-8
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # to be named as unknown
    if sys.stderr is not None:
        sys.stderr = cast("TextIO", _Unheard(sys.stderr))


def _open_missing() -> None:
    """Open what was closed, or the next file of the process would take its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  for the whole process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


class _Unheard:
    """A stream for what may go unheard: that its reader has left ends no run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, if anybody takes it; return its length."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what has been written, if anybody takes it."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def tell(sentence: str) -> None:
    """Print a sentence on standard error; nowhere if that is closed."""
    if sys.stderr is not None:
        print(sentence, file=sys.stderr)


def flush_results() -> None:
    """Hand on the results on standard output; raise `OSError` where they cannot be written.

    That their reader has left, as in `| head`, is no error.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        discard_results()
    except OSError as error:
        discard_results()
        raise OSError(error.errno, error.strerror, "standard output") from error


def discard_results() -> None:
    """Send what standard output still holds, or gets, nowhere; else Python complains at its end."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
