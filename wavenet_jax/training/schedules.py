"""Learning-rate schedules from the configuration."""

import math

import jax.numpy as jnp
import optax

from wavenet_jax.config import OptimConfig


def make_schedule(config: OptimConfig, steps: int) -> optax.Schedule:
    """Return the learning rate as a function of the step, for a run of `steps`.

    rate(step) = learning_rate · min(1, step / w) · fall(step), with w = ⌊warmup · steps⌋ and

    constant:   fall = 1
    piecewise:  fall = decay^(number of boundaries b with step >= b · steps)
    linear:     fall = 1 - u,            u = (step - w) / (steps - w), and 0 before w
    cosine:     fall = ½ (1 + cos πu)    (1608.03983, eq. 5)
    wsd:        fall = min(1, (steps - step) / c), with c = ⌊cooldown · steps⌋ or 1  (2404.06395)

    >>> rate = make_schedule(OptimConfig(learning_rate=0.1, boundaries=(0.75,)), steps=200_000)
    >>> [round(float(rate(step)), 3) for step in (0, 149_999, 150_000)]
    [0.1, 0.1, 0.01]
    """
    rising = _count(config.warmup, steps)
    fall = _fall(config, steps, rising)
    if rising == 0:
        return fall
    rise = optax.linear_schedule(0.0, 1.0, rising)
    return lambda step: rise(step) * fall(step)


def _fall(config: OptimConfig, steps: int, rising: int) -> optax.Schedule:
    """Return the learning rate without its rise."""
    peak = config.peak
    match config.schedule:
        case "linear":
            return optax.linear_schedule(peak, 0.0, steps - rising, transition_begin=rising)
        case "cosine":
            cosine = optax.cosine_decay_schedule(peak, max(1, steps - rising))
            return lambda step: cosine(jnp.maximum(step - rising, 0))
        case "wsd":
            falling = max(1, _count(config.cooldown, steps))
            return optax.linear_schedule(peak, 0.0, falling, transition_begin=steps - falling)
        case "piecewise":
            return optax.piecewise_constant_schedule(peak, _boundaries(config, steps))
        case "constant":
            return optax.constant_schedule(peak)


def _boundaries(config: OptimConfig, steps: int) -> dict[int, float]:
    """Return the factor on the learning rate at each step where it falls."""
    boundaries: dict[int, float] = {}
    for boundary in config.boundaries:
        step = math.ceil(round(boundary * steps, 6))  # 0.07 · 100 is a little more than 7
        boundaries[step] = boundaries.get(step, 1.0) * config.decay
    return boundaries


def _count(fraction: float, steps: int) -> int:
    """Return a fraction of the steps, rounded down."""
    return int(round(fraction * steps, 6))  # 0.29 · 100 is a little less than 29
