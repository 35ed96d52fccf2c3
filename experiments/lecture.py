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

and on 2026-11-23, two cores of an EPYC, with --seeds 0, the lecture's losses behind:

    makemore-22k     3.2972  1.9124  2.0184  0.0087  2.0101  0.0085  (1.912 / 2.022)
    mlp-8            3.2859  1.9167  2.0277  0.0088  2.0220  0.0086  (1.918 / 2.027)
    mlp-3            3.3054  2.0571  2.1014  0.0080  2.1020  0.0080  (2.058 / 2.105)

Not the lecture's recipe, but the same question of the preset that trains on sequences:

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

The lecture's tree of three layers, trained so, reaches 1.977 (seed 0): a weight decay of 0.5 took
0.018 off its loss, five layers of 88 channels instead of three of 128 another 0.012.
"""

import statistics
import time
from dataclasses import replace

import tyro

from wavenet_jax import config, corpus, evaluate, optim, presets, train
from wavenet_jax.corpus import Corpus
from wavenet_jax.model import WaveNet, count_parameters


def main(
    preset: str = "makemore", seeds: tuple[int, ...] = (0, 1, 2), data: str = "makemore"
) -> None:
    """Train from every seed and print a row of losses for each, then their means.

    Args:
        preset: One of the lecture's rows, such as makemore or mlp-8.
        seeds: Training seeds.
        data: makemore, once downloaded, or the path of its names.txt.
    """
    base = presets.preset(preset)
    dataset = corpus.load(replace(base.data, data=data))
    splits = dataset.splits
    model = WaveNet(base.model, len(dataset.vocab))
    print("names      ", " / ".join(f"{len(part):,}" for part in dataset.parts))
    print("predictions", " / ".join(f"{part.predictions:,}" for part in splits))
    print("seed   first   train     val    s.e.    test    s.e.  unseen val  unseen test  seconds")
    rows = []
    for seed in seeds:
        run = replace(base, train=replace(base.train, seed=seed))
        first = first_loss(model, run, splits.train)
        started = time.perf_counter()
        *_, last = train.fit(model, run, splits)
        seconds = time.perf_counter() - started
        losses = evaluate.evaluate_splits(model, last.state.variables, splits)
        rows.append([loss.all.nats_per_character for loss in losses])
        unseen = [loss.unseen.nats_per_character for loss in losses if loss.unseen is not None]
        print(
            f"{seed:4}  {first:6.4f}  {losses.train.all.nats_per_character:6.4f}  "
            f"{losses.val.all.nats_per_character:6.4f}  {losses.val.all.standard_error:6.4f}  "
            f"{losses.test.all.nats_per_character:6.4f}  {losses.test.all.standard_error:6.4f}  "
            f"{unseen[1]:10.4f}  {unseen[2]:11.4f}  {seconds:7.1f}"
        )
    means = [statistics.mean(column) for column in zip(*rows, strict=True)]
    print("mean  train {:.4f}  val {:.4f}  test {:.4f}".format(*means))
    print(f"{count_parameters(last.state.params):,} parameters, {last.step:,} steps")


def first_loss(model: WaveNet, run: config.Config, corpus: Corpus) -> float:
    """Return the loss of the first minibatch before any step, in nats."""
    steps = run.train.total_steps(corpus.predictions)
    optimizer = optim.optimizer(run.optim, steps)
    state = train.init(model, optimizer, run.train.seed)
    _, losses = train.train_chunk(
        state,
        corpus,
        steps=1,
        settings=run.train,
        model=model,
        optimizer=optimizer,
    )
    return float(losses[0])


if __name__ == "__main__":
    tyro.cli(main)
