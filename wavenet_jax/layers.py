"""The layers of the stack, functions of their taps alone, and the heads that read them.

A layer gives two values: the node that the next layer combines, and what it shows the head.
"""

from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

# N(0, 1/fan_in), not truncated: the lecture's `torch.randn(fan_in, fan_out) / fan_in**0.5`.
fan_in_normal = nn.initializers.variance_scaling(1.0, "fan_in", "normal")
# The lecture scales the last layer's by 0.1, so that the first loss is near ln V.
logits_normal = nn.initializers.variance_scaling(0.1**2, "fan_in", "normal")

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "tanh": jnp.tanh,
    "relu": nn.relu,
    "gelu": nn.gelu,
    "silu": nn.silu,
}


class Bias(nn.Module):
    """The place of a norm where there is none: adds a bias."""

    @nn.compact
    def __call__(self, x: jax.Array, mask: jax.Array | None = None) -> jax.Array:  # noqa: ARG002
        """Return x plus the bias, `[M, H]`; the mask is a norm's, which a bias needs not."""
        return x + self.param("bias", nn.initializers.zeros, (x.shape[-1],))[None]


class PlainLayer(nn.Module):
    """Linear, norm, activation: the lecture's layer; a residual is not the lecture's.

    y = activation(norm(taps · W)) (+ newest tap).  The norm has a bias, so the product has none.
    """

    channels: int
    norm: Callable[..., Any]  # makes a module ([M, H], mask [M, 1]) -> [M, H]
    dropout: Callable[..., Any]  # makes a module [M, H] -> [M, H]
    activation: Callable[[jax.Array], jax.Array]
    residual: bool

    @nn.compact
    def __call__(
        self, taps: jax.Array, scored: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Combine the taps, older before newer: `[M, K·C] -> [M, H]`, twice.

        Nodes that are not `scored [M, 1]` leave BatchNorm's statistics alone.
        """
        linear = nn.Dense(self.channels, use_bias=False, kernel_init=fan_in_normal, name="linear")
        hidden = self.activation(self.norm(name="norm")(linear(taps), mask=scored))
        hidden = self.dropout()(hidden)
        node = hidden + taps[:, -self.channels :] if self.residual else hidden
        return node, node


class GatedLayer(nn.Module):
    """The layer of WaveNet (1609.03499, eq. 2 and figure 4).

    z = tanh(taps · W_f + b_f) ⊙ σ(taps · W_g + b_g), y = newest tap + z · W_r + b_r; the head is
    shown z, whose skip products it makes for all layers in one.  The last layer, whose node nobody
    combines, makes no y.
    """

    channels: int
    norm: Callable[..., Any]  # makes a module ([M, 2·H], mask [M, 1]) -> [M, 2·H]
    dropout: Callable[..., Any]  # makes a module [M, H] -> [M, H]
    residual: bool
    last: bool

    @nn.compact
    def __call__(
        self, taps: jax.Array, scored: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Combine the taps, older before newer: `[M, K·C] -> y [M, H], z [M, H]`.

        Nodes that are not `scored [M, 1]` leave BatchNorm's statistics alone.
        """
        linear = nn.Dense(
            2 * self.channels, use_bias=False, kernel_init=fan_in_normal, name="linear"
        )
        filtered, gate = jnp.split(self.norm(name="norm")(linear(taps), mask=scored), 2, axis=-1)
        z = self.dropout()(jnp.tanh(filtered) * nn.sigmoid(gate))
        if self.last:
            return z, z
        residual = nn.Dense(self.channels, kernel_init=fan_in_normal, name="residual")
        node = residual(z)
        return node + taps[:, -self.channels :] if self.residual else node, z


class PlainHead(nn.Module):
    """Linear: the lecture's head, which reads the last layer."""

    vocab_size: int

    @nn.compact
    def __call__(self, shown: Sequence[jax.Array]) -> jax.Array:
        """Return logits `[..., V]` for what each layer shows, `[..., H]`, L times."""
        logits = nn.Dense(self.vocab_size, kernel_init=logits_normal, name="logits")
        return logits(shown[-1])


class GatedHead(nn.Module):
    """The head of WaveNet (figure 4): skips of all layers → ReLU → 1×1 → ReLU → 1×1.

    The sum of a 1×1 product of each layer is one product of all layers side by side.
    """

    channels: int
    vocab_size: int

    @nn.compact
    def __call__(self, shown: Sequence[jax.Array]) -> jax.Array:
        """Return logits `[..., V]` for what each layer shows, `[..., H]`, L times."""
        skips = nn.Dense(self.channels, kernel_init=fan_in_normal, name="skips")
        hidden = nn.Dense(self.channels, kernel_init=fan_in_normal, name="hidden")
        logits = nn.Dense(self.vocab_size, kernel_init=logits_normal, name="logits")
        return logits(nn.relu(hidden(nn.relu(skips(jnp.concatenate(shown, axis=-1))))))
