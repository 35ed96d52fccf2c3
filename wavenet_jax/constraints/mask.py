"""An automaton as tables that a sampler looks up inside `jit`: which characters may come next.

In state s, with `left` characters to go before the maximum length, character c may follow where
`min_remaining[s, c] <= left`, and the boundary where s accepts: `min_remaining[s, 0]` is 0 there
and NEVER elsewhere.  So every document can still end in time.

    S  states                      V  vocabulary, boundary included
"""

from typing import NamedTuple

import numpy as np

from wavenet_jax.constraints.automata import Automaton, distances
from wavenet_jax.data import BOUNDARY_ID

UNLIMITED = 2**30  # characters left where there is no maximum length
NEVER = 2**31 - 1
_MIN_STATES = 64  # rounded sizes keep the number of compiled programs small


class TokenMask(NamedTuple):
    """The transitions of an automaton and the distances to its ends, for any number of samples.

    The states are padded to a power of two; no transition leads to the padding.
    """

    transitions: np.ndarray  # [S, V] int32, as in the automaton
    min_remaining: np.ndarray  # [S, V] int32, characters to the nearest end, this one included


def compile_mask(automaton: Automaton) -> TokenMask:
    """Return the tables of an automaton."""
    transitions, accepts = automaton
    states = len(accepts)
    distance = distances(transitions[:, 1:], accepts).astype(np.int32)
    min_remaining = np.where(distance < states, 1 + distance, np.int32(NEVER))[transitions]
    min_remaining[:, BOUNDARY_ID] = np.where(accepts, 0, NEVER)
    size = max(_MIN_STATES, 1 << (states - 1).bit_length())
    padding = ((0, size - states), (0, 0))
    return TokenMask(
        np.pad(transitions, padding),
        np.pad(min_remaining, padding, constant_values=NEVER),
    )


def common_prefix_length(mask: TokenMask, max_length: int) -> int:
    """Return the length of the longest prefix that all documents of at most that length share."""
    state = 0
    for length in range(max_length):
        allowed = np.flatnonzero(mask.min_remaining[state] <= max_length - length)
        if len(allowed) != 1 or allowed[0] == BOUNDARY_ID:
            return length
        state = mask.transitions[state, allowed[0]]
    return max_length
