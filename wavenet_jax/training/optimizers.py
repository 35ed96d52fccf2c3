"""Optimizers from the configuration."""

from functools import cache
from typing import Any

import jax
import optax

from wavenet_jax.config import OptimConfig
from wavenet_jax.training.schedules import make_schedule


@cache  # `jit` knows an optimizer by identity: one object per run compiles once
def make_optimizer(config: OptimConfig, steps: int) -> optax.GradientTransformation:
    """Return the optimizer with its schedule for a run of `steps`.

    AdamW (1711.05101) has b1 = 0.9 and b2 = 0.99, a shorter memory than the usual 0.999, for runs
    of a few thousand steps.  It decays matrices, but no biases or scales.
    """
    rate = make_schedule(config, steps)
    if config.optimizer == "adamw":
        return optax.adamw(rate, b2=0.99, weight_decay=config.weight_decay, mask=_matrices)
    return optax.sgd(rate)


def _matrices(params: Any) -> Any:
    """Tell which parameters are matrices."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
