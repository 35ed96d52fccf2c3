"""What do dilated convolutions buy over the lecture's tree, at equal parameters and equal seconds?

    wavenet-jax data makemore
    python experiments/dilated_vs_tree.py

The lecture ends with "try dilated convolutions".  All nets have the 76,579 parameters of its tree
(two per cent more at most), by the width of their layers, and train for the same 9.9 seconds on one
core: those of 3,000 steps of `makemore-fast`.  A step is timed one at a time, the fastest of six
rounds, which other work disturbs least, and decides the number of steps; compilation does not
count.  A step sees 32 windows as in the lecture, or a row of 512 positions as in `makemore-fast`.

The rows of the chain change one thing each of the row above, but GELU, which is compared with
residuals as gates are.  The first is the lecture's recipe, SGD at 0.1 and then at 0.01.  All others
have AdamW with a rate that falls in a line, as `makemore-fast`.  Two rates and three weight decays,
as sums over the run, are tried with seed 100, and the best on val trains again from fresh seeds.
Rates of windows are lower, since their batches are noisier; 2.5e-3 on sequences and 4e-3 on windows
were worse for all that tried them.  Depth (compared with GELU, which has three layers) and contexts
(compared with five layers) are of layers with residuals and GELU, the best of the chain; one layer
has no residual, since it turns the embedding's channels into its own.  The context is 8 elsewhere,
but 11 of ten layers; contexts 3 and 4 allow no more than two and three layers.  Test is looked at
once, for the chosen.

± is the standard error of a difference, paired by seed and by name.

Claim: dilations over sequences beat the lecture's tree at equal seconds by at least 0.03.
Measured on 2026-11-26, seeds 0 1 2, jax 0.10.2, two cores of an AMD EPYC, in nats per character:

                     dilations width     µs  steps     val       difference    test       difference
  windows, SGD           1 2 4   128    353 28,140  2.0272                   2.0249
  windows, AdamW         1 2 4   128    406 24,469  2.0240 -0.0031 ± 0.0020  2.0206 -0.0043 ± 0.0028
  sequences              1 2 4   128  3,039  3,267  1.9950 -0.0290 ± 0.0023  1.9931 -0.0275 ± 0.0019
  residuals              1 2 4   128  3,223  3,080  1.9918 -0.0032 ± 0.0030  1.9847 -0.0084 ± 0.0019
  gated, skips           1 2 4    70  3,761  2,639  2.0050 +0.0132 ± 0.0028  2.0004 +0.0157 ± 0.0036
  GELU                   1 2 4   128  3,282  3,025  1.9754 -0.0164 ± 0.0038  1.9696 -0.0151 ± 0.0028
  1 layer                    1   344  3,088  3,215  1.9839 +0.0086 ± 0.0028  1.9791 +0.0096 ± 0.0024
  5 layers           1 2 1 2 1    93  3,983  2,493  1.9702 -0.0052 ± 0.0032  1.9627 -0.0068 ± 0.0031
  7 layers           1 1 ... 1    76  3,936  2,522  1.9683 -0.0070 ± 0.0033  1.9682 -0.0013 ± 0.0028
  10 layers          1 1 ... 1    63  4,571  2,172  1.9758 +0.0004 ± 0.0032  1.9734 +0.0038 ± 0.0041
  context 3                1 1   177  3,256  3,049  2.0723 +0.1021 ± 0.0037  2.0699 +0.1072 ± 0.0037
  context 4              1 1 1   128  3,210  3,093  2.0019 +0.0317 ± 0.0035  1.9997 +0.0370 ± 0.0041
  context 16         1 2 4 4 4    93  3,915  2,536  1.9895 +0.0193 ± 0.0025  1.9825 +0.0198 ± 0.0026
  context 32        1 2 4 8 16    93  4,117  2,411  1.9918 +0.0216 ± 0.0038  1.9863 +0.0236 ± 0.0036

The claim holds: by 0.032 ± 0.003 on val and on test, and with five layers by 0.057 and 0.062.  Half
of that is the run over sequences: neighbours share their nodes, so that 512 positions cost as much
as 240 windows, and the run makes nine passes over the names instead of four.  A quarter is GELU;
residuals bring little to three layers.  Gates and skips lose 0.013: a gated layer has five matrices
where a plain one has two, so that it is 70 wide instead of 128.  One flat layer is only 0.009
behind the tree.  Five and seven layers are best on val, but hardly by more than the errors, and ten
are no better than three.  A context of 8 is best in these seconds: 3 and 4 see too little, and 16
and 32 have a higher loss on train as well, so that they do not learn too much but too slowly.  All
trials are in dilated_vs_tree.json.  The study took 45 minutes of two cores that did other work
beside it.
"""

from bisect import bisect_left
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from common.command import run
from common.pool import Result
from common.study import (
    COLORS,
    Place,
    StudyOptions,
    Task,
    difference,
    estimate,
    load,
    mean_and_error,
    open_study,
    time_steps,
    train,
)
from common.tables import with_error

from wavenet_jax.config import (
    Config,
    ModelConfig,
    OptimConfig,
    TrainConfig,
    TrainMode,
    preset,
    replace_fields,
)
from wavenet_jax.nn import WaveNet, count_parameters, init_variables

REFERENCE = replace_fields(preset("makemore-fast"), steps=3_000)
TREE = ModelConfig()
GELU = ModelConfig(activation="gelu", residual=True)
FIVE = replace(GELU, dilations=(1, 2, 1, 2, 1))


class Variant(NamedTuple):
    """A net, but for its width; how it is trained; and the variant that it is compared with."""

    model: ModelConfig
    against: str = ""
    mode: TrainMode = "sequence"
    optimizer: str = "adamw"


VARIANTS = {
    "windows, SGD": Variant(TREE, mode="window", optimizer="sgd"),
    "windows, AdamW": Variant(TREE, "windows, SGD", mode="window"),
    "sequences": Variant(TREE, "windows, AdamW"),
    "residuals": Variant(replace(TREE, residual=True), "sequences"),
    "gated, skips": Variant(ModelConfig(layer="gated"), "residuals"),
    "GELU": Variant(GELU, "residuals"),
    # One layer has no residual: it turns the embedding's channels into its own.
    "1 layer": Variant(ModelConfig(kernel_size=8, dilations=(1,), activation="gelu"), "GELU"),
    "5 layers": Variant(FIVE, "GELU"),
    "7 layers": Variant(replace(GELU, dilations=(1,) * 7), "GELU"),
    "10 layers": Variant(replace(GELU, dilations=(1,) * 10), "GELU"),
    "context 3": Variant(replace(GELU, dilations=(1, 1)), "5 layers"),
    "context 4": Variant(replace(GELU, dilations=(1, 1, 1)), "5 layers"),
    "context 16": Variant(replace(GELU, dilations=(1, 2, 4, 4, 4)), "5 layers"),
    "context 32": Variant(replace(GELU, dilations=(1, 2, 4, 8, 16)), "5 layers"),
}
RATES = {"window": (1e-3, 2e-3), "sequence": (5e-3, 1e-2)}
DECAYS = (0.25, 1.0, 4.0)  # the sum of rate · weight_decay over the steps
SEARCH_SEED = 100


class Study(NamedTuple):
    """How the variants are studied."""

    place: Place
    seeds: tuple[int, ...]
    variants: dict[str, Variant] = VARIANTS
    parameters: int = 76_579  # of the lecture's tree
    reference: Config = REFERENCE  # whose seconds all get
    rates: int = 2
    decays: int = 3
    rounds: int = 6  # of timing


def main(given: StudyOptions) -> None:
    """Time, search and train the variants, and print, draw and write down what they reached."""
    study = Study(open_study("dilated_vs_tree", given), tuple(range(given.seeds)))
    result = conduct(shortened(study) if given.quick else study)
    print(table(result))
    study.place.write(result)
    draw(result["rows"], study.place.picture)


def shortened(study: Study) -> Study:
    """Return a study of two small variants for a few steps, in this process."""
    low = replace(TREE, dilations=(1,))
    variants = {name: VARIANTS[name]._replace(model=low) for name in ("windows, SGD", "sequences")}
    small = {"n_embd": 8, "n_hidden": 8, "dilations": (1,)}
    reference = replace_fields(REFERENCE, steps=10, seq_len=64, **small)
    fewer = study._replace(rates=1, decays=1, rounds=1)
    return fewer._replace(variants=variants, parameters=2_000, reference=reference)


def conduct(study: Study) -> dict[str, Any]:
    """Return the seconds that all variants got, and the row of each."""
    bare = {name: configuration(study, variant) for name, variant in study.variants.items()}
    seconds = time_all(study, bare)
    budget = seconds[""] * (study.reference.train.steps or 1)
    configs = {name: with_steps(each, round(budget / seconds[name])) for name, each in bare.items()}
    trials = {name: search(study, name, config) for name, config in configs.items()}
    chosen = {name: best(trials[name], config) for name, config in configs.items()}
    runs = train_chosen(study, chosen)
    rows = {name: row(study, name, config, runs) for name, config in chosen.items()}
    for name, each in rows.items():
        each["microseconds_per_step"] = seconds[name] * 1e6
        each["trials"] = [[*numbers(config), val] for val, config in trials[name]]
    return {"seconds": budget, "seeds": len(study.seeds), "rows": rows}


def configuration(study: Study, variant: Variant) -> Config:
    """Return the variant's configuration, as wide as its parameters allow."""
    data = replace(REFERENCE.data, data=study.place.data)
    widths, vocab_size = range(2, 1_000), len(load(data).vocab)

    def size(width: int) -> int:
        model = WaveNet(replace(variant.model, n_hidden=width), vocab_size)
        shapes = jax.eval_shape(partial(init_variables, model), jax.random.key(0))
        return count_parameters(shapes["params"])

    width = widths[bisect_left(widths, study.parameters, key=size)]
    return Config(
        data=data,
        model=replace(variant.model, n_hidden=width),
        optim=OptimConfig() if variant.optimizer == "sgd" else REFERENCE.optim,
        train=TrainConfig() if variant.mode == "window" else study.reference.train,
    )


def time_all(study: Study, configs: dict[str, Config]) -> dict[str, float]:
    """Return the seconds of a step of each variant, and under "" those of the reference."""
    reference = replace_fields(study.reference, data=study.place.data)
    timed = {"": reference} | {name: with_steps(each, 1_000) for name, each in configs.items()}
    tasks = {
        f"{name}/seconds {number}": Task(config)
        for number in range(study.rounds)  # rounds apart, so that a slow minute spoils one alone
        for name, config in timed.items()
    }
    found = study.place.run(time_steps, tasks, jobs=1)
    return {
        name: min(found[f"{name}/seconds {number}"]["seconds"] for number in range(study.rounds))
        for name in timed
    }


def with_steps(config: Config, steps: int) -> Config:
    """Return the configuration for a number of steps, with one validation at the end."""
    return replace_fields(config, steps=steps, report_every=steps, eval_every=steps)


def search(study: Study, name: str, config: Config) -> list[tuple[float, Config]]:
    """Return the losses on val of the rates and decays; the lecture's recipe has none to choose."""
    if config.optim.optimizer == "sgd":
        return []
    tasks, steps = {}, config.train.steps or 1
    rates = RATES[config.train.mode][: study.rates]
    for rate, decay in product(rates, DECAYS[: study.decays]):
        decay_rate = float(f"{decay / (rate / 2 * steps):.3g}")  # the mean rate is half the highest
        numbers = {"learning_rate": rate, "weight_decay": decay_rate, "seed": SEARCH_SEED}
        tasks[f"{name}/rate {rate:g} decay {decay:g}"] = Task(replace_fields(config, **numbers))
    results = study.place.run(train, tasks)
    return [(results[each]["val"], task.config) for each, task in tasks.items()]


def best(trials: list[tuple[float, Config]], otherwise: Config) -> Config:
    """Return the configuration with the lowest loss, another one where nothing was tried."""
    return min(trials, key=lambda trial: trial[0], default=(0.0, otherwise))[1]


def numbers(config: Config) -> tuple[float, float]:
    """Return what was chosen: the learning rate and the weight decay."""
    return config.optim.peak, config.optim.weight_decay


def train_chosen(study: Study, chosen: dict[str, Config]) -> dict[str, list[Result]]:
    """Return the runs of each variant from the fresh seeds."""
    tasks = {
        f"{name}/{seed}": Task(replace_fields(config, seed=seed), keeps_documents=True)
        for name, config in chosen.items()
        for seed in study.seeds
    }
    found = study.place.run(train, tasks)
    return {name: [found[f"{name}/{seed}"] for seed in study.seeds] for name in chosen}


def row(study: Study, name: str, config: Config, runs: dict[str, list[Result]]) -> dict[str, Any]:
    """Return what a variant is, what it reached, and its differences."""
    against, ours = study.variants[name].against, runs[name]
    made: dict[str, Any] = {
        "dilations": config.model.dilations,
        "n_hidden": config.model.n_hidden,
        "receptive_field": config.model.receptive_field,
        "parameters": ours[0]["parameters"],
        "steps": config.train.steps,
        "numbers": numbers(config),
        "train": mean_and_error([each["train"] for each in ours]),
        "against": against,
    }
    for split in ("val", "test"):
        made[split] = estimate(ours, split)
        made[f"{split}_from_first"] = difference(ours, next(iter(runs.values())), split)
        if against in runs:
            made[f"{split}_difference"] = difference(ours, runs[against], split)
    return made


COLUMNS = "{:14} {:>13} {:>5} {:>6} {:>6} {:>7} {:>6}  {:>6} {:>6}  {:>16}  {:>6}  {:>16}  {}"


def table(result: dict[str, Any]) -> str:
    """Return the rows as text."""
    shape = ("dilations", "width", "µs", "steps", "rate", "decay")
    losses = ("train", "val", "difference", "test", "difference", "from")
    lines = [f"{result['seconds']:.1f} s on one core", COLUMNS.format("", *shape, *losses)]
    return "\n".join([*lines, *(_line(name, row) for name, row in result["rows"].items())])


def _line(name: str, row: dict[str, Any]) -> str:
    rate, decay = row["numbers"]
    val, test = (with_error(row.get(f"{split}_difference"), "+") for split in ("val", "test"))
    losses = [f"{row[split][0]:.4f}" for split in ("train", "val", "test")]
    return COLUMNS.format(
        name,
        " ".join(map(str, row["dilations"])) if len(row["dilations"]) < 7 else "1 1 ... 1",
        row["n_hidden"],
        f"{row['microseconds_per_step']:,.0f}",
        f"{row['steps']:,}",
        f"{rate:g}",
        f"{decay:g}",
        *(*losses[:2], val, losses[2], test, row["against"]),
    ).rstrip()


def draw(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw how far each variant is from the lecture's recipe, with two standard errors."""
    from matplotlib.figure import Figure  # noqa: PLC0415  an optional extra

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes, at = figure.subplots(), np.arange(len(rows))
    for index, (split, marker) in enumerate({"val": "o", "test": "s"}.items()):
        means, errors = np.array([row[f"{split}_from_first"] for row in rows.values()]).T
        y, color = at + 0.16 * (2 * index - 1), COLORS[(0, 4)[index]]
        label = f"{split}, ± 2 s.e."
        axes.errorbar(means, y, xerr=2 * errors, fmt=marker, color=color, label=label, capsize=3)
    axes.set_yticks(at, list(rows))
    axes.invert_yaxis()
    first = next(iter(rows))
    axes.set(
        xlabel=f"loss - that of {first} (nats per character)",
        title="Nets of 76 thousand parameters after the same seconds",
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    run(main)
