"""One run on several processes: all train, the first writes and prints, and none waits for ever."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from support.commands import Prints, Says, train_command

from wavenet_jax.cli.commands import follow
from wavenet_jax.config import Config, ModelConfig
from wavenet_jax.data import Vocab
from wavenet_jax.devices import processes
from wavenet_jax.runs import Run, load_run, open_checkpoints

START = """
import sys
from wavenet_jax.cli.main import main
from wavenet_jax.devices import processes
processes.HEARTBEAT_SECONDS = 5  # else half a minute, which a test has not
sys.exit(main())
"""
CONSTANT = "--schedule constant --learning-rate 0.1"


class Team:
    """Two processes on this machine that run commands together."""

    def __init__(self, *commands: str) -> None:
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        place = f"--coordinator localhost:{port} --processes 2"
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-c", START, *f"{command} {place} --process {number}".split()],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"PYTHONFAULTHANDLER": "0"},
            )
            for number, command in enumerate(commands)
        ]

    def end(self, seconds: int = 180) -> list[tuple[int, str, str]]:
        """Wait for each, so many seconds at most; return code, output and errors of each."""
        ended = []
        for each in self.processes:
            try:
                out, err = each.communicate(timeout=seconds)
            finally:
                each.kill()
            results = [line for line in out.splitlines() if not line.startswith("[Gloo]")]
            ended.append((each.returncode, "\n".join(results), err))
        return ended


def together(command: str, other: str | None = None) -> list[tuple[int, str, str]]:
    return Team(command, command if other is None else other).end()


def losses(folder: Path) -> list[tuple[Any, ...]]:
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [(each["step"], each["train_loss"], each.get("val_loss", 0.0)) for each in lines]


def params(folder: Path) -> np.ndarray:
    with open_checkpoints(load_run(folder)) as checkpoints:
        state = checkpoints.restore_state()
    leaves = jax.tree.leaves((state.params, state.batch_stats))
    return np.concatenate([np.ravel(leaf) for leaf in leaves])


def test_run_moves_from_two_processes_to_one_and_back(
    names_file: Path, tmp_path: Path, prints: Prints
) -> None:
    moved, stayed = tmp_path / "moved", tmp_path / "stayed"
    (code, out, err), (other_code, other_out, other_err) = together(
        train_command(names_file, moved, CONSTANT)
    )
    assert (code, other_code) == (0, 0), err + other_err
    assert "step" in err
    assert str(moved) in out
    assert other_out == ""
    assert "wavenet-jax" not in other_err
    prints("resume", moved, "--steps", "20")
    assert [each[0] for each in together(f"resume {moved} --steps 20")] == [0, 0]
    prints(*train_command(names_file, stayed, f"{CONSTANT} --steps 100").split())
    np.testing.assert_allclose(losses(moved), losses(stayed), rtol=1e-5)
    assert len(losses(moved)) == 10
    np.testing.assert_allclose(params(moved), params(stayed), rtol=0, atol=1e-5)
    assert "whole" in prints("verify", moved)
    assert not list(moved.rglob("*tmp*"))


def test_processes_that_differ_all_stop_before_the_first_step(
    names_file: Path, tmp_path: Path
) -> None:
    command = train_command(names_file, tmp_path / "run")
    for code, out, err in together(command, f"{command} --minutes 1"):
        assert (code, out) == (2, "")
        assert "the configuration, the data, the folder or a version of process 1 is not" in err
        assert "that of process 0, expected the same" in err
    assert not (tmp_path / "run").exists()


def test_mistake_of_one_process_ends_all_with_its_sentence(
    names_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("mine")
    for code, out, err in together(train_command(names_file, tmp_path / "run")):
        assert (code, out) == (2, "")
        assert "already holds a run" in err
    assert (tmp_path / "run" / "config.json").read_text() == "mine"


def test_killed_process_ends_the_others_within_a_minute(names_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    team = Team(*[train_command(names_file, folder, "--steps 100000")] * 2)
    started = time.monotonic()
    while not list(folder.glob("checkpoints/*")) and time.monotonic() - started < 150:
        time.sleep(0.1)
    team.processes[1].send_signal(signal.SIGKILL)
    (code, _, err), _ = team.end(seconds=60)
    assert code != 0
    assert "another process of the run has stopped" in err or "another task died" in err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--coordinator here", "--coordinator is 'here', expected HOST:PORT"),
        ("--coordinator a:0 --processes 2 --process 0", "--coordinator is 'a:0', expected"),
        ("--process 0", "--process is 0, but coordinator is left out"),
        ("--processes 2", "--processes is 2, but coordinator is left out"),
        ("--coordinator a:1", "--processes is None, expected how many"),
        ("--coordinator a:1 --processes 2", "--process is None, expected a number from 0 to 1"),
        ("--coordinator a:1 --processes 2 --process 2", "--process is 2, expected a number"),
    ],
)
def test_place_of_a_process_is_checked(
    options: str, expected: str, names_file: Path, tmp_path: Path, says: Says
) -> None:
    assert expected in says(train_command(names_file, tmp_path / "run", options))


def test_processes_that_do_not_meet_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr("jax.distributed.initialize", lambda **_: time.sleep(1))
    given_up: list[str] = []
    processes.join_processes("localhost:1", 2, 1, given_up.append)
    assert len(given_up) == 1
    assert given_up[0].startswith(
        "coordinator is 'localhost:1', where the 2 processes have not met"
    )


def test_whatever_could_differ_is_compared(
    run: Run, tiny: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests: list[str] = []
    monkeypatch.setattr(follow, "require_same", lambda _, digest: digests.append(digest))
    follow.require_same_run(run, None, False)
    follow.require_same_run(run, None, False)
    assert len(set(digests)) == 1
    follow.require_same_run(run, 1.0, False)
    follow.require_same_run(run, None, True)
    follow.require_same_run(run._replace(folder=run.folder.parent))
    follow.require_same_run(run._replace(config=replace(tiny, model=ModelConfig())))
    val, other = run.data.splits.val, run.data._replace(vocab=Vocab(".ab"))
    follow.require_same_run(run._replace(data=other))
    shorter = run.data.splits._replace(test=val)
    follow.require_same_run(run._replace(data=run.data._replace(splits=shorter)))
    assert len(set(digests)) == len(digests) - 1


def test_first_process_leaves_after_the_others_have_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[object] = []
    monkeypatch.setattr("jax.distributed.is_initialized", lambda: True)
    monkeypatch.setattr(time, "sleep", done.append)
    monkeypatch.setattr(os, "_exit", done.append)
    processes.leave_at_once(2)
    assert done == [processes.GRACE_SECONDS, 2]
