"""Optimizers from the configuration."""

from functools import cache
from typing import Any

import jax
import optax
from optax import contrib

from wavenet_jax.config import OptimConfig
from wavenet_jax.training.schedules import make_schedule

MATCHED_RMS = 0.2  # of a step of Muon, in learning rates: about that of AdamW (2502.16982, eq. 4)


@cache  # `jit` knows an optimizer by identity: one object per run compiles once
def make_optimizer(config: OptimConfig, steps: int) -> optax.GradientTransformation:
    """Return the optimizer with its schedule and its clipping for a run of `steps`."""
    optimizer = _OPTIMIZERS[config.optimizer](config, make_schedule(config, steps))
    if config.clip_norm is None:
        return optimizer
    return optax.chain(optax.clip_by_global_norm(config.clip_norm), optimizer)


def _sgd(config: OptimConfig, rate: optax.Schedule) -> optax.GradientTransformation:
    return _penalised(config, optax.sgd(rate, config.inertia or None, config.nesterov))


def _rmsprop(config: OptimConfig, rate: optax.Schedule) -> optax.GradientTransformation:
    momentum = config.inertia or None
    return _penalised(
        config,
        optax.rmsprop(
            rate,
            config.b2,
            eps_in_sqrt=False,  # as in PyTorch
            momentum=momentum,
            nesterov=config.nesterov,
        ),
    )


def _penalised(
    config: OptimConfig, optimizer: optax.GradientTransformation
) -> optax.GradientTransformation:
    """Return an optimizer of the loss plus ½ · weight_decay · |matrices|², as in PyTorch."""
    if config.weight_decay == 0:
        return optimizer
    return optax.chain(optax.add_decayed_weights(config.weight_decay, _matrices), optimizer)


def _adam(config: OptimConfig, rate: optax.Schedule) -> optax.GradientTransformation:
    return optax.adam(rate, config.b1, config.b2)


def _adamw(
    config: OptimConfig, rate: optax.Schedule, b1: float | None = None
) -> optax.GradientTransformation:
    b1 = config.b1 if b1 is None else b1
    return optax.adamw(rate, b1, config.b2, weight_decay=config.weight_decay, mask=_matrices)


def _lion(config: OptimConfig, rate: optax.Schedule) -> optax.GradientTransformation:
    return optax.lion(rate, config.b1, config.b2, weight_decay=config.weight_decay, mask=_matrices)


def _muon(config: OptimConfig, rate: optax.Schedule) -> optax.GradientTransformation:
    """Return Muon for the matrices of the layers, and Adam for all other parameters."""
    return contrib.muon(
        rate,
        beta=config.inertia,
        weight_decay=config.weight_decay,
        adam_b1=config.b1,
        adam_b2=config.b2,
        muon_weight_dimension_numbers=_layer_matrices,
        consistent_rms=MATCHED_RMS,
    )


def _schedule_free_adamw(config: OptimConfig, rate: optax.Schedule) -> optax.GradientTransformation:
    return contrib.schedule_free(_adamw(config, rate, b1=0.0), rate, config.b1)


_OPTIMIZERS = {
    "sgd": _sgd,
    "rmsprop": _rmsprop,  # Tieleman and Hinton, 2012
    "adam": _adam,  # 1412.6980
    "adamw": _adamw,  # 1711.05101
    "lion": _lion,  # 2302.06675
    "muon": _muon,  # Jordan et al., 2024
    "schedule_free_adamw": _schedule_free_adamw,  # 2405.15682
}


def _matrices(params: Any) -> Any:
    """Tell which parameters are matrices: weight decay leaves biases and scales alone."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def _layer_matrices(params: Any) -> Any:
    """Return how Muon reads the matrices of the layers, and None for all other parameters."""

    def numbers(path: Any, leaf: Any) -> contrib.MuonDimensionNumbers | None:
        in_layer = path[0].key.startswith("layers_")
        return contrib.MuonDimensionNumbers() if in_layer and leaf.ndim > 1 else None

    return jax.tree.map_with_path(numbers, params)
