"""How the weights are moved."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wavenet_jax.errors import (
    conform_fields,
    require,
    require_default,
    require_positive,
    show_value,
)


@dataclass(frozen=True)
class OptimConfig:
    """An optimizer with its learning-rate schedule; the lecture's is plain SGD in two pieces."""

    optimizer: Literal["sgd", "adamw"] = "sgd"
    """Plain SGD, or Adam with decoupled weight decay."""
    learning_rate: float = 0.1
    """The highest learning rate."""
    schedule: Literal["piecewise", "linear"] = "piecewise"
    """Constant between `boundaries`, or a rise during `warmup` and a fall to 0."""
    boundaries: tuple[float, ...] = (0.75,)
    """Where in the run (0 to 1) the piecewise learning rate is multiplied by `decay`."""
    decay: float = 0.1
    """Factor on the piecewise learning rate at each boundary."""
    warmup: float = 0.0
    """Fraction of the run in which the linear learning rate rises from 0."""
    weight_decay: float = 0.0
    """Weight decay of AdamW on matrices, multiplied by the learning rate."""

    def __post_init__(self) -> None:
        conform_fields(self)
        require_positive(self, "learning_rate", "decay")
        require(
            all(0 < boundary < 1 for boundary in self.boundaries)
            and list(self.boundaries) == sorted(set(self.boundaries)),
            f"boundaries is {show_value(self.boundaries)}, expected rising fractions of the run "
            "between 0 and 1, such as 0.75.",
            "boundaries",
        )
        require(
            0 <= self.warmup < 1,
            f"warmup is {self.warmup}, expected a fraction of the run from 0 to less than 1.",
            "warmup",
        )
        require(
            0 <= self.weight_decay < math.inf,
            f"weight_decay is {self.weight_decay}, expected a number from 0 on, such as 0.1.",
            "weight_decay",
        )
        for name, why in self.ignored(vars(self)).items():
            require_default(self, why, name)

    @staticmethod
    def ignored(values: Mapping[str, Any]) -> dict[str, str]:
        """Return the fields that the other values leave without effect, and why."""
        ignored = {}
        if values["schedule"] == "piecewise":
            ignored["warmup"] = "but only the linear schedule warms up"
        else:
            ignored |= dict.fromkeys(
                ("boundaries", "decay"), "but the linear schedule falls at every step"
            )
        if values["optimizer"] == "sgd":
            ignored["weight_decay"] = "but plain SGD has no weight decay"
        return ignored
