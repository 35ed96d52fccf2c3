"""Runs of a study, each in a process of its own, and their paired differences."""

import json
import math
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common.command import require_package
from common.pool import Result, run_tasks
from common.timing import fastest_seconds, median_seconds
from wavenet_jax.config import Config, DataConfig
from wavenet_jax.data import Corpus, Dataset, load_dataset
from wavenet_jax.devices import use_compilation_cache
from wavenet_jax.errors import require
from wavenet_jax.evaluation import document_nll, index_corpus, total_loss
from wavenet_jax.nn import Variables, WaveNet, count_parameters
from wavenet_jax.training import (
    DivergenceError,
    TrainState,
    fit,
    init_state,
    make_trainer,
    train_chunk,
)

HERE = Path(__file__).parents[1]  # the experiments
# Okabe and Ito's colours, which colour-blind readers tell apart, with grey in place of yellow.
COLORS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#999999")


Scores = tuple[np.ndarray, np.ndarray]  # the nats and the predictions of each document, [D] each


@dataclass(frozen=True)
class StudyOptions:
    """The options that all studies have."""

    data: str | None = None
    """makemore, once downloaded, or the path of its names.txt; by default makemore, or with --quick
    the bundled names."""
    seeds: int = 3
    """Number of seeds of each net whose losses are reported."""
    jobs: int = 2
    """Processes, each on a core of its own; 0 for none but this."""
    out: Path | None = None
    """Folder of the results, the picture, and what is remembered of the runs that are done; by
    default that of the experiments, or with --quick a temporary one."""
    quick: bool = False
    """A small version for a moment, to see that everything works."""


class Place(NamedTuple):
    """What a study reads, where it writes, and how many processes work for it."""

    name: str
    data: str
    out: Path
    jobs: int

    def run(
        self, work: Callable[[Any], Result], tasks: Mapping[str, Any], jobs: int | None = None
    ) -> dict[str, Result]:
        """Return the results of the tasks, which are remembered in a file of the study's name."""
        memory = self.out / f"{self.name}.jsonl"
        return run_tasks(work, tasks, memory, self.jobs if jobs is None else min(jobs, self.jobs))

    def write(self, result: Any) -> None:
        """Write the result of the study as JSON."""
        (self.out / f"{self.name}.json").write_text(json.dumps(result) + "\n", "utf-8")

    @property
    def picture(self) -> Path:
        """Return the path of the study's picture."""
        return self.out / f"{self.name}.png"


def open_study(name: str, options: StudyOptions) -> Place:
    """Return where a study of that name works; raise `InputError` for a mistake."""
    require_package("matplotlib", "matplotlib", "plots")
    seeds, quick = options.seeds, options.quick
    require(seeds >= 2, f"seeds is {seeds}, expected at least 2: an error needs two.", "seeds")
    data = options.data or ("names" if quick else "makemore")
    load_dataset(DataConfig(data=data))  # so that a mistake is known at once
    out = options.out or (Path(tempfile.mkdtemp()) if quick else HERE)
    return Place(name, data, out, 0 if quick else options.jobs)


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

    def score(corpus: Corpus) -> Scores:
        return document_nll(model, variables, corpus, index_corpus(model, corpus))

    return {"parameters": count_parameters(variables["params"])} | split_losses(dataset, score)


def split_losses(dataset: Dataset, score: Callable[[Corpus], Scores]) -> Result:
    """Return the losses of a list that `score` finds, which scores the documents of a corpus."""
    result: Result = {}
    for split, corpus in dataset.splits._asdict().items():
        nats, predictions = score(corpus)
        result[split] = total_loss(nats, predictions).nats_per_character
        if split != "train":
            new = unseen(dataset, split)
            result[f"unseen_{split}"] = total_loss(nats[new], predictions[new]).nats_per_character
            result[f"{split}_documents"] = [nats.tolist(), predictions.tolist()]
    return result


def unseen(dataset: Dataset, split: str) -> np.ndarray:
    """Tell which documents of a split do not occur in train, `[D]`."""
    documents = dataset.split_documents
    seen = set(documents.train)
    return np.array([each not in seen for each in getattr(documents, split)], bool)


def time_steps(task: Task) -> Result:
    """Return the seconds of a step, as the median of chunks without compilation."""
    dataset, config = load(task.config.data), task.config
    model, steps = WaveNet(config.model, len(dataset.vocab)), config.train.steps or 1
    trainer = make_trainer(model, config, steps)
    state, corpus = init_state(trainer), jax.device_put(dataset.splits.train)
    size = min(steps, 100)
    call = partial(block, partial(train_chunk, trainer, state, corpus, size))
    return {"seconds": median_seconds(call, rounds=5) / size}


class Together(NamedTuple):
    """Nets to train side by side in one program."""

    config: Config
    nets: int


def time_together(task: Together) -> Result:
    """Return the least seconds of a step of several nets in one program, without compilation."""
    dataset, config = load(task.config.data), task.config
    model, steps = WaveNet(config.model, len(dataset.vocab)), config.train.steps or 1
    trainer, corpus = make_trainer(model, config, steps), jax.device_put(dataset.splits.train)
    size, state = min(steps, 20), init_state(trainer)
    states = jax.tree.map(lambda leaf: jnp.stack([leaf] * task.nets), state)

    @jax.jit
    def train_all(states: TrainState) -> TrainState:
        return jax.vmap(lambda state: train_chunk(trainer, state, corpus, size)[0])(states)

    call = partial(block, partial(train_all, states))
    return {"seconds": fastest_seconds(call, rounds=15) / size}


def block(call: Callable[[], Any]) -> None:
    """Call and wait for the result."""
    jax.block_until_ready(call())


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of a sample, NaN of one value."""
    return statistics.stdev(values) if len(values) > 1 else math.nan


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean of a sample and its standard error."""
    return statistics.mean(values), deviation(values) / math.sqrt(len(values))


def estimate(
    runs: Sequence[Result], split: str, chosen: np.ndarray | None = None
) -> tuple[float, float]:
    """Return the mean loss of a split and its standard error, of all documents or those chosen.

    The errors, of few seeds and of few names, add up in their squares.
    """
    nats = np.array([each[f"{split}_documents"][0] for each in runs])  # [seeds, D]
    predictions = np.array(runs[0][f"{split}_documents"][1])
    if chosen is not None:
        nats, predictions = nats[:, chosen], predictions[chosen]
    _, of_seeds = mean_and_error((nats.sum(1) / predictions.sum()).tolist())
    of_names = total_loss(nats.mean(0), predictions)
    return of_names.nats_per_character, math.hypot(of_seeds, of_names.standard_error)


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
