"""How fast a preset trains: a few chunks of a run, without the first, which compiles."""

import statistics
from typing import NamedTuple

from wavenet_jax.config import Config, replace_fields
from wavenet_jax.data import Corpus, Dataset
from wavenet_jax.nn import WaveNet
from wavenet_jax.training import StepInfo, fit


class Trained(NamedTuple):
    """A run that has been timed."""

    model: WaveNet
    steps_per_second: float  # median of its chunks
    last: StepInfo


def train_chunks(config: Config, dataset: Dataset, steps: int, chunks: int) -> Trained:
    """Train for so many chunks of steps after a first, which compiles; do not validate."""
    total = steps * (1 + chunks)
    config = replace_fields(config, steps=total, report_every=steps, eval_every=total)
    nothing = Corpus(dataset.splits.val.tokens[:1])
    return _timed(config, dataset._replace(splits=dataset.splits._replace(val=nothing)))


def train_whole(config: Config, dataset: Dataset, steps: int) -> Trained:
    """Train to the end in chunks of steps, and validate."""
    return _timed(replace_fields(config, report_every=steps), dataset)


def _timed(config: Config, dataset: Dataset) -> Trained:
    model = WaveNet(config.model, len(dataset.vocab))
    infos = list(fit(model, config, dataset.splits))
    speeds = [info.steps_per_second for info in infos if info.steps_per_second is not None]
    return Trained(model, statistics.median(speeds), infos[-1])
