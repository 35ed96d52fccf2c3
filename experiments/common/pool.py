"""Tasks of an experiment on all cores, one to a core, each done once and remembered in a file."""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

Result = dict[str, Any]  # of JSON


def run_tasks(
    work: Callable[[Any], Result], tasks: Mapping[str, Any], memory: Path, jobs: int
) -> dict[str, Result]:
    """Return the result of each task, and print a line for each that is done.

    Results are remembered in `memory`, a JSON object a line, so that an experiment that is
    interrupted goes on; a task of the same name with other contents is done again.  Each job has a
    process and a core of its own; with none, everything is done in this process.
    """
    results = _remembered(memory, tasks)
    left = {name: task for name, task in tasks.items() if name not in results}
    memory.parent.mkdir(parents=True, exist_ok=True)
    _end_line(memory)
    with memory.open("a", encoding="utf-8") as file:
        for done, (name, result) in enumerate(_each(work, left, jobs), start=1):
            results[name] = result
            file.write(json.dumps({"task": name, "digest": digest(tasks[name]), **result}) + "\n")
            file.flush()
            print(f"{done:4} of {len(left)}  {name}", flush=True)
    return {name: results[name] for name in tasks}


def digest(task: Any) -> str:
    """Return what tells one task from another: a hash of what Python shows of it."""
    return hashlib.sha256(repr(task).encode()).hexdigest()[:16]


def _remembered(memory: Path, tasks: Mapping[str, Any]) -> dict[str, Result]:
    """Return the results of these tasks, without an incomplete last line."""
    lines = memory.read_text("utf-8").splitlines(keepends=True) if memory.exists() else []
    digests = {name: digest(task) for name, task in tasks.items()}
    results = (json.loads(line) for line in lines if line.endswith("\n"))
    return {
        result["task"]: result
        for result in results
        if digests.get(result["task"]) == result["digest"]
    }


def _end_line(memory: Path) -> None:
    """Drop an incomplete last line."""
    if memory.exists():
        whole = memory.read_bytes().rpartition(b"\n")
        memory.write_bytes(b"".join(whole[:2]))


def _each(
    work: Callable[[Any], Result], tasks: Mapping[str, Any], jobs: int
) -> Iterator[tuple[str, Result]]:
    """Yield the results as they come."""
    if jobs == 0:
        yield from ((name, work(task)) for name, task in tasks.items())
        return
    context = multiprocessing.get_context("spawn")
    cores, free = context.Queue(), sorted(os.sched_getaffinity(0))
    jobs = min(jobs, len(free))
    for core in free[:jobs]:
        cores.put(core)
    with ProcessPoolExecutor(jobs, context, _take_core, (cores,)) as pool:
        futures = {pool.submit(work, task): name for name, task in tasks.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _take_core(cores: "Queue[int]") -> None:
    """Keep a process on a core of its own, before JAX counts the cores."""
    os.sched_setaffinity(0, {cores.get()})
