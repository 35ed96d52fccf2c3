"""How a run fetches the taps of a layer: the K positions, a dilation apart, that it combines.

A layer is one function of its taps, laid side by side, oldest first.  The three runs differ in
nothing but where they find them.

`merge`, of the window run: a tree, here with K = 2.  Only the last position is computed, and each
layer leaves one node of K.

    layer 2       o               o           d = 2
              ┌───┴───┐       ┌───┴───┐
    layer 1   o       o       o       o       d = 1
            ┌─┴─┐   ┌─┴─┐   ┌─┴─┐   ┌─┴─┐
    nodes   .   .   .   .   e   m   m   a     oldest first

`shift`, of the sequence run: every position, each node once.  A tap that lies before the document
began is the layer's rest: what the layer below puts out on endless boundaries.

    layer 1   o   o   o   o   o   o           d = 2, documents "emma" and "al"
             ╱│  ╱│  ╱│  ╱│  ╱│  ╱│
            ~ │ ~ │ ┊ │ ┊ │ ~ │ ~ │           ~ rest     ┊ the node two to the left
    nodes     .   e   m   m   .   a
    age       0   1   2   3   0   1

`push`, of the step run: one position, O(1).  Each layer keeps its last (K - 1)·d nodes in a ring;
the node that is pushed takes the slot of the oldest, which no later position needs.

    ring      o   o   ┃ o   o                 K = 3, d = 2: taps at t-4 and t-2, then t itself
            t-2 t-1   ┃ t-4 t-3               slot of time s: s mod (K - 1)·d
                        ▲ read, then t is written here
"""

import jax
import jax.numpy as jnp


def merge(nodes: jax.Array, taps: int) -> jax.Array:
    """Lay each K neighbouring nodes side by side: `[M, C] -> [M/K, K·C]`, oldest first.

    The rows of a batch lie end to end, B·T = M nodes; K divides T, so none mixes with another.
    A plain matrix keeps the layer's products plain matrix products, which XLA does fastest.
    """
    channels = nodes.shape[-1]
    return nodes.reshape(-1, taps * channels)


def shift(nodes: jax.Array, rest: jax.Array, age: jax.Array, taps: int, dilation: int) -> jax.Array:
    """Lay the nodes t - (K-1)·d, ..., t - d, t side by side: `[B, T, C] -> [B, T, K·C]`.

    A tap j·d back is the rest `[1, C]` where age `[B, T]` < j·d, and where it lies before the row.
    """
    length = nodes.shape[1]

    def tap(back: int) -> jax.Array:
        older = jnp.pad(nodes, ((0, 0), (back, 0), (0, 0)))[:, :length]
        inside = (age >= back) & (jnp.arange(length) >= back)[None, :]  # [B, T]
        return jnp.where(inside[..., None], older, rest[None])

    return jnp.concatenate([tap(j * dilation) for j in range(taps - 1, -1, -1)], axis=-1)


def push(
    ring: jax.Array, node: jax.Array, time: jax.Array, taps: int, dilation: int
) -> tuple[jax.Array, jax.Array]:
    """Lay the nodes of times t - (K-1)·d, ..., t - d and t side by side, and keep the last.

    Ring `[(K-1)·d, C]`, node `[1, C]`, time `[]` -> taps `[1, K·C]` and the ring with the node.
    """
    slots = ring.shape[0]
    older = (time - dilation * jnp.arange(taps - 1, 0, -1)) % slots  # [K-1]
    laid = jnp.concatenate([ring[older], node]).reshape(1, -1)
    return laid, ring.at[time % slots].set(node[0])
