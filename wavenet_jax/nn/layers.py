"""The layers of the stack and its head, plain as in the lecture or gated as in the paper.

A layer combines the taps of a node, whatever run of the stack has found them.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from wavenet_jax.data import BOUNDARY_ID

# N(0, 1/fan_in), not truncated: the lecture's `torch.randn(fan_in, fan_out) / fan_in**0.5`.
fan_in_normal = nn.initializers.variance_scaling(1.0, "fan_in", "normal")
# The lecture scales the last layer's weights by 0.1, so that the first loss is near ln V.
logits_normal = nn.initializers.variance_scaling(0.1**2, "fan_in", "normal")

NUM_WAVES, WIDTH = 32, 4  # of which alike weights are made; from where they become smaller


def smooth_normal(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
    """Return N(0, 1) numbers `[V, C]` whose rows are alike where their ids are near.

    Row v is Σ_k w_k · cos(π·k·(v + 1/2) / V) / (1 + k/4) of normal w_k, k < 32, scaled.  Row 0, of
    the boundary, is like no other.
    """
    first, others = jax.random.split(key)
    place = (jnp.arange(shape[0]) + 0.5) / shape[0]
    number = jnp.arange(NUM_WAVES)
    waves = jnp.cos(jnp.pi * jnp.outer(place, number)) / (1 + number[None] / WIDTH)  # [V, 32]
    waves /= jnp.linalg.norm(waves, axis=1, keepdims=True)
    weights = jax.random.normal(others, (NUM_WAVES, shape[1]))
    rows = jnp.dot(waves, weights, precision="highest")
    return rows.at[BOUNDARY_ID].set(jax.random.normal(first, shape[1:])).astype(dtype)


def smooth_logits_normal(
    key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32
) -> jax.Array:
    """Return what `logits_normal` does `[H, V]`, but alike in columns whose ids are near."""
    return (0.1 / shape[0] ** 0.5) * smooth_normal(key, shape[::-1], dtype).T


ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "tanh": jnp.tanh,
    "relu": nn.relu,
    "gelu": nn.gelu,
    "silu": nn.silu,
}


# A GPU's matrix units would else round float32 to 10 bits (TF32), and a TPU's to bfloat16.
Linear = partial(nn.Dense, kernel_init=fan_in_normal, precision="highest")


def _logits(vocab_size: int, *, ordered: bool) -> nn.Module:
    """Return the layer whose outputs are the logits, float32 whatever it reads."""
    init = smooth_logits_normal if ordered else logits_normal
    return Linear(vocab_size, dtype=jnp.float32, kernel_init=init, name="logits")


def _conditioned(x: jax.Array, condition: jax.Array | None) -> jax.Array:
    return x if condition is None else x + condition


class Bias(nn.Module):
    """Takes the place of a norm where there is none: adds a bias."""

    @nn.compact
    def __call__(self, x: jax.Array, mask: jax.Array | None = None) -> jax.Array:  # noqa: ARG002
        """Return x plus the bias, `[..., H]`; the mask is for norms, a bias ignores it."""
        bias = self.param("bias", nn.initializers.zeros, (x.shape[-1],))
        return x + bias.astype(x.dtype).reshape(*[1] * (x.ndim - 1), -1)


class PlainLayer(nn.Module):
    """The lecture's layer: linear, norm, activation.  The residual is not the lecture's.

    y = activation(norm(taps · W + h · V)) (+ newest tap), h what conditions the layer, if anything
    does.  The norm has a bias, so the products have none.  The skip, which the head reads, is y.
    """

    channels: int
    linear: Callable[..., Any]  # makes a module [M, K·C] -> [M, H]
    norm: Callable[..., Any]  # makes a module ([M, H], mask [M, 1]) -> [M, H]
    dropout: Callable[..., Any]  # makes a module [M, H] -> [M, H]
    activation: Callable[[jax.Array], jax.Array]
    residual: bool

    @nn.compact
    def __call__(
        self,
        taps: jax.Array,
        condition: jax.Array | None = None,
        scored: jax.Array | None = None,
    ) -> tuple[jax.Array, jax.Array]:
        """Combine the taps, older before newer: `[M, K·C] -> node [M, H], skip [M, H]`.

        The condition `[M, H]` is h · V.  Nodes that are not `scored [M, 1]` do not enter
        BatchNorm's statistics.
        """
        linear = self.linear(self.channels, use_bias=False, name="linear")
        combined = _conditioned(linear(taps), condition)
        hidden = self.activation(self.norm(name="norm")(combined, mask=scored))  # [M, H]
        hidden = self.dropout()(hidden)
        node = hidden + taps[..., -self.channels :] if self.residual else hidden
        return node, node


class GatedLayer(nn.Module):
    """The layer of WaveNet (1609.03499, eq. 2 and figure 4).

    z = tanh(taps · W_f + h · V_f + b_f) ⊙ σ(taps · W_g + h · V_g + b_g), with h what conditions the
    layer, if anything does (section 2.5); y = newest tap + z · W_r + b_r.  The skip is z; the head
    multiplies the skips of all layers in one product.  The last layer makes no y, since no layer
    combines it.
    """

    channels: int
    linear: Callable[..., Any]  # makes a module [M, C] -> [M, H]
    norm: Callable[..., Any]  # makes a module ([M, 2·H], mask [M, 1]) -> [M, 2·H]
    dropout: Callable[..., Any]  # makes a module [M, H] -> [M, H]
    residual: bool
    last: bool

    @nn.compact
    def __call__(
        self,
        taps: jax.Array,
        condition: jax.Array | None = None,
        scored: jax.Array | None = None,
    ) -> tuple[jax.Array, jax.Array]:
        """Combine the taps, older before newer: `[M, K·C] -> node y [M, H], skip z [M, H]`.

        The condition `[M, 2·H]` is h · V, of the filter and of the gate.  Nodes that are not
        `scored [M, 1]` do not enter BatchNorm's statistics.
        """
        linear = self.linear(2 * self.channels, use_bias=False, name="linear")
        combined = _conditioned(linear(taps), condition)
        filtered, gate = jnp.split(self.norm(name="norm")(combined, mask=scored), 2, axis=-1)
        z = self.dropout()(jnp.tanh(filtered) * nn.sigmoid(gate))  # [M, H]
        if self.last:
            return z, z
        node = self.linear(self.channels, name="residual")(z)
        return node + taps[..., -self.channels :] if self.residual else node, z


class PlainHead(nn.Module):
    """The lecture's head: a linear layer that reads the last layer.  Logits are float32."""

    vocab_size: int
    ordered: bool = False

    @nn.compact
    def __call__(self, skips: Sequence[jax.Array]) -> jax.Array:
        """Return logits `[..., V]` for the skip of each layer, L times `[..., H]`."""
        return _logits(self.vocab_size, ordered=self.ordered)(skips[-1])


class GatedHead(nn.Module):
    """The head of WaveNet (figure 4): skips of all layers → 1×1 → ReLU → 1×1 → ReLU → 1×1.

    The sum of a 1×1 product per layer is one product of all skips concatenated.  Logits are
    float32.
    """

    channels: int
    vocab_size: int
    linear: Callable[..., Any]  # makes a module [..., C] -> [..., H]
    ordered: bool = False

    @nn.compact
    def __call__(self, skips: Sequence[jax.Array]) -> jax.Array:
        """Return logits `[..., V]` for the skip of each layer, L times `[..., H]`."""
        total = self.linear(self.channels, name="skips")
        hidden = self.linear(self.channels, name="hidden")
        summed = nn.relu(total(jnp.concatenate(skips, axis=-1)))
        return _logits(self.vocab_size, ordered=self.ordered)(nn.relu(hidden(summed)))
