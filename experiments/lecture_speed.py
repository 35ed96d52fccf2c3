"""How fast is the lecture's model here, against PyTorch on the same machine in the same run?

    pip install -e '.[torch]'
    wavenet-jax data makemore
    python experiments/lecture_speed.py

Three models hold the same weights: ours, the lecture's by hand, and today's PyTorch (torch.nn with
a fused torch.optim.SGD), eager and compiled.  Each is timed in turn, round by round, without
compilation and waiting for results.  The medians over the rounds are printed, with their ratios to
ours.  PyTorch gets the better of one thread and two.  The lecture's way scores a split in one
batch, as its notebook does; torch.nn in batches of 4,096 windows; ours every distinct context once.

Claim: per step at least 3.2 times as fast as the lecture's way and 2.2 times as fast as PyTorch's
best; evaluation at least 20 times and sampling at least 10 times as fast as the lecture's; at most
1.5 GB.
Measured on 2026-11-25 with --rounds 5, jax 0.10.2, PyTorch 2.13.0, two cores of an Intel Xeon
(AVX-512):

    peak memory of ours, before PyTorch is loaded: 0.45 GB
    evaluation of train and val: ours 0.06483 s, by hand 1.167 s (x18.01), torch.nn 0.249 s (x3.84)
    sampling: ours 6.489 µs/name, by hand 575 µs/name (x88.61), torch.nn 691.1 µs/name (x106.49)
    training: ours 320.7 µs/step, by hand 1,297 µs/step (x4.04), torch.nn 853.2 µs/step (x2.66),
        compiled 826.5 µs/step (x2.58)

The lecture's evaluation takes 1.2 to 1.6 s from run to run, so the ratio is 18 to 25: the claim of
20 holds in some runs, not in this one.

On 2026-11-23 with --rounds 9, two cores of an EPYC (Zen 4): sampling x25.61 and x28.20; training
x3.60, x2.40, and x2.17 against the compiled network.

Scratch measurements that varied our step by hand showed where its time goes.  The matrix products
alone take two thirds of it.  Nodes as a matrix [M, C] instead of [B, T, C] saved a fifth.  These
changed nothing beyond the noise: one thread or two, XLA's vector width, fast math, scheduler and
library fusions, unrolling the scan, gathering the minibatches of a chunk before it, BatchNorm's
other variance.  An embedding by a one-hot product was slower.  Evaluation took 0.98 s in windows on
the EPYC, 0.65 s in batches that fit the cache, and 0.25 s as sequences; every distinct context once
takes a quarter of that.
"""

import resource
from functools import partial
from typing import Any

from common.command import require_rounds, run
from common.comparison import (
    STEPS,
    Ours,
    load_names,
    median_times,
    print_times,
    torch_models,
    torch_windows,
)
from common.timing import Call

NAMES = 10_000  # that ours samples in a call; the lecture's loop a 50th of that
TORCH_NAMES = NAMES // 50


def main(data: str = "makemore", rounds: int = 7) -> None:
    """Print the times of training, evaluation and sampling.

    Args:
        data: makemore, once downloaded, or the path of its names.txt.
        rounds: Times that each is measured.
    """
    require_rounds(rounds)
    ours = Ours(load_names(data))
    print_peak_memory(ours)
    train_windows, val_windows = torch_windows(ours)
    models = torch_models(ours, train_windows, val_windows)
    uncompiled = {name: models[name] for name in ("by hand", "torch.nn")}
    compare_evaluation(ours, uncompiled, (train_windows, val_windows), rounds)
    compare_sampling(ours, uncompiled, rounds)
    compare_training(ours, models, rounds)


def print_peak_memory(ours: Ours) -> None:
    """Print the most memory that our training, evaluation and sampling take."""
    for _ in range(10):
        ours.train()
    ours.evaluate()
    ours.sample(NAMES)
    peak_gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory of ours, before PyTorch is loaded: {peak_gigabytes:.2f} GB", flush=True)


def compare_evaluation(
    ours: Ours, models: dict[str, Any], splits: tuple[Any, Any], rounds: int
) -> None:
    """Print the seconds that scoring train and val takes."""

    def score(model: Any) -> None:
        for windows in splits:
            model.nll_nats(*windows)

    calls: dict[str, Call] = {"ours": ours.evaluate}
    calls |= {name: partial(score, model) for name, model in models.items()}
    times = median_times(calls, rounds)
    print_times("evaluation of train and val", "s", dict.fromkeys(calls, 1.0), times)


def compare_sampling(ours: Ours, models: dict[str, Any], rounds: int) -> None:
    """Print the microseconds that a name takes."""
    calls: dict[str, Call] = {"ours": partial(ours.sample, NAMES)}
    calls |= {name: partial(model.sample, TORCH_NAMES, seed=0) for name, model in models.items()}
    scales = {"ours": 1e6 / NAMES} | dict.fromkeys(models, 1e6 / TORCH_NAMES)
    print_times("sampling", "µs/name", scales, median_times(calls, rounds))


def compare_training(ours: Ours, models: dict[str, Any], rounds: int) -> None:
    """Print the microseconds that a training step takes."""
    calls: dict[str, Call] = {"ours": ours.train}
    calls |= {name: partial(model.train, STEPS) for name, model in models.items()}
    times = median_times(calls, rounds)
    print_times("training", "µs/step", dict.fromkeys(times, 1e6 / STEPS), times)


if __name__ == "__main__":
    run(main)
