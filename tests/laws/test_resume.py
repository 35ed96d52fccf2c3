"""The law: a run is one run, however it is cut: into chunks, or by an interruption."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
from support.runs import assert_same, changed

from wavenet_jax.config import Config
from wavenet_jax.data import Corpus, Splits
from wavenet_jax.nn import WaveNet
from wavenet_jax.training import TrainState, fit

SEQUENCES: dict[str, Any] = {"mode": "sequence", "batch_size": 2, "seq_len": 16}
VARIANTS: dict[str, dict[str, Any]] = {
    "window": {},
    "sequence": {
        **SEQUENCES,
        "dilations": (1, 2),
        "dropout": 0.2,
        "optimizer": "adamw",
        "learning_rate": 0.01,
        "weight_decay": 0.1,
    },
    "gated": {**SEQUENCES, "layer": "gated", "norm": "none", "dilations": (3, 5)},
    "rmsprop": {"optimizer": "rmsprop", "momentum": 0.5, "learning_rate": 0.01},
    "adam": {"optimizer": "adam", "learning_rate": 0.01, "schedule": "cosine", "clip_norm": 0.5},
    "lion": {"optimizer": "lion", "learning_rate": 0.001, "schedule": "wsd", "warmup": 0.1},
    "muon": {"optimizer": "muon", "learning_rate": 0.01, "weight_decay": 0.5},
    "schedule-free": {
        **{"optimizer": "schedule_free_adamw", "schedule": "constant"},
        **{"learning_rate": 0.01, "clip_norm": 1.0},
    },
    "labels": {**SEQUENCES, "dilations": (1, 2), "norm": "none", "label_dropout": 0.3},
    "averaged and accumulated": {"ema": 0.9, "accumulate": 4, "dropout": 0.2, "momentum": 0.5},
}


def last_state(
    config: Config, splits: Splits[Corpus], state: TrainState | None = None
) -> TrainState:
    *_, info = fit(network(config, splits), config, splits, state)
    return info.state


def network(config: Config, splits: Splits[Corpus]) -> WaveNet:
    return WaveNet(config.model, 27, num_labels=0 if splits.train.labels is None else 2)


def labelled(splits: Splits[Corpus]) -> Splits[Corpus]:
    """Return the splits, every other document with another label."""
    return Splits(*(c.with_labels(np.arange(len(c.starts))[:, None] % 2 + 1) for c in splits))


@pytest.mark.parametrize("variant", VARIANTS)
def test_resumed_run_equals_the_uninterrupted_one_to_the_bit(
    variant: str, tiny: Config, splits: Splits[Corpus]
) -> None:
    config = changed(tiny, **VARIANTS[variant])
    splits = labelled(splits) if variant == "labels" else splits
    *_, info = islice(fit(network(config, splits), config, splits), 3)  # 30 of the 60 steps
    assert info.step == 30
    assert info.val is None
    uninterrupted = last_state(config, splits)
    assert_same(last_state(config, splits, info.state), uninterrupted)
    assert_same(last_state(config, splits, info.state), uninterrupted)  # the state stays valid


def test_run_does_not_depend_on_how_it_is_cut_into_chunks(
    tiny: Config, splits: Splits[Corpus]
) -> None:
    coarse = changed(tiny, report_every=30, eval_every=30)
    assert_same(last_state(tiny, splits), last_state(coarse, splits))
