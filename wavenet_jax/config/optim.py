"""How the weights are moved."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from wavenet_jax.errors import (
    MAX_NUMBER,
    conform_fields,
    require,
    require_default,
    require_fraction,
    require_positive,
    show_value,
)

OptimizerName = Literal["sgd", "rmsprop", "adam", "adamw", "lion", "muon", "schedule_free_adamw"]
ScheduleName = Literal["constant", "piecewise", "linear", "cosine", "wsd"]


class OptimizerTraits(NamedTuple):
    """What an optimizer starts from where nothing is given, and which numbers it takes."""

    learning_rate: float
    numbers: tuple[str, ...]
    momentum: float = 0.0


# The learning rates are near the best that experiments/optimizers.py found for the lecture's net.
OPTIMIZERS: dict[str, OptimizerTraits] = {
    "sgd": OptimizerTraits(0.1, ("momentum", "nesterov", "weight_decay")),
    "rmsprop": OptimizerTraits(2e-3, ("momentum", "nesterov", "b2", "weight_decay")),
    "adam": OptimizerTraits(2e-3, ("b1", "b2")),
    "adamw": OptimizerTraits(2e-3, ("b1", "b2", "weight_decay")),
    "lion": OptimizerTraits(5e-4, ("b1", "b2", "weight_decay")),
    "muon": OptimizerTraits(2e-3, ("momentum", "b1", "b2", "weight_decay"), momentum=0.95),
    "schedule_free_adamw": OptimizerTraits(5e-3, ("b1", "b2", "weight_decay")),
}
NUMBERS = ("momentum", "nesterov", "b1", "b2", "weight_decay")
MAX_BOUNDARIES = 1_000  # each a step of the program that is compiled
SCHEDULE_NUMBERS = {"boundaries": "piecewise", "decay": "piecewise", "cooldown": "wsd"}


@dataclass(frozen=True)
class OptimConfig:
    """An optimizer with its learning-rate schedule; the lecture's is plain SGD in two pieces."""

    optimizer: OptimizerName = "sgd"
    """How a gradient becomes a step; muon is for the matrices of layers, beside AdamW."""
    learning_rate: float | None = None
    """The highest learning rate; by default the optimizer's usual one."""
    schedule: ScheduleName = "piecewise"
    """How the learning rate falls: not, at `boundaries`, in a line, in half a cosine, or in a line
    at the end."""
    boundaries: tuple[float, ...] = (0.75,)
    """Where in the run (0 to 1) the piecewise learning rate is multiplied by `decay`."""
    decay: float = 0.1
    """Factor on the piecewise learning rate at each boundary."""
    warmup: float = 0.0
    """Fraction of the run in which the learning rate rises from 0."""
    cooldown: float = 0.2
    """Fraction of the run, at its end, in which the learning rate of wsd falls to 0."""
    momentum: float | None = None
    """Momentum of sgd and rmsprop, by default 0, and of muon, by default 0.95."""
    nesterov: bool = False
    """Look ahead with the momentum of sgd or rmsprop, as Nesterov does; muon always does."""
    b1: float = 0.9
    """Decay of the mean gradient."""
    b2: float = 0.99
    """Decay of the mean squared gradient; of lion, of its mean gradient."""
    weight_decay: float = 0.0
    """Weight decay of matrices, multiplied by the learning rate."""
    clip_norm: float | None = None
    """Largest norm of the whole gradient; a longer gradient is scaled down to it."""
    ema: float | None = None
    """Decay of the averages of the weights, such as 0.999, which the run is then evaluated with."""

    def __post_init__(self) -> None:
        conform_fields(self)
        if self.learning_rate is None:
            object.__setattr__(self, "learning_rate", OPTIMIZERS[self.optimizer].learning_rate)
        require_positive(self, "learning_rate", "decay", "clip_norm")
        require_fraction(self, "warmup", "cooldown", "momentum", "b1", "b2")
        require(
            len(self.boundaries) <= MAX_BOUNDARIES,
            f"boundaries has {len(self.boundaries):,} fractions, expected at most "
            f"{MAX_BOUNDARIES:,}; choose the schedule linear for many small falls.",
            "boundaries",
        )
        require(
            all(0 < boundary < 1 for boundary in self.boundaries)
            and list(self.boundaries) == sorted(set(self.boundaries)),
            f"boundaries is {show_value(self.boundaries)}, expected rising fractions of the run "
            "between 0 and 1, such as 0.75.",
            "boundaries",
        )
        require(
            0 <= self.weight_decay <= MAX_NUMBER,
            f"weight_decay is {self.weight_decay}, expected a number from 0 to {MAX_NUMBER:g}, "
            "such as 0.1.",
            "weight_decay",
        )
        require(
            self.ema is None or 0 < self.ema < 1,
            f"ema is {self.ema}, expected a decay between 0 and 1, such as 0.999.",
            "ema",
        )
        for name, why in self.ignored(vars(self)).items():
            require_default(self, why, name)
        self._require_consistent()

    def _require_consistent(self) -> None:
        require(
            not self.nesterov or self.inertia > 0,
            "nesterov is True, but momentum is 0, expected some to look ahead with; set momentum, "
            "such as 0.9, or leave it out.",
            "nesterov",
        )
        require(
            self.optimizer != "schedule_free_adamw" or self.b1 > 0,
            "b1 is 0, but schedule_free_adamw divides by it, expected a number above 0.",
            "b1",
        )
        require(
            self.optimizer != "schedule_free_adamw" or self.schedule == "constant",
            f"schedule is {self.schedule}, but schedule_free_adamw averages in place of a fall, "
            "expected constant.",
            "schedule",
        )
        require(
            self.schedule != "wsd" or 0 < self.cooldown <= 1 - self.warmup,
            f"cooldown is {self.cooldown}, expected a fraction of the run above 0 that leaves room "
            f"for a warmup of {self.warmup}, such as 0.2.",
            "cooldown",
        )

    @property
    def has_averages(self) -> bool:
        """Tell whether a run is evaluated with other weights than the optimizer moves."""
        return self.ema is not None or self.optimizer == "schedule_free_adamw"

    @staticmethod
    def ignored(values: Mapping[str, Any]) -> dict[str, str]:
        """Return the fields that the other values leave without effect, and why."""
        optimizer, schedule = values["optimizer"], values["schedule"]
        used = OPTIMIZERS[optimizer].numbers
        ignored = {name: f"but {optimizer} has none" for name in NUMBERS if name not in used}
        if optimizer == "adam":
            ignored["weight_decay"] = "but adam has none, unlike adamw"
        ignored |= {
            name: f"but the {schedule} schedule has none, unlike {only}"
            for name, only in SCHEDULE_NUMBERS.items()
            if schedule != only
        }
        if optimizer == "schedule_free_adamw":
            ignored["ema"] = f"but {optimizer} averages by itself"
        return ignored

    def with_optimizer(self, name: OptimizerName) -> "OptimConfig":
        """Return the configuration with another optimizer, which trains about as fast.

        The learning rate changes in the ratio of the optimizers' usual ones, and the weight decay
        in the inverse ratio, so that a step decays as much.
        """
        ratio = OPTIMIZERS[name].learning_rate / OPTIMIZERS[self.optimizer].learning_rate
        values = vars(self) | {
            "optimizer": name,
            "learning_rate": _rounded(self.peak * ratio),
            "weight_decay": _rounded(self.weight_decay / ratio),
            "momentum": None,
            "nesterov": False,
        }
        if name == "schedule_free_adamw":
            values["schedule"] = "constant"
        defaults = vars(OptimConfig(optimizer=name, schedule=values["schedule"]))
        return replace(self, **values | {field: defaults[field] for field in self.ignored(values)})

    @property
    def inertia(self) -> float:
        """Return the momentum, given or by default."""
        return OPTIMIZERS[self.optimizer].momentum if self.momentum is None else self.momentum

    @property
    def peak(self) -> float:
        """Return the highest learning rate."""
        assert self.learning_rate is not None  # it is resolved where the configuration is made
        return self.learning_rate


def _rounded(number: float) -> float:
    """Return a number with the digits that a ratio of decimal fractions has."""
    return float(f"{number:.6g}")
