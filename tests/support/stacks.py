"""Stacks of every kind, small enough to compile in a moment."""

import pytest

from wavenet_jax.config import ModelConfig

TREES = [
    ModelConfig(n_embd=3, n_hidden=5),
    ModelConfig(n_embd=3, n_hidden=5, kernel_size=3, dilations=(1, 3)),
    ModelConfig(
        n_embd=5, n_hidden=5, kernel_size=4, dilations=(1, 4), activation="gelu", residual=True
    ),
    ModelConfig(
        n_embd=3, n_hidden=5, kernel_size=8, dilations=(1,), activation="relu", norm="none"
    ),
    ModelConfig("gated", n_embd=5, n_hidden=5, n_skip=32, dilations=(1, 2, 4), norm="none"),
    ModelConfig("gated", n_embd=3, n_hidden=5, n_skip=32, kernel_size=3, dilations=(1, 3)),
]
OTHERS = [
    ModelConfig(n_embd=3, n_hidden=5, dilations=(4, 1, 2, 2)),
    ModelConfig(
        n_embd=6, n_hidden=4, kernel_size=3, dilations=(2, 5), residual=True, activation="silu"
    ),
    ModelConfig(n_embd=5, n_hidden=5, kernel_size=4, dilations=(3, 1), residual=True, norm="none"),
    ModelConfig("gated", n_embd=5, n_hidden=5, n_skip=32, dilations=(1, 2, 4, 1, 2, 4)),
    ModelConfig(
        "gated", n_embd=3, n_hidden=5, n_skip=32, kernel_size=4, dilations=(7, 2), norm="none"
    ),
]


def title(config: ModelConfig) -> str:
    """Return what tells a stack from the others."""
    return f"{config.layer}-{config.kernel_size}-{'-'.join(map(str, config.dilations))}"


every_stack = pytest.mark.parametrize("config", TREES + OTHERS, ids=title)
