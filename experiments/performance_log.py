"""Does the lecture's performance log hold, with error bars, and what does its test split say?

    wavenet-jax data makemore
    python experiments/performance_log.py

The five rows of the log, each trained as the lecture does: 200,000 steps of 32 windows, SGD at 0.1
and for the last quarter at 0.01, BatchNorm, tanh.  The names are split as in the lecture; seeds
differ in weights and minibatches.  One row has a bug, which the lecture finds and mends: BatchNorm
reduced [B, T, C] over its first axis alone, so that each position had its own statistics, of 32
values instead of 32·T, under one scale and bias.  Nothing is chosen here, and test is looked at
once.  Unseen are the names that do not occur in train.

± is a standard error: of few seeds and of few names, added in their squares; of train, of the seeds
alone.  That of the names is by far the larger, and all rows share the names, so a row is compared
with the one above by paired differences, of the same seeds and names.  A published loss is one run
on the same names, so σ over our seeds says more of it than the standard error does.  Seeds are
trained one by one on a core each, since five in one program by `vmap` take 0.99 to 1.17 times as
long (experiments/optimizers.py).

Claim: val is within two standard errors of what the lecture published, in every row.
Measured on 2026-11-26, seeds 0 1 2, jax 0.10.2, two cores of an AMD EPYC, in nats per character:

                           train              val             test  the lecture's   val - lecture's
  flat of 3      2.0585 ± 0.0006  2.1041 ± 0.0079  2.1040 ± 0.0079  2.058 / 2.105  -0.0009 0.1 s.e.
  flat of 8      1.9171 ± 0.0011  2.0267 ± 0.0085  2.0222 ± 0.0084  1.918 / 2.027  -0.0003 0.0 s.e.
  tree 22K, bug  1.9398 ± 0.0014  2.0280 ± 0.0086  2.0253 ± 0.0085  1.941 / 2.029  -0.0010 0.1 s.e.
  tree 22K       1.9102 ± 0.0009  2.0206 ± 0.0086  2.0176 ± 0.0083  1.912 / 2.022  -0.0014 0.2 s.e.
  tree 76K       1.7675 ± 0.0017  1.9915 ± 0.0093  1.9905 ± 0.0098  1.769 / 1.993  -0.0015 0.2 s.e.

                      unseen val      unseen test   val - row above  test - row above       σ
  flat of 3      2.1192 ± 0.0085  2.1121 ± 0.0084                                      0.0006
  flat of 8      2.0472 ± 0.0092  2.0371 ± 0.0089  -0.0774 ± 0.0035  -0.0818 ± 0.0038  0.0007
  tree 22K, bug  2.0449 ± 0.0093  2.0348 ± 0.0091  +0.0013 ± 0.0025  +0.0030 ± 0.0038  0.0024
  tree 22K       2.0402 ± 0.0094  2.0311 ± 0.0089  -0.0074 ± 0.0023  -0.0077 ± 0.0025  0.0029
  tree 76K       2.0239 ± 0.0100  2.0157 ± 0.0102  -0.0291 ± 0.0032  -0.0271 ± 0.0047  0.0022

The claim holds: no row is further than 0.0015, or 1.5 σ, from the lecture's val.  The context is
worth the most.  With the bug the tree is worth nothing over a flat net of as many parameters.
Mending it brings 0.007, twice the noise between two single runs, so that the lecture's one run of
each could hardly show it.  Names that are not in train lose 0.015 more on val in the smallest net,
and 0.032 more in the largest.  The 15 runs took six minutes of two cores.
"""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from common.command import run
from common.pool import Result
from common.study import (
    COLORS,
    Scores,
    StudyOptions,
    Task,
    deviation,
    difference,
    estimate,
    load,
    mean_and_error,
    open_study,
    split_losses,
    train,
    unseen,
)
from common.tables import with_error

from wavenet_jax.config import Config, DataConfig, preset, replace_fields
from wavenet_jax.data import Corpus
from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.nn import NORM_MOMENTUM, Variables, WaveNet, count_parameters
from wavenet_jax.training import Batch, init_state, make_trainer, train_chunk, windows

STEPS = 200_000
CHUNK = 1_000  # steps of a call, as the runs without the bug have
WINDOWS = 4_096  # scored at a time


class Row(NamedTuple):
    """A row of the log: what is trained, and the losses that the lecture published."""

    preset: str
    train: float
    val: float
    has_bug: bool = False


ROWS = {
    "flat of 3": Row("mlp-3", 2.058, 2.105),
    "flat of 8": Row("mlp-8", 1.918, 2.027),
    "tree 22K, bug": Row("makemore-22k", 1.941, 2.029, has_bug=True),
    "tree 22K": Row("makemore-22k", 1.912, 2.022),
    "tree 76K": Row("makemore", 1.769, 1.993),
}


class Run(NamedTuple):
    """A run to make."""

    config: Config
    has_bug: bool


class PositionNorm(nn.Module):
    """The lecture's BatchNorm with its bug: statistics over the rows alone, [B, T·H].

    y = scale · (x - mean_t) / √(var_t + ε) + bias at position t; scale and bias `[H]` are shared.
    """

    positions: int
    training: bool

    @nn.compact
    def __call__(self, x: jax.Array, mask: jax.Array | None = None) -> jax.Array:  # noqa: ARG002
        """Normalise `[M, H]`, where M = B·T, row by row; windows have no mask."""
        norm = nn.BatchNorm(
            use_running_average=not self.training,
            momentum=NORM_MOMENTUM,
            use_fast_variance=False,
            use_scale=False,
            use_bias=False,
        )
        rows = norm(x.reshape(-1, self.positions * x.shape[-1]))  # [B, T·H]
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],))
        bias = self.param("bias", nn.initializers.zeros, (x.shape[-1],))
        return rows.reshape(x.shape) * scale[None] + bias[None]


class PositionWise(WaveNet):
    """The lecture's tree with the bug, over windows alone."""

    def _layer(self, index: int) -> nn.Module:
        config = self.config
        positions = config.receptive_field // config.kernel_size ** (index + 1)
        norm = partial(PositionNorm, positions, self.training)
        return super()._layer(index).clone(norm=norm)


def main(given: StudyOptions) -> None:
    """Train each row from every seed, and print, draw and write down what they reached."""
    place, seeds, quick = open_study("performance_log", given), given.seeds, given.quick
    steps, rows = (20, list(ROWS)[2:4]) if quick else (STEPS, list(ROWS))
    small = {"n_embd": 4, "n_hidden": 8, "dilations": (1, 2)} if quick else {}
    every = {"steps": steps, "report_every": min(steps, CHUNK), "eval_every": steps}
    tasks = {}
    for name in rows:
        config = replace_fields(preset(ROWS[name].preset), data=place.data, **every, **small)
        for seed in range(seeds):
            tasks[f"{name}/{seed}"] = Run(replace_fields(config, seed=seed), ROWS[name].has_bug)
    found = place.run(make_run, tasks)
    runs = {name: [found[f"{name}/{seed}"] for seed in range(seeds)] for name in rows}
    result = log(runs, DataConfig(data=place.data))
    print(table(result))
    place.write({"steps": steps, "seeds": seeds, "rows": result})
    draw(result, place.picture)


def make_run(task: Run) -> Result:
    """Return the losses of a run."""
    if task.has_bug:
        return train_with_bug(task.config)
    return train(Task(task.config, keeps_documents=True))


def train_with_bug(config: Config) -> Result:
    """Return the losses of the net with the bug, from the same first weights and minibatches."""
    dataset, steps = load(config.data), config.train.steps or 1
    model = PositionWise(config.model, len(dataset.vocab))
    window = jnp.zeros((1, config.model.receptive_field), jnp.int32)
    key = root_key(config.train.seed, Purpose.INIT)
    trainer = make_trainer(model, config, steps)
    state = init_state(trainer, model.init(key, window, method="window"))
    corpus = jax.device_put(dataset.splits.train)
    for done in range(0, steps, CHUNK):
        state, _ = train_chunk(trainer, state, corpus, min(CHUNK, steps - done))
    losses = split_losses(dataset, partial(score_windows, model, state.variables))
    return {"parameters": count_parameters(state.params)} | losses


def score_windows(model: WaveNet, variables: Variables, corpus: Corpus) -> Scores:
    """Return the nats and the predictions of each document, each window run by itself."""
    end, field, pieces = corpus.num_predictions, model.config.receptive_field, []
    for start in range(0, end, WINDOWS):
        batch = windows(corpus, jnp.arange(start, start + WINDOWS), field)
        pieces.append(np.asarray(window_nll(model, variables, batch), np.float64))
    nats = np.add.reduceat(np.concatenate(pieces)[:end], corpus.starts)
    return nats, np.diff(np.append(corpus.starts, end))


@partial(jax.jit, static_argnames="model")
def window_nll(model: WaveNet, variables: Variables, batch: Batch) -> jax.Array:
    """Return the negative log-likelihood of the target of each window, in nats: `[B]`."""
    logits = model.apply(variables, batch.inputs, method="window")
    return optax.softmax_cross_entropy_with_integer_labels(logits, batch.targets)[:, 0]


def log(runs: dict[str, list[Result]], data: DataConfig) -> dict[str, dict[str, Any]]:
    """Return the rows: losses with their errors, and differences from the row before."""
    dataset, rows, before = load(data), {}, None
    for name, each in runs.items():
        row: dict[str, Any] = {
            "parameters": each[0]["parameters"],
            "train": mean_and_error([run["train"] for run in each]),
            "deviation": deviation([run["val"] for run in each]),  # of val over the seeds
            "published": [ROWS[name].train, ROWS[name].val],
        }
        for split in ("val", "test"):
            row[split] = estimate(each, split)
            row[f"unseen_{split}"] = estimate(each, split, unseen(dataset, split))
            row[f"{split}_difference"] = difference(each, before, split) if before else None
        rows[name], before = row, each
    return rows


LOSSES = "{:14} {:>15}  {:>15}  {:>15} {:>14}  {:>16}"
COMPARED = "{:14} {:>15}  {:>15}  {:>16}  {:>16}  {:>6}"


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Return the losses beside the lecture's, then those of unseen names and the differences."""
    heads = "", "train", "val", "test", "the lecture's", "val - lecture's"
    lines = [LOSSES.format(*heads), *(_losses(name, row) for name, row in rows.items())]
    heads = "", "unseen val", "unseen test", "val - row above", "test - row above", "σ"
    lines += ["", COMPARED.format(*heads)]
    return "\n".join([*lines, *(_compared(name, row) for name, row in rows.items())])


def _losses(name: str, row: dict[str, Any]) -> str:
    losses = (with_error(row[split]) for split in ("train", "val", "test"))
    train, val = row["published"]
    mean, error = row["val"]
    away = f"{mean - val:+.4f} {abs(mean - val) / error:.1f} s.e."
    return LOSSES.format(name, *losses, f"{train:.3f} / {val:.3f}", away)


def _compared(name: str, row: dict[str, Any]) -> str:
    unseen_losses = (with_error(row[f"unseen_{split}"]) for split in ("val", "test"))
    above = [row[f"{split}_difference"] for split in ("val", "test")]
    differences = (with_error(pair, "+") for pair in above)
    return COMPARED.format(name, *unseen_losses, *differences, f"{row['deviation']:.4f}")


def draw(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw the losses of each row with two standard errors, and what the lecture published."""
    from matplotlib.figure import Figure  # noqa: PLC0415  an optional extra

    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes, at = figure.subplots(), np.arange(len(rows))
    for index, (split, marker) in enumerate({"train": "^", "val": "o", "test": "s"}.items()):
        means, errors = np.array([row[split] for row in rows.values()]).T
        y = at + 0.2 * (index - 1)
        color, label = COLORS[(5, 0, 4)[index]], f"{split}, ± 2 s.e."
        axes.errorbar(means, y, xerr=2 * errors, fmt=marker, label=label, color=color, capsize=3)
        if split != "test":
            theirs = [row["published"][index] for row in rows.values()]
            label = f"{split}, the lecture's"
            axes.plot(theirs, y + 0.1, marker, color=color, mfc="none", label=label)
    axes.set_yticks(at, list(rows))
    axes.invert_yaxis()
    axes.set(xlabel="loss (nats per character)", title="The lecture's performance log")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    run(main)
