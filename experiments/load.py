"""What do a million documents, a text of a gigabyte and a million samples cost?

    python experiments/load.py

Makes a list of names and a text, of syllables drawn with the seed, in a temporary folder.  Then it
runs the commands in processes of their own, each on a tenth of the data and on all of them, without
the cache of compiled programs.  `resume` trains a finished run for longer.  Scores and samples are
of the run on the smaller list.  A column with x is the growth from the tenth.

Claim: time grows at most as the data do; what is streamed takes as much memory at any length.
Measured on 2026-11-26, seed 0, jax 0.10.2, two cores of an AMD EPYC that did other work beside it:
no time grows more than 8.7 times.  A million samples take 1.1 times the memory of a tenth.  Piped
scores take 1.4 times, as the tenth is less than a piece.  Of the 1.7 GB in which a text of 1 GB is
evaluated, about 1 GB is the mapped text.  The whole table is in README.md beside this file.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from common.command import run

from wavenet_jax.errors import require

SYLLABLES = ["".join(each) for each in product("bcdfghjklmnprstvwz", "aeiou", ["", "n"])]
WORDS, LINES, WORDS_A_LINE = 10_000, 100_000, 9  # of which a text is made
AT_A_TIME = 10_000  # documents or lines that are drawn and written
ROW = "{:30} {:>13} {:>7} {:>7} {:>7} {:>6} {:>6}"


class Task(NamedTuple):
    """A command, and whether the data are piped into it."""

    name: str
    words: str
    is_piped: bool = False


class Cost(NamedTuple):
    """What a process took from its start to its end."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


ON_A_LIST = (
    Task(
        "list: train, 100 steps",
        "train --preset makemore-fast --kind list --steps 100 --schedule constant --data {data} "
        "--run-dir {run}",
    ),
    Task("list: resume, 100 steps", "resume {run} --steps 100"),
    Task("list: sample 20", "sample {run} -n 20 --seed 0"),
    Task("list: evaluate", "evaluate {run}"),
)
SCORES = (Task("score, piped", "score {run} --json", is_piped=True),)
SAMPLES = (
    Task("sample to a file", "sample {run} -n {size} --seed 0 --plain --out {run}.out"),
    Task("sample a table to a file", "sample {run} -n {size} --seed 0 --out {run}.out"),
    Task(
        "sample new and unique",
        "sample {run} -n {size} --seed 0 --new --unique --plain --out {run}.out",
    ),
)
ON_A_TEXT = (
    Task(
        "text: train, 100 steps",
        "train --preset shakespeare --n-hidden 16 --dilations 1 2 4 8 --kind text --steps 100 "
        "--schedule constant --data {data} --run-dir {run}",
    ),
    Task("text: resume, 100 steps", "resume {run} --steps 100"),
    Task("text: evaluate --first 1000000", "evaluate {run} --first 1000000"),
    Task("text: evaluate", "evaluate {run}"),
)


def main(
    documents: int = 1_000_000,
    characters: int = 1_000_000_000,
    samples: int = 1_000_000,
    seed: int = 0,
) -> None:
    """Print what each command takes, on a tenth and on all.

    Args:
        documents: Of the list.
        characters: Of the text.
        samples: That are drawn from the run on a tenth of the list.
        seed: Of the data.
    """
    for name, size in (("documents", documents), ("characters", characters), ("samples", samples)):
        require(size >= 1_000, f"{name} is {size:,}, expected at least 1,000.", name)
    print(ROW.format("", "size", "CPU s", "wall s", "MB", "CPU x", "MB x"))
    with tempfile.TemporaryDirectory() as folder:
        lists, texts = [], []
        for tenths in (1, 10):
            lists.append(Path(folder, f"list-{tenths}"))
            write_list(lists[-1], documents * tenths // 10, seed)
            texts.append(Path(folder, f"text-{tenths}"))
            write_text(texts[-1], characters * tenths // 10, seed)
        compare(ON_A_LIST, lists, lists, documents)
        compare(SCORES, lists, lists[:1] * 2, documents)
        compare(SAMPLES, lists, lists[:1] * 2, samples)
        compare(ON_A_TEXT, texts, texts, characters)


def compare(tasks: tuple[Task, ...], data: list[Path], trained: list[Path], size: int) -> None:
    """Print two rows for each task, on a tenth and on all; by the runs that were trained on these.

    The data and the runs are one for each row.
    """
    for task in tasks:
        tenth = None
        for source, of, number in zip(data, trained, (size // 10, size), strict=True):
            names = {"data": source, "run": f"{of}.run", "size": number}
            words = [word.format(**names) for word in task.words.split()]
            cost = measure(words, source if task.is_piped else None)
            print(row(task.name, number, cost, tenth), flush=True)
            tenth = cost


def row(name: str, size: int, cost: Cost, tenth: Cost | None) -> str:
    """Return a line of the table, with the growth from a tenth if that is known."""
    growth = ("", "")
    if tenth is not None:
        more = cost.cpu_seconds / tenth.cpu_seconds, cost.peak_bytes / tenth.peak_bytes
        growth = f"{more[0]:.1f}", f"{more[1]:.1f}"
    seconds = f"{cost.cpu_seconds:.0f}", f"{cost.wall_seconds:.0f}"
    return ROW.format(name, f"{size:,}", *seconds, f"{cost.peak_bytes / 1e6:,.0f}", *growth)


def measure(words: list[str], piped: Path | None) -> Cost:
    """Run a command; leave with its exit code where it fails, after what it said."""
    started = time.perf_counter()
    with piped.open("rb") if piped else nullcontext(subprocess.DEVNULL) as source:
        process = subprocess.Popen(
            [sys.executable, "-m", "wavenet_jax", *words],
            stdin=source,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "false"},
        )
        assert process.stderr is not None
        with process.stderr as stream:
            said = stream.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        print(said, file=sys.stderr)
        sys.exit(process.returncode)
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Cost(cpu_seconds, time.perf_counter() - started, usage.ru_maxrss * 1024)


def write_list(path: Path, documents: int, seed: int) -> None:
    """Write names, one a line; fewer begin like more."""
    rng = np.random.default_rng(seed)
    with path.open("w") as file:
        for start in range(0, documents, AT_A_TIME):
            names = draw_names(rng, AT_A_TIME)[: documents - start]
            file.writelines(f"{name}\n" for name in names)


def write_text(path: Path, characters: int, seed: int) -> None:
    """Write lines of words, the n-th of which occurs 1/n as often as the first."""
    rng = np.random.default_rng(seed)
    words, chances = draw_names(rng, WORDS), 1 / np.arange(1, WORDS + 1)
    drawn = rng.choice(words, (LINES, WORDS_A_LINE), p=chances / chances.sum())
    lines = [" ".join(line) + "\n" for line in drawn.tolist()]
    with path.open("w") as file:
        for piece in pieces(rng, lines):
            file.write(piece[: characters - file.tell()])
            if file.tell() == characters:
                break


def pieces(rng: np.random.Generator, lines: list[str]) -> Iterator[str]:
    """Yield lines in a random order for ever, some at a time."""
    while True:
        yield "".join([lines[index] for index in rng.integers(0, len(lines), AT_A_TIME).tolist()])


def draw_names(rng: np.random.Generator, number: int) -> list[str]:
    """Draw names of two to four syllables."""
    drawn = rng.choice(SYLLABLES, (number, 4)).tolist()
    lengths = rng.integers(2, 5, number).tolist()
    return ["".join(parts[:length]) for parts, length in zip(drawn, lengths, strict=True)]


if __name__ == "__main__":
    run(main)
