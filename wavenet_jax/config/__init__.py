"""What a run is: frozen dataclasses, checked where they are made.  Imports no JAX and no NumPy."""

from wavenet_jax.config.data import (
    MAX_RATE,
    MIN_RATE,
    DataConfig,
    DataKind,
    Normalization,
    compile_pattern,
)
from wavenet_jax.config.model import ModelConfig
from wavenet_jax.config.optim import OPTIMIZERS, OptimConfig
from wavenet_jax.config.presets import AUTO, PRESETS, Extent, Preset, Recipe, plan, preset
from wavenet_jax.config.run import (
    FORMAT,
    SECTIONS,
    Config,
    config_from_dict,
    config_to_dict,
    extend,
    load_config,
    read_json,
    replace_fields,
)
from wavenet_jax.config.sample import SampleConfig, parse_labels
from wavenet_jax.config.train import MAX_STEPS, StepCounts, TrainConfig, TrainMode

__all__ = [
    "AUTO",
    "FORMAT",
    "MAX_RATE",
    "MAX_STEPS",
    "MIN_RATE",
    "OPTIMIZERS",
    "PRESETS",
    "SECTIONS",
    "Config",
    "DataConfig",
    "DataKind",
    "Extent",
    "ModelConfig",
    "Normalization",
    "OptimConfig",
    "Preset",
    "Recipe",
    "SampleConfig",
    "StepCounts",
    "TrainConfig",
    "TrainMode",
    "compile_pattern",
    "config_from_dict",
    "config_to_dict",
    "extend",
    "load_config",
    "parse_labels",
    "plan",
    "preset",
    "read_json",
    "replace_fields",
]
