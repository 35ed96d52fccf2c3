"""Embedding, stack of layers, head: makemore part 5 as a Flax module."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from wavenet_jax.config import ModelConfig
from wavenet_jax.layers import PlainLayer
from wavenet_jax.taps import merge

Variables = dict[str, Any]  # "params" and "batch_stats"

# The lecture scales the last layer's N(0, 1/fan_in) by 0.1, so that the first loss is near ln V.
head_normal = nn.initializers.variance_scaling(0.1**2, "fan_in", "normal")


class WaveNet(nn.Module):
    """A tree of plain layers over a window of characters.

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


def init(model: WaveNet, key: jax.Array) -> Variables:
    """Return fresh parameters and running statistics of the model."""
    window = jnp.zeros((1, model.config.receptive_field), jnp.int32)
    return dict(jax.jit(partial(model.init, method="window"))(key, window))


def count_parameters(params: Any) -> int:
    """Return the number of trained numbers."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
