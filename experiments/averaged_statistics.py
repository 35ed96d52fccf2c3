"""Which statistics should BatchNorm have under averaged weights?

    wavenet-jax data makemore
    python experiments/averaged_statistics.py

The running means and variances of a run belong to its weights, not to their averages.  Three ways
are compared, by the validation loss of the same averaged weights after the last step: the running
statistics as they are, an average of them like that of the weights, and an estimate from the first
minibatches of the run, with more and more positions.  The last is what `--ema` does.

Claim: only an estimate is right, and 8,192 positions are enough for it.
Measured on 2026-11-26, seeds 0 and 1, jax 0.10.2, two cores of an AMD EPYC; val in nats per
character (beside schedule-free AdamW there is no average of the statistics):

    run                    weights   running  averaged      1,024      4,096      8,192     65,536
    linear, ema 0.99        1.9656     1.9675     1.9635     1.9654     1.9643     1.9643     1.9639
    linear, ema 0.999       1.9656     3.3154     2.9150     1.9731     1.9725     1.9729     1.9725
    constant, ema 0.99      2.0686     1.9978     1.9961     1.9937     1.9927     1.9925     1.9924
    constant, ema 0.999     2.0686     2.0401     2.8461     1.9955     1.9948     1.9947     1.9946
    schedule-free           2.0201     1.9771          –     1.9686     1.9673     1.9674     1.9668
"""

from functools import partial
from typing import Any

import jax
import numpy as np
from common.command import run, with_seeds

from wavenet_jax.config import Config, DataConfig, preset, replace_fields
from wavenet_jax.data import Dataset, load_dataset
from wavenet_jax.evaluation import corpus_loss, index_corpus
from wavenet_jax.nn import WaveNet
from wavenet_jax.training import evaluation_variables, fit, make_trainer

POSITIONS = (1_024, 4_096, 8_192, 65_536)
RUNS: dict[str, dict[str, Any]] = {
    "linear, ema 0.99": {"ema": 0.99},
    "linear, ema 0.999": {"ema": 0.999},
    "constant, ema 0.99": {"schedule": "constant", "ema": 0.99},
    "constant, ema 0.999": {"schedule": "constant", "ema": 0.999},
    "schedule-free": {"optimizer": "schedule_free_adamw"},
}


def main(
    data: str = "makemore", base: str = "makemore-fast", seeds: tuple[int, ...] = (0, 1, 2)
) -> None:
    """Train with averages and print the mean losses of each way.

    Args:
        data: makemore, once downloaded, or the path of a list.
        base: The preset whose run is averaged.
        seeds: Training seeds.
    """
    dataset = load_dataset(DataConfig(data=data))
    configs = with_seeds(replace_fields(preset(base), data=data), seeds)
    estimates = "  ".join(f"{count:9,}" for count in POSITIONS)
    print(f"{'run':20}   weights   running  averaged  {estimates}")
    for name, options in RUNS.items():
        losses = [compare(replace_fields(config, **options), dataset) for config in configs]
        print(f"{name:20} {'  '.join(f'{x:9.4f}' for x in np.mean(losses, axis=0))}", flush=True)


def compare(config: Config, dataset: Dataset) -> list[float]:
    """Return the loss of the weights, and of their averages with the statistics of each way."""
    model, splits = WaveNet(config.model, len(dataset.vocab)), dataset.splits
    decay, moment, done = config.optim.ema or 0.0, None, 0
    for info in fit(model, config, splits):
        # The average of the statistics moves at every report, by as much as in its steps.
        kept, stats = decay ** (info.step - done), info.state.batch_stats
        moment = jax.tree.map(partial(mix, kept), stats if moment is None else moment, stats)
        done = info.step
    state, corpus = info.state, jax.device_put(splits.train)
    trainer = make_trainer(model, config, info.step)
    estimates = [evaluation_variables(trainer, state, corpus, count) for count in POSITIONS]
    ways = [state.batch_stats, moment, *(each["batch_stats"] for each in estimates)]
    averages = [{"params": state.averaged_params, "batch_stats": stats} for stats in ways]
    batches = list(index_corpus(model, splits.val))
    return [
        corpus_loss(model, variables, splits.val, batches).nats_per_character
        for variables in (state.variables, *averages)
    ]


def mix(kept: float, old: jax.Array, new: jax.Array) -> jax.Array:
    """Return the old value moved to a new one, of which a share is kept."""
    return kept * old + (1 - kept) * new


if __name__ == "__main__":
    run(main)
