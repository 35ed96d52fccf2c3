"""One device, two devices and two processes on the cores of this machine, in turn."""

import json
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from common.tables import markdown

from scaling_study.presets import CONFIGS
from scaling_study.worker import Step

Found = dict[str, Step]  # by preset
EXPERIMENTS = str(Path(__file__).parents[1])
TWO_DEVICES = "--xla_force_host_platform_device_count=2"


def measure(names: str, text: str, rounds: int) -> None:
    """Print a table of what a step costs in each way, by the medians of the rounds."""
    found: dict[str, list[Found]] = {"one device": [], "two devices": [], "two processes": []}
    for _ in range(rounds):
        found["one device"].append(_run(names, text))
        found["two devices"].append(_run(names, text, flags=TWO_DEVICES))
        found["two processes"].append(_run(names, text, processes=2))
    print(table({way: medians(each) for way, each in found.items()}))


def medians(rounds: Sequence[Found]) -> Found:
    """Return for each preset the median time; messages are the same in all rounds."""
    return {
        name: rounds[0][name]._replace(
            milliseconds=statistics.median(each[name].milliseconds for each in rounds)
        )
        for name in rounds[0]
    }


def table(found: Mapping[str, Found]) -> str:
    """Return the steps a second of each way, and what a step takes more than on one device."""
    head = ["preset", "on", "steps/s", "ratio", "ms a step", "more", "messages", "kB"]
    rows = []
    for name in CONFIGS:
        alone = found["one device"][name].milliseconds
        for way, presets in found.items():
            step = presets[name]
            time, more = step.milliseconds, step.milliseconds - alone
            speed = [f"{1e3 / time:,.1f}", f"{alone / time:.2f}", f"{time:.3f}", f"{more:+.3f}"]
            rows.append([name, way, *speed, str(step.messages), f"{step.bytes / 1e3:,.1f}"])
    return markdown(head, rows)


def _run(names: str, text: str, flags: str = "", processes: int = 1) -> Found:
    """Return what the worker's processes find; leave with the code of one that fails."""
    variables = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip(),
        "PYTHONPATH": os.pathsep.join([EXPERIMENTS, os.environ.get("PYTHONPATH", "")]),
    }
    command = [sys.executable, "-m", "scaling_study.worker", names, text]
    coordinator = f"localhost:{_free_port()}"
    places = [[coordinator, str(processes), str(number)] for number in range(processes)]
    started = [
        subprocess.Popen(
            command + (place if processes > 1 else []),
            env=variables,
            stdout=subprocess.PIPE,
            text=True,
        )
        for place in places
    ]
    printed = [process.communicate()[0] for process in started]
    failed = next((process.returncode for process in started if process.returncode), 0)
    if failed:  # what it said is on standard error
        sys.exit(failed)
    found = json.loads(printed[0].splitlines()[-1])
    return {name: Step(*step) for name, step in found.items()}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])
