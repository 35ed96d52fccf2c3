"""The taps of a layer over many positions: the K nodes, a dilation apart, that it combines.

A layer is one function of its taps, concatenated from the oldest to the newest.  The runs of the
stack differ only in where they find the taps.

`merge_taps`, of the window run: a tree, here with K = 2.  Only the last position is computed, and
each layer leaves one node of K.

    layer 2       o               o           d = 2
              ┌───┴───┐       ┌───┴───┐
    layer 1   o       o       o       o       d = 1
            ┌─┴─┐   ┌─┴─┐   ┌─┴─┐   ┌─┴─┐
    nodes   .   .   .   .   e   m   m   a     oldest first

`shift_taps`, of the sequence run: every position, each node once.  A tap before the beginning of
the document is the layer's *boundary state*: its node on endless boundaries, which equals the node
of any boundary.

    layer 1   o   o   o   o   o   o   o   o   d = 2, documents "emma" and "al"
             ╱│  ╱│  ╱│  ╱│  ╱│  ╱│  ╱│  ╱│
            ~ │ ~ │ ┊ │ ┊ │ ┊ │ ~ │ ~ │ ┊ │   ~ boundary state    ┊ the node two to the left
    nodes     .   e   m   m   a   .   a   l
    age       0   1   2   3   4   0   1   2

The decode step finds its taps in rings (`nn.rings`), evaluation in a table of the distinct nodes
(`evaluation.distinct`).
"""

import jax
import jax.numpy as jnp


def age_of(tokens: jax.Array, boundary_id: int) -> jax.Array:
    """Count the positions since the last boundary, or since the row began: `[B, T]` int32."""
    position = jnp.arange(tokens.shape[1], dtype=jnp.int32)[None, :]
    boundary = jnp.where(tokens == boundary_id, position, 0)
    return position - jax.lax.cummax(boundary, axis=1)


def merge_taps(nodes: jax.Array, kernel_size: int) -> jax.Array:
    """Concatenate each K neighbouring nodes: `[M, C] -> [M/K, K·C]`, oldest first.

    The rows of a batch lie end to end, B·T = M nodes; K divides T, so no two rows mix.  With nodes
    as a plain matrix, the layer's products are plain matrix products, which XLA does fastest.
    """
    return nodes.reshape(-1, kernel_size * nodes.shape[-1])


def shift_taps(
    nodes: jax.Array,
    boundary_state: jax.Array,
    age: jax.Array,
    kernel_size: int,
    dilation: int,
    rows: int,
) -> jax.Array:
    """Concatenate the nodes t - (K-1)·d, ..., t - d, t: `[M, C] -> [M, K·C]`.

    The nodes of B = `rows` sequences lie time by time, those of one time together, so that a shift
    moves one contiguous piece of memory; or with an axis of their own, `[T, B, C]`, and 1 as
    `rows`.  A tap j·d back is the boundary state `[1, C]` where the age `[M]` is less than j·d.
    """

    def tap(back: int) -> jax.Array:
        older = jnp.roll(nodes, back * rows, axis=0)
        return jnp.where((age >= back)[..., None], older, boundary_state)

    older_taps = (tap(j * dilation) for j in range(kernel_size - 1, 0, -1))
    return jnp.concatenate([*older_taps, nodes], axis=-1)
