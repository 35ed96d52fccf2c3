"""What documents must be like, as tables that a sampler looks up inside `jit`.

In state s, with `left` characters to go before the maximum length, character c is allowed where
needed[s, c] <= left, and the boundary where s accepts: needed[s, 0] is then 0, otherwise NEVER.  So
a document can always still end in time.

    S  states
"""

from typing import NamedTuple

import numpy as np

from wavenet_jax.automata import Automaton, distances
from wavenet_jax.vocab import BOUNDARY_ID

UNLIMITED = 2**30  # characters left where there is no maximum
NEVER = 2**31 - 1
_STATES = 64  # at least: rounding sizes up keeps the number of compiled programs small


class Rules(NamedTuple):
    """An automaton and how far its states are from an end, built once for any number of samples.

    States are padded to a power of two with ones that nothing leads to.
    """

    next: np.ndarray  # [S, V] int32, as of the automaton
    needed: np.ndarray  # [S, V] int32, characters to the nearest end, this one included


def tables(automaton: Automaton) -> Rules:
    """Return the tables of an automaton."""
    states = len(automaton.accepts)
    distance = distances(automaton.next[:, 1:], automaton.accepts)
    needed = np.where(distance < states, 1 + distance, NEVER)[automaton.next]
    needed[:, BOUNDARY_ID] = np.where(automaton.accepts, 0, NEVER)
    room = max(_STATES, 1 << (states - 1).bit_length())
    padding = ((0, room - states), (0, 0))
    return Rules(
        np.pad(automaton.next, padding),
        np.pad(needed.astype(np.int32), padding, constant_values=NEVER),
    )


def common_prefix_length(rules: Rules, max_length: int) -> int:
    """Return how many characters all documents of at most that length have in common at first."""
    state = 0
    for length in range(max_length):
        allowed = np.flatnonzero(rules.needed[state] <= max_length - length)
        if len(allowed) != 1 or allowed[0] == BOUNDARY_ID:
            return length
        state = rules.next[state, allowed[0]]
    return max_length
