"""Learning-rate schedules from the configuration."""

import math

import optax

from wavenet_jax.config import OptimConfig


def make_schedule(config: OptimConfig, steps: int) -> optax.Schedule:
    """Return the learning rate as a function of the step, for a run of `steps`.

    piecewise:  rate(step) = learning_rate · decay^(number of boundaries b with step >= b · steps)
    linear:     rate(step) = learning_rate · step / w                          while step < w
                             learning_rate · (steps - step) / (steps - w)      from w on
                with w = warmup · steps, rounded down

    >>> rate = make_schedule(OptimConfig(learning_rate=0.1, boundaries=(0.75,)), steps=200_000)
    >>> [round(float(rate(step)), 3) for step in (0, 149_999, 150_000)]
    [0.1, 0.1, 0.01]
    """
    if config.schedule == "linear":
        rising = int(round(config.warmup * steps, 6))  # 0.29 · 100 is a little less than 29
        up = optax.linear_schedule(0.0, config.learning_rate, rising)
        down = optax.linear_schedule(config.learning_rate, 0.0, steps - rising)
        return optax.join_schedules([up, down], [rising])
    boundaries: dict[int, float] = {}
    for boundary in config.boundaries:
        step = math.ceil(round(boundary * steps, 6))  # 0.07 · 100 is a little more than 7
        boundaries[step] = boundaries.get(step, 1.0) * config.decay
    return optax.piecewise_constant_schedule(config.learning_rate, boundaries)
