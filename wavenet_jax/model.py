"""Embedding, stack of layers, head as a Flax module: one set of weights, run in several ways.

The law, tested in tests/test_runs_agree.py: with running statistics, `window`, `sequence`, `step`
and the table of the module distinct give the same logits at every position.
"""

from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from wavenet_jax.config import ModelConfig
from wavenet_jax.errors import require
from wavenet_jax.layers import ACTIVATIONS, Bias, GatedHead, GatedLayer, PlainHead, PlainLayer
from wavenet_jax.taps import age, merge, pull, push, ring_slots, shift
from wavenet_jax.vocab import BOUNDARY_ID

Variables = dict[str, Any]  # "params", and "batch_stats", empty without BatchNorm


class Cache(NamedTuple):
    """What the step run remembers of one sequence."""

    rings: jax.Array  # [Σ(K-1)·d, C] what each layer took in last, C the widest of all
    rests: jax.Array  # [L, C] what each layer takes in on endless boundaries
    time: jax.Array  # [] int32, tokens taken in
    age: jax.Array  # [] int32, tokens since the last boundary


# Axes for `vmap`: many sequences in step with each other, so that they share the time.
IN_STEP: Any = Cache(rings=0, rests=None, time=None, age=0)  # type: ignore[arg-type]


def side_by_side(cache: Cache, lanes: int) -> Cache:
    """Return the caches of so many sequences in step with each other, each as the given one."""
    rings = jnp.tile(cache.rings, (lanes, 1, 1))
    return cache._replace(rings=rings, age=jnp.tile(cache.age, lanes))


class WaveNet(nn.Module):
    """A stack of layers, run over windows, over sequences, or step by step.

    With `training` BatchNorm normalises by the batch and moves its running statistics, which are
    explicit state: apply with `mutable=["batch_stats"]` and carry what comes back; dropout wants
    `rngs={"dropout": key}`.  Without, each row's logits depend on that row alone.
    Sources: Karpathy's lecture "makemore part 5"; WaveNet (1609.03499), whose figure 3 is the tree.
    """

    config: ModelConfig
    vocab_size: int
    training: bool = False
    contexts: int = 0  # above 0, the embedding is of so many contexts: see `distinct.folded`

    def setup(self) -> None:
        """Make the parts; their attribute names are the names of the parameters."""
        config = self.config
        self.embedding = nn.Embed(
            self.inputs, config.n_embd, embedding_init=nn.initializers.normal(1.0)
        )
        self.layers = [self._layer(index) for index in range(len(config.dilations))]
        if config.head_reads_all:
            self.head = GatedHead(config.n_skip, self.vocab_size)
        else:
            self.head = PlainHead(self.vocab_size)

    @property
    def inputs(self) -> int:
        """Return how many things are embedded."""
        return self.contexts or self.vocab_size

    def _layer(self, index: int) -> nn.Module:
        config = self.config
        # momentum is the share of the old value: 0.9 is what PyTorch calls 0.1.  Flax divides the
        # variance by the number of nodes, the lecture by one less: 3 % at 32, felt in training.
        batch_norm = partial(
            nn.BatchNorm,
            use_running_average=not self.training,
            momentum=0.9,
            use_fast_variance=False,  # E[x²] - E[x]² cancels where the mean is large
        )
        norm = batch_norm if config.norm == "batch" else Bias
        dropout = partial(nn.Dropout, config.dropout, deterministic=not self.training)
        keeps_width = index > 0 or config.n_embd == config.n_hidden
        if config.layer == "gated":
            last = index == len(config.dilations) - 1
            return GatedLayer(config.n_hidden, norm, dropout, residual=keeps_width, last=last)
        return PlainLayer(
            config.n_hidden,
            norm,
            dropout,
            ACTIVATIONS[config.activation],
            residual=config.residual and keeps_width,
        )

    def window(self, tokens: jax.Array) -> jax.Array:
        """Return the logits `[B, 1, V]` of what follows each window `[B, R]`, oldest first.

        Raises `InputError` where the dilations are no tree, or R is not the receptive field.
        """
        self.config.require_tree()
        rows, field = tokens.shape
        require(
            field == self.config.receptive_field,
            f"windows have {field} positions, expected {self.config.receptive_field}.",
        )
        nodes, shown = self.embedding(tokens).reshape(-1, self.config.n_embd), []  # [B·R, C]
        for layer in self.layers:
            nodes, skip = layer(merge(nodes, self.config.taps))  # [M, C] -> [M/K, H], at last B
            shown.append(skip.reshape(rows, -1, skip.shape[-1])[:, -1:])
        return self.head(shown)

    def sequence(self, tokens: jax.Array, history: int = 0) -> jax.Array:
        """Return the logits `[B, T-history, V]` of what follows each position but the first ones.

        A row `[B, T]` begins at rest, and so does a document after each boundary in it.  The
        positions of history are seen but not scored: BatchNorm's statistics leave them out.
        """
        rows = tokens.shape[0]
        tokens = jnp.pad(tokens, ((0, 0), (1, 0)), constant_values=BOUNDARY_ID)  # the rest
        ages = age(tokens).T.reshape(-1)  # [M], M = (T+1)·B
        unscored = (1 + history) * rows
        scored = (jnp.arange(len(ages)) >= unscored)[:, None]
        nodes, shown = self.embedding(tokens.T.reshape(-1)), []  # [M, C], time by time
        for layer, dilation in zip(self.layers, self.config.dilations, strict=True):
            nodes, skip = layer(shift(nodes, ages, self.config.taps, dilation, rows), scored)
            shown.append(skip[unscored:])
        logits = self.head(shown)  # [(T-history)·B, V]
        return logits.reshape(-1, rows, self.vocab_size).swapaxes(0, 1)

    def fresh_cache(self) -> Cache:
        """Return the cache of one sequence at rest on endless boundaries."""
        rests = []
        rest = self.embedding(jnp.full(1, BOUNDARY_ID))  # [1, C]
        for layer in self.layers:
            rests.append(rest)
            rest, _ = layer(jnp.tile(rest, self.config.taps))
        slots = ring_slots(self.config.taps, self.config.dilations).sum()
        stacked = self._stack(rests)
        rings = jnp.zeros((slots, stacked.shape[1]))
        return Cache(rings, stacked, time=jnp.array(0), age=jnp.array(0))

    def step(self, cache: Cache, token: jax.Array) -> tuple[Cache, jax.Array]:
        """Take in the next token `[]` of one sequence: the cache after it, and logits `[V]`.

        A boundary begins a document, at rest, whatever came before.
        """
        geometry = self.config.taps, self.config.dilations
        rings, rests, time, age = cache
        age = jnp.where(token == BOUNDARY_ID, 0, age + 1)
        older = pull(rings, rests, time, age, *geometry)  # [L, K-1, C]
        node, nodes, shown = self.embedding(token[None]), [], []  # [1, C]
        for layer, others in zip(self.layers, older, strict=True):
            nodes.append(node)
            laid = jnp.concatenate([others[:, : node.shape[1]], node]).reshape(1, -1)
            node, skip = layer(laid)
            shown.append(skip)
        rings = push(rings, self._stack(nodes), time, *geometry)
        return Cache(rings, rests, time + 1, age), self.head(shown)[0]

    def _stack(self, nodes: list[jax.Array]) -> jax.Array:
        """Put what each layer takes in, `[1, C]`, into one array `[L, C]` of the widest C."""
        width = max(node.shape[1] for node in nodes)
        return jnp.concatenate([jnp.pad(n, ((0, 0), (0, width - n.shape[1]))) for n in nodes])

    def embed(self) -> jax.Array:
        """Return the node below the layers of everything embedded, `[V, C]`."""
        return self.embedding(jnp.arange(self.inputs))

    def one_layer(self, index: int, taps: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Apply one layer to taps `[M, K·C]`: its nodes `[M, H]` and what it shows the head."""
        return self.layers[index](taps)

    def read(self, shown: list[jax.Array]) -> jax.Array:
        """Return the logits `[..., V]` for what each layer shows, `[..., H]`, L times."""
        return self.head(shown)


@partial(jax.jit, static_argnames="model")
def init(model: WaveNet, key: jax.Array) -> Variables:
    """Return fresh parameters and running statistics of the model."""
    variables = model.init(key, jnp.zeros((1, 1), jnp.int32), method="sequence")
    return {"batch_stats": {}, **variables}


def count_parameters(params: Any) -> int:
    """Return the number of trained numbers."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
