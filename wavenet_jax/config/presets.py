"""Configurations to start from: those with a name, and the plan that is made for the data."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from wavenet_jax.config.data import DataConfig, DataKind
from wavenet_jax.config.model import ModelConfig
from wavenet_jax.config.optim import OptimConfig
from wavenet_jax.config.run import Config, replace_fields
from wavenet_jax.config.train import TrainConfig
from wavenet_jax.errors import nearest, require

AUTO = "auto"


class Preset(NamedTuple):
    """A configuration with a name, and what it is in a line."""

    summary: str
    config: Config


class Extent(NamedTuple):
    """How much there is to train on, as far as a plan depends on it."""

    kind: DataKind
    num_predictions: int  # N of the training split
    document_length: int  # characters that nine in ten documents do not exceed; 0 for a text


TYPICAL = Extent("list", num_predictions=100_000, document_length=8)  # of data not yet read


def _adamw(learning_rate: float, weight_decay: float, warmup: float = 0.0) -> OptimConfig:
    return OptimConfig(
        optimizer="adamw",
        learning_rate=learning_rate,
        schedule="linear",
        warmup=warmup,
        weight_decay=weight_decay,
    )


PRESETS: dict[str, Preset] = {
    # The rows of the lecture's performance log that are configurations of one code.  Its remaining
    # row, the 22K tree before the BatchNorm fix, reduced the statistics over the wrong axes.
    "makemore": Preset("the lecture: a tree of 8 characters, BatchNorm, SGD", Config()),
    "makemore-22k": Preset(
        "the lecture's tree with 22 thousand parameters",
        Config(model=ModelConfig(n_embd=10, n_hidden=68)),
    ),
    "mlp-3": Preset(
        "the lecture's earlier net: one layer over 3 characters",
        Config(model=ModelConfig(n_embd=10, n_hidden=200, kernel_size=3, dilations=(1,))),
    ),
    "mlp-8": Preset(
        "the same over 8 characters",
        Config(model=ModelConfig(n_embd=10, n_hidden=200, kernel_size=8, dilations=(1,))),
    ),
    # Eight characters again and fewer parameters, in five layers and trained on whole sequences.
    "makemore-fast": Preset(
        "the lecture's names, better and in seconds",
        Config(
            model=ModelConfig(
                n_hidden=88, dilations=(1, 2, 1, 2, 1), activation="gelu", residual=True
            ),
            optim=_adamw(learning_rate=5e-3, weight_decay=0.5),
            train=TrainConfig(mode="sequence", batch_size=1, seq_len=512, epochs=8.4),
        ),
    ),
    # The stack of the paper's figure 4, scaled for a CPU: two blocks of dilations 1 to 512.
    "wavenet": Preset(
        "the paper's gated stack over 2,047 characters of a text",
        Config(
            data=DataConfig(data="shakespeare", kind="text"),
            model=ModelConfig(
                layer="gated",
                n_embd=32,
                n_hidden=32,
                n_skip=64,
                dilations=tuple(2**power for power in range(10)) * 2,
                norm="none",
            ),
            optim=_adamw(learning_rate=1e-2, weight_decay=0.1, warmup=0.05),
            train=TrainConfig(mode="sequence", batch_size=1, seq_len=2_048, epochs=4.0),
        ),
    ),
    # Twelve layers that together see 29 characters; experiments/shakespeare.py explains why.
    "shakespeare": Preset(
        "a text: twelve layers of 144 over 29 characters",
        Config(
            data=DataConfig(data="shakespeare", kind="text"),
            model=ModelConfig(
                n_embd=144,
                n_hidden=144,
                dilations=(1, 2, 4) * 4,
                activation="relu",
                residual=True,
            ),
            optim=_adamw(learning_rate=6e-3, weight_decay=1.0, warmup=0.0125),
            train=TrainConfig(mode="sequence", batch_size=2, seq_len=1_024, epochs=7.1),
        ),
    ),
}


def preset(name: str) -> Config:
    """Return the preset of that name; raise `InputError` with the nearest one if unknown."""
    _require_preset(name, list(PRESETS))
    return PRESETS[name].config


def _require_preset(name: str, known: list[str]) -> None:
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else "choose one of these."
    require(name in known, f"preset is {name!r}, expected {', '.join(known)}; {hint}", "preset")


class Recipe(NamedTuple):
    """What a user asks for: a preset, `auto` or a configuration, and the fields that replace its.

    The configuration of a run follows from it and from the data.
    """

    base: str | Config
    given: Mapping[str, Any] = {}

    def data_config(self) -> DataConfig:
        """Return which data to read.

        Raises `InputError` as `config` does, so that a mistake is known before data are read.
        """
        return self._with_options(self._start(TYPICAL)).data

    def config(self, extent: Extent) -> Config:
        """Return the configuration for these data, with the numbers of its steps.

        Raises `InputError` for unknown names, values that are not allowed, and those without effect
        beside the others.
        """
        config = self._with_options(self._start(extent), kind=extent.kind)
        counts = config.train.count_steps(extent.num_predictions)
        return replace(config, train=replace(config.train, **counts._asdict()))

    def _start(self, extent: Extent) -> Config:
        """Return what the options change."""
        if isinstance(self.base, str):
            _require_preset(self.base, [AUTO, *PRESETS])
            return plan(extent, self.given) if self.base == AUTO else preset(self.base)
        return self.base

    def _with_options(self, start: Config, **known: Any) -> Config:
        steps, epochs = self.given.get("steps"), self.given.get("epochs")
        require(
            steps is None or epochs is None,
            f"steps is {steps} and epochs is {epochs}, expected one of them; leave one out.",
            "steps",
        )
        if epochs is not None:  # the steps of a run's configuration follow from its own epochs
            start = replace(start, train=replace(start.train, steps=None))
        return replace_fields(start, **{**self.given, **known})


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


def plan(extent: Extent, given: Mapping[str, Any]) -> Config:
    """Return the recipe for data of this extent, beside the options that are given.

    Layers see as far back as most documents are long.  The width, the weight decay and the passes
    follow the size of the data; a long run is cut to ten minutes or so on two cores.
    """
    if given.get("mode") == "window" or extent.num_predictions < _MIN_PREDICTIONS:
        return replace(PRESETS["makemore"].config, data=DataConfig())
    is_text = extent.kind == "text"
    sizes = _TEXT_SIZES if is_text else _LIST_SIZES
    size = next(each for each in sizes if extent.num_predictions < each.num_predictions)
    model = _plan_model(extent, size)
    batch_size, seq_len = _plan_rows(extent, model)
    layers = len(model.dilations)
    parameters = layers * model.kernel_size * model.n_hidden**2
    flops = _FLOPS_PER_PARAMETER * parameters * extent.num_predictions
    optim = _adamw(size.learning_rate, size.weight_decay, warmup=0.0125 if is_text else 0.0)
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
    return batch_size, min(max(length, 64), longest, fitting)
