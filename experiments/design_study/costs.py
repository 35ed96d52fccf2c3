"""What does a step cost?  Tracing, compiling, dispatching, memory, and many seeds at once."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from common.timing import seconds
from designs import WINDOW, Pure, Sizes, initial_weights, load_design

from design_study.agreement import batch_for

# From a network so small that nothing counts but the dispatch to one that takes milliseconds.
WORK = {
    "tiny": Sizes(n_embd=2, n_hidden=4, batch_size=2),
    "the lecture's": Sizes(),
    "larger": Sizes(n_embd=32, n_hidden=192, batch_size=96),
}
SEEDS = 16
Batch = tuple[Any, ...]


class Program(NamedTuple):
    """A compiled step of the lecture's network."""

    trace_seconds: float
    compile_seconds: float
    operations: int  # lines of StableHLO that compute something
    bytes_held: int  # by arguments and results
    bytes_donated: int  # of arguments that become results


def program(name: str, sizes: Sizes, rounds: int) -> Program:
    """Trace and compile a step, with and without donated state."""
    design, batch = load_design(name), some_batch(sizes)
    state = design.from_weights(initial_weights(sizes))
    times = []
    for _ in range(rounds):
        jax.clear_caches()
        started = time.perf_counter()
        lowered = design.lower(state, *batch, donate=False)
        traced = time.perf_counter()
        compiled = lowered.compile()
        times.append((traced - started, time.perf_counter() - traced))
    held, donated = map(memory_of, (compiled, design.lower(state, *batch, donate=True).compile()))
    tracing, compiling = map(statistics.median, zip(*times, strict=True))
    return Program(
        trace_seconds=tracing,
        compile_seconds=compiling,
        operations=sum(" = " in line for line in lowered.as_text().splitlines()),
        bytes_held=held.argument_size_in_bytes + held.output_size_in_bytes,
        bytes_donated=donated.alias_size_in_bytes,
    )


def memory_of(compiled: Any) -> Any:
    """Return what a compiled program needs; NNX and Equinox wrap JAX's."""
    return getattr(compiled, "compiled", compiled).memory_analysis()


def some_batch(sizes: Sizes, name: str = "functions") -> Batch:
    """Return a batch of any tokens, as a design takes it."""
    draw = np.random.default_rng(0)
    shape = (sizes.batch_size, WINDOW)
    inputs, targets = draw.integers(0, 27, shape), draw.integers(0, 27, sizes.batch_size)
    return batch_for(name, (inputs, targets))


def trainer(name: str, sizes: Sizes) -> Callable[[int], Any]:
    """Return a function that takes some steps, dispatched one by one, and returns the last loss."""
    design, batch = load_design(name), some_batch(sizes, name)
    held = [design.from_weights(initial_weights(sizes))]

    def train(steps: int) -> Any:
        for _ in range(steps):
            held[0], loss = design.train_step(held[0], *batch)
        return jax.block_until_ready(loss) if name != "torch" else loss

    return train


def form(make: Callable[[Any], Callable[..., Any]], sizes: Sizes) -> Callable[[int], Any]:
    """Return such a function for one of NNX's forms."""
    batch = some_batch(sizes)
    call = make(load_design("nnx").from_weights(initial_weights(sizes)))

    def train(steps: int) -> Any:
        for _ in range(steps):
            loss = call(*batch)
        return jax.block_until_ready(loss)

    return train


def scanned(name: str, sizes: Sizes) -> Callable[[int], Any]:
    """Return a function that takes all its steps in one program, by `lax.scan`."""
    design = load_design(name)
    variables, step, _ = design.pure(design.from_weights(initial_weights(sizes)))
    return _scan(step, variables, some_batch(sizes))


def side_by_side(name: str, sizes: Sizes) -> Callable[[int], Any]:
    """Return such a function that trains many seeds, by `vmap` inside the scan."""
    variables, step, _ = many_seeds(name, sizes)
    return _scan(jax.vmap(step, (0, None)), variables, some_batch(sizes))


def _scan(step: Callable[..., Any], variables: Any, batch: Batch) -> Callable[[int], Any]:
    @partial(jax.jit, static_argnames="steps")
    def train(variables: Any, steps: int) -> Any:
        return jax.lax.scan(lambda carried, _: step(carried, batch), variables, length=steps)

    return lambda steps: jax.block_until_ready(train(variables, steps))


def ensemble(name: str, sizes: Sizes) -> Callable[[int], Any]:
    """Return a function that predicts some times with the mean probabilities of many seeds."""
    (inputs, _), (stacked, _, logits) = some_batch(sizes), many_seeds(name, sizes)

    @jax.jit
    def predict(variables: Any) -> Any:
        return jax.nn.softmax(jax.vmap(logits, (0, None))(variables, inputs)).mean(0)

    return lambda times: jax.block_until_ready([predict(stacked) for _ in range(times)])


def many_seeds(name: str, sizes: Sizes) -> Pure:
    """Return the states of many seeds, stacked, and the functions of one."""
    design = load_design(name)
    every = [design.pure(design.from_weights(initial_weights(sizes, s))) for s in range(SEEDS)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(each.variables for each in every))
    first: Pure = every[0]
    return first._replace(variables=stacked)


def microseconds(
    ways: dict[str, Callable[[int], Any]], steps: int, rounds: int
) -> dict[str, float]:
    """Return the median time of a step of each, measured in turn, round by round."""
    for train in ways.values():
        train(steps)  # compiles, warms up
    times = [
        {n: seconds(partial(train, steps)) for n, train in ways.items()} for _ in range(rounds)
    ]
    return {n: 1e6 / steps * statistics.median(each[n] for each in times) for n in ways}
