"""Learning-rate schedules and optimizers from the configuration: the place for further ones."""

import math
from functools import cache

import optax

from wavenet_jax.config import OptimConfig


def learning_rate(config: OptimConfig, steps: int) -> optax.Schedule:
    """Return step -> learning rate: the first rate, times `decay` from each boundary on.

    rate(step) = learning_rate · decay^(number of boundaries b with step >= b · steps)
    """
    boundaries: dict[int, float] = {}
    for boundary in config.boundaries:
        step = math.ceil(round(boundary * steps, 6))  # 0.1 · 30 is a hair more than 3
        boundaries[step] = boundaries.get(step, 1.0) * config.decay
    return optax.piecewise_constant_schedule(config.learning_rate, boundaries)


@cache  # the same object for the same run, so that `jit`, which knows it by identity, compiles once
def optimizer(config: OptimConfig, steps: int) -> optax.GradientTransformation:
    """Return plain SGD under the schedule of a run of so many steps."""
    return optax.sgd(learning_rate(config, steps))
