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
Measured on 2026-11-25, jax 0.10.2, one core of an Intel Xeon (AVX-512, 2 MB of L2 a core):

    1. microseconds per character drawn
        R   L    window      step   ratio
        8   3      13.5      5.13     2.6
       64   6      33.6      6.51     5.2
      512   9     190.0      7.67    24.8
     4096  12   1,299.0      9.12   142.4
    32768  15   9,925.6     10.80   918.9
    2. nanoseconds per scored position, of 95,637 (610 / 22,313 / 38,536 distinct nodes)
      windows     4,097
        a row     1,213
     distinct       574
    3. samples per second of 20 gated layers
    residual  skip  sequences  samples/s
          32    64          1     75,640
          32    64         64    144,656
          64   256          1      6,773
          64   256         64     52,153

The first two claims hold; the last is missed by a factor of 2.5.  There a step reads 3.5 MB of
weights, more than the 2 MB of L2, and at 29 GB/s from L3 that alone takes 120 of its 140 µs:
weights of 1.7 MB are read at 80 GB/s and more.  Scratch measurements of what might help, for one
sequence: a ring a layer, written one by one, 29,200 samples/s instead of 53,000 with 32 residual
channels; a scan over the layers 24,100; the older taps' products of all layers in one 59,200, but
6,850 with 64; products in bfloat16, which XLA has no fast kernel for at one row, 265 µs a step for
the weights alone, and 118 µs at four rows; halves of the weights on two devices, 26 to 60 µs for
every exchange; a second core, 5,800, for the steps wander between the cores; XLA's flags for vector
width, fast math, scheduling and fusion, 5,600 to 6,900 on two cores.
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

from wavenet_jax import batches, constraints, corpus, drawing, evaluate, rules
from wavenet_jax.config import DataConfig, ModelConfig
from wavenet_jax.drawing import Request
from wavenet_jax.model import Variables, WaveNet, init
from wavenet_jax.vocab import Vocab

FIELDS = (8, 64, 512, 4_096, 32_768)
LEVELS = 256
VOCAB = Vocab("".join(map(chr, range(LEVELS))))
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
    asked = Request(rules.tables(constraints.anything(VOCAB)), rules.UNLIMITED)
    draw = partial(drawing.draw_character, model, variables, asked)
    start = drawing.start(model, variables)
    if lanes > 1:
        start = drawing.side_by_side(start, lanes)
        key = jax.random.split(key, lanes)
        draw = jax.vmap(draw, (0, drawing.IN_STEP), (drawing.IN_STEP, 0))
    return jax.lax.scan(lambda state, _: draw(key, state), start, length=count)[1].token


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
            lambda: list(evaluate.nll_nats(model, variables, evaluate.blocks(model, part))),
        ),
    }
    found = next(evaluate.blocks(model, part)).contexts
    counts = " / ".join(f"{len(layer):,}" for layer in found.taps)
    print(f"2. nanoseconds per scored position, of {count:,} ({counts} distinct nodes)")
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
        rounds: How often each is timed.
        picture: Where the plot goes.
    """
    plot(growing_fields(rounds), picture)
    scored_positions(rounds)
    samples_per_second(rounds)


if __name__ == "__main__":
    tyro.cli(main)
