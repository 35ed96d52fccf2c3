"""What does a text of a gigabyte cost?

    wavenet-jax data shakespeare
    python experiments/large_text.py

Repeats Shakespeare's text until it has the wanted size and trains a hundred steps on it with the
preset `shakespeare`, all in a temporary folder.  Prints the seconds and the peak memory of the
command, from its start to its end: reading, compiling, training, one validation, a sample.

Claim: less than 1.5 GB for a text of 1 GB.
Measured on 2026-11-25, jax 0.10.2, two cores of an Intel Xeon:

    1.0 GB of text: 23 seconds, at most 1.16 GB of memory
"""

import math
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from common.command import run
from common.timing import seconds

from wavenet_jax.config import DataConfig
from wavenet_jax.data import find_sources
from wavenet_jax.errors import require

COMMAND = "train --preset shakespeare --steps 100 --report-every 50 --eval-every 100"


def main(gigabytes: float = 1.0, data: str = "shakespeare") -> None:
    """Train on a long text and print what it took.

    Args:
        gigabytes: Size of the text.
        data: shakespeare, once downloaded, or the path of a text.
    """
    require(
        0 < gigabytes < math.inf,
        f"gigabytes is {gigabytes:g}, expected a number above 0, such as 1.",
        "gigabytes",
    )
    with find_sources(DataConfig(data=data, kind="text")) as (files, _):
        text = files[0].path.read_bytes()
    require(len(text) > 0, f"data {data!r} is empty, expected a text to repeat.", "data")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        repeat(text, path, gigabytes * 1e9)
        took = seconds(lambda: train(path, Path(folder) / "run"))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{gigabytes} GB of text: {took:.0f} seconds, at most {peak:.2f} GB of memory")


def repeat(text: bytes, path: Path, size: float) -> None:
    """Write a text again and again until the file has that size, in bytes."""
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(text)


def train(text: Path, run_dir: Path) -> None:
    """Train in a process of its own; leave with its exit code where it fails, since it says why."""
    words = [*COMMAND.split(), "--data", str(text), "--run-dir", str(run_dir)]
    code = subprocess.run([sys.executable, "-m", "wavenet_jax", *words], check=False).returncode
    if code != 0:
        sys.exit(code)


if __name__ == "__main__":
    run(main)
