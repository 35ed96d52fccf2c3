"""How a run fetches the taps of a layer: the K positions, a dilation apart, that it combines.

A layer is one function of its taps, laid side by side, oldest first.  The runs differ in nothing
but where they find them.

`merge`, of the window run: a tree, here with K = 2.  Only the last position is computed, and each
layer leaves one node of K.

    layer 2       o               o           d = 2
              ┌───┴───┐       ┌───┴───┐
    layer 1   o       o       o       o       d = 1
            ┌─┴─┐   ┌─┴─┐   ┌─┴─┐   ┌─┴─┐
    nodes   .   .   .   .   e   m   m   a     oldest first

`shift`, of the sequence run: every position, each node once.  A tap that lies before the document
began is the layer's *rest*: its node on endless boundaries, which is that of any boundary.

    layer 1   o   o   o   o   o   o   o   o   d = 2, documents "emma" and "al"
             ╱│  ╱│  ╱│  ╱│  ╱│  ╱│  ╱│  ╱│
            ~ │ ~ │ ┊ │ ┊ │ ┊ │ ~ │ ~ │ ┊ │   ~ rest     ┊ the node two to the left
    nodes     .   e   m   m   a   .   a   l
    age       0   1   2   3   4   0   1   2

`pull` and `push`, of the step run: one position, O(L).  Each layer keeps its last (K - 1)·d nodes
in a ring, and the rings of all layers lie in one array: all older taps are pulled from it in one
gather before the layers, all new nodes pushed in one scatter after them, into the slots of the
oldest, which no later position needs.  So nothing is copied, however long the rings, and nothing
cleared where a document follows another.

    rings     5 | 4   5 | 4   5   2   3       K = 2, d = 1, 2, 4: the times of the nodes kept at
              ▲   ▲               ▲           t = 6; s has slot s mod (K - 1)·d of its ring; the
                                              times t - d are pulled, then t takes their place

The fourth way, of evaluation, is a table of the distinct nodes: see the module distinct.
"""

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax.vocab import BOUNDARY_ID


def age(tokens: jax.Array) -> jax.Array:
    """Count the positions since the last boundary, or since the row began: `[B, T]` int32."""
    position = jnp.arange(tokens.shape[1], dtype=jnp.int32)[None, :]
    boundary = jnp.where(tokens == BOUNDARY_ID, position, 0)
    return position - jax.lax.cummax(boundary, axis=1)


def merge(nodes: jax.Array, taps: int) -> jax.Array:
    """Lay each K neighbouring nodes side by side: `[M, C] -> [M/K, K·C]`, oldest first.

    The rows of a batch lie end to end, B·T = M nodes; K divides T, so none mixes with another.
    A plain matrix keeps the layer's products plain matrix products, which XLA does fastest.
    """
    channels = nodes.shape[-1]
    return nodes.reshape(-1, taps * channels)


def shift(nodes: jax.Array, age: jax.Array, taps: int, dilation: int, rows: int) -> jax.Array:
    """Lay the nodes t - (K-1)·d, ..., t - d, t side by side: `[M, C] -> [M, K·C]`.

    The nodes of `rows` B sequences lie time by time, those of one time together, so that a shift
    moves one solid piece of memory.  A tap j·d back is the rest, which is the first node, where
    age `[M]`, the positions before in its document, is less than j·d.
    """
    rest = nodes[:1]  # of a boundary, with boundaries before it

    def tap(back: int) -> jax.Array:
        older = jnp.roll(nodes, back * rows, axis=0)
        return jnp.where((age >= back)[:, None], older, rest)

    return jnp.concatenate([*(tap(j * dilation) for j in range(taps - 1, 0, -1)), nodes], axis=1)


def ring_slots(taps: int, dilations: tuple[int, ...]) -> np.ndarray:
    """Return how many slots the ring of each layer has, (K - 1)·d: `[L]` int32."""
    return (taps - 1) * np.array(dilations, np.int32)


def pull(
    rings: jax.Array,
    rests: jax.Array,
    time: jax.Array,
    age: jax.Array,
    taps: int,
    dilations: tuple[int, ...],
) -> jax.Array:
    """Take the older taps of every layer at a time `[]` from the rings: `[L, K-1, C]`.

    A tap j·d back is the rest `[L, C]` of its layer where the age `[]` is less than j·d.
    """
    back = np.outer(dilations, np.arange(taps - 1, 0, -1))  # [L, K-1]
    older = rings[_place(time - back, taps, dilations)]
    return jnp.where((age >= back)[..., None], older, rests[:, None])


def push(
    rings: jax.Array, nodes: jax.Array, time: jax.Array, taps: int, dilations: tuple[int, ...]
) -> jax.Array:
    """Keep what every layer took in at a time `[]`: rings `[Σ(K-1)·d, C]`, nodes `[L, C]`."""
    place = _place(jnp.broadcast_to(time, (len(dilations), 1)), taps, dilations)[:, 0]
    return rings.at[place].set(nodes, unique_indices=True, mode="promise_in_bounds")


def _place(times: jax.Array, taps: int, dilations: tuple[int, ...]) -> jax.Array:
    """Return where in the rings the nodes of times `[L, J]` lie: `[L, J]`."""
    slots = ring_slots(taps, dilations)
    first = np.cumsum(slots) - slots
    return first[:, None] + times % slots[:, None]
