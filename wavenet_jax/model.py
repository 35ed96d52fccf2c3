"""Embedding, stack of layers, head: makemore part 5 as a Flax module, run in three ways.

The law, tested in tests/test_three_runs.py: with running statistics, `window`, `sequence` and
`step` give the same logits at every position.
"""

from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from wavenet_jax.config import ModelConfig
from wavenet_jax.layers import PlainLayer
from wavenet_jax.taps import merge, push, shift
from wavenet_jax.vocab import BOUNDARY_ID

Variables = dict[str, Any]  # "params" and "batch_stats"

# The lecture scales the last layer's N(0, 1/fan_in) by 0.1, so that the first loss is near ln V.
head_normal = nn.initializers.variance_scaling(0.1**2, "fan_in", "normal")


class Cache(NamedTuple):
    """What the step run remembers of one sequence."""

    rings: tuple[jax.Array, ...]  # of each layer, its last (K - 1)·d inputs [(K-1)·d, C]
    time: jax.Array  # [] int32, tokens taken in


class WaveNet(nn.Module):
    """A stack of plain layers, run over windows, over sequences, or step by step.

    With `training` BatchNorm normalises by the batch and moves its running statistics, which are
    explicit state: apply with `mutable=["batch_stats"]` and carry what comes back.  Without, it
    reads the running statistics, and each row's logits depend on that row alone.
    Source: Karpathy's lecture "makemore part 5"; the tree is WaveNet's figure 3 (1609.03499).
    """

    config: ModelConfig
    vocab_size: int
    training: bool = False

    def setup(self) -> None:
        """Make the parts; their attribute names are the names of the parameters."""
        # momentum is the share of the old value: 0.9 is what PyTorch calls 0.1.  Flax divides the
        # variance by the number of nodes, the lecture by one less: 3 % at 32, felt in training.
        norm = partial(
            nn.BatchNorm,
            use_running_average=not self.training,
            momentum=0.9,
            use_fast_variance=False,  # E[x²] - E[x]² cancels where the mean is large
        )
        self.embedding = nn.Embed(
            self.vocab_size, self.config.n_embd, embedding_init=nn.initializers.normal(1.0)
        )
        self.layers = [PlainLayer(self.config.n_hidden, norm) for _ in self.config.dilations]
        self.head = nn.Dense(self.vocab_size, kernel_init=head_normal)

    def window(self, tokens: jax.Array) -> jax.Array:
        """Return the logits `[B, V]` of what follows each window `[B, R]`, oldest first."""
        nodes = self.embedding(tokens).reshape(-1, self.config.n_embd)  # [B·R, C]
        for layer in self.layers:
            nodes = layer(merge(nodes, self.config.taps))  # [M, C] -> [M/K, H], in the end [B, H]
        return self.head(nodes)

    def sequence(self, tokens: jax.Array, age: jax.Array) -> jax.Array:
        """Return the logits `[B, T, V]` of what follows each position of rows `[B, T]`.

        What lies before a row's first position counts as endless boundaries, whatever its age.
        """
        rows, length = tokens.shape
        nodes = self.embedding(tokens)
        rest = self.embedding(jnp.full(1, BOUNDARY_ID))  # [1, C]
        for layer, dilation in zip(self.layers, self.config.dilations, strict=True):
            laid = shift(nodes, rest, age, self.config.taps, dilation).reshape(rows * length, -1)
            resting = jnp.tile(rest, self.config.taps)  # rides along as one node more
            out = layer(jnp.concatenate([laid, resting]))  # [B·T + 1, H]
            nodes, rest = out[:-1].reshape(rows, length, -1), out[-1:]
        return self.head(nodes)

    def fresh_cache(self) -> Cache:
        """Return the cache of one sequence at rest on endless boundaries."""
        rings = []
        rest = self.embedding(jnp.full(1, BOUNDARY_ID))  # [1, C]
        for layer, dilation in zip(self.layers, self.config.dilations, strict=True):
            rings.append(jnp.tile(rest, ((self.config.taps - 1) * dilation, 1)))
            rest = layer(jnp.tile(rest, self.config.taps))
        return Cache(tuple(rings), jnp.zeros((), jnp.int32))

    def step(self, cache: Cache, token: jax.Array) -> tuple[Cache, jax.Array]:
        """Take in the next token `[]` of one sequence: the cache after it, and logits `[V]`."""
        rings = []
        node = self.embedding(token[None])  # [1, C]
        for layer, dilation, old in zip(
            self.layers, self.config.dilations, cache.rings, strict=True
        ):
            laid, ring = push(old, node, cache.time, self.config.taps, dilation)
            rings.append(ring)
            node = layer(laid)
        return Cache(tuple(rings), cache.time + 1), self.head(node)[0]


@partial(jax.jit, static_argnames="model")
def init(model: WaveNet, key: jax.Array) -> Variables:
    """Return fresh parameters and running statistics of the model."""
    window = jnp.zeros((1, model.config.receptive_field), jnp.int32)
    return dict(model.init(key, window, method="window"))


def count_parameters(params: Any) -> int:
    """Return the number of trained numbers."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
