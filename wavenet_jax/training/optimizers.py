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
    """Return the optimizer with its schedule and its clipping for a run of `steps`.

    Weight decay is decoupled (1711.05101): a step takes rate · weight_decay of each matrix away.
    """
    optimizer = _OPTIMIZERS[config.optimizer](config, make_schedule(config, steps))
    if config.clip_norm is None:
        return optimizer
    return optax.chain(optax.clip_by_global_norm(config.clip_norm), optimizer)


def _sgd(config: OptimConfig, rate: optax.Schedule) -> optax.GradientTransformation:
    if config.inertia == config.weight_decay == 0:
        return optax.sgd(rate)
    return optax.chain(_momentum(config), _decayed_step(config, rate))


def _rmsprop(config: OptimConfig, rate: optax.Schedule) -> optax.GradientTransformation:
    """Return RMSprop with epsilon and momentum where PyTorch has them."""
    scale = optax.scale_by_rms(config.b2, eps_in_sqrt=False)
    return optax.chain(scale, _momentum(config), _decayed_step(config, rate))


def _momentum(config: OptimConfig) -> optax.GradientTransformation:
    if config.inertia == 0:
        return optax.identity()
    return optax.trace(config.inertia, config.nesterov)


def _decayed_step(config: OptimConfig, rate: optax.Schedule) -> optax.GradientTransformation:
    decay = optax.add_decayed_weights(config.weight_decay, _matrices)
    return optax.chain(decay, optax.scale_by_learning_rate(rate))


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
    """Return Muon for the matrices of the layers, and AdamW for all other parameters."""
    muon = contrib.muon(
        rate,
        beta=config.inertia,
        weight_decay=config.weight_decay,
        muon_weight_dimension_numbers=_dimension_numbers,
        consistent_rms=MATCHED_RMS,
    )
    return optax.partition({"muon": muon, "adamw": _adamw(config, rate)}, _muon_or_adamw)


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


def _muon_or_adamw(params: Any) -> Any:
    """Tell which optimizer moves a parameter: Muon the matrices of the layers."""

    def choose(path: Any, leaf: Any) -> str:
        return "muon" if path[0].key.startswith("layers_") and leaf.ndim > 1 else "adamw"

    return jax.tree.map_with_path(choose, params)


def _dimension_numbers(params: Any) -> Any:
    """Return how Muon reads its parameters, all of which are matrices `[in, out]`."""
    return jax.tree.map(lambda _: contrib.MuonDimensionNumbers(), params)
