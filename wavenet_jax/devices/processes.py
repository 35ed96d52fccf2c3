"""The processes that train one run together, each with devices of its own.

Every process runs the same program on the same data (`jax.distributed`).  What only one may do,
such as writing the run folder, does the first.  Before the first step they meet, so that a mistake
on one of them ends them all with a sentence.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from wavenet_jax.errors import InputError, require

T = TypeVar("T")
WAIT_SECONDS = 60  # for the other processes to start
HEARTBEAT_SECONDS = 30  # after which a process that is silent counts as dead
GRACE_SECONDS = 3  # in which the other processes hear that one has failed
_MAX_SHARED = 1_024  # bytes of a text that processes share


def join_processes(
    coordinator: str | None,
    processes: int | None,
    process: int | None,
    give_up: Callable[[str], object],
) -> None:
    """Let this process be one of several; acts before JAX has begun.

    `coordinator` is the HOST:PORT of the first process, or `auto` for what Slurm, Open MPI,
    Kubernetes or a TPU pod tell.  None of the three is for one process alone.  Raises `InputError`
    where they do not belong together.  Calls `give_up` with a sentence, in another thread, where
    the processes have not met within a minute: JAX would abort without one.
    """
    if coordinator is None:
        for name, value in (("processes", processes), ("process", process)):
            require(
                value is None,
                f"{name} is {value}, but coordinator is left out, expected the HOST:PORT of the "
                "first process.",
                "coordinator",
            )
        return
    given: dict[str, Any] = {}
    if coordinator != "auto":
        _require_place(coordinator, processes, process)
        given = {
            "coordinator_address": coordinator,
            "num_processes": processes,
            "process_id": process,
        }
    sentence = (
        f"coordinator is {coordinator!r}, where the {processes or ''} processes have not met "
        f"within {WAIT_SECONDS} seconds, expected the address of the first and a free port; start "
        "all of them, each with its number."
    )
    patience = threading.Timer(WAIT_SECONDS, give_up, [sentence])
    patience.daemon = True
    patience.start()
    try:
        jax.distributed.initialize(
            **given,
            initialization_timeout=2 * WAIT_SECONDS,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=HEARTBEAT_SECONDS,
        )
    except (ValueError, RuntimeError) as error:
        why = str(error).splitlines()[0][:100]
        raise InputError(
            f"coordinator is {coordinator!r}, which does not work ({why}), expected the address "
            "of the first process and a free port, or auto where a launcher tells it.",
            "coordinator",
        ) from error
    finally:
        patience.cancel()


def require_same_start(command: str, processes: int | None) -> None:
    """Raise `InputError` in every process unless all run the same command, for as many processes.

    This is their first message, before which the backend has to be chosen.
    """
    if has_joined():
        with _results_apart():
            start = f"{command} {processes}"
            require_same("the command or the number of processes", start)


@contextmanager
def _results_apart() -> Iterator[None]:
    """Send what C++ prints when processes first meet to standard error: it is no result."""
    sys.stdout.flush()
    results = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(results, 1)
        os.close(results)


def _require_place(coordinator: str, processes: int | None, process: int | None) -> None:
    host, _, port = coordinator.rpartition(":")
    require(
        bool(host) and port.isdecimal() and 0 < int(port) < 2**16,
        f"coordinator is {coordinator!r}, expected HOST:PORT of the first process, such as "
        "10.0.0.1:8476, or auto.",
        "coordinator",
    )
    require(
        processes is not None and processes > 0,
        f"processes is {processes}, expected how many there are in all.",
        "processes",
    )
    require(
        process is not None and 0 <= process < (processes or 0),
        f"process is {process}, expected a number from 0 to {(processes or 0) - 1}, another for "
        "each process.",
        "process",
    )


def has_joined() -> bool:
    """Tell whether this process is one of several, or the first that waits for them."""
    return jax.distributed.is_initialized()


def process_count() -> int:
    """Return how many processes train together."""
    return jax.process_count()


def is_first() -> bool:
    """Tell whether this process writes the run folder and prints."""
    return jax.process_index() == 0


def share(text: str) -> list[str]:
    """Return the text of every process, cut to a thousand bytes, in their order."""
    if process_count() == 1:
        return [text]
    content = np.zeros(_MAX_SHARED, np.uint8)
    encoded = np.frombuffer(text.encode()[:_MAX_SHARED], np.uint8)
    content[: len(encoded)] = encoded
    try:
        rows = multihost_utils.process_allgather(content)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{describe_lost_process(error)}; start all of them again.") from error
    return [bytes(row).rstrip(b"\0").decode(errors="ignore") for row in rows]


def describe_lost_process(error: Exception) -> str:
    """Return the beginning of the sentence on a message that did not come."""
    return (
        f"another process of the run has stopped ({str(error).splitlines()[0][:100]}), expected "
        f"{process_count()} until the end"
    )


def share_of(count: int) -> range:
    """Return which of `count` pieces of work are this process's, next to each other."""
    each, me = -(-count // process_count()), jax.process_index()
    return range(min(me * each, count), min((me + 1) * each, count))


def join_shares(pieces: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Return the float32 results of all pieces of work, of which these are this process's."""
    if process_count() == 1:
        return pieces
    padded = np.zeros(-(-count // process_count()), np.float32)
    padded[: len(share_of(count))] = np.concatenate([padded[:0], *pieces])
    return [multihost_utils.process_allgather(padded).reshape(-1)[:count]]


def meet(call: Callable[[], T]) -> T:
    """Return what a call returns, when it has succeeded in every process.

    Raises `InputError` in all of them with the sentence of the first that it failed in.
    """
    if process_count() == 1:
        return call()
    failure, value, mistake = None, None, ""
    try:
        value = call()
    except (InputError, OSError) as error:
        failure, mistake = error, f"{getattr(error, 'field', None) or ''}\n{error}"
    answers = share(mistake)
    if failure is not None:
        raise failure
    for number, answer in enumerate(answers):
        field, _, sentence = answer.partition("\n")
        require(
            not sentence, f"another process, number {number}, stopped: {sentence}", field or None
        )
    return value  # type: ignore[return-value]


def meet_in_turn(first: Callable[[], T], others: Callable[[], T]) -> T:
    """Return what `first` returns in the first process, and after it what `others` do elsewhere.

    Raises `InputError` as `meet` does.
    """
    done = meet(first) if is_first() else meet(lambda: None)
    return meet(others if done is None else lambda: done)


def require_same(what: str, digest: str) -> None:
    """Raise `InputError` in every process unless all have the same digest of something."""
    digests = share(digest)
    other = next((i for i, each in enumerate(digests) if each != digests[0]), None)
    require(
        other is None,
        f"{what} of process {other} is not that of process 0, expected the same in all; start all "
        "with the same options, data and versions.",
    )


def leave_at_once(code: int) -> None:
    """End this process where it or another has failed, without waiting for others as JAX would."""
    sys.stdout.flush()
    sys.stderr.flush()
    if jax.distributed.is_initialized() and is_first():
        time.sleep(GRACE_SECONDS)  # without the first, JAX aborts the others before they can tell
    os._exit(code)
