"""Commands as a user types them, what they print, and small runs that they train."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from wavenet_jax.cli import main

# The learning rate is such that validation at step 30, which is not on schedule, would be the best.
SMALL = (
    "--preset makemore --n-embd 4 --n-hidden 8 --steps 60 --batch-size 8 "
    "--report-every 10 --eval-every 20 --learning-rate 3 --seed 3"
)
SMALL_TEXT = (
    "--preset makemore --kind text --mode sequence --seq-len 32 --n-embd 4 --n-hidden 8 "
    "--steps 60 --batch-size 2 --report-every 10 --eval-every 20 --learning-rate 0.5 --seed 3"
)


def call(command: str | list[str]) -> int:
    """Run a command, its words separated by blanks or listed; return its exit code."""
    try:
        return main(command.split() if isinstance(command, str) else command)
    except SystemExit as leave:  # how help leaves
        return int(leave.code or 0)


def call_in(encoding: str, *words: str | Path) -> tuple[int, bytes]:
    """Run a command whose standard output has the encoding; return its exit code and the bytes."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding, errors="backslashreplace")  # as a process prepares it
    with redirect_stdout(out):
        code = call(list(map(str, words)))
    out.flush()
    return code, raw.getvalue()


def train_command(names_file: Path, run: Path, more: str = "") -> str:
    """Return the command that trains a small run on a list."""
    return f"train --data {names_file} --run-dir {run} {SMALL} {more}"


def train_text_command(text_file: Path, run: Path, more: str = "") -> str:
    """Return the command that trains a small run on a text."""
    return f"train --data {text_file} --run-dir {run} {SMALL_TEXT} {more}"


class Says:
    """Returns the sentence of a bad command, after checking its form and the exit code 2."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, command: str | list[str]) -> str:
        self._capsys.readouterr()
        assert call(command) == 2
        printed = self._capsys.readouterr()
        assert printed.out == ""
        assert "Traceback" not in printed.err
        last = printed.err.strip().splitlines()[-1]
        assert last.startswith("wavenet-jax: ")
        assert last.endswith((".", "?"))
        assert not re.search(r"[.?!] +[A-Z]", last)
        return last


class Prints:
    """Returns the standard output of a good command."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.err = ""  # the standard error of the last command

    def __call__(self, *words: str | Path) -> str:
        self._capsys.readouterr()
        assert call(list(map(str, words))) == 0
        out, self.err = self._capsys.readouterr()
        return out
