"""What does each way of running the same weights cost?

    taskset -c 0 python experiments/three_runs.py

Three questions, each with random weights, medians of `--rounds`, without compilation:

1. A character more, for growing receptive fields R: the window run computes the tree of R
   positions anew, the cached step one node a layer.  Plain layers of 64 channels, K = 2.
2. A scored position: of windows, of a row of 4,096 positions, and of the table of distinct
   contexts.  The lecture's network, on the bundled names.
3. Samples per second of the paper's stack, 20 gated layers with dilations 1 to 512 twice and 256
   levels, cached: one sequence on one core and 64 side by side.

Claim: the step's time does not grow with R but with L (Paine et al., Fast Wavenet, 1611.09482,
report 21 times at L = 15); 40,000 samples/s for one sequence of 32 residual and 64 skip channels,
80,000 for 64 sequences, and 17,100 with 64 and 256, which nv-wavenet reports for a GTX 1080 Ti.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from wavenet_jax import batches, corpus, evaluate
from wavenet_jax.config import DataConfig, ModelConfig
from wavenet_jax.model import Cache, Variables, WaveNet, init

FIELDS = (8, 64, 512, 4_096, 32_768)
LEVELS = 256
GEOMETRIES = ((32, 64), (64, 256))  # residual and skip channels


def median_seconds(call: Callable[[], Any], rounds: int) -> float:
    """Return the median time of a call whose result is waited for, its first time left out."""
    jax.block_until_ready(call())
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - started)
    return statistics.median(times)


@partial(jax.jit, static_argnames=("model", "count"))
def draw_by_windows(model: WaveNet, variables: Variables, key: jax.Array, count: int) -> jax.Array:
    """Draw characters by running the window of the last R anew for each."""

    def draw(window: jax.Array, time: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits = model.apply(variables, window, method="window")[0, 0]
        token = jax.random.categorical(jax.random.fold_in(key, time), logits)
        return jnp.roll(window, -1).at[0, -1].set(token), token

    fresh = jnp.zeros((1, model.config.receptive_field), jnp.int32)
    return jax.lax.scan(draw, fresh, jnp.arange(count))[1]


@partial(jax.jit, static_argnames=("model", "count", "lanes"))
def draw_by_steps(
    model: WaveNet, variables: Variables, key: jax.Array, count: int, lanes: int
) -> jax.Array:
    """Draw characters of many sequences side by side with their caches."""
    in_step: Any = Cache(rings=0, time=None)  # type: ignore[arg-type]
    step = partial(model.apply, variables, method="step")
    step_all = jax.vmap(step, (in_step, 0), (in_step, 0)) if lanes > 1 else step
    shape = (lanes,) if lanes > 1 else ()

    def draw(state: tuple[Cache, jax.Array], time: jax.Array) -> Any:
        cache, logits = step_all(*state)
        token = jax.random.categorical(jax.random.fold_in(key, time), logits)
        return (cache, token), token

    fresh = model.apply(variables, method="fresh_cache")
    rings = jnp.broadcast_to(fresh.rings, (*shape, *fresh.rings.shape))
    state = fresh._replace(rings=rings), jnp.zeros(shape, jnp.int32)
    return jax.lax.scan(draw, state, jnp.arange(count))[1]


def growing_fields(rounds: int) -> list[tuple[int, float, float]]:
    """Return for each R the microseconds per character by windows and by steps."""
    rows = []
    print("1. microseconds per character drawn\n    R   L    window      step   ratio")
    for field in FIELDS:
        layers = field.bit_length() - 1
        dilations = tuple(2**layer for layer in range(layers))
        model = WaveNet(ModelConfig(n_embd=64, n_hidden=64, dilations=dilations), LEVELS)
        variables, key = init(model, jax.random.key(0)), jax.random.key(1)
        by_windows = max(20, 20_000 // field)
        calls = (
            (by_windows, partial(draw_by_windows, model, variables, key, by_windows)),
            (5_000, partial(draw_by_steps, model, variables, key, 5_000, 1)),
        )
        window, step = (1e6 * median_seconds(call, rounds) / count for count, call in calls)
        print(
            f"{field:5} {layers:3}  {window:8,.1f}  {step:8.2f}  {window / step:6,.1f}", flush=True
        )
        rows.append((field, window, step))
    return rows


def scored_positions(rounds: int) -> None:
    """Print the nanoseconds per scored position of each way."""
    data = corpus.load(DataConfig())
    model = WaveNet(ModelConfig(), len(data.vocab))
    variables, part, row = init(model, jax.random.key(0)), data.splits.train, 4_096
    field = model.config.receptive_field
    start = jnp.arange(row)
    windows = batches.windows(part, start, field).inputs
    rows = batches.crop(part, start[:1], row, field).inputs
    window = jax.jit(partial(model.apply, method="window"))
    sequence = jax.jit(partial(model.apply, history=field - 1, method="sequence"))
    count = part.predictions
    calls: dict[str, tuple[int, Callable[[], Any]]] = {
        "windows": (row, lambda: window(variables, windows)),
        "a row": (row, lambda: sequence(variables, rows)),
        "distinct": (
            count,
            lambda: evaluate.nll_nats(model, variables, evaluate.blocks(model, part)),
        ),
    }
    print("2. nanoseconds per scored position")
    for name, (positions, call) in calls.items():
        print(f"{name:>9}  {1e9 * median_seconds(call, rounds) / positions:8,.0f}", flush=True)


def samples_per_second(rounds: int) -> None:
    """Print how fast the paper's stack is sampled."""
    print("3. samples per second of 20 gated layers\nresidual  skip  sequences  samples/s")
    dilations = tuple(2**power for power in range(10)) * 2
    for residual, skip in GEOMETRIES:
        config = ModelConfig(
            layer="gated",
            n_embd=residual,
            n_hidden=residual,
            n_skip=skip,
            dilations=dilations,
            norm="none",
        )
        model = WaveNet(config, LEVELS)
        variables = init(model, jax.random.key(0))
        for lanes, count in ((1, 10_000), (64, 500)):
            call = partial(draw_by_steps, model, variables, jax.random.key(1), count, lanes)
            speed = lanes * count / median_seconds(call, rounds)
            print(f"{residual:8}  {skip:4}  {lanes:9}  {speed:9,.0f}", flush=True)


def plot(rows: list[tuple[int, float, float]], path: Path) -> None:
    """Draw time per character against the receptive field."""
    from matplotlib.figure import Figure  # noqa: PLC0415  an optional extra

    fields, windows, steps = np.array(rows).T
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    axes.loglog(fields, windows, "o-", label="window, computed anew")
    axes.loglog(fields, steps, "o-", label="step, cached")
    axes.set(xlabel="receptive field R", ylabel="µs per character", xticks=fields)
    axes.set_xticklabels([f"{int(field):,}" for field in fields])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


def main(rounds: int = 5, picture: Path = Path("experiments/three_runs.png")) -> None:
    """Print the three tables and draw the first.

    Args:
        rounds: Of which the medians are taken.
        picture: Where the plot goes.
    """
    plot(growing_fields(rounds), picture)
    scored_positions(rounds)
    samples_per_second(rounds)


if __name__ == "__main__":
    tyro.cli(main)
