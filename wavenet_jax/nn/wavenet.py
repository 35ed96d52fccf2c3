"""WaveNet as a Flax module: embedding, stack of layers, head.  One set of weights, several runs.

The law, tested in tests/laws/test_runs_agree.py: with running statistics, `window`, `__call__` (the
sequence run), `decode_step` and the table of distinct contexts give the same logits at every
position.

Sources: Karpathy's lecture "makemore part 5: Building a WaveNet"; van den Oord et al., WaveNet
(1609.03499), whose figure 3 is the tree and figure 4 the gated stack.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from wavenet_jax.config import ModelConfig
from wavenet_jax.errors import require
from wavenet_jax.nn.rings import DecodeCache, RingLayout
from wavenet_jax.nn.sizes import require_cache_fits, require_parameters_fit
from wavenet_jax.nn.taps import age_of, merge_taps, shift_taps

NORM_MOMENTUM = 0.9  # weight of BatchNorm's old statistics: what PyTorch calls 0.1
Variables = dict[str, Any]  # "params", and "batch_stats", which is empty without BatchNorm
DTYPES = {"float32": jnp.float32, "bf16": jnp.bfloat16}  # by precision

# N(0, 1/fan_in), not truncated: the lecture's `torch.randn(fan_in, fan_out) / fan_in**0.5`.
fan_in_normal = nn.initializers.variance_scaling(1.0, "fan_in", "normal")
# The lecture scales the last layer's weights by 0.1, so that the first loss is near ln V.
logits_normal = nn.initializers.variance_scaling(0.1**2, "fan_in", "normal")

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "tanh": jnp.tanh,
    "relu": nn.relu,
    "gelu": nn.gelu,
    "silu": nn.silu,
}


# A GPU's matrix units would else round float32 to 10 bits (TF32), and a TPU's to bfloat16.
Linear = partial(nn.Dense, kernel_init=fan_in_normal, precision="highest")


def _logits(vocab_size: int) -> nn.Module:
    """Return the layer whose outputs are the logits, float32 whatever it reads."""
    return Linear(vocab_size, dtype=jnp.float32, kernel_init=logits_normal, name="logits")


class Bias(nn.Module):
    """Takes the place of a norm where there is none: adds a bias."""

    @nn.compact
    def __call__(self, x: jax.Array, mask: jax.Array | None = None) -> jax.Array:  # noqa: ARG002
        """Return x plus the bias, `[..., H]`; the mask is for norms, a bias ignores it."""
        bias = self.param("bias", nn.initializers.zeros, (x.shape[-1],))
        return x + bias.astype(x.dtype).reshape(*[1] * (x.ndim - 1), -1)


class PlainLayer(nn.Module):
    """The lecture's layer: linear, norm, activation.  The residual is not the lecture's.

    y = activation(norm(taps · W)) (+ newest tap).  The norm has a bias, so the product has none.
    The skip, which the head reads, is y itself.
    """

    channels: int
    linear: Callable[..., Any]  # makes a module [M, K·C] -> [M, H]
    norm: Callable[..., Any]  # makes a module ([M, H], mask [M, 1]) -> [M, H]
    dropout: Callable[..., Any]  # makes a module [M, H] -> [M, H]
    activation: Callable[[jax.Array], jax.Array]
    residual: bool

    @nn.compact
    def __call__(
        self, taps: jax.Array, scored: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Combine the taps, older before newer: `[M, K·C] -> node [M, H], skip [M, H]`.

        Nodes that are not `scored [M, 1]` do not enter BatchNorm's statistics.
        """
        linear = self.linear(self.channels, use_bias=False, name="linear")
        hidden = self.activation(self.norm(name="norm")(linear(taps), mask=scored))  # [M, H]
        hidden = self.dropout()(hidden)
        node = hidden + taps[..., -self.channels :] if self.residual else hidden
        return node, node


class GatedLayer(nn.Module):
    """The layer of WaveNet (1609.03499, eq. 2 and figure 4).

    z = tanh(taps · W_f + b_f) ⊙ σ(taps · W_g + b_g), y = newest tap + z · W_r + b_r.  The skip is
    z; the head multiplies the skips of all layers in one product.  The last layer makes no y, since
    no layer combines it.
    """

    channels: int
    linear: Callable[..., Any]  # makes a module [M, C] -> [M, H]
    norm: Callable[..., Any]  # makes a module ([M, 2·H], mask [M, 1]) -> [M, 2·H]
    dropout: Callable[..., Any]  # makes a module [M, H] -> [M, H]
    residual: bool
    last: bool

    @nn.compact
    def __call__(
        self, taps: jax.Array, scored: jax.Array | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Combine the taps, older before newer: `[M, K·C] -> node y [M, H], skip z [M, H]`.

        Nodes that are not `scored [M, 1]` do not enter BatchNorm's statistics.
        """
        linear = self.linear(2 * self.channels, use_bias=False, name="linear")
        filtered, gate = jnp.split(self.norm(name="norm")(linear(taps), mask=scored), 2, axis=-1)
        z = self.dropout()(jnp.tanh(filtered) * nn.sigmoid(gate))  # [M, H]
        if self.last:
            return z, z
        node = self.linear(self.channels, name="residual")(z)
        return node + taps[..., -self.channels :] if self.residual else node, z


class PlainHead(nn.Module):
    """The lecture's head: a linear layer that reads the last layer.  Logits are float32."""

    vocab_size: int

    @nn.compact
    def __call__(self, skips: Sequence[jax.Array]) -> jax.Array:
        """Return logits `[..., V]` for the skip of each layer, L times `[..., H]`."""
        return _logits(self.vocab_size)(skips[-1])


class GatedHead(nn.Module):
    """The head of WaveNet (figure 4): skips of all layers → 1×1 → ReLU → 1×1 → ReLU → 1×1.

    The sum of a 1×1 product per layer is one product of all skips concatenated.  Logits are
    float32.
    """

    channels: int
    vocab_size: int
    linear: Callable[..., Any]  # makes a module [..., C] -> [..., H]

    @nn.compact
    def __call__(self, skips: Sequence[jax.Array]) -> jax.Array:
        """Return logits `[..., V]` for the skip of each layer, L times `[..., H]`."""
        total = self.linear(self.channels, name="skips")
        hidden = self.linear(self.channels, name="hidden")
        summed = nn.relu(total(jnp.concatenate(skips, axis=-1)))
        return _logits(self.vocab_size)(nn.relu(hidden(summed)))


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
        num_embeddings: Number of input ids, where it differs from V.
        boundary_id: Input id of the boundary before and after every document.
        keeps_rows: Whether the sequence run keeps the rows of a batch in an axis of their own,
            along which devices can part it: nodes are `[T, B, C]` instead of `[T·B, C]`, which is
            faster on one device.  The numbers are the same.
    """

    config: ModelConfig
    vocab_size: int
    training: bool = False
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
            embedding_init=nn.initializers.normal(1.0),
        )
        self.layers = [self._layer(index) for index in range(len(config.dilations))]
        if config.head_reads_skips:
            self.head = GatedHead(config.n_skip, self.vocab_size, self._linear)
        else:
            self.head = PlainHead(self.vocab_size)

    @property
    def _dtype(self) -> Any:
        return DTYPES[self.config.precision]

    @property
    def _linear(self) -> Callable[..., Any]:
        return partial(Linear, dtype=self._dtype)

    def _embed(self, tokens: jax.Array) -> jax.Array:
        """Return the embedding of each token, `[...] -> [..., C]`.

        To train on an accelerator it is a product: the gradient of a lookup would be added up there
        in the order in which its parts arrive, so that no run could be repeated to the bit.
        """
        if self.training and jax.default_backend() != "cpu":
            table = self.embed_all()
            chosen = jax.nn.one_hot(tokens, len(table), dtype=table.dtype)
            return jnp.dot(chosen, table, precision="highest")
        return self.embedding(tokens)

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

    def __call__(self, tokens: jax.Array, history: int = 0) -> jax.Array:
        """Return the logits `[B, T-history, V]` after each position of `tokens [B, T]`.

        A row begins after endless boundaries, and so does a document after each boundary in it.
        The first `history` positions are seen but not scored: they get no logits, and BatchNorm's
        statistics leave them out.
        """
        rows = tokens.shape[0]
        tokens = jnp.pad(tokens, ((0, 0), (1, 0)), constant_values=self.boundary_id)
        age, tokens = age_of(tokens, self.boundary_id).T, tokens.T  # [T+1, B], time by time
        together = 1 if self.keeps_rows else rows  # nodes of one time along the first axis
        if not self.keeps_rows:
            age, tokens = age.reshape(-1), tokens.reshape(-1)  # [M], M = (T+1)·B
        unscored = (1 + history) * together
        scored = (jnp.arange(len(age)) >= unscored).reshape(-1, *[1] * age.ndim)  # [M, 1]
        nodes, skips = self._embed(tokens), []  # [M, C]
        for layer, dilation in zip(self.layers, self.config.dilations, strict=True):
            boundary = self._first(nodes)  # a boundary after boundaries
            taps = shift_taps(nodes, boundary, age, self.config.kernel_size, dilation, together)
            nodes, skip = layer(taps, scored)  # [M, K·C] -> [M, H]
            skips.append(skip[unscored:])
        logits = self.head(skips)  # [(T-history)·B, V]
        return logits.reshape(-1, rows, self.vocab_size).swapaxes(0, 1)

    def _first(self, nodes: jax.Array) -> jax.Array:
        """Return the node of the first position `[1, C]`, which is equal in all rows.

        With dropout it is not: then it is that of the first row, which devices have to share.
        """
        return nodes[:1, :1] if self.keeps_rows and self.config.dropout > 0 else nodes[:1]

    def window(self, tokens: jax.Array) -> jax.Array:
        """Return the logits `[B, 1, V]` after each window `[B, R]`, oldest token first.

        Raises `InputError` where the dilations are no tree, or R is not the receptive field.
        """
        self.config.require_tree()
        rows, field = tokens.shape
        require(
            field == self.config.receptive_field,
            f"windows have {field} positions, expected {self.config.receptive_field}.",
        )
        nodes, skips = self._embed(tokens).reshape(-1, self.config.n_embd), []  # [B·R, C]
        for layer in self.layers:
            nodes, skip = layer(merge_taps(nodes, self.config.kernel_size))  # [M, C] -> [M/K, H]
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

    def decode_step(self, cache: DecodeCache, token: jax.Array) -> tuple[DecodeCache, jax.Array]:
        """Read the next token `[]` of one sequence: return the cache after it, and logits `[V]`.

        A boundary begins a document, whatever came before.
        """
        rings, boundary_states, time, age = cache
        age = jnp.where(token == self.boundary_id, 0, age + 1)
        older = self._ring_layout.read(rings, boundary_states, time, age)  # [L, K-1, C]
        node, nodes, skips = self.embedding(token[None]), [], []  # [1, C]
        for layer, others in zip(self.layers, older, strict=True):
            nodes.append(node)
            taps = jnp.concatenate([others[:, : node.shape[1]], node]).reshape(1, -1)  # [1, K·C]
            node, skip = layer(taps)
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

    def apply_layer(self, index: int, taps: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Apply one layer to taps `[M, K·C]`: its nodes and its skips, `[M, H]` each."""
        return self.layers[index](taps)

    def read_out(self, skips: list[jax.Array]) -> jax.Array:
        """Return the logits `[..., V]` for the skip of each layer, L times `[..., H]`."""
        return self.head(skips)


@partial(jax.jit, static_argnames="model")
def init_variables(model: WaveNet, key: jax.Array) -> Variables:
    """Return fresh parameters and running statistics of the model.

    Raises `InputError` where they do not fit the memory.
    """
    require_parameters_fit(model.config, model.vocab_size, model.num_embeddings or 0)
    variables = model.init(key, jnp.zeros((1, 1), jnp.int32))
    return {"batch_stats": {}, **variables}


def count_parameters(params: Any) -> int:
    """Return the number of trained numbers."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
