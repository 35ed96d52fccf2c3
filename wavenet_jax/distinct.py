"""Every distinct context computed once: how evaluation and scoring run the stack.

A node depends on nothing but the tokens that it sees, and low in the stack these are few: pairs,
then groups of four.  So the host numbers the distinct nodes of each layer, each known by the
numbers of the K nodes below that it combines, and the device computes each of them once, its taps
fetched from the table of the layer below.  The 95,637 training predictions of the bundled names
have 610 distinct nodes in the lecture's first layer, 22,313 in the second and 38,536 in the third.

Sampling knows no corpus, but all contexts of the first layer, where these are few: `folded`.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from wavenet_jax.config import ModelConfig
from wavenet_jax.model import Variables, WaveNet
from wavenet_jax.vocab import BOUNDARY_ID

_CONTEXTS = 1_000  # that are folded: computed at once in less time than a name takes
_ROWS = 4_096  # nodes computed at a time: what a layer takes in and puts out fits the cache
_FLOATS = 2**26  # of the tables of a block of positions
_TABLE = 2**22  # pairs up to which a table finds the distinct ones, faster than by sorting


class Contexts(NamedTuple):
    """The distinct nodes of each layer, numbered from 0, and which of the top ones are wanted."""

    taps: tuple[np.ndarray, ...]  # of each layer [M, K] int32, numbers below; of the first, tokens
    position: np.ndarray  # [T] int32, the number of each position's node in the top layer


def contexts(tokens: np.ndarray, config: ModelConfig, vocab_size: int) -> Contexts:
    """Number the distinct nodes of a row of tokens `[T]`, which begins at rest."""
    position = np.arange(len(tokens))
    began = np.maximum.accumulate(np.where(tokens == BOUNDARY_ID, position, 0))
    age = position - began
    number, count = np.append(tokens, BOUNDARY_ID).astype(np.int64), vocab_size  # the rest is last
    layers = []
    for dilation in config.dilations:
        columns = []
        for back in range((config.taps - 1) * dilation, 0, -dilation):
            older = np.where(age >= back, position - back, len(tokens))
            columns.append(number[np.append(older, len(tokens))])
        taps, number = _distinct_rows([*columns, number], count)
        layers.append(taps)
        count = len(taps)
    return Contexts(tuple(layers), number[:-1].astype(np.int32))


def _distinct_rows(columns: list[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows `[M, K]` of K columns of numbers below `count`, and number them."""
    number, rows = columns[0], np.arange(count, dtype=np.int32)[:, None]
    for column in columns[1:]:
        keys, number = _renumber(number * count + column, len(rows) * count)
        before, last = np.divmod(keys, count)
        rows = np.column_stack([rows[before], last.astype(np.int32)])
    return rows, number


def _renumber(keys: np.ndarray, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct ones of keys below `end`, sorted, and the place of each key in them."""
    if end > _TABLE:
        return np.unique(keys, return_inverse=True)
    occurs = np.zeros(end, bool)
    occurs[keys] = True
    return np.flatnonzero(occurs), np.cumsum(occurs)[keys] - 1


def nll_nats(
    model: WaveNet, variables: Variables, found: Contexts, targets: np.ndarray
) -> jax.Array:
    """Return the negative log-likelihood of the target `[T]` at each position, in nats: `[T]`.

    Tables are padded to powers of two, so that few programs are compiled.
    """
    *lower, top = found.taps
    nodes, skips = model.apply(variables, method="embed"), []
    for index, taps in enumerate(lower):
        nodes, skip = _table(model, variables, index, nodes, _pad(taps), np.int32(len(taps)))
        skips.append(skip)
    newest, shown = top[:, -1], []  # the node of each layer that ends where the top one does
    for taps in reversed(lower):
        shown.append(_pad(newest))
        newest = taps[newest, -1]
    rows = _pad(top), tuple(reversed(shown))
    at = _pad(found.position), _pad(targets)
    nll = _read(model, variables, nodes, tuple(skips), rows, np.int32(len(top)), *at)
    return nll[: len(targets)]


def positions_at_once(config: ModelConfig, vocab_size: int) -> int:
    """Return for how many positions the tables hold a quarter of a gigabyte, padding aside."""
    kept = len(config.dilations) + 1 if config.head_reads_all else 2
    return max(1, _FLOATS // (kept * config.n_hidden + vocab_size))


def _pad(rows: np.ndarray) -> np.ndarray:
    room = max(_ROWS, 1 << (len(rows) - 1).bit_length())
    padding = [(0, room - len(rows))] + [(0, 0)] * (rows.ndim - 1)
    return np.pad(rows.astype(np.int32), padding)


# A program for each layer, not one for all, which would hold the tables of all at once.
@partial(jax.jit, static_argnames=("model", "index"))
def _table(
    model: WaveNet,
    variables: Variables,
    index: int,
    nodes: jax.Array,
    taps: jax.Array,
    count: jax.Array,
) -> tuple[jax.Array, jax.Array | None]:
    """Compute the nodes of a layer `[M, H]`, and what they show the head where it looks."""

    def compute(rows: jax.Array) -> tuple[jax.Array, jax.Array | None]:
        node, skip = _layer(model, variables, index, nodes, rows)
        return node, skip if model.config.head_reads_all else None

    return _by_rows(compute, taps, count)


@partial(jax.jit, static_argnames="model")
def _read(
    model: WaveNet,
    variables: Variables,
    nodes: jax.Array,
    skips: tuple[jax.Array | None, ...],
    rows: tuple[jax.Array, tuple[jax.Array, ...]],
    count: jax.Array,
    position: jax.Array,
    targets: jax.Array,
) -> jax.Array:
    """Compute the top layer and the head, and look the positions up: `[T]`."""

    def log_chances(rows: tuple[jax.Array, tuple[jax.Array, ...]]) -> jax.Array:
        taps, shown = rows
        _, top = _layer(model, variables, len(skips), nodes, taps)
        seen = [skip if skip is None else skip[at] for skip, at in zip(skips, shown, strict=True)]
        return jax.nn.log_softmax(model.apply(variables, [*seen, top], method="read"))

    return -_by_rows(log_chances, rows, count)[position, targets]


def _layer(
    model: WaveNet, variables: Variables, index: int, nodes: jax.Array, taps: jax.Array
) -> tuple[jax.Array, jax.Array]:
    laid = nodes[taps].reshape(len(taps), -1)  # [M, K·C]
    return model.apply(variables, index, laid, method="one_layer")


def _by_rows(compute: Callable[[Any], Any], rows: Any, count: jax.Array) -> Any:
    """Compute the first `count` rows, a few thousand at a time, so that all fits the cache."""

    def part(start: jax.Array | int) -> Any:
        return compute(jax.tree.map(lambda r: lax.dynamic_slice_in_dim(r, start, _ROWS), rows))

    def block(index: jax.Array, out: Any) -> Any:
        start = index * _ROWS
        put = partial(lax.dynamic_update_slice_in_dim, start_index=start, axis=0)
        return jax.tree.map(put, out, part(start))

    room = len(jax.tree.leaves(rows)[0])
    shapes = jax.eval_shape(part, 0)
    empty = jax.tree.map(lambda s: jnp.zeros((room, *s.shape[1:]), s.dtype), shapes)
    return lax.fori_loop(0, (count + _ROWS - 1) // _ROWS, block, empty)


def folded(model: WaveNet, variables: Variables) -> tuple[WaveNet, Variables]:
    """Return an equivalent model whose embedding is the first layer's output for all contexts.

    A first layer with dilation 1 sees contexts of K characters, V^K of them, whose numbers `follow`
    makes.  Where there are more than a thousand, where it is the only layer, or where the head
    reads it, the model is returned as it is.
    """
    config, size = model.config, model.vocab_size
    first, *above = config.dilations
    contexts = size**config.taps
    if first != 1 or not above or config.head_reads_all or contexts > _CONTEXTS:
        return model, variables
    characters = np.indices((size,) * config.taps).reshape(config.taps, contexts).T
    laid = model.apply(variables, method="embed")[characters].reshape(contexts, -1)  # [V^K, K·C]
    nodes, _ = model.apply(variables, 0, laid, method="one_layer")
    lower = {f"layers_{index + 1}": f"layers_{index}" for index in range(len(above))}
    moved = {
        collection: {
            lower.get(name, name): part for name, part in parts.items() if name != "layers_0"
        }
        for collection, parts in variables.items()
    }
    moved["params"]["embedding"] = {"embedding": nodes}
    smaller = replace(config, n_embd=config.n_hidden, dilations=tuple(above))
    return WaveNet(smaller, size, contexts=contexts), moved


def follow(model: WaveNet, before: jax.Array, token: jax.Array) -> jax.Array:
    """Return what the model takes in for a token `[]` behind what it took in before: `[]`.

    That is the token, or of a folded model the number of the context that ends in it.
    """
    if not model.contexts:
        return token
    number = (before * model.vocab_size + token) % model.contexts
    return jnp.where(token == BOUNDARY_ID, BOUNDARY_ID, number)
