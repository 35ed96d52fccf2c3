"""Runs of a study, each in a process of its own, and their paired differences."""

import math
import statistics
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import numpy as np

from common.pool import Result
from common.timing import median_seconds
from wavenet_jax.backend import use_compilation_cache
from wavenet_jax.config import Config, DataConfig
from wavenet_jax.data import Dataset, load_dataset
from wavenet_jax.evaluation import document_nll, evaluate_splits, index_corpus, total_loss
from wavenet_jax.nn import Variables, WaveNet, count_parameters
from wavenet_jax.training import DivergenceError, fit, init_state, make_trainer, train_chunk

# Okabe and Ito's colours, which colour-blind readers tell apart, with grey in place of yellow.
COLORS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#999999")


class Task(NamedTuple):
    """A run to make."""

    config: Config
    keeps_documents: bool = False  # the nats of every document of val and test


@cache
def load(data: DataConfig) -> Dataset:
    """Return the data, read once in each process."""
    use_compilation_cache()
    return load_dataset(data)


def train(task: Task) -> Result:
    """Return the validation loss of a run by step, the last one, and the documents' losses."""
    dataset, curve = load(task.config.data), []
    model = WaveNet(task.config.model, len(dataset.vocab))
    try:
        for info in fit(model, task.config, dataset.splits):
            if info.val_loss is not None:
                curve.append((info.step, info.val_loss))
    except DivergenceError:
        return {"val": math.inf, "curve": curve}
    result = {"val": curve[-1][1], "curve": curve}
    if task.keeps_documents:
        result |= losses(model, info.variables, dataset)
    return result


def losses(model: WaveNet, variables: Variables, dataset: Dataset) -> Result:
    """Return the loss of each split and of its unseen documents, and of each document."""
    evaluations = evaluate_splits(model, variables, dataset.splits)
    result: Result = {"parameters": count_parameters(variables["params"])}
    for split, corpus in zip(("train", "val", "test"), dataset.splits, strict=True):
        evaluation = getattr(evaluations, split)
        result[split] = evaluation.all.nats_per_character
        if split == "train":
            continue
        if evaluation.unseen is not None:
            result[f"unseen_{split}"] = evaluation.unseen.nats_per_character
        nats, predictions = document_nll(model, variables, corpus, index_corpus(model, corpus))
        result[f"{split}_documents"] = [nats.tolist(), predictions.tolist()]
    return result


def time_steps(task: Task) -> Result:
    """Return the seconds of a step, as the median of chunks without compilation."""
    dataset, config = load(task.config.data), task.config
    model, steps = WaveNet(config.model, len(dataset.vocab)), config.train.steps or 1
    trainer = make_trainer(model, config, steps)
    state, corpus = init_state(trainer), jax.device_put(dataset.splits.train)
    size = min(steps, 100)
    call = partial(block, partial(train_chunk, trainer, state, corpus, size))
    return {"seconds": median_seconds(call, rounds=5) / size}


def block(call: Callable[[], Any]) -> None:
    """Call and wait for the result."""
    jax.block_until_ready(call())


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of a sample, NaN of one value."""
    return statistics.stdev(values) if len(values) > 1 else math.nan


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean of a sample and its standard error."""
    return statistics.mean(values), deviation(values) / math.sqrt(len(values))


def difference(
    runs: Sequence[Result], reference: Sequence[Result], split: str
) -> tuple[float, float]:
    """Return the mean difference of the losses of a split, and its standard error.

    Paired by seed, which decides weights and minibatches, and by name.  The two errors, of few
    seeds and of few names, add up in their squares.
    """
    by_seed = [a[split] - b[split] for a, b in zip(runs, reference, strict=True)]
    ours, theirs = (
        np.mean([each[f"{split}_documents"][0] for each in several], axis=0)
        for several in (runs, reference)
    )
    predictions = np.array(runs[0][f"{split}_documents"][1])
    of_names = total_loss(ours - theirs, predictions).standard_error
    mean, of_seeds = mean_and_error(by_seed)
    return mean, math.hypot(of_seeds, of_names)
