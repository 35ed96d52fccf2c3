"""How long calls take that wait for their results."""

import statistics
import time
from collections.abc import Callable

Call = Callable[[], object]


def seconds(call: Call) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def median_seconds(call: Call, rounds: int) -> float:
    """Return the median time of a call after a first call, which compiles."""
    call()
    return statistics.median(seconds(call) for _ in range(rounds))


def fastest_seconds(call: Call, rounds: int) -> float:
    """Return the least time of a call after a first call: other work only adds to it."""
    call()
    return min(seconds(call) for _ in range(rounds))
