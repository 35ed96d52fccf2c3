"""Which optimizer learns names best, at equal steps and at equal time?

    wavenet-jax data makemore
    python experiments/optimizers.py

Two workloads: the lecture's net on windows, for 20,000 steps, and `makemore-fast` on sequences, for
3,000.  The rules: each optimizer gets the same twelve points of the unit cube (Halton), which its
space turns into a learning rate, a warm-up, a momentum (RMSprop: the memory of its squares) and a
weight decay; the point with the lowest loss on val, of one seed, runs again with five fresh seeds;
differences are from AdamW, paired by seed and by name; test is looked at once, for the winners.
Adam is AdamW without weight decay.  No run was stopped by hand.  Before the search, five seeds of
the preset tell the noise: 0.0042 on windows, 0.0021 on sequences.  Seeds are trained one by one on
a core each, since five in one program by `vmap` took 0.99 to 1.17 times as long.

Claim: a well tuned AdamW is hard to beat.
Measured on 2026-11-26, jax 0.10.2, two cores of an AMD EPYC; seconds are of one core, without
compilation and validation.  val and test in nats per character:

  lecture's net            val  - adamw (± s.e.)    test  - adamw (± s.e.)  µs/step        s to 2.05
  sgd in two pieces     2.0492  +0.0152 ± 0.0013  2.0477  +0.0142 ± 0.0011      449              9.0
  sgd with momentum     2.0383  +0.0043 ± 0.0013  2.0349  +0.0015 ± 0.0012      466              8.7
  rmsprop               2.0388  +0.0049 ± 0.0016  2.0383  +0.0048 ± 0.0014      481              8.5
  adam                  2.0315  -0.0025 ± 0.0012  2.0310  -0.0024 ± 0.0017      487              7.9
  adamw                 2.0340                    2.0335                        515              9.0
  lion                  2.0423  +0.0083 ± 0.0014  2.0415  +0.0080 ± 0.0013      449              8.3
  muon                  2.0070  -0.0269 ± 0.0023  2.0038  -0.0297 ± 0.0018    3,863             53.3
  schedule-free         2.0167  -0.0173 ± 0.0022  2.0170  -0.0165 ± 0.0021      490              5.6

  makemore-fast            val  - adamw (± s.e.)    test  - adamw (± s.e.)  µs/step      s to 1.9937
  sgd in two pieces     1.9810  +0.0143 ± 0.0017  1.9813  +0.0157 ± 0.0019    3,372              7.9
  sgd with momentum     1.9726  +0.0060 ± 0.0024  1.9706  +0.0049 ± 0.0022    3,428              9.4
  rmsprop               1.9705  +0.0039 ± 0.0019  1.9696  +0.0039 ± 0.0015    3,675              9.9
  adam                  1.9869  +0.0202 ± 0.0020  1.9842  +0.0185 ± 0.0021    4,068             10.0
  adamw                 1.9666                    1.9657                      3,879              9.8
  lion                  1.9715  +0.0049 ± 0.0015  1.9699  +0.0042 ± 0.0025    4,000             10.7
  muon                  1.9663  -0.0004 ± 0.0020  1.9657  -0.0000 ± 0.0024    6,283             15.5
  schedule-free         1.9675  +0.0009 ± 0.0020  1.9688  +0.0031 ± 0.0019    3,608              5.2

  the AdamW of makemore-fast with another schedule, or averaged
  constant              2.0678  +0.1011 ± 0.0047
  piecewise             1.9776  +0.0110 ± 0.0018
  cosine                1.9644  -0.0022 ± 0.0009
  wsd                   1.9768  +0.0102 ± 0.0018
  constant, ema 0.99    1.9876  +0.0210 ± 0.0023
  constant, ema 0.999   1.9904  +0.0237 ± 0.0025
  linear, ema 0.99      1.9652  -0.0014 ± 0.0004
  linear, ema 0.999     1.9740  +0.0073 ± 0.0016

The claim does not hold for the lecture's net: at equal time schedule-free AdamW is 0.017 better,
and it is ahead from the first second on, on both workloads.  At equal steps Muon is 0.027 better
there, but its step takes eight times as long, since the matrices are large beside a batch of 32
windows. Where the weights are regularised, on sequences, the four best agree within their errors,
and what counts is the weight decay: without it, Adam is 0.02 worse.  The study took 75 minutes of
two cores that did other work beside it.

"""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from common.command import run
from common.pool import Result
from common.study import (
    COLORS,
    Place,
    StudyOptions,
    Task,
    deviation,
    difference,
    open_study,
    time_steps,
    train,
)
from scipy.stats import qmc

from wavenet_jax.config import Config, OptimConfig, preset, replace_fields

REFERENCE = "adamw"
TARGETS = (2.05, 1.9937)  # nats per character of val; the second is the lecture's after 200,000


class Workload(NamedTuple):
    """What is trained, and for how long."""

    preset: str
    steps: int


class Space(NamedTuple):
    """Where an optimizer's numbers are searched: all in the logarithm, but for the warm-up.

    `decay` is of the sum of rate · weight_decay over the steps, by which the matrices shrink in a
    run (to e^-decay of themselves, if nothing else moved them).
    """

    optimizer: str
    schedule: str
    learning_rate: tuple[float, float]
    slow: str | None = None  # the field whose distance from 1 is searched, such as momentum
    distance: tuple[float, float] = (0.03, 0.3)
    decay: tuple[float, float] | None = (0.1, 10.0)
    warmup: float = 0.1  # the longest, as a fraction of the run


TITLES = {
    "window": "the lecture's net, windows, 20,000 steps",
    "sequence": "makemore-fast, sequences, 3,000 steps",
}
WORKLOADS = {"window": Workload("makemore", 20_000), "sequence": Workload("makemore-fast", 3_000)}
MEAN_RATE = {"piecewise": 0.775, "linear": 0.5, "constant": 1.0}  # of the highest, in a run
SPACES = {
    "sgd in two pieces": Space("sgd", "piecewise", (0.03, 1.0)),
    "sgd with momentum": Space("sgd", "linear", (6e-3, 0.2), "momentum"),
    "rmsprop": Space("rmsprop", "linear", (3e-4, 1e-2), "b2", (0.003, 0.1)),
    "adam": Space("adam", "linear", (1e-3, 3.2e-2), "b1", decay=None),
    "adamw": Space("adamw", "linear", (1e-3, 3.2e-2), "b1"),
    "lion": Space("lion", "linear", (1e-4, 3.2e-3), "b1"),
    "muon": Space("muon", "linear", (1e-3, 3.2e-2), "momentum"),
    "schedule-free": Space("schedule_free_adamw", "constant", (1e-3, 3.2e-2), "b1"),
}
# What replaces the linear fall of the reference's winner, whose numbers stay: they were chosen for
# that fall, and a schedule with another mean rate might want others.
VARIANTS: dict[str, dict[str, Any]] = {
    "constant": {"schedule": "constant"},
    "piecewise": {"schedule": "piecewise"},
    "cosine": {"schedule": "cosine"},
    "wsd": {"schedule": "wsd"},
    "constant, ema 0.99": {"schedule": "constant", "ema": 0.99},
    "constant, ema 0.999": {"schedule": "constant", "ema": 0.999},
    "linear, ema 0.99": {"ema": 0.99},
    "linear, ema 0.999": {"ema": 0.999},
}


FRESH_SEEDS = 100  # the first of the winners'


class Study(NamedTuple):
    """How a workload is studied."""

    name: str
    config: Config  # of the preset, for the workload's steps
    trials: int
    seeds: tuple[int, ...]
    place: Place
    noise_seeds: tuple[int, ...] = tuple(range(5))  # of the preset
    spaces: dict[str, Space] = SPACES
    variants: Mapping[str, dict[str, Any]] = MappingProxyType({})


@dataclass(frozen=True)
class Options(StudyOptions):
    """The options of this study."""

    seeds: int = 5
    """Fresh seeds of each winner."""
    trials: int = 12
    """Points of the search, for each optimizer."""


def main(given: Options) -> None:
    """Search, run the winners again, and print, draw and write down what they reached."""
    place = open_study("optimizers", given)
    fresh = tuple(range(FRESH_SEEDS, FRESH_SEEDS + given.seeds))
    results = {}
    for name, workload in list(WORKLOADS.items())[: 1 if given.quick else None]:
        config = replace_fields(preset(workload.preset), data=place.data, steps=workload.steps)
        study = Study(name, config, given.trials, fresh, place)
        if name == "sequence":
            study = study._replace(variants=VARIANTS)
        if given.quick:
            study = shortened(study)
        results[name] = conduct(study)
        print(table(results[name]), flush=True)
    place.write(results)
    draw(results, place.picture)


def shortened(study: Study) -> Study:
    """Return a study of two small optimizers for a few steps, in this process."""
    every = {"steps": 4, "report_every": 1, "eval_every": 1}  # as `fine`: one program for both
    return study._replace(
        config=replace_fields(study.config, n_embd=4, n_hidden=8, **every),
        trials=1,
        noise_seeds=(0,),
        spaces={name: SPACES[name] for name in (REFERENCE, "schedule-free")},
        variants=dict(list(VARIANTS.items())[-1:]),
    )


def conduct(study: Study) -> dict[str, Any]:
    """Return the noise of the preset, and what the winner of each optimizer reached."""
    base, name = study.config, study.name
    noise = {f"{name}/preset/{s}": Task(replace_fields(base, seed=s)) for s in study.noise_seeds}
    losses = [result["val"] for result in study.place.run(train, noise).values()]
    print(f"{name}: preset {statistics.mean(losses):.4f}, σ over seeds {deviation(losses):.4f}")
    winners = {optimizer: search(study, optimizer) for optimizer in study.spaces}
    reference = winners[REFERENCE]
    winners |= {each: replace_fields(reference, **new) for each, new in study.variants.items()}
    again = {
        f"{name}/{each}/{seed}": Task(fine(config, seed), keeps_documents=True)
        for each, config in winners.items()
        for seed in study.seeds
    }
    found = study.place.run(train, again)
    # After everything else and one at a time, so that nothing else takes the cores' caches.
    clocks = {f"{name}/{each}/seconds": Task(config) for each, config in winners.items()}
    seconds = study.place.run(time_steps, clocks, jobs=1)
    runs = {each: [found[f"{name}/{each}/{s}"] for s in study.seeds] for each in winners}
    return {
        "noise": {"val": statistics.mean(losses), "deviation": deviation(losses)},
        "rows": {
            each: row(runs[each], runs[REFERENCE], seconds[f"{name}/{each}/seconds"]["seconds"])
            | {"numbers": numbers(config.optim)}
            for each, config in winners.items()
        },
    }


def fine(config: Config, seed: int) -> Config:
    """Return a run of a winner that is validated a hundred times, to see when it reaches a loss."""
    every = max(1, (config.train.steps or 1) // 100)
    return replace_fields(config, seed=seed, report_every=every, eval_every=every)


def search(study: Study, optimizer: str) -> Config:
    """Return the configuration with the lowest validation loss of the trials."""
    space, steps = study.spaces[optimizer], study.config.train.steps or 1
    # The same points of the unit cube for each optimizer.
    points = qmc.Halton(d=4, rng=np.random.default_rng(0)).random(study.trials)
    configs = [replace_fields(study.config, **options(space, p, steps)) for p in points]
    names = [f"{study.name}/{optimizer}/trial {index}" for index in range(study.trials)]
    results = study.place.run(train, dict(zip(names, map(Task, configs), strict=True)))
    return min(zip(results.values(), configs, strict=True), key=lambda pair: pair[0]["val"])[1]


def options(space: Space, point: np.ndarray, steps: int) -> dict[str, Any]:
    """Return the options at a point of the unit cube."""
    rate = between(space.learning_rate, point[0])
    chosen = {
        "optimizer": space.optimizer,
        "schedule": space.schedule,
        "learning_rate": rate,
        "warmup": round(space.warmup * float(point[1]), 3),
    }
    distance = between(space.distance, point[2])
    if space.slow is not None:
        chosen[space.slow] = round(1 - distance, 4)
    if space.decay is not None:
        total = rate * MEAN_RATE[space.schedule] * steps  # of the rates of all steps
        chosen["weight_decay"] = rounded(between(space.decay, point[3]) / total)
    return chosen


def between(limits: tuple[float, float], fraction: float) -> float:
    """Return what lies between two limits, in the logarithm."""
    low, high = limits
    return rounded(low * (high / low) ** float(fraction))


def rounded(number: float) -> float:
    """Return a number with three digits."""
    return float(f"{number:.3g}")


def row(runs: list[Result], reference: list[Result], seconds: float) -> dict[str, Any]:
    """Return what a winner reached, and its distance from the reference with the same seeds."""
    losses = [each["val"] for each in runs]
    steps = {target: median_step(runs, target) for target in TARGETS}
    return {
        "val": statistics.mean(losses),
        "deviation": deviation(losses),
        "difference": difference(runs, reference, "val"),
        "test": statistics.mean(each["test"] for each in runs),
        "test_difference": difference(runs, reference, "test"),
        "microseconds_per_step": seconds * 1e6,
        "steps_to": steps,
        "seconds_to": {t: None if n is None else n * seconds for t, n in steps.items()},
        "curve": mean_curve(runs),
    }


def median_step(runs: list[Result], target: float) -> float | None:
    """Return the median of the first validated step at a target; None where half are above."""
    firsts = [
        next((step for step, loss in each["curve"] if loss <= target), math.inf) for each in runs
    ]
    median = statistics.median_high(firsts)
    return median if math.isfinite(median) else None


def mean_curve(runs: list[Result]) -> list[tuple[int, float]]:
    """Return the mean loss at each validated step."""
    losses = np.mean([[loss for _, loss in each["curve"]] for each in runs], axis=0)
    pairs = zip(runs[0]["curve"], losses, strict=True)
    return [(step, round(float(loss), 4)) for (step, _), loss in pairs]


def numbers(optim: OptimConfig) -> dict[str, Any]:
    """Return the options that differ from the defaults."""
    plain = OptimConfig(optimizer=optim.optimizer, schedule="constant")
    return {name: value for name, value in vars(optim).items() if value != getattr(plain, name)}


COLUMNS = "{:20} {:>7} {:>6}  {:>16}  {:>6} {:>16} {:>7} {:>13} {:>13}  {}"


def table(result: dict[str, Any]) -> str:
    """Return the rows of a workload as text."""
    head = COLUMNS.format(
        *("optimizer", "val", "σ", f"- {REFERENCE}", "test", f"- {REFERENCE}", "µs/step"),
        *(f"to {target}" for target in TARGETS),
        "numbers",
    )
    return "\n".join([head, *(_line(name, each) for name, each in result["rows"].items())])


def _line(name: str, each: dict[str, Any]) -> str:
    reached = zip(each["steps_to"].values(), each["seconds_to"].values(), strict=True)
    steps = ["–" if step is None else f"{step:,.0f} {seconds:.1f}s" for step, seconds in reached]
    numbers = {field: value for field, value in each["numbers"].items() if isinstance(value, float)}
    val, test = ("{:+.4f} ± {:.4f}".format(*each[d]) for d in ("difference", "test_difference"))
    return COLUMNS.format(
        name,
        f"{each['val']:.4f}",
        f"{each['deviation']:.4f}",
        val,
        f"{each['test']:.4f}",
        test,
        f"{each['microseconds_per_step']:,.0f}",
        *steps,
        " ".join(f"{field} {value:g}" for field, value in numbers.items()),
    )


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw the mean validation loss of each optimizer against the seconds."""
    from matplotlib.figure import Figure  # noqa: PLC0415  an optional extra

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    panels = figure.subplots(1, len(results), squeeze=False)[0]
    for axes, (name, result) in zip(panels, results.items(), strict=True):
        rows = {each: result["rows"][each] for each in SPACES if each in result["rows"]}
        for style, (optimizer, each) in enumerate(rows.items()):
            steps, losses = zip(*each["curve"], strict=True)
            seconds = np.array(steps) * each["microseconds_per_step"] / 1e6
            dashes = "-" if style % 2 else "--"
            axes.plot(seconds, losses, dashes, color=COLORS[style], label=optimizer)
        axes.set(xscale="log", xlabel="seconds of training on one core", title=TITLES[name])
        axes.set_ylim(top=2.3)
        axes.grid(alpha=0.3)
        for target in TARGETS:
            axes.axhline(target, color="grey", linewidth=0.8, linestyle=":")
    figure.axes[0].set_ylabel("validation loss (nats per character)")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    run(main)
