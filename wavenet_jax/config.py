"""What a run is made of: frozen dataclasses, checked where they are made.

Imports no JAX, so that the command line can answer `--help` and bad values at once.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from wavenet_jax.errors import require


def _require_positive(config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        require(
            value > 0 and math.isfinite(value),
            f"{name} is {value}, expected a number above 0; leave it out for the preset's value.",
        )


def _shown(value: Any) -> str:
    return (" ".join(map(str, value)) or "(none)") if isinstance(value, tuple) else str(value)


def _require_choices(config: Any) -> None:
    """Check the fields that have a list of values; the command line has, a file has not."""
    for field in dataclasses.fields(config):
        if get_origin(field.type) is Literal:
            value, choices = getattr(config, field.name), get_args(field.type)
            require(
                value in choices,
                f"{field.name} is {value!r}, expected {' or '.join(choices)}.",
            )


def _require_default(config: Any, why: str, *names: str) -> None:
    """Refuse values that would be ignored."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        require(
            field.name not in names or value == field.default,
            f"{field.name} is {_shown(value)}, {why}, expected {_shown(field.default)}, which is "
            f"the default{f': --no-{field.name}' if value is True else ''}.",
        )


@dataclass(frozen=True)
class ModelConfig:
    """The stack: embedding, one layer per dilation, head."""

    layer: Literal["plain", "gated"] = "plain"
    """The lecture's (linear, norm, activation), or the paper's (tanh ⊙ σ, residual and skips)."""
    n_embd: int = 24
    """Channels of the character embedding."""
    n_hidden: int = 128
    """Channels of every layer; of gated ones the residual channels."""
    n_skip: int = 64
    """Skip channels of a gated stack, and the channels of its head."""
    taps: int = 2
    """Positions that a layer combines (K)."""
    dilations: tuple[int, ...] = (1, 2, 4)
    """Distance between the taps of each layer; a tree has 1, K, K², ..."""
    norm: Literal["batch", "none"] = "batch"
    """BatchNorm before the activation, as in the lecture, or a bias, as in the paper."""
    activation: Literal["tanh", "relu", "gelu", "silu"] = "tanh"
    """Of plain layers."""
    residual: bool = False
    """Add its newest tap to what a plain layer puts out, where their channels agree."""
    dropout: float = 0.0
    """Share of a layer's activations left out in each training step."""

    def __post_init__(self) -> None:
        _require_choices(self)
        _require_positive(self, "n_embd", "n_hidden", "n_skip")
        require(
            self.taps >= 2,
            f"taps is {self.taps}, expected 2 or more: a layer combines at least two positions.",
        )
        require(
            len(self.dilations) > 0,
            "dilations is empty, expected one dilation per layer, such as 1 2 4.",
        )
        require(
            min(self.dilations) >= 1,
            f"dilations {_shown(self.dilations)} hold one below 1, expected distances between "
            "positions, such as 1 2 4.",
        )
        require(
            0 <= self.dropout < 1,
            f"dropout is {self.dropout}, expected a share from 0 to less than 1, such as 0.1.",
        )
        if self.layer == "gated":
            _require_default(self, "but gated layers are tanh ⊙ σ", "activation")
            _require_default(self, "which is for plain layers, gated ones have theirs", "residual")
        else:
            _require_default(self, "but plain layers have no skips", "n_skip")
            require(
                not self.residual or self.n_embd == self.n_hidden or len(self.dilations) > 1,
                f"residual is True, but the only layer makes {self.n_hidden} channels of "
                f"{self.n_embd}, expected the same number; add layers or set n_embd to n_hidden.",
            )

    @property
    def receptive_field(self) -> int:
        """R = 1 + (K - 1) · Σd, the positions that a prediction sees."""
        return 1 + (self.taps - 1) * sum(self.dilations)

    @property
    def head_reads_all(self) -> bool:
        """Tell whether the head reads every layer, as that of a gated stack, or the last alone."""
        return self.layer == "gated"

    def require_tree(self) -> None:
        """Raise `InputError` unless the dilations are 1, K, K², ..., as the window run needs."""
        tree = tuple(self.taps**layer for layer in range(len(self.dilations)))
        require(
            self.dilations == tree,
            f"dilations {_shown(self.dilations)} with {self.taps} taps are no tree, which the "
            f"window run computes, expected {_shown(tree)} (receptive field "
            f"{self.taps ** len(tree)}); or train with --run sequence --length 512.",
        )


@dataclass(frozen=True)
class DataConfig:
    """Which documents, and how they are split."""

    data: str = "names"
    """A text file, or `names` (bundled), `makemore` or `shakespeare` (downloaded)."""
    stream: bool = False
    """The file is one text, split by position, instead of a list with one document a line."""
    split_seed: int = 42
    """Seed of the one shuffle of a list before its split; the training seed never moves it."""
    val_fraction: float = 0.1
    """Share of the documents, or of the text, for validation."""
    test_fraction: float | None = None
    """Share for the test, after validation; by default 0.1 of a list and none of a text."""
    max_vocab: int = 10_000
    """Distinct characters above which the data are refused."""

    def __post_init__(self) -> None:
        _require_positive(self, "val_fraction", "max_vocab")
        require(
            self.test_share > 0 or (self.stream and self.test_share == 0),
            f"test_fraction is {self.test_fraction}, expected a number above 0"
            f"{' or 0' if self.stream else ''}; leave it out for {self._usual_test_share}.",
        )
        held_out = self.val_fraction + self.test_share
        require(
            held_out < 1,
            f"val_fraction {self.val_fraction} and test_fraction {self.test_share} add up to "
            f"{held_out:g}, expected less than 1, so that something is left to train on.",
        )
        if self.stream:
            _require_default(self, "but a text is split by position", "split_seed")

    def cuts(self, count: int) -> tuple[int, int]:
        """Return where of so many things in order, train first, val and test begin."""
        # Rounded before it is cut, for 1 - 0.3 - 0.3 is a hair less than 0.4.
        val = int(round((1 - self.val_fraction - self.test_share) * count, 6))
        return val, int(round((1 - self.test_share) * count, 6))

    @property
    def test_share(self) -> float:
        """Return the share of the data for the test."""
        return self._usual_test_share if self.test_fraction is None else self.test_fraction

    @property
    def _usual_test_share(self) -> float:
        return 0.0 if self.stream else 0.1


@dataclass(frozen=True)
class OptimConfig:
    """An optimizer under a learning-rate schedule; the lecture's is plain SGD in two pieces."""

    optimizer: Literal["sgd", "adamw"] = "sgd"
    """Plain SGD, or Adam with decoupled weight decay."""
    learning_rate: float = 0.1
    """The highest learning rate."""
    schedule: Literal["piecewise", "linear"] = "piecewise"
    """Constant between `boundaries`, or rising during `warmup` and then falling to 0."""
    boundaries: tuple[float, ...] = (0.75,)
    """Where in the run (0 to 1) the piecewise learning rate is multiplied by `decay`."""
    decay: float = 0.1
    """Factor on the piecewise learning rate at each boundary."""
    warmup: float = 0.0
    """Share of the run in which the linear learning rate rises from 0."""
    weight_decay: float = 0.0
    """Times the learning rate, the share of itself that a matrix loses in each step of AdamW."""

    def __post_init__(self) -> None:
        _require_choices(self)
        _require_positive(self, "learning_rate", "decay")
        require(
            all(0 < boundary < 1 for boundary in self.boundaries)
            and list(self.boundaries) == sorted(set(self.boundaries)),
            f"boundaries {_shown(self.boundaries)} are not rising fractions of the run, "
            "expected numbers between 0 and 1 such as 0.75.",
        )
        require(
            0 <= self.warmup < 1,
            f"warmup is {self.warmup}, expected a share of the run from 0 to less than 1.",
        )
        require(
            0 <= self.weight_decay < math.inf,
            f"weight_decay is {self.weight_decay}, expected a number from 0 on, such as 0.1.",
        )
        if self.schedule == "piecewise":
            _require_default(self, "but only the linear schedule warms up", "warmup")
        else:
            why = "but the linear schedule falls from step to step"
            _require_default(self, why, "boundaries", "decay")
        if self.optimizer == "sgd":
            _require_default(self, "but plain SGD has none", "weight_decay")


TrainingRun = Literal["window", "sequence"]


@dataclass(frozen=True)
class TrainConfig:
    """What a step sees, how long, in what portions, and from which seed."""

    run: TrainingRun = "window"
    """The stack as a tree that computes one position, or as a sequence that computes all."""
    batch_size: int = 32
    """Rows per step, drawn with replacement: windows, or sequences."""
    length: int = 1
    """Scored positions of each row; a window has one."""
    epochs: float = 35.0
    """Passes over the training data; the steps are rounded up to whole reports."""
    steps: int | None = None
    """Steps of the run, in place of `epochs`."""
    seed: int = 0
    """Seed of the initial weights and of the minibatches."""
    report_every: int = 1_000
    """Steps per progress report and line of metrics.jsonl."""
    eval_every: int = 5_000
    """Steps between validations, each followed by a checkpoint; a multiple of report_every."""

    def __post_init__(self) -> None:
        _require_choices(self)
        _require_positive(self, "batch_size", "length", "epochs", "report_every", "eval_every")
        if self.run == "window":
            _require_default(self, "but a window scores exactly one position", "length")
        else:
            require(
                self.length >= 2,
                f"length is {self.length}, too short for the sequence run, expected the scored "
                "positions of each row, such as --length 512.",
            )
        if self.steps is not None:
            _require_positive(self, "steps")
            require(
                self.steps < 2**31,
                f"steps is {self.steps}, expected fewer than {2**31:,}: a count of 32 bits.",
            )
        require(
            0 <= self.seed < 2**32,
            f"seed is {self.seed}, expected a whole number from 0 to {2**32 - 1}.",
        )
        require(
            self.eval_every % self.report_every == 0,
            f"eval_every is {self.eval_every}, expected a multiple of report_every "
            f"({self.report_every}), such as {math.ceil(self.eval_every / self.report_every)} "
            f"times it, {math.ceil(self.eval_every / self.report_every) * self.report_every}.",
        )

    def total_steps(self, predictions: int) -> int:
        """Return the steps of a run over a training split of so many predictions.

        The lecture's 200,000 steps of 32 over its 182,625 predictions are 35 epochs so rounded.
        """
        if self.steps is not None:
            return self.steps
        reports = self.epochs * predictions / (self.batch_size * self.length * self.report_every)
        require(
            reports * self.report_every < 2**31 - self.report_every,
            f"epochs is {self.epochs:g}, expected fewer than {2**31:,} steps; lower --epochs.",
        )
        return math.ceil(reports) * self.report_every


@dataclass(frozen=True)
class Config:
    """Everything that, with the data and the library versions, determines a run."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optim: OptimConfig = OptimConfig()
    train: TrainConfig = TrainConfig()

    def __post_init__(self) -> None:
        if self.train.run == "window":
            self.model.require_tree()
