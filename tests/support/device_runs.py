"""What a run gives on all devices of a process: compared in tests for one device and for eight.

XLA_FLAGS=--xla_force_host_platform_device_count=8 python -m support.device_runs FILE
"""

import os
import sys
from typing import Any

import jax
import numpy as np

from support.corpora import NAMES
from wavenet_jax.config import (
    Config,
    DataConfig,
    ModelConfig,
    OptimConfig,
    SampleConfig,
    TrainConfig,
)
from wavenet_jax.data import dataset_from_list
from wavenet_jax.devices import make_mesh, shard_rows
from wavenet_jax.evaluation import evaluate_splits
from wavenet_jax.nn import network_for
from wavenet_jax.sampling import generate_documents
from wavenet_jax.training import draw_batch, fit

STEPS: Any = {"steps": 20, "report_every": 20, "eval_every": 20}
ROWS = TrainConfig(mode="sequence", seq_len=12, batch_size=16, **STEPS)
RUNS = {
    "windows, BatchNorm": Config(
        model=ModelConfig(n_embd=4, n_hidden=8), train=TrainConfig(batch_size=16, **STEPS)
    ),
    "gated, averaged, dropout, BatchNorm, two parts, clipped": Config(
        model=ModelConfig(
            layer="gated", n_embd=6, n_hidden=6, n_skip=8, dropout=0.3, dilations=(1, 2)
        ),
        optim=OptimConfig(ema=0.9, clip_norm=0.5),
        train=TrainConfig(mode="sequence", seq_len=12, batch_size=16, accumulate=2, **STEPS),
    ),
}


def results() -> dict[str, np.ndarray]:
    """Return minibatches, losses, parameters, evaluations and samples."""
    labels = {"begins": ["vowel" if name[0] in "aeiou" else "consonant" for name in NAMES]}
    data = dataset_from_list(NAMES, DataConfig(), labels)
    found: dict[str, np.ndarray] = {}
    for name, config in RUNS.items():
        model = network_for(config.model, data)
        (info,) = fit(model, config, data.splits, gradient_norms=True)
        leaves = jax.tree.leaves((info.state.params, info.state.opt_state, info.variables))
        found[name] = np.concatenate([np.ravel(leaf) for leaf in leaves])
        assert info.val is not None
        found[f"{name}: loss"] = np.array([info.train_loss, info.gradient_norm, info.val.nll_nats])
    evaluations = evaluate_splits(model, info.variables, data.splits)
    found["evaluation"] = np.array([each.all.nll_nats for each in evaluations])
    documents = generate_documents(model, info.variables, data, SampleConfig(n=100, seed=0))
    found["samples"] = np.array([each.sample.text for each in documents])
    rows = jax.jit(_rows)(jax.random.key(7), data.splits.train)
    flat = [np.asarray(part).reshape(len(part), -1) for part in jax.tree.leaves(rows)]
    found["rows"] = np.concatenate(flat, axis=1)
    return found


def _rows(key: jax.Array, corpus: object) -> object:
    return shard_rows(make_mesh(16), draw_batch(key, corpus, ROWS, 8))  # type: ignore[arg-type]


if __name__ == "__main__":
    assert jax.device_count() == 8, os.environ["XLA_FLAGS"]
    np.savez(sys.argv[1], **results())  # type: ignore[arg-type]
