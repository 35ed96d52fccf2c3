"""WaveNet as a Flax module: embedding, stack of layers, head.  One set of weights, several runs.

The law, tested in tests/laws/test_runs_agree.py: with running statistics, `window`, `__call__` (the
sequence run), `decode_step` and the table of distinct contexts give the same logits at every
position.

Sources: Karpathy's lecture "makemore part 5: Building a WaveNet"; van den Oord et al., WaveNet
(1609.03499), whose figure 3 is the tree and figure 4 the gated stack.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from wavenet_jax.config import ModelConfig
from wavenet_jax.data import Dataset
from wavenet_jax.errors import require
from wavenet_jax.nn.layers import (
    ACTIVATIONS,
    Bias,
    GatedHead,
    GatedLayer,
    Linear,
    PlainHead,
    PlainLayer,
    smooth_normal,
)
from wavenet_jax.nn.rings import DecodeCache, RingLayout
from wavenet_jax.nn.sizes import layer_width, require_cache_fits, require_parameters_fit
from wavenet_jax.nn.taps import age_of, merge_taps, shift_taps

NORM_MOMENTUM = 0.9  # weight of BatchNorm's old statistics: what PyTorch calls 0.1
Variables = dict[str, Any]  # "params", and "batch_stats", which is empty without BatchNorm
DTYPES = {"float32": jnp.float32, "bf16": jnp.bfloat16}  # by precision


class WaveNet(nn.Module):
    """A stack of layers, run over sequences (`__call__`), over windows, or step by step.

    With `training`, BatchNorm normalises by the batch and updates its running statistics, which are
    explicit state: apply with `mutable=["batch_stats"]` and carry the collection that comes back.
    Dropout needs `rngs={"dropout": key}`.  Without `training`, the logits of a row depend on that
    row alone.

    Attributes:
        config: The shape of the stack.
        vocab_size: Number of logits (V).
        training: Whether BatchNorm and dropout are in training mode.
        num_labels: Number of labels that documents may have, of all kinds; ids count from 1.
        num_embeddings: Number of input ids, where it differs from V.
        boundary_id: Input id of the boundary before and after every document.
        keeps_rows: Whether the sequence run keeps the rows of a batch in an axis of their own,
            along which devices can part it: nodes are `[T, B, C]` instead of `[T·B, C]`, which is
            faster on one device.  The numbers are the same.
    """

    config: ModelConfig
    vocab_size: int
    training: bool = False
    num_labels: int = 0
    num_embeddings: int | None = None
    boundary_id: int = 0
    keeps_rows: bool = False

    def setup(self) -> None:
        """Make the submodules; their attribute names are the names of the parameters."""
        config = self.config
        self.embedding = nn.Embed(
            self.num_embeddings or self.vocab_size,
            config.n_embd,
            dtype=self._dtype,
            embedding_init=smooth_normal if config.ordered else nn.initializers.normal(1.0),
        )
        self.layers = [self._layer(index) for index in range(len(config.dilations))]
        if self.num_labels:
            self.label_embedding = nn.Embed(
                self.num_labels,
                config.n_label,
                dtype=self._dtype,
                embedding_init=nn.initializers.normal(1.0),
            )
            width = layer_width(config)
            self.conditions = [self._linear(width, use_bias=False) for _ in config.dilations]
        if config.head_reads_skips:
            self.head = GatedHead(config.n_skip, self.vocab_size, self._linear, config.ordered)
        else:
            self.head = PlainHead(self.vocab_size, config.ordered)

    @property
    def _dtype(self) -> Any:
        return DTYPES[self.config.precision]

    @property
    def _linear(self) -> Callable[..., Any]:
        return partial(Linear, dtype=self._dtype)

    def _embed(self, tokens: jax.Array) -> jax.Array:
        """Return the embedding of each token, `[...] -> [..., C]`."""
        if self._multiplies:
            table = self.embed_all()
            chosen = jax.nn.one_hot(tokens, len(table), dtype=table.dtype)
            return jnp.dot(chosen, table, precision="highest")
        return self.embedding(tokens)

    @property
    def _multiplies(self) -> bool:
        """Tell whether embeddings are looked up by a product, as in training on an accelerator.

        The gradient of a lookup would be added up there in the order in which its parts arrive, so
        that no run could be repeated to the bit.
        """
        return self.training and jax.default_backend() != "cpu"

    def _embed_labels(self, labels: jax.Array | None) -> jax.Array | None:
        """Return h, the sum of the embeddings of labels of J kinds: `[..., J] -> [..., E]`.

        That of no label is 0, so that a model without labels is one whose labels are all 0.
        """
        if labels is None:
            return None
        numbers = labels.astype(jnp.int32) - 1
        if self._multiplies:
            table = self.label_embedding.embedding.astype(self._dtype)
            chosen = jax.nn.one_hot(numbers, self.num_labels, dtype=table.dtype).sum(axis=-2)
            return jnp.dot(chosen, table, precision="highest")
        embedded = self.label_embedding(jnp.maximum(numbers, 0))
        return jnp.where((numbers >= 0)[..., None], embedded, 0).sum(axis=-2)

    def _condition(self, index: int, h: jax.Array | None) -> jax.Array | None:
        return None if h is None else self.conditions[index](h)

    def _layer(self, index: int) -> nn.Module:
        config, linear = self.config, self._linear
        norm = self._batch_norm() if config.norm == "batch" else Bias
        dropout = partial(nn.Dropout, config.dropout, deterministic=not self.training)
        keeps_width = index > 0 or config.n_embd == config.n_hidden
        if config.layer == "gated":
            last = index == len(config.dilations) - 1
            return GatedLayer(
                config.n_hidden, linear, norm, dropout, residual=keeps_width, last=last
            )
        activation = ACTIVATIONS[config.activation]
        residual = config.residual and keeps_width
        return PlainLayer(config.n_hidden, linear, norm, dropout, activation, residual)

    def _batch_norm(self) -> Callable[..., Any]:
        # Flax divides the variance by the number of nodes n, the lecture by n - 1: 3 % at 32 nodes.
        return partial(
            nn.BatchNorm,
            use_running_average=not self.training,
            momentum=NORM_MOMENTUM,
            dtype=self._dtype,  # of what it returns; statistics are float32
            use_fast_variance=False,  # E[x²] - E[x]² cancels where the mean is large
        )

    def __call__(
        self, tokens: jax.Array, labels: jax.Array | None = None, history: int = 0
    ) -> jax.Array:
        """Return the logits `[B, T-history, V]` after each position of `tokens [B, T]`.

        A row begins after endless boundaries, and so does a document after each boundary in it.
        The labels `[B, T, J]` are those of the document at each position, with the boundary that
        begins it; the endless boundaries before it have none.
        The first `history` positions are seen but not scored: they get no logits, and BatchNorm's
        statistics leave them out.
        """
        rows = tokens.shape[0]
        if labels is not None:
            labels = jnp.pad(labels, ((0, 0), (1, 0), (0, 0))).swapaxes(0, 1)  # [T+1, B, K]
        tokens = jnp.pad(tokens, ((0, 0), (1, 0)), constant_values=self.boundary_id)
        age, tokens = age_of(tokens, self.boundary_id).T, tokens.T  # [T+1, B], time by time
        together = 1 if self.keeps_rows else rows  # nodes of one time along the first axis
        if not self.keeps_rows:
            age, tokens = age.reshape(-1), tokens.reshape(-1)  # [M], M = (T+1)·B
            labels = None if labels is None else labels.reshape(-1, labels.shape[-1])
        unscored = (1 + history) * together
        scored = (jnp.arange(len(age)) >= unscored).reshape(-1, *[1] * age.ndim)  # [M, 1]
        nodes, h, skips = self._embed(tokens), self._embed_labels(labels), []  # [M, C]
        for index, dilation in enumerate(self.config.dilations):
            boundary = self._first(nodes)  # a boundary after boundaries
            taps = shift_taps(nodes, boundary, age, self.config.kernel_size, dilation, together)
            condition = self._condition(index, h)
            nodes, skip = self.layers[index](taps, condition, scored)  # [M, K·C] -> [M, H]
            skips.append(skip[unscored:])
        logits = self.head(skips)  # [(T-history)·B, V]
        return logits.reshape(-1, rows, self.vocab_size).swapaxes(0, 1)

    def _first(self, nodes: jax.Array) -> jax.Array:
        """Return the node of the first position `[1, C]`, which is equal in all rows.

        With dropout it is not: then it is that of the first row, which devices have to share.
        """
        return nodes[:1, :1] if self.keeps_rows and self.config.dropout > 0 else nodes[:1]

    def window(self, tokens: jax.Array, labels: jax.Array | None = None) -> jax.Array:
        """Return the logits `[B, 1, V]` after each window `[B, R]`, oldest token first.

        The labels are `[B, R, J]`, as for the sequence run.
        Raises `InputError` where the dilations are no tree, or R is not the receptive field.
        """
        self.config.require_tree()
        rows, field = tokens.shape
        require(
            field == self.config.receptive_field,
            f"windows have {field} positions, expected {self.config.receptive_field}.",
        )
        nodes, skips = self._embed(tokens).reshape(-1, self.config.n_embd), []  # [B·R, C]
        h, kernel_size = self._embed_labels(labels), self.config.kernel_size
        for index, layer in enumerate(self.layers):
            if h is not None:  # of the newest of each K positions
                h = h.reshape(-1, kernel_size, h.shape[-1])[:, -1]
            taps = merge_taps(nodes, kernel_size)
            nodes, skip = layer(taps, self._condition(index, h))  # [M, C] -> [M/K, H]
            skips.append(skip.reshape(rows, -1, skip.shape[-1])[:, -1:])  # [B, 1, H]
        return self.head(skips)

    def init_cache(self) -> DecodeCache:
        """Return the cache of one sequence after endless boundaries.

        Raises `InputError` where it does not fit the memory.
        """
        require_cache_fits(self.config, sequences=1)
        boundary_states = []
        node = self.embedding(jnp.full(1, self.boundary_id))  # [1, C]
        for layer in self.layers:
            boundary_states.append(node)
            node, _ = layer(jnp.tile(node, self.config.kernel_size))
        stacked = self._stack(boundary_states)
        rings = jnp.zeros((self._ring_layout.sizes.sum(), stacked.shape[1]), stacked.dtype)
        return DecodeCache(rings, stacked, time=jnp.array(0), age=jnp.array(0))

    def decode_step(
        self, cache: DecodeCache, token: jax.Array, conditions: jax.Array | None = None
    ) -> tuple[DecodeCache, jax.Array]:
        """Read the next token `[]` of one sequence: return the cache after it, and logits `[V]`.

        A boundary begins a document, whatever came before.  The conditions `[L, W]` are those of
        its labels, as `condition_all` returns them.
        """
        rings, boundary_states, time, age = cache
        age = jnp.where(token == self.boundary_id, 0, age + 1)
        older = self._ring_layout.read(rings, boundary_states, time, age)  # [L, K-1, C]
        node, nodes, skips = self.embedding(token[None]), [], []  # [1, C]
        for index, layer in enumerate(self.layers):
            nodes.append(node)
            others = older[index, :, : node.shape[1]]  # [K-1, C]
            taps = jnp.concatenate([others, node]).reshape(1, -1)  # [1, K·C]
            node, skip = layer(taps, None if conditions is None else conditions[index, None])
            skips.append(skip)
        rings = self._ring_layout.write(rings, self._stack(nodes), time)
        return DecodeCache(rings, boundary_states, time + 1, age), self.head(skips)[0]

    @property
    def _ring_layout(self) -> RingLayout:
        return RingLayout(self.config.kernel_size, self.config.dilations)

    def _stack(self, nodes: list[jax.Array]) -> jax.Array:
        """Stack the input node of each layer, `[1, C]`, into one array `[L, C]` of the widest C."""
        width = max(node.shape[1] for node in nodes)
        return jnp.concatenate([jnp.pad(n, ((0, 0), (0, width - n.shape[1]))) for n in nodes])

    def embed_all(self) -> jax.Array:
        """Return the embedding of every input id, `[V, C]`."""
        return self.embedding.embedding.astype(self._dtype)

    def condition_all(self, labels: jax.Array) -> jax.Array:
        """Return what labels `[..., J]` add in every layer before its non-linearity: `[..., L, W]`.

        W is H in a plain layer, and 2·H in a gated one.
        """
        h = self._embed_labels(labels)
        return jnp.stack([condition(h) for condition in self.conditions], axis=-2)

    def apply_layer(
        self, index: int, taps: jax.Array, labels: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Apply one layer to taps `[M, K·C]` of labels `[M, J]`: nodes and skips, `[M, H]` each."""
        return self.layers[index](taps, self._condition(index, self._embed_labels(labels)))

    def read_out(self, skips: list[jax.Array]) -> jax.Array:
        """Return the logits `[..., V]` for the skip of each layer, L times `[..., H]`."""
        return self.head(skips)


def network_for(config: ModelConfig, data: Dataset) -> WaveNet:
    """Return the stack that reads and predicts the characters, or levels, of data."""
    return WaveNet(config, len(data.vocab), num_labels=data.labels.num_labels)


@partial(jax.jit, static_argnames="model")
def init_variables(model: WaveNet, key: jax.Array) -> Variables:
    """Return fresh parameters and running statistics of the model.

    Raises `InputError` where they do not fit the memory.
    """
    require_parameters_fit(
        model.config, model.vocab_size, model.num_embeddings or 0, model.num_labels
    )
    variables = model.init(key, *example_inputs(model))
    return {"batch_stats": {}, **variables}


def example_inputs(model: WaveNet) -> tuple[jax.Array, ...]:
    """Return what the sequence run of a model reads: a token, and a label if it knows labels."""
    token = jnp.zeros((1, 1), jnp.int32)
    return (token, token[..., None]) if model.num_labels else (token,)


def count_parameters(params: Any) -> int:
    """Return the number of trained numbers."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
