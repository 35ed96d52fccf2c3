"""What does a text of a gigabyte cost?

    wavenet-jax data shakespeare
    python experiments/large_text.py

Repeats Shakespeare's text until it has so many gigabytes, trains a hundred steps on it with the
preset `shakespeare`, all in a temporary folder, and prints the seconds and the peak memory of the
command, from its start to its end: reading, compiling, training, one validation, a sample.

Claim: less than 1.5 GB for a text of 1 GB.
Measured on 2026-11-25, jax 0.10.2, two cores of an Intel Xeon:

    1.0 GB of text: 23 seconds, at most 1.16 GB of memory
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tyro

from wavenet_jax import corpus
from wavenet_jax.config import DataConfig

OPTIONS = "--preset shakespeare --steps 100 --report-every 50 --eval-every 100"


def main(gigabytes: float = 1.0, data: str = "shakespeare") -> None:
    """Train on a long text and print what it took.

    Args:
        gigabytes: Size of the text.
        data: shakespeare, once downloaded, or the path of a text.
    """
    text = corpus.find(DataConfig(data=data, stream=True)).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        with path.open("wb") as file:
            while file.tell() < gigabytes * 1e9:
                file.write(text)
        command = f"train {OPTIONS} --data {path} --run-dir {Path(folder) / 'run'}"
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "wavenet_jax", *command.split()], check=True)
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{gigabytes} GB of text: {seconds:.0f} seconds, at most {peak:.2f} GB of memory")


if __name__ == "__main__":
    tyro.cli(main)
