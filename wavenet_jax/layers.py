"""The layer of the stack, a function of its taps alone."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

# N(0, 1/fan_in), not truncated: the lecture's `torch.randn(fan_in, fan_out) / fan_in**0.5`.
fan_in_normal = nn.initializers.variance_scaling(1.0, "fan_in", "normal")


class PlainLayer(nn.Module):
    """Linear without bias, normalisation, tanh: the lecture's layer.

    y = tanh(norm(taps · W)).  The bias would be undone by the normalisation, which has its own.
    """

    channels: int
    norm: Callable[..., Any]  # makes a module [M, H] -> [M, H]

    @nn.compact
    def __call__(self, taps: jax.Array) -> jax.Array:
        """Combine the taps, older before newer: `[M, K·C] -> [M, H]`."""
        linear = nn.Dense(self.channels, use_bias=False, kernel_init=fan_in_normal, name="linear")
        return jnp.tanh(self.norm(name="norm")(linear(taps)))
