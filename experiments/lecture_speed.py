"""How fast is the lecture's model here, against PyTorch on the same machine in the same run?

    pip install 'wavenet-jax[torch]'
    wavenet-jax data makemore
    python experiments/lecture_speed.py

Three models hold the same weights: ours, the lecture's by hand, and today's PyTorch (torch.nn with
a fused torch.optim.SGD), eager and compiled.  Each is timed in turn, round by round, without
compilation and waiting for results; the medians over the rounds are printed, and how many times
faster ours is.  PyTorch gets the better of one thread and two.  The lecture's way scores a split in
one batch, as its notebook does; torch.nn in blocks of 4,096 windows; ours every distinct context.

Claim: per step at least 3.2 times the lecture's way and 2.2 times PyTorch's best; evaluation at
least 20 times, sampling at least 10 times the lecture's; at most 1.5 GB.
Measured on 2026-11-25 with --rounds 5, jax 0.10.2, PyTorch 2.13.0, two cores of an Intel Xeon
(AVX-512):

    peak memory of ours, before PyTorch is loaded: 0.45 GB
    evaluation of train and val: ours 0.06483 s, by hand 1.167 s (x18.01), torch.nn 0.249 s (x3.84)
    sampling: ours 6.489 µs/name, by hand 575 µs/name (x88.61), torch.nn 691.1 µs/name (x106.49)
    training: ours 320.7 µs/step, by hand 1,297 µs/step (x4.04), torch.nn 853.2 µs/step (x2.66),
        compiled 826.5 µs/step (x2.58)

The lecture's evaluation takes 1.2 to 1.6 s from run to run, so that the ratio is 18 to 25: the
claim of 20 holds in some runs, not in this one.

and on 2026-11-23 with --rounds 9, two cores of an EPYC (Zen 4): sampling x25.61 and x28.20;
training x3.60, x2.40, and x2.17 against the compiled network.

Looking back, by scratch measurements that varied our step by hand: the matrix products alone are
two thirds of it.  Nodes as a matrix [M, C] instead of [B, T, C] took a fifth off.  What changed
nothing beyond the noise: one thread or two, XLA's vector width, fast math, scheduler and library
fusions, unrolling the scan, gathering a chunk's minibatches before it, BatchNorm's other variance,
an embedding by one-hot product (worse).  Evaluation was 0.98 s in windows on the EPYC, 0.65 s in
blocks that fit the cache, 0.25 s as sequences; with every distinct context once it is a quarter of
that.
"""

import importlib
import math
import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
import tyro

from wavenet_jax import config, corpus, evaluate, optim, presets, sample, train
from wavenet_jax.corpus import Dataset
from wavenet_jax.model import WaveNet

STEPS = 1_000
NAMES = 10_000  # ours draws so many at a time; the lecture's loop a 50th of that
TORCH_NAMES = NAMES // 50


class Ours:
    """Our model in training, as the commands use it."""

    def __init__(self, data: Dataset) -> None:
        self.config = presets.preset("makemore")
        self.data = data
        self.corpus = jax.device_put(data.splits.train)
        self.model = WaveNet(self.config.model, len(data.vocab))
        self.optimizer = optim.optimizer(self.config.optim, steps=200_000)
        self.state = train.init(self.model, self.optimizer, seed=0)

    def train(self) -> None:
        """Take STEPS steps."""
        self.state, losses = train.train_chunk(
            self.state,
            self.corpus,
            steps=STEPS,
            settings=self.config.train,
            model=self.model,
            optimizer=self.optimizer,
        )
        jax.block_until_ready((self.state, losses))

    def evaluate(self) -> None:
        """Score train and validation."""
        for part in (self.data.splits.train, self.data.splits.val):
            scored = evaluate.blocks(self.model, part)
            nll = evaluate.nll_nats(self.model, self.state.variables, scored)
            evaluate.summarise(*evaluate.by_document(nll, part))

    def sample(self) -> None:
        """Draw NAMES names."""
        key = jax.random.key(0)
        drawn = sample.draw_samples(
            self.model, self.state.variables, self.data.vocab, key, n=NAMES, max_length=30
        )
        list(drawn)

    def logits(self, windows: np.ndarray) -> np.ndarray:
        """Return the logits `[N, V]` of windows `[N, R]`."""
        logits = self.model.apply(self.state.variables, windows, method="window")
        return np.asarray(logits)[:, 0]


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call took."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def medians(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Call each in turn, round by round, and return the median seconds of each.

    PyTorch's are the better of one thread and two; JAX uses what it finds.
    """
    torch = importlib.import_module("torch")
    best = dict.fromkeys(calls, math.inf)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for call in calls.values():
            call()  # compiles, warms up
        times = [{name: seconds(call) for name, call in calls.items()} for _ in range(rounds)]
        for name in calls:
            best[name] = min(best[name], statistics.median(one[name] for one in times))
    return best


def show(title: str, unit: str, scales: dict[str, float], times: dict[str, float]) -> None:
    """Print a row: each model's time per unit, and how many times longer it is than ours."""
    per_unit = {name: seconds * scales.get(name, 1.0) for name, seconds in times.items()}
    cells = [
        f"{name} {value:,.4g} {unit} (x{value / per_unit['ours']:.2f})"
        for name, value in per_unit.items()
    ]
    print(f"{title}: {', '.join(cells)}", flush=True)


def torch_models(ours: Ours, train_windows: Any, val_windows: Any) -> dict[str, Any]:
    """Return the PyTorch models with our weights, after checking that they compute the same."""
    torch_lecture = importlib.import_module("torch_lecture")  # after our memory is measured
    models = {
        "by hand": torch_lecture.ByHand(*train_windows, seed=0),
        "torch.nn": torch_lecture.TorchNN(*train_windows, seed=0),
        "compiled": torch_lecture.TorchNN(*train_windows, seed=0, compiled=True),
    }
    weights = torch_lecture.from_variables(ours.state.variables)
    expected = np.asarray(ours.logits(val_windows[0].numpy()))
    for name, model in models.items():
        model.load(weights)
        apart = np.abs(model.logits(val_windows[0]) - expected).max()
        scale = np.abs(expected).max()
        print(f"{name}: logits at most {apart:.1e} from ours, of size {scale:.1f}")
        if not apart < 1e-5 * scale:
            raise AssertionError(f"{name} is another network")
    return models


def main(data: str = "makemore", rounds: int = 7) -> None:
    """Print the times of training, evaluation and sampling.

    Args:
        data: makemore, once downloaded, or the path of its names.txt.
        rounds: How often each is timed.
    """
    dataset = corpus.load(config.DataConfig(data=data))
    ours = Ours(dataset)
    for call in (*[ours.train] * 10, ours.evaluate, ours.sample):
        call()
    peak_gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory of ours, before PyTorch is loaded: {peak_gigabytes:.2f} GB", flush=True)

    windows = importlib.import_module("torch_lecture").windows
    train_windows, val_windows = (windows(part) for part in dataset.parts[:2])
    others = torch_models(ours, train_windows, val_windows)

    def score(model: Any) -> None:
        model.nll_nats(*train_windows)
        model.nll_nats(*val_windows)

    uncompiled = {name: others[name] for name in ("by hand", "torch.nn")}
    evaluating = {name: partial(score, model) for name, model in uncompiled.items()}
    show(
        "evaluation of train and val",
        "s",
        {},
        medians({"ours": ours.evaluate, **evaluating}, rounds),
    )
    sampling = {
        name: partial(model.sample, TORCH_NAMES, seed=0) for name, model in uncompiled.items()
    }
    per_name = {"ours": 1e6 / NAMES} | dict.fromkeys(uncompiled, 1e6 / TORCH_NAMES)
    show("sampling", "µs/name", per_name, medians({"ours": ours.sample, **sampling}, rounds))
    training = {name: partial(model.train, STEPS) for name, model in others.items()}
    per_step = dict.fromkeys(("ours", *others), 1e6 / STEPS)
    show("training", "µs/step", per_step, medians({"ours": ours.train, **training}, rounds))


if __name__ == "__main__":
    tyro.cli(main)
