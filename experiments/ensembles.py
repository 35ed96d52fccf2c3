"""What do the mean probabilities of k nets gain, and what does one distilled net keep of it?

    wavenet-jax data makemore
    python experiments/ensembles.py

Sixteen seeds of `makemore-fast`, 3,000 steps each.  An ensemble of k nets predicts the mean of
their probabilities; the 16 nets are parted into 16/k ensembles, and the mean loss of these counts,
so that k = 1 is the mean of single nets.  One program runs all 16 over the names of a split, from
their stacked weights.  They are trained one by one on a core each: the last column is the time of a
step of k nets in one program by `vmap`, for each net, on one core.

The distilled net has the shape of one net and learns the mean probabilities of all 16 for the names
of train.  Chosen on val with seed 100: once or three times the steps (soft targets are harder to
overfit), the weight decay as a sum over the run (3.75, that of the preset, or 1), and whether half
of the target is the letter that occurred.  Then fresh seeds; nets on letters alone, of as many
steps and with the preset's decay, show what the steps bring by themselves.  Test is looked at once.

± is a standard error, of the names; that of a loss is 0.008.  A difference is from the mean of
single nets, paired by name, and that of distilled nets includes the error of their three seeds.

Claim: 16 nets gain 0.02 on test, and one distilled net keeps half of it.
Measured on 2026-11-26, nets of seeds 0 to 15, distilled of seeds 16 17 18, jax 0.10.2, two cores of
an AMD EPYC, in nats per character:

                    val           - 1 net      kept    test           - 1 net      kept  µs/step
  1 net          1.9640                              1.9632                                4,134
  2 nets         1.9353  -0.0288 ± 0.0005            1.9341  -0.0291 ± 0.0005              3,401
  4 nets         1.9208  -0.0433 ± 0.0007            1.9193  -0.0439 ± 0.0007              3,704
  8 nets         1.9134  -0.0507 ± 0.0008            1.9118  -0.0513 ± 0.0008              4,236
  16 nets        1.9097  -0.0544 ± 0.0009            1.9081  -0.0551 ± 0.0009              6,133
  distilled      1.9236  -0.0405 ± 0.0020  74% ± 4%  1.9256  -0.0376 ± 0.0017  68% ± 3%
  letters alone  2.0069  +0.0429 ± 0.0049            2.0088  +0.0456 ± 0.0045

The claim is too low: 16 nets gain 0.055, of which two nets have half and four have four fifths.  A
distilled net keeps 68 ± 3 % of it on test, in three times the steps and with half of the target the
letter.  In as many steps as one net, on probabilities alone, it is at 1.9377 on val; letters alone
for three times the steps overfit.  The best of the search has the most steps that were tried, so
more of them may keep more.  Two to four nets side by side take 0.8 to 0.9 of the time of single
steps, less than a core for each saves, and 16 take 1.5 of it.  The study took a quarter of an hour
of two cores that did other work beside it.
"""

import base64
import math
import tempfile
from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from common.command import run
from common.distillation import Student, distil
from common.pool import Result
from common.study import (
    COLORS,
    Place,
    StudyOptions,
    Together,
    load,
    mean_and_error,
    open_study,
    time_together,
)
from jax.flatten_util import ravel_pytree
from scipy.special import logsumexp

from wavenet_jax.config import Config, preset, replace_fields
from wavenet_jax.data import Corpus, Dataset
from wavenet_jax.errors import pluralize
from wavenet_jax.evaluation import total_loss
from wavenet_jax.nn import Variables, WaveNet, init_variables
from wavenet_jax.training import fit

NETS = replace_fields(preset("makemore-fast"), steps=3_000)
SIZES = (1, 2, 4, 8, 16)  # of ensembles
SEARCH_SEED = 100


class Study(NamedTuple):
    """How ensembles are studied."""

    place: Place
    seeds: int
    nets: Config = NETS
    sizes: tuple[int, ...] = SIZES
    lengths: tuple[int, ...] = (1, 3)  # of the distilled nets' runs, in those of a net
    decays: tuple[float, ...] = (3.75, 1.0)
    hards: tuple[float, ...] = (0.0, 0.5)


def main(given: StudyOptions) -> None:
    """Train the nets, distil them, and print, draw and write down the losses."""
    place = open_study("ensembles", given)
    study = Study(place, given.seeds, replace_fields(NETS, data=place.data))
    result = conduct(shortened(study) if given.quick else study)
    print(table(result))
    place.write(result)
    draw(result, place.picture)


def shortened(study: Study) -> Study:
    """Return a study of two small nets for a few steps, in this process."""
    small = {"n_embd": 8, "n_hidden": 8, "dilations": (1,)}
    nets = replace_fields(study.nets, steps=10, seq_len=64, **small)
    return study._replace(nets=nets, sizes=(1, 2), lengths=(2,), decays=(1.0,), hards=(0.5,))


def conduct(study: Study) -> dict[str, Any]:
    """Return the rows of the ensembles and of the distilled nets."""
    config, largest = study.nets, study.sizes[-1]
    clocks = {f"{k} side by side": Together(config, k) for k in study.sizes}
    seconds = study.place.run(time_together, clocks, jobs=1)
    tasks = {f"net {seed}": replace_fields(config, seed=seed) for seed in range(largest)}
    found = study.place.run(train_net, tasks)
    dataset = load(config.data)
    model = WaveNet(config.model, len(dataset.vocab))
    nets = stacked(model, [found[name]["weights"] for name in tasks])
    sums = {split: scores(model, nets, dataset, split, study.sizes) for split in ("val", "test")}
    rows: dict[str, dict[str, Any]] = {}
    for k in study.sizes:
        row = rows[pluralize(k, "net")] = {
            split: compared(each[k], each[1]) for split, each in sums.items()
        }
        row["microseconds_per_step"] = seconds[f"{k} side by side"]["seconds"] / k * 1e6
    ends = {split: (each[1], each[largest]) for split, each in sums.items()}
    return {"rows": rows | distilled(study, teach(model, nets, dataset.splits.train), ends)}


def train_net(config: Config) -> Result:
    """Return the weights and statistics of a net, as text."""
    dataset = load(config.data)
    *_, last = fit(WaveNet(config.model, len(dataset.vocab)), config, dataset.splits)
    flat, _ = ravel_pytree(last.variables)
    return {"weights": base64.b64encode(np.asarray(flat, np.float32).tobytes()).decode()}


def stacked(model: WaveNet, weights: Sequence[str]) -> Variables:
    """Return the variables of all nets, each leaf with an axis of nets before its own."""
    _, unravel = ravel_pytree(init_variables(model, jax.random.key(0)))
    flat = [np.frombuffer(base64.b64decode(each), np.float32) for each in weights]
    return jax.vmap(unravel)(jnp.stack(flat))


@partial(jax.jit, static_argnames="model")
def nll_of_nets(model: WaveNet, nets: Variables, corpus: Corpus) -> jax.Array:
    """Return the negative log-likelihood of every prediction by every net, `[k, N]`, in nats."""

    def of_net(variables: Variables) -> jax.Array:
        logits = model.apply(variables, corpus.tokens[None, :-1])[0]  # [N, V]
        return optax.softmax_cross_entropy_with_integer_labels(logits, corpus.tokens[1:])

    return jax.lax.map(of_net, nets)  # `vmap` would need the memory of all nets at once


@partial(jax.jit, static_argnames="model")
def teach(model: WaveNet, nets: Variables, corpus: Corpus) -> jax.Array:
    """Return the mean probabilities of the nets after every position, `[N, V]`."""

    def add(total: jax.Array, variables: Variables) -> tuple[jax.Array, None]:
        logits = model.apply(variables, corpus.tokens[None, :-1])[0]
        return total + jax.nn.softmax(logits), None

    nothing = jnp.zeros((corpus.num_predictions, model.vocab_size))
    total, _ = jax.lax.scan(add, nothing, nets)
    return total / len(jax.tree.leaves(nets)[0])


def ensemble_nll(nll: np.ndarray, size: int) -> np.ndarray:
    """Return the mean over the ensembles of `size` nets of what each loses: `[k, N] -> [N]`.

    An ensemble's probability of a target is the mean of the nets': -log (1/size · Σ e^-nll).
    """
    groups = nll.reshape(-1, size, nll.shape[1])
    return (math.log(size) - logsumexp(-groups, axis=1)).mean(0)


class Sums(NamedTuple):
    """What the documents of a split lose."""

    nats: np.ndarray  # [D]
    predictions: np.ndarray  # [D]


def scores(
    model: WaveNet, nets: Variables, dataset: Dataset, split: str, sizes: Sequence[int]
) -> dict[int, Sums]:
    """Return the sums of the ensembles of each size."""
    corpus: Corpus = getattr(dataset.splits, split)
    nll = np.asarray(nll_of_nets(model, nets, corpus), np.float64)
    counts = np.diff(np.append(corpus.starts, corpus.num_predictions))
    return {k: Sums(np.add.reduceat(ensemble_nll(nll, k), corpus.starts), counts) for k in sizes}


def compared(ours: Sums, single: Sums) -> dict[str, Any]:
    """Return the loss, and the difference from single nets, each with its error by name."""
    loss, gain = total_loss(*ours), total_loss(ours.nats - single.nats, ours.predictions)
    return {
        "loss": (loss.nats_per_character, loss.standard_error),
        "difference": (gain.nats_per_character, gain.standard_error),
    }


def distilled(
    study: Study, teacher: jax.Array, ends: dict[str, tuple[Sums, Sums]]
) -> dict[str, dict[str, Any]]:
    """Return the rows of the distilled nets, and of nets on letters alone, of as many steps.

    `ends` are the single nets and the largest ensemble, of each split.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "teacher.npy"  # no part of the tasks, whose processes read it
        np.save(file, np.asarray(teacher))
        trials = candidates(study)
        tried = study.place.run(partial(distil, file), trials)
        best = trials[min(trials, key=lambda name: tried[name]["val"])]
        chosen = {"distilled": best, "letters alone": on_letters(study, best)}
        found = study.place.run(partial(distil, file), fresh(study, chosen))
    rows: dict[str, dict[str, Any]] = {}
    for name, each in chosen.items():
        runs = [result for task, result in found.items() if task.startswith(name)]
        rows[name] = {split: kept(runs, split, *pair) for split, pair in ends.items()}
        rows[name]["steps"] = each.config.train.steps
        rows[name]["weight_decay"] = each.config.optim.weight_decay
        rows[name]["hard"] = each.hard
    rows["distilled"]["trials"] = {name: result["val"] for name, result in tried.items()}
    return rows


def candidates(study: Study) -> dict[str, Student]:
    """Return the nets of which the best on val is distilled again."""
    return {
        f"{length} runs, decay {decay:g}, hard {hard:g}": student(study, length, decay, hard)
        for length, decay, hard in product(study.lengths, study.decays, study.hards)
    }


def on_letters(study: Study, like: Student) -> Student:
    """Return a net that learns letters alone in as many steps, with the preset's decay."""
    length = (like.config.train.steps or 1) // (study.nets.train.steps or 1)
    return student(study, length, study.decays[0], hard=1.0)


def fresh(study: Study, chosen: dict[str, Student]) -> dict[str, Student]:
    """Return the chosen nets with seeds that no teacher has."""
    first = study.sizes[-1]
    return {
        f"{name} {seed}": each._replace(config=replace_fields(each.config, seed=seed))
        for name, each in chosen.items()
        for seed in range(first, first + study.seeds)
    }


def student(study: Study, length: int, decay: float, hard: float) -> Student:
    """Return a net to distil in some times the steps of a net."""
    steps = length * (study.nets.train.steps or 1)
    each = float(f"{decay / (study.nets.optim.peak / 2 * steps):.3g}")  # the mean rate is half
    config = replace_fields(study.nets, steps=steps, weight_decay=each, seed=SEARCH_SEED)
    return Student(config, hard, study.sizes[-1])


def kept(runs: Sequence[Result], split: str, single: Sums, ensemble: Sums) -> dict[str, Any]:
    """Return what nets lose, their difference from single nets, and the share of the gain kept."""
    nats = np.mean([run[f"{split}_documents"][0] for run in runs], axis=0)
    _, of_seeds = mean_and_error([run[split] for run in runs])
    row = compared(Sums(nats, single.predictions), single)
    (mean, of_names), whole = row["difference"], compared(ensemble, single)["difference"][0]
    share = mean / whole
    # Of a ratio of sums: the residuals of its numerator, as in `total_loss`.
    residuals = nats - single.nats - share * (ensemble.nats - single.nats)
    of_share = total_loss(residuals, single.predictions).standard_error
    row["difference"] = mean, math.hypot(of_names, of_seeds)
    row["kept"] = share, math.hypot(of_share, of_seeds) / abs(whole)
    return row


COLUMNS = "{:14} {:>15} {:>17} {:>11}  {:>15} {:>17} {:>11} {:>8}"


def table(result: dict[str, Any]) -> str:
    """Return the rows as text."""
    losses = [each for split in ("val", "test") for each in (split, "- 1 net", "kept")]
    lines = [COLUMNS.format("", *losses, "µs/step").rstrip()]
    for name, row in result["rows"].items():
        cells = [cell for split in ("val", "test") for cell in _cells(row[split])]
        time = row.get("microseconds_per_step")
        lines.append(COLUMNS.format(name, *cells, "" if time is None else f"{time:,.0f}").rstrip())
    return "\n".join(lines)


def _cells(each: dict[str, Any]) -> tuple[str, str, str]:
    share = "{:.0%} ± {:.0%}".format(*each["kept"]) if "kept" in each else ""
    difference = "{:+.4f} ± {:.4f}".format(*each["difference"])
    is_reference = each["difference"] == (0.0, 0.0)
    return "{:.4f} ± {:.4f}".format(*each["loss"]), "" if is_reference else difference, share


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw the differences from single nets against the number of nets, with two errors."""
    from matplotlib.figure import Figure  # noqa: PLC0415  an optional extra

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    rows = result["rows"]
    sizes = [name for name in rows if "net" in name]
    labels = [name.split()[0] for name in sizes] + ["distilled", "letters\nalone"]
    at = np.arange(len(labels))
    for index, (split, marker) in enumerate({"val": "o", "test": "s"}.items()):
        means, errors = np.array([row[split]["difference"] for row in rows.values()]).T
        color, x = COLORS[(0, 4)[index]], at + 0.12 * (2 * index - 1)
        label = f"{split}, ± 2 s.e."
        axes.errorbar(x, means, yerr=2 * errors, fmt=marker, color=color, label=label, capsize=3)
        axes.plot(x[: len(sizes)], means[: len(sizes)], color=color, linewidth=0.8)
    axes.set_xticks(at, labels)
    axes.set(
        xlabel="nets whose probabilities are averaged, and single nets",
        ylabel="loss - that of one net (nats per character)",
        title="Ensembles of makemore-fast",
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    run(main)
