"""The plan: the configuration that is made for the data."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from wavenet_jax.config.data import DataConfig, DataKind
from wavenet_jax.config.model import ModelConfig
from wavenet_jax.config.presets.named import PRESETS, falling_adamw
from wavenet_jax.config.run import Config
from wavenet_jax.config.train import TrainConfig


class Extent(NamedTuple):
    """How much there is to train on, as far as a plan depends on it."""

    kind: DataKind
    num_predictions: int  # N of the training split
    document_length: int  # characters that nine in ten documents do not exceed; 0 for a text
    rate: int | None = None  # samples per second, of recordings
    has_labels: bool = False  # whether its documents have some


class _Size(NamedTuple):
    """A row of a plan: what suits a training split of fewer predictions than these."""

    num_predictions: float
    n_hidden: int
    weight_decay: float
    learning_rate: float
    epochs: float


# Chosen on held-out names and lines; experiments/plan_sizes.py checks them.  Small data want the
# same network, but far more weight decay, which works as lr · weight_decay · steps.
_LIST_SIZES = (
    _Size(1_000, n_hidden=64, weight_decay=4.0, learning_rate=5e-3, epochs=8.0),
    _Size(6_000, n_hidden=64, weight_decay=16.0, learning_rate=1e-2, epochs=15.0),
    _Size(18_000, n_hidden=96, weight_decay=8.0, learning_rate=1e-2, epochs=20.0),
    _Size(60_000, n_hidden=96, weight_decay=4.0, learning_rate=5e-3, epochs=8.4),
    _Size(150_000, n_hidden=128, weight_decay=2.0, learning_rate=5e-3, epochs=8.4),
    _Size(math.inf, n_hidden=128, weight_decay=1.0, learning_rate=5e-3, epochs=8.4),
)
_TEXT_SIZES = (
    _Size(30_000, n_hidden=64, weight_decay=16.0, learning_rate=1e-2, epochs=20.0),
    _Size(300_000, n_hidden=144, weight_decay=8.0, learning_rate=6e-3, epochs=12.0),
    _Size(math.inf, n_hidden=144, weight_decay=1.0, learning_rate=6e-3, epochs=7.1),
)
_MIN_PREDICTIONS = 64  # below them a row of a sequence does not fit
_MAX_FLOPS = 6e13  # of a run: ten minutes or so on two cores, as docs/speed.md measures
_FLOPS_PER_PARAMETER = 6  # and position: two forward, four backward


def plan(extent: Extent, given: Mapping[str, Any], model: ModelConfig | None = None) -> Config:
    """Return the recipe for data of this extent, beside the options and the model if given.

    Layers see as far back as most documents are long.  The width, the weight decay and the passes
    follow the size of the data; a long run is cut to ten minutes or so on two cores.  Recordings
    have the preset for sound.
    """
    is_tiny = extent.num_predictions < _MIN_PREDICTIONS
    if given.get("mode") == "window" or (is_tiny and model is None):
        lecture = PRESETS["makemore"].config
        return replace(lecture, model=model or lecture.model)
    if extent.kind == "audio":
        return _plan_sound(extent, model)
    is_text = extent.kind == "text"
    sizes = _TEXT_SIZES if is_text else _LIST_SIZES
    size = next(each for each in sizes if extent.num_predictions < each.num_predictions)
    model = model or _plan_model(extent, size)
    batch_size, seq_len = _plan_rows(extent, model)
    layers = len(model.dilations)
    parameters = layers * model.kernel_size * model.n_hidden**2
    flops = _FLOPS_PER_PARAMETER * parameters * extent.num_predictions
    optim = falling_adamw(size.learning_rate, size.weight_decay, warmup=0.0125 if is_text else 0.0)
    return Config(
        model=model,
        optim=optim,
        train=TrainConfig(
            mode="sequence",
            batch_size=batch_size,
            seq_len=seq_len,
            epochs=min(size.epochs, _MAX_FLOPS / flops),
            patience=0.3,
        ),
    )


def _plan_sound(extent: Extent, model: ModelConfig | None) -> Config:
    """Return the preset for sound, its rows no longer than the recordings allow together."""
    speech = PRESETS["speech"].config
    model = model or speech.model
    fitting = max(2, extent.num_predictions - model.receptive_field)
    train = replace(speech.train, seq_len=min(speech.train.seq_len, fitting))
    return replace(speech, data=DataConfig(), model=model, train=train)


def _plan_model(extent: Extent, size: _Size) -> ModelConfig:
    if extent.kind == "text":
        blocks = 2 if size == _TEXT_SIZES[0] else 4
        return ModelConfig(
            n_embd=size.n_hidden,
            n_hidden=size.n_hidden,
            dilations=(1, 2, 4) * blocks,
            activation="relu",
            residual=True,
        )
    return ModelConfig(
        n_hidden=size.n_hidden,
        dilations=_plan_dilations(extent),
        activation="gelu",
        residual=True,
    )


def _plan_dilations(extent: Extent) -> tuple[int, ...]:
    """Return dilations whose receptive field is most of a document, as far as the data allow."""
    wanted = min(0.8 * extent.document_length, extent.num_predictions / 8)
    dilations = (1, 2, 1, 2, 1)
    for power in range(3, 7):  # 15, 31, 63, 127 positions
        if 1 + sum(dilations) < wanted:
            dilations = tuple(2**layer for layer in range(power)) * 2
    return dilations


def _plan_rows(extent: Extent, model: ModelConfig) -> tuple[int, int]:
    """Return the rows of a step and their length; short ones give small data enough steps."""
    share, longest = (32, 1_024) if extent.kind == "text" else (8, 512)
    length = 2 ** int(math.log2(extent.num_predictions / share))
    fitting = extent.num_predictions - model.receptive_field
    batch_size = 2 if extent.kind == "text" and length > 4 * longest else 1
    return batch_size, max(2, min(max(length, 64), longest, fitting))
