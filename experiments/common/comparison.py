"""The lecture's model here and in PyTorch: the same weights, timed in turn in the same process."""

import importlib
import math
import statistics
import string
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from common.command import require_package
from common.timing import Call, seconds
from wavenet_jax.config import DataConfig, preset
from wavenet_jax.constraints import any_text, compile_mask
from wavenet_jax.data import Dataset, load_dataset
from wavenet_jax.errors import require
from wavenet_jax.evaluation import corpus_loss, index_corpus
from wavenet_jax.nn import WaveNet
from wavenet_jax.sampling import DecodeParams, DocumentSampler, Limits, Sample, decode_params
from wavenet_jax.training import init_state, make_trainer, train_chunk

STEPS = 1_000  # of one call of `Ours.train`
MAX_LENGTH = 30  # characters of a name


def load_names(data: str) -> Dataset:
    """Return the names to compare with PyTorch on.

    Raises `InputError` where they cannot be read, hold other characters than the lecture's, or
    PyTorch is not installed.
    """
    dataset = load_dataset(DataConfig(data=data))
    letters = dataset.vocab.characters[1:]
    require(
        letters == string.ascii_lowercase,
        f"data {data!r} has the characters {letters[:40]!r}, expected exactly a to z, as makemore "
        "has: the lecture's network has a logit for each.",
        "data",
    )
    require_package("torch", "PyTorch", "torch")
    return dataset


class Ours:
    """The lecture's model in training, as the commands use it."""

    def __init__(self, data: Dataset) -> None:
        config = preset("makemore")
        self.data = data
        self.corpus = jax.device_put(data.splits.train)
        self.model = WaveNet(config.model, len(data.vocab))
        self.trainer = make_trainer(self.model, config, 200_000)
        self.state = init_state(self.trainer)
        self.free = decode_params(compile_mask(any_text(data.vocab)), MAX_LENGTH)

    def train(self) -> None:
        """Take STEPS steps."""
        trained = train_chunk(self.trainer, self.state, self.corpus, STEPS)
        self.state, _ = jax.block_until_ready(trained)

    def evaluate(self) -> None:
        """Score train and val."""
        for part in (self.data.splits.train, self.data.splits.val):
            batches = index_corpus(self.model, part)
            corpus_loss(self.model, self.state.variables, part, batches)

    def sample(
        self, n: int, params: DecodeParams | None = None, limits: Limits | None = None
    ) -> list[Sample]:
        """Sample n names, by default without constraints."""
        variables, vocab, key = self.state.variables, self.data.vocab, jax.random.key(0)
        params, limits = params or self.free, limits or Limits()
        return list(DocumentSampler(self.model, variables, vocab, key, params, limits).run(0, n))

    def logits(self, windows: np.ndarray) -> np.ndarray:
        """Return the logits `[N, V]` of windows `[N, R]`."""
        logits = self.model.apply(self.state.variables, windows, method="window")
        return np.asarray(logits)[:, 0]


def torch_windows(ours: Ours) -> tuple[Any, Any]:
    """Return the windows and targets of train, and those of val, as PyTorch's tensors."""
    lecture = importlib.import_module("common.torch_lecture")  # after our memory is measured
    train, val, _ = ours.data.split_documents
    return lecture.windows(train), lecture.windows(val)


def torch_models(ours: Ours, train_windows: Any, val_windows: Any) -> dict[str, Any]:
    """Return the PyTorch models with our weights, after checking that they compute the same."""
    lecture = importlib.import_module("common.torch_lecture")
    models = {
        "by hand": lecture.ByHand(*train_windows, seed=0),
        "torch.nn": lecture.TorchNN(*train_windows, seed=0),
        "compiled": lecture.TorchNN(*train_windows, seed=0, compiled=True),
    }
    weights = lecture.from_variables(ours.state.variables)
    expected = ours.logits(val_windows[0].numpy())
    for name, model in models.items():
        model.load(weights)
        difference = np.abs(model.logits(val_windows[0]) - expected).max()
        scale = np.abs(expected).max()
        print(f"{name}: logits differ from ours by at most {difference:.1e}, of size {scale:.1f}")
        if not difference < 1e-5 * scale:
            raise AssertionError(f"{name} is another network")
    return models


def median_times(calls: Mapping[str, Call], rounds: int) -> dict[str, float]:
    """Call each in turn, round by round, and return the median seconds of each.

    PyTorch's are the better of one thread and two; JAX uses the threads that it finds.
    """
    torch = importlib.import_module("torch")
    best = dict.fromkeys(calls, math.inf)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for call in calls.values():
            call()  # compiles, warms up
        times = [{name: seconds(call) for name, call in calls.items()} for _ in range(rounds)]
        for name in calls:
            best[name] = min(best[name], statistics.median(each[name] for each in times))
    return best


def print_times(title: str, unit: str, scales: dict[str, float], times: dict[str, float]) -> None:
    """Print a row: the time of each model per unit, and its ratio to ours."""
    per_unit = {name: seconds * scales[name] for name, seconds in times.items()}
    cells = [
        f"{name} {value:,.4g} {unit} (x{value / per_unit['ours']:.2f})"
        for name, value in per_unit.items()
    ]
    print(f"{title}: {', '.join(cells)}", flush=True)
