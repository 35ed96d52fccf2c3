"""Does a run survive what kills it, and is damage of its files ever used silently?

    python experiments/crash_test.py

Trains a small run on the bundled names to its end.  Then it trains the same run again and kills it
by SIGKILL, at random moments and at random system calls that change files (by `strace`, where that
is there), resumes it, and so on.  In the end both runs must have the same state to the bit, the
same lines of metrics but for the times, the same best step, and no file that is left over.

After that, copies of the run are damaged: each file is cut, emptied and removed, and random bits of
random files are flipped.  Where `evaluate` answers, the answer must be that of the whole run or
come with a note that names the file; else one sentence must name it.

Claim: no kill loses or changes anything, and no damage is used silently.
Measured on 2026-11-26, seed 0, jax 0.10.2, two cores of an AMD EPYC that did other work beside it:

    train 3, kills 50, at a system call 16, saves cut short 6, resume 49, runs that came to their
    end 2
    differences from the run that was never killed: none

                noticed  unused, named by verify  harmless  silent
    cut              21                       33         0       0
    emptied          21                       33         0       0
    removed          21                       33         0       0
    bit flipped      77                      121         2       0

Unused are metrics.jsonl and the files of the checkpoints that are not the best.  What is left for
harmless are bits of manifest.json itself: a time, or the sum of such a file, which verify then
names in its place.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import jax
import numpy as np
from common.command import run

from wavenet_jax.cli import main as wavenet_jax
from wavenet_jax.errors import InputError, require
from wavenet_jax.runs import load_run, open_checkpoints, read_manifest, read_metrics

SMALL = "--preset makemore --n-embd 4 --n-hidden 8 --batch-size 8 --report-every 250".split()
CALLS = "rename,renameat,mkdir,mkdirat,unlink,unlinkat,rmdir,fsync,ftruncate,pwrite64"
TIMES = ("seconds", "steps_per_second")
PROGRAM = (sys.executable, "-m", "wavenet_jax")


def main(kills: int = 50, flips: int = 200, steps: int = 300_000, seed: int = 0) -> None:
    """Kill and resume, then damage, and print what became of it.

    Args:
        kills: Times that the run is killed.
        flips: Bits that are flipped, each in a copy of its own.
        steps: Steps of a run, which takes some seconds.
        seed: Where and when.
    """
    require(min(kills, flips) >= 0, f"kills is {kills}, flips {flips}, expected none or more.")
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        whole, killed = Path(place, "whole"), Path(place, "killed")
        subprocess.run([*PROGRAM, *train(whole, steps)], check=True, capture_output=True)
        count, found = kill_and_resume(whole, killed, kills, rng)
        print(", ".join(f"{what} {number}" for what, number in count.items()))
        print(f"differences from the run that was never killed: {found or 'none'}", flush=True)
        print(json.dumps(damage(whole, Path(place), flips, rng), indent=1))


def train(folder: Path, steps: int) -> list[str]:
    """Return the words that train the run, or resume it."""
    try:
        resumes = bool(read_manifest(folder).checkpoints)
    except InputError:
        resumes = False
    if resumes:
        return ["resume", str(folder)]
    overwrite = ["--overwrite"] if (folder / "config.json").exists() else []
    return ["train", *SMALL, "--steps", str(steps), "--run-dir", str(folder), *overwrite]


def kill_and_resume(
    whole: Path, folder: Path, kills: int, rng: random.Random
) -> tuple[Counter[str], list[str]]:
    """Kill runs like a whole one again and again, and return what was counted and what differs."""
    count: Counter[str] = Counter()
    found: list[str] = []
    steps = load_run(whole).total_steps
    while count["kills"] < kills:
        words = train(folder, steps)
        count[words[0]] += 1
        by_call = shutil.which("strace") is not None and rng.random() < 0.5
        was_killed = kill_at_a_call(words, rng) if by_call else kill_at_a_moment(words, rng)
        if was_killed:
            count["kills"] += 1
            count["at a system call"] += by_call
            count["saves cut short"] += any(not name.isdecimal() for name in saves(folder))
        else:
            count["runs that came to their end"] += 1
            found += differences(whole, folder)
            shutil.rmtree(folder)
    subprocess.run([*PROGRAM, *train(folder, steps)], capture_output=True, check=True)
    return count, found + differences(whole, folder)


def kill_at_a_call(words: list[str], rng: random.Random) -> bool:
    """Train until some thread makes one of its system calls that change files."""
    inject = f"inject={CALLS}:signal=KILL:when={rng.randint(1, 60)}"
    tracer = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={CALLS}", "-e", inject]
    return (
        subprocess.run([*tracer, *PROGRAM, *words], capture_output=True, check=False).returncode
        != 0
    )


def kill_at_a_moment(words: list[str], rng: random.Random) -> bool:
    """Train for some seconds."""
    with subprocess.Popen(
        [*PROGRAM, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        time.sleep(rng.uniform(1.0, 12.0))
        process.kill()
    return process.returncode != 0


def saves(folder: Path) -> set[str]:
    """Return the names in checkpoints/."""
    place = folder / "checkpoints"
    return {path.name for path in place.iterdir()} if place.is_dir() else set()


def differences(one: Path, other: Path) -> list[str]:
    """Return in what two runs differ."""
    found = []
    if lines(one) != lines(other):
        found.append("metrics")
    states = [jax.tree.leaves(state(folder)) for folder in (one, other)]
    if not all(np.array_equal(a, b) for a, b in zip(*states, strict=True)):
        found.append("states")
    if read_manifest(one).ranked("best")[0] != read_manifest(other).ranked("best")[0]:
        found.append("best step")
    names = [{path.name for path in folder.iterdir()} for folder in (one, other)]
    left = names[1] - names[0] | {name for name in saves(other) if not name.isdecimal()}
    return found + sorted(left)


def state(folder: Path) -> tuple[jax.Array, ...]:
    """Return the latest state, its key as numbers."""
    with open_checkpoints(load_run(folder)) as checkpoints:
        latest = checkpoints.restore_state()
    return latest._replace(key=jax.random.key_data(latest.key))


def lines(folder: Path) -> list[dict[str, object]]:
    """Return the metrics without the times."""
    return [{k: v for k, v in line.items() if k not in TIMES} for line in read_metrics(folder)]


def damage(
    whole: Path,
    place: Path,
    flips: int,
    rng: random.Random,
    others: tuple[str, ...] = ("cut", "emptied", "removed"),
) -> dict[str, Counter[str]]:
    """Damage copies of a run, and count what became of each kind of damage."""
    files = sorted(
        p.relative_to(whole) for p in whole.rglob("*") if p.is_file() and p.stat().st_size
    )
    used = [name for name in files if name.name not in ("loss.png", "samples.txt")]
    expected, _ = called("evaluate", whole)
    counts: dict[str, Counter[str]] = {}
    kinds = [(kind, name) for kind in others for name in used]
    kinds += [("bit flipped", name) for name in rng.choices(used, k=flips)]
    for kind, name in kinds:
        copy = Path(shutil.copytree(whole, place / "copy"))
        spoil(copy / name, kind, rng)
        result = judged(copy, name.name, expected)
        counts.setdefault(kind, Counter())[result] += 1
        if result == "SILENT":
            print(f"{kind}: {name}", flush=True)
        shutil.rmtree(copy)
    return counts


def judged(folder: Path, name: str, expected: str) -> str:
    """Return whether the damage of a file is noticed, when it is used or by `verify`."""
    answer, said = called("evaluate", folder)
    if name in said or "holds no run" in said:
        return "noticed"
    if answer != expected:
        return "SILENT"
    return "unused, named by verify" if name in called("verify", folder)[0] else "harmless"


def spoil(path: Path, kind: str, rng: random.Random) -> None:
    """Damage a file."""
    content = bytearray(path.read_bytes())
    if kind == "removed":
        path.unlink()
    elif kind == "bit flipped":
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
    else:
        path.write_bytes(content[: len(content) // 2] if kind == "cut" else b"")


def called(command: str, folder: Path) -> tuple[str, str]:
    """Return what a command prints of a run that is not whole, and what it says beside."""
    answer, said = StringIO(), StringIO()
    options = ["--json"] if command == "evaluate" else []
    with redirect_stdout(answer), redirect_stderr(said):
        wavenet_jax([command, str(folder), *options])
    lines = [line for line in answer.getvalue().splitlines() if " whole" not in line]
    return "\n".join(lines).replace(str(folder), "run"), said.getvalue()


if __name__ == "__main__":
    run(main)
