"""Root keys: one for each purpose, so that no two uses of a seed share a random number.

`split(key)[i]` and `fold_in(key, i)` are the same key in JAX, so that training from seed 0 and
sampling with seed 0 would otherwise draw with each other's keys.
"""

from enum import IntEnum

import jax


class Purpose(IntEnum):
    """What random numbers are for; never renumber, which would change old runs."""

    INIT = 0
    TRAIN = 1
    SAMPLE = 2
    PREFIX = 3
    PILOT = 4


def root_key(seed: int, purpose: Purpose) -> jax.Array:
    """Return the key from which all randomness of that purpose comes by `fold_in`."""
    return jax.random.fold_in(jax.random.key(seed), purpose)
