"""What does each way to run the same weights cost?

    pip install -e '.[plots]'
    taskset -c 0 python experiments/three_runs.py

Three questions, each with random weights, medians of `--rounds`, without compilation:

1. The next character, for growing receptive fields R: the window run recomputes the tree of R
   positions, the cached step computes one node a layer.  Plain layers of 64 channels, K = 2.
2. A scored position: of windows, of a row of 4,096 positions, and of the table of distinct
   contexts.  The lecture's network, on the bundled names.
3. Samples per second of the paper's stack, 20 gated layers with dilations 1 to 512 twice and 256
   levels, cached: one sequence on one core, and 64 side by side.

Claim: the step's time does not grow with R but with L (Paine et al., Fast Wavenet, 1611.09482,
report 21 times at L = 15); 40,000 samples/s for one sequence of 32 residual and 64 skip channels,
80,000 for 64 sequences, and 17,100 with 64 and 256, which nv-wavenet reports for a GTX 1080 Ti.
Measured on 2026-11-25, jax 0.10.2, one core of an Intel Xeon (AVX-512, 2 MB of L2 a core):

    1. microseconds per character sampled
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
weights, more than the 2 MB of L2, and at 29 GB/s from L3 that alone takes 120 of its 140 µs;
weights of 1.7 MB are read at 80 GB/s and more.  Scratch measurements of what might help, for one
sequence: a ring a layer, written one by one, 29,200 samples/s instead of 53,000 with 32 residual
channels; a scan over the layers, 24,100; the products of the older taps of all layers in one
product, 59,200, but 6,850 with 64 channels; products in bfloat16, for which XLA has no fast kernel
at one row, 265 µs a step for the weights alone, and 118 µs at four rows; halves of the weights on
two devices, 26 to 60 µs for every exchange; a second core, 5,800, since the steps wander between
the cores; XLA's flags for vector width, fast math, scheduling and fusion, 5,600 to 6,900 on two
cores.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from common.command import require_package, require_rounds, run
from common.timing import median_seconds

from wavenet_jax.config import DataConfig, ModelConfig
from wavenet_jax.constraints import UNLIMITED, any_text, compile_mask
from wavenet_jax.data import Vocab, load_dataset
from wavenet_jax.errors import require
from wavenet_jax.evaluation import contexts_nll, index_corpus
from wavenet_jax.nn import Variables, WaveNet, init_variables
from wavenet_jax.sampling import (
    STATE_AXES,
    DecodeParams,
    decode_token,
    init_decode_state,
    replicate_state,
)
from wavenet_jax.training import crop, windows

FIELDS = (8, 64, 512, 4_096, 32_768)
LEVELS = 256
VOCAB = Vocab("".join(map(chr, range(LEVELS))))
GEOMETRIES = ((32, 64), (64, 256))  # residual and skip channels
ROW = 4_096  # positions


def main(rounds: int = 5, picture: Path = Path("experiments/three_runs.png")) -> None:
    """Print the three tables and plot the first.

    Args:
        rounds: Times that each is measured.
        picture: File of the plot.
    """
    require_rounds(rounds)
    require_package("matplotlib", "Matplotlib", "plots")
    require(
        picture.parent.is_dir() and not picture.is_dir(),
        f"picture is {str(picture)!r}, expected a file in a folder that exists.",
        "picture",
    )
    plot(print_growing_fields(rounds), picture)
    print_scored_positions(rounds)
    print_samples_per_second(rounds)


def median(call: Callable[[], Any], rounds: int) -> float:
    """Return the median seconds of a call, until its result is there, without compilation."""
    return median_seconds(lambda: jax.block_until_ready(call()), rounds)


@partial(jax.jit, static_argnames=("model", "count"))
def sample_by_windows(
    model: WaveNet, variables: Variables, key: jax.Array, count: int
) -> jax.Array:
    """Sample characters `[count]`, and recompute the window of the last R for each."""

    def sample(window: jax.Array, time: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits = model.apply(variables, window, method="window")[0, 0]
        token = jax.random.categorical(jax.random.fold_in(key, time), logits)
        return jnp.roll(window, -1).at[0, -1].set(token), token

    boundaries = jnp.zeros((1, model.config.receptive_field), jnp.int32)
    return jax.lax.scan(sample, boundaries, jnp.arange(count))[1]


@partial(jax.jit, static_argnames=("model", "count", "sequences"))
def sample_by_steps(
    model: WaveNet, variables: Variables, key: jax.Array, count: int, sequences: int
) -> jax.Array:
    """Sample characters of sequences side by side with their caches, `[count, sequences]`.

    One sequence has no axis of its own: `[count]`.
    """
    params = DecodeParams(compile_mask(any_text(VOCAB)), UNLIMITED)
    decode: Callable[..., Any] = partial(decode_token, model, variables, params)
    start = init_decode_state(model, variables)
    if sequences > 1:
        start = replicate_state(start, sequences)
        key = jax.random.split(key, sequences)
        decode = jax.vmap(decode, (0, STATE_AXES), (STATE_AXES, 0))
    return jax.lax.scan(lambda state, _: decode(key, state), start, length=count)[1].token


def print_growing_fields(rounds: int) -> list[tuple[int, float, float]]:
    """Print and return, for each R, the microseconds per character by windows and by steps."""
    rows = []
    print("1. microseconds per character sampled\n    R   L    window      step   ratio")
    for field in FIELDS:
        layers = field.bit_length() - 1
        window, step = microseconds_per_character(layers, rounds)
        print(
            f"{field:5} {layers:3}  {window:8,.1f}  {step:8.2f}  {window / step:6,.1f}", flush=True
        )
        rows.append((field, window, step))
    return rows


def microseconds_per_character(layers: int, rounds: int) -> tuple[float, float]:
    """Return the microseconds per character of a tree, by windows and by steps."""
    dilations = tuple(2**layer for layer in range(layers))
    model = WaveNet(ModelConfig(n_embd=64, n_hidden=64, dilations=dilations), LEVELS)
    variables, key = init_variables(model, jax.random.key(0)), jax.random.key(1)
    by_windows, by_steps = max(20, 20_000 // model.config.receptive_field), 5_000
    window = median(partial(sample_by_windows, model, variables, key, by_windows), rounds)
    step = median(partial(sample_by_steps, model, variables, key, by_steps, 1), rounds)
    return 1e6 * window / by_windows, 1e6 * step / by_steps


def print_scored_positions(rounds: int) -> None:
    """Print the nanoseconds per scored position of each way."""
    data = load_dataset(DataConfig())
    model, corpus = WaveNet(ModelConfig(), len(data.vocab)), data.splits.train
    variables, field = init_variables(model, jax.random.key(0)), model.config.receptive_field
    count, start = corpus.num_predictions, jnp.arange(ROW)
    window = jax.jit(partial(model.apply, method="window"))
    sequence = jax.jit(partial(model.apply, history=field - 1))
    window_tokens = windows(corpus, start, field).inputs
    row_tokens = crop(corpus, start[:1], ROW, field).inputs

    def distinct() -> list[jax.Array]:
        return [contexts_nll(model, variables, *batch) for batch in index_corpus(model, corpus)]

    calls: dict[str, tuple[int, Callable[[], Any]]] = {
        "windows": (ROW, lambda: window(variables, window_tokens)),
        "a row": (ROW, lambda: sequence(variables, row_tokens)),
        "distinct": (count, distinct),
    }
    nodes = next(index_corpus(model, corpus)).contexts.taps
    counts = " / ".join(f"{len(layer):,}" for layer in nodes)
    print(f"2. nanoseconds per scored position, of {count:,} ({counts} distinct nodes)")
    for name, (positions, call) in calls.items():
        print(f"{name:>9}  {1e9 * median(call, rounds) / positions:8,.0f}", flush=True)


def print_samples_per_second(rounds: int) -> None:
    """Print how fast the paper's stack is sampled."""
    print("3. samples per second of 20 gated layers\nresidual  skip  sequences  samples/s")
    for residual, skip in GEOMETRIES:
        config = ModelConfig(
            layer="gated",
            n_embd=residual,
            n_hidden=residual,
            n_skip=skip,
            dilations=tuple(2**power for power in range(10)) * 2,
            norm="none",
        )
        model = WaveNet(config, LEVELS)
        variables = init_variables(model, jax.random.key(0))
        for sequences, count in ((1, 10_000), (64, 500)):
            call = partial(sample_by_steps, model, variables, jax.random.key(1), count, sequences)
            speed = sequences * count / median(call, rounds)
            print(f"{residual:8}  {skip:4}  {sequences:9}  {speed:9,.0f}", flush=True)


def plot(rows: list[tuple[int, float, float]], path: Path) -> None:
    """Plot the time per character against the receptive field."""
    from matplotlib.figure import Figure  # noqa: PLC0415  an optional extra

    fields, by_windows, by_steps = np.array(rows).T
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    axes.loglog(fields, by_windows, "o-", label="window, recomputed")
    axes.loglog(fields, by_steps, "o-", label="step, cached")
    axes.set(xlabel="receptive field R", ylabel="µs per character", xticks=fields)
    axes.set_xticklabels([f"{int(field):,}" for field in fields])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    run(main)
