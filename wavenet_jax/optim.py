"""Learning-rate schedules and optimizers from the configuration: the place for further ones."""

import math
from functools import cache
from typing import Any

import jax
import optax

from wavenet_jax.config import OptimConfig


def learning_rate(config: OptimConfig, steps: int) -> optax.Schedule:
    """Return step -> learning rate.

    piecewise:  rate(step) = learning_rate · decay^(number of boundaries b with step >= b · steps)
    linear:     rate(step) = learning_rate · step / w                          while step < w
                             learning_rate · (steps - step) / (steps - w)      from w on
                with w = warmup · steps in whole steps
    """
    if config.schedule == "linear":
        rising = int(config.warmup * steps)
        up = optax.linear_schedule(0.0, config.learning_rate, rising)
        down = optax.linear_schedule(config.learning_rate, 0.0, steps - rising)
        return optax.join_schedules([up, down], [rising])
    boundaries: dict[int, float] = {}
    for boundary in config.boundaries:
        step = math.ceil(round(boundary * steps, 6))  # 0.1 · 30 is a hair more than 3
        boundaries[step] = boundaries.get(step, 1.0) * config.decay
    return optax.piecewise_constant_schedule(config.learning_rate, boundaries)


@cache  # the same object for the same run, so that `jit`, which knows it by identity, compiles once
def optimizer(config: OptimConfig, steps: int) -> optax.GradientTransformation:
    """Return the optimizer under the schedule of a run of so many steps.

    AdamW (1711.05101) has b1 = 0.9 and b2 = 0.99, a shorter memory than its usual 0.999, for runs
    of a few thousand steps; it decays matrices, no biases or scales.
    """
    rate = learning_rate(config, steps)
    if config.optimizer == "adamw":
        return optax.adamw(rate, b2=0.99, weight_decay=config.weight_decay, mask=_matrices)
    return optax.sgd(rate)


def _matrices(params: Any) -> Any:
    """Tell which parameters are matrices."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
