"""How a run fetches the taps of a layer: the positions that the layer combines.

`merge` is the tree of the `window` run, here with K = 2; only the last position is computed, and
each layer halves what is left:

    logits                        o
    layer 3                       o           K·C of two nodes -> H
                          ┌───────┴───────┐
    layer 2               o               o
                      ┌───┴───┐       ┌───┴───┐
    layer 1           o       o       o       o
                    ┌─┴─┐   ┌─┴─┐   ┌─┴─┐   ┌─┴─┐
    characters      .   .   .   .   e   m   m   a     oldest first
"""

import jax


def merge(nodes: jax.Array, taps: int) -> jax.Array:
    """Lay each K neighbouring nodes side by side: `[M, C] -> [M/K, K·C]`, oldest first.

    The rows of a batch lie end to end, B·T = M nodes; K divides T, so none mixes with another.
    A plain matrix keeps the layer's products plain matrix products, which XLA does fastest.
    """
    channels = nodes.shape[-1]
    return nodes.reshape(-1, taps * channels)
