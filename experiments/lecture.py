"""Does the lecture's recipe, in JAX, reach the lecture's losses?

    wavenet-jax data makemore
    python experiments/lecture.py --preset makemore --seeds 0 1 2

Trains the preset's 200,000 steps on makemore's names from several seeds (the split stays the
lecture's) and prints the loss of every split with its standard error by document.

Claim: the mean validation loss of three seeds is at most 2.000 (the lecture: 1.9937).
Measured on 2026-11-25, jax 0.10.2, two cores of an Intel Xeon (AVX-512), in nats per character,
after the last step:

    seed   first   train     val    s.e.    test    s.e.  unseen val  unseen test  seconds
       0  3.3029  1.7665  1.9898  0.0094  1.9921  0.0093      2.0232       2.0172     69.6
       1  3.2991  1.7653  1.9907  0.0096  1.9834  0.0094      2.0228       2.0096     68.6
       2  3.2972  1.7708  1.9939  0.0094  1.9962  0.0093      2.0256       2.0202     68.4
    mean  train 1.7675  val 1.9915  test 1.9905
    76,579 parameters, 200,000 steps

The other nets of the lecture are in performance_log.py, with error bars.

The same question for the preset that trains on sequences, which is not the lecture's recipe:

    python experiments/lecture.py --preset makemore-fast --seeds 0 1 2

Claim: at most 76,579 parameters reach 1.985 on val within ten seconds of training.
Measured on 2026-11-25, jax 0.10.2, two cores of an Intel Xeon; the seconds include two to three of
compilation:

    seed   first   train     val    s.e.    test    s.e.  unseen val  unseen test  seconds
       0  3.3127  1.8216  1.9647  0.0088  1.9614  0.0085      1.9869       1.9781     12.2
       1  3.3264  1.8207  1.9666  0.0088  1.9661  0.0086      1.9902       1.9837     11.0
       2  3.3446  1.8198  1.9624  0.0088  1.9609  0.0085      1.9860       1.9781     10.7
    mean  train 1.8207  val 1.9646  test 1.9628
    70,107 parameters, 3,000 steps

The lecture's tree of three layers, trained the same way, reaches 1.977 (seed 0).  A weight decay of
0.5 lowered its loss by 0.018, five layers of 88 channels instead of three of 128 by another 0.012.
"""

import statistics
import time
from dataclasses import replace

from common.command import run, with_seeds

from wavenet_jax.config import PRESETS, Config, preset
from wavenet_jax.data import Corpus, Splits, load_dataset
from wavenet_jax.errors import require
from wavenet_jax.evaluation import Evaluation, evaluate_splits
from wavenet_jax.nn import WaveNet, count_parameters
from wavenet_jax.training import (
    StepInfo,
    fit,
    init_state,
    make_trainer,
    train_chunk,
)


def main(
    preset: str = "makemore", seeds: tuple[int, ...] = (0, 1, 2), data: str = "makemore"
) -> None:
    """Train from every seed and print a row of losses for each, then their means.

    Args:
        preset: The lecture's makemore, makemore-22k, mlp-8 or mlp-3, or makemore-fast.
        seeds: Training seeds.
        data: makemore, once downloaded, or the path of its names.txt.
    """
    base = list_preset(preset)
    configs = with_seeds(base, seeds)
    dataset = load_dataset(replace(base.data, data=data))
    model = WaveNet(base.model, len(dataset.vocab))
    print("names      ", " / ".join(f"{len(part):,}" for part in dataset.split_documents))
    print("predictions", " / ".join(f"{part.num_predictions:,}" for part in dataset.splits))
    print("seed   first   train     val    s.e.    test    s.e.  unseen val  unseen test  seconds")
    rows = []
    for config in configs:
        last, losses = train(model, config, dataset.splits)
        rows.append([loss.all.nats_per_character for loss in losses])
    means = [statistics.mean(column) for column in zip(*rows, strict=True)]
    print("mean  train {:.4f}  val {:.4f}  test {:.4f}".format(*means))
    print(f"{count_parameters(last.state.params):,} parameters, {last.step:,} steps")


def list_preset(name: str) -> Config:
    """Return a preset for a list; raise `InputError` for another name."""
    config, lists = (
        preset(name),
        [each for each in PRESETS if not PRESETS[each].config.data.is_text],
    )
    require(
        name in lists,
        f"preset is {name!r}, which trains on one text, expected {' or '.join(lists)}.",
        "preset",
    )
    return config


def train(
    model: WaveNet, config: Config, splits: Splits[Corpus]
) -> tuple[StepInfo, Splits[Evaluation]]:
    """Train from the configured seed, and print and return the losses after the last step."""
    first = first_loss(model, config, splits.train)
    started = time.perf_counter()
    *_, last = fit(model, config, splits)
    seconds = time.perf_counter() - started
    losses = evaluate_splits(model, last.variables, splits)
    val, test = losses.val.all, losses.test.all
    unseen = [loss.unseen.nats_per_character for loss in losses if loss.unseen is not None]
    print(
        f"{config.train.seed:4}  {first:6.4f}  {losses.train.all.nats_per_character:6.4f}  "
        f"{val.nats_per_character:6.4f}  {val.standard_error:6.4f}  "
        f"{test.nats_per_character:6.4f}  {test.standard_error:6.4f}  "
        f"{unseen[1]:10.4f}  {unseen[2]:11.4f}  {seconds:7.1f}",
        flush=True,
    )
    return last, losses


def first_loss(model: WaveNet, config: Config, corpus: Corpus) -> float:
    """Return the loss of the first minibatch before any step, in nats."""
    steps = config.train.count_steps(corpus.num_predictions).steps
    trainer = make_trainer(model, config, steps)
    state = init_state(trainer)
    _, metrics = train_chunk(trainer, state, corpus, steps=1)
    return float(metrics.loss[0])


if __name__ == "__main__":
    run(main)
