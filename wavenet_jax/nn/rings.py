"""The ring buffers of the decode step: the older taps of every layer, O(L) a position.

Each layer keeps its last (K - 1)·d input nodes in a ring.  The rings of all layers lie in one
array.  One gather reads all older taps before the layers, one scatter writes all new nodes after
them, over the oldest nodes, which no later position needs.  So nothing is copied,
however long the rings are, and nothing is cleared where a document follows another.

    rings     5 | 4   5 | 4   5   2   3       K = 2, d = 1, 2, 4: the times of the nodes kept at
              ▲   ▲               ▲           t = 6; s has place s mod (K - 1)·d of its ring; the
                                              times t - d are read, then t takes their place

Source: Paine et al., Fast Wavenet Generation Algorithm (1611.09482).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class DecodeCache(NamedTuple):
    """All that the decode step remembers of one sequence."""

    rings: jax.Array  # [Σ(K-1)·d, C] the last input nodes of each layer, C the widest of all
    boundary_states: jax.Array  # [L, C] the input node of each layer on endless boundaries
    time: jax.Array  # [] int32, tokens seen
    age: jax.Array  # [] int32, tokens since the last boundary


# Axes for `vmap` over sequences in lockstep, which share the time.
CACHE_AXES: Any = DecodeCache(rings=0, boundary_states=None, time=None, age=0)  # type: ignore[arg-type]


def replicate_cache(cache: DecodeCache, sequences: int) -> DecodeCache:
    """Return the caches of several sequences in lockstep, each equal to the given one."""
    rings = jnp.tile(cache.rings, (sequences, 1, 1))
    return cache._replace(rings=rings, age=jnp.tile(cache.age, sequences))


class RingLayout(NamedTuple):
    """Where the ring of each layer lies in the array of all rings."""

    kernel_size: int  # K
    dilations: tuple[int, ...]  # [L]

    @property
    def sizes(self) -> np.ndarray:
        """Return the length of each layer's ring, (K - 1)·d: `[L]` int32."""
        return (self.kernel_size - 1) * np.array(self.dilations, np.int32)

    def read(
        self, rings: jax.Array, boundary_states: jax.Array, time: jax.Array, age: jax.Array
    ) -> jax.Array:
        """Return the older taps of every layer at a time `[]`: `[L, K-1, C]`.

        A tap j·d back is the layer's boundary state `[L, C]` where the age `[]` is less than j·d.
        """
        back = np.outer(self.dilations, np.arange(self.kernel_size - 1, 0, -1))  # [L, K-1]
        older = rings[self._places(time - back)]
        return jnp.where((age >= back)[..., None], older, boundary_states[:, None])

    def write(self, rings: jax.Array, nodes: jax.Array, time: jax.Array) -> jax.Array:
        """Write the input nodes of every layer `[L, C]` at a time `[]` into the rings."""
        times = jnp.broadcast_to(time, (len(self.dilations), 1))
        places = self._places(times)[:, 0]
        return rings.at[places].set(nodes, unique_indices=True, mode="promise_in_bounds")

    def _places(self, times: jax.Array) -> jax.Array:
        """Return the places of the nodes of times `[L, J]` in the array of all rings: `[L, J]`."""
        first = np.cumsum(self.sizes) - self.sizes
        return first[:, None] + times % self.sizes[:, None]
