"""The standard streams: closed, full, or left by their readers, and a sentence in the right one."""

import subprocess
import sys
from pathlib import Path

import pytest

WRONG = "wavenet-jax: command 'nonsense' is unknown"


def shell(command: str) -> tuple[int, str, str]:
    """Return the exit code, standard output and standard error of a line of the shell."""
    line = command.replace("wavenet-jax", f"{sys.executable} -m wavenet_jax")
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("command", "code", "error"),
    [
        ("wavenet-jax nonsense", 2, WRONG),
        ("wavenet-jax nonsense >&-", 2, WRONG),
        ("wavenet-jax nonsense 2>&-", 2, ""),
        ("wavenet-jax nonsense >&- 2>&- <&-", 2, ""),
        ("wavenet-jax nonsense >/dev/full", 2, WRONG),
        ("wavenet-jax nonsense 2>/dev/full", 2, ""),
        ("wavenet-jax nonsense 2>&1 | true; exit ${PIPESTATUS[0]}", 2, ""),
        ("wavenet-jax --version >&-", 0, ""),
        ("wavenet-jax --help >&- 2>&-", 0, ""),
        ("wavenet-jax data --help | true; exit ${PIPESTATUS[0]}", 0, ""),
        ("wavenet-jax --version >/dev/full", 1, "No space left on device."),
        ("wavenet-jax data --help >/dev/full", 1, "No space left on device."),
        ("wavenet-jax data --nonsense >&-", 2, "option --nonsense is unknown"),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_streams_change_neither_the_exit_code_nor_where_the_sentence_goes(
    command: str, code: int, error: str
) -> None:
    found, out, err = shell(command)
    assert (found, out) == (code, "")
    assert error in err
    assert err.count("\n") == bool(error)


def test_files_of_the_process_take_no_number_of_a_standard_stream() -> None:
    prepared = "from wavenet_jax.cli import streams; streams.prepare(); import os"
    code = f"{prepared}; os._exit(os.open(os.devnull, os.O_RDONLY))"
    found, _, _ = shell(f'{sys.executable} -c "{code}" <&- >&- 2>&-')
    assert found >= 3


LEFT = """
import sys, wavenet_jax.cli
class Left:
    def __del__(self):
        raise RuntimeError("Event loop is closed")
async def read():
    pass
sys.argv = ["wavenet-jax", "--version"]
assert wavenet_jax.cli.main() == 0
Left()
read()
"""


def test_what_a_library_leaves_behind_is_not_printed() -> None:
    """As the other reads of Orbax, where one of them fails."""
    done = subprocess.run(
        [sys.executable, "-c", LEFT], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
