"""The network: one set of weights, run over windows, over sequences, or step by step."""

from wavenet_jax.nn.bridge import from_nnx, to_nnx
from wavenet_jax.nn.rings import CACHE_AXES, DecodeCache, replicate_cache
from wavenet_jax.nn.sizes import require_cache_fits, require_conditions_fit, require_training_fits
from wavenet_jax.nn.vocabulary import change_labels, change_vocab
from wavenet_jax.nn.wavenet import (
    NORM_MOMENTUM,
    Variables,
    WaveNet,
    count_parameters,
    init_variables,
    network_for,
)

__all__ = [
    "CACHE_AXES",
    "NORM_MOMENTUM",
    "DecodeCache",
    "Variables",
    "WaveNet",
    "change_labels",
    "change_vocab",
    "count_parameters",
    "from_nnx",
    "init_variables",
    "network_for",
    "replicate_cache",
    "require_cache_fits",
    "require_conditions_fit",
    "require_training_fits",
    "to_nnx",
]
