"""Finite automata as tables: intersect, minimize, count what they accept.

S  states                      K  columns of a table that differ
V  vocabulary, boundary included
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import partial, reduce
from typing import NamedTuple, TypeVar

import numpy as np

from wavenet_jax.data import Vocab
from wavenet_jax.errors import InputError

MAX_STATES = 10_000


class Automaton(NamedTuple):
    """A deterministic finite automaton, which accepts some documents; state 0 is the start."""

    transitions: np.ndarray  # [S, V] int32, the state after each character; 0 after the boundary
    accepts: np.ndarray  # [S] bool, whether the document may end


State = TypeVar("State", bound=Hashable)


def any_text(vocab: Vocab) -> Automaton:
    """Accept every document."""
    return Automaton(np.zeros((1, len(vocab)), np.int32), np.ones(1, bool))


def accepts(automaton: Automaton, vocab: Vocab, text: str) -> bool:
    """Tell whether a document is accepted; raise `InputError` for an unknown character."""
    state = 0
    for character in vocab.encode_document(text):
        state = automaton.transitions[state, character]
    return bool(automaton.accepts[state])


def reachable(
    start: State, step: Callable[[State], Sequence[State]], too_large: InputError
) -> tuple[list[State], np.ndarray]:
    """Number the states that the start leads to: return them and the table of steps, `[S, K]`.

    `step` returns the K states after a state.  Raises `too_large` beyond `MAX_STATES`.
    """
    states, numbers, table = [start], {start: 0}, []
    for state in states:
        row = step(state)
        for after in row:
            if after not in numbers:
                numbers[after] = len(states)
                states.append(after)
        if len(states) > MAX_STATES:
            raise too_large
        table.append([numbers[after] for after in row])
    return states, np.array(table)


def distinct(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows in order of their first occurrence, and the number of each row."""
    numbers: dict[bytes, int] = {}
    number = [numbers.setdefault(row.tobytes(), len(numbers)) for row in rows]
    _, first = np.unique(number, return_index=True)
    return rows[first], np.array(number)


def distances(table: np.ndarray, accepts: np.ndarray) -> np.ndarray:
    """Return how many characters take each state to an accepting one, `[S]`; S if none do."""
    distance = np.where(accepts, 0, len(accepts))
    while True:
        closer = np.minimum(distance, 1 + distance[table].min(axis=1))
        if (closer == distance).all():
            return distance
        distance = closer


def minimize(table: np.ndarray, accepts: np.ndarray, column: np.ndarray) -> Automaton:
    """Merge the states from which the same texts are accepted (Moore, 1956).

    Args:
        table: The state after each state and column, `[S, K]`.
        accepts: Whether the document may end in a state, `[S]`.
        column: The column of each character, `[V - 1]`.
    """
    label, count = distances(table, accepts), 0
    while True:
        rows, label = distinct(np.column_stack([label, label[table]]))
        if len(rows) == count:
            break
        count = len(rows)
    _, first = np.unique(label, return_index=True)
    transitions = np.zeros((count, 1 + len(column)), np.int32)
    transitions[:, 1:] = label[table[first]][:, column]
    return Automaton(transitions, accepts[first])


def intersect(
    first: Automaton, *others: Automaton, too_large: InputError | None = None
) -> Automaton:
    """Accept the documents that all of the automata accept.

    Raises `InputError` beyond `MAX_STATES`: `too_large`, or one that names no constraint.
    """
    error = too_large or InputError(
        f"the constraints together need more than {MAX_STATES:,} states, expected at most that; "
        "simplify one of them or leave it out."
    )
    return reduce(partial(_product, too_large=error), others, first)


def _product(a: Automaton, b: Automaton, *, too_large: InputError) -> Automaton:
    columns, column = distinct(np.concatenate([a.transitions, b.transitions])[:, 1:].T)
    after_a, after_b = (part.tolist() for part in np.split(columns.T, [len(a.accepts)]))

    def step(state: tuple[int, int]) -> list[tuple[int, int]]:
        return list(zip(after_a[state[0]], after_b[state[1]], strict=True))

    states, table = reachable((0, 0), step, too_large)
    accepts = np.array([a.accepts[i] and b.accepts[j] for i, j in states], bool)
    return minimize(table, accepts, column)


def has_document(automaton: Automaton, min_length: int, max_length: int) -> bool:
    """Tell whether a document of `min_length` to `max_length` characters is accepted."""
    table, size = automaton.transitions[:, 1:], len(automaton.accepts)
    reached = np.arange(size) == 0  # after the number of characters so far
    for _ in range(min_length):
        after = np.zeros(size, bool)
        after[table[reached]] = True
        if (after == reached).all():
            break
        reached = after
    distance = distances(table, automaton.accepts)[reached].min()
    return bool(distance < size and distance <= max_length - min_length)


def count_documents(automaton: Automaton, max_length: int, enough: float = math.inf) -> int:
    """Return how many documents of at most that length are accepted, exactly below `enough`."""
    columns, column = distinct(automaton.transitions[:, 1:].T)
    table, widths = columns.T.tolist(), np.bincount(column).tolist()
    ways, total = Counter({0: 1}), 0  # the number of texts that lead to each state
    for _ in range(max_length + 1):
        if total >= enough:
            break
        total += sum(number for state, number in ways.items() if automaton.accepts[state])
        longer: Counter[int] = Counter()
        for state, number in ways.items():
            for after, width in zip(table[state], widths, strict=True):
                longer[after] += number * width
        ways = longer
    return total


def endless(automaton: Automaton) -> Automaton:
    """Accept the texts of an automaton that begin longer ones without end.

    A state goes on if some character leads to a state that goes on: the greatest fixed point, from
    all states that can still accept.
    """
    after = automaton.transitions[:, 1:]
    goes_on = distances(after, automaton.accepts) < len(automaton.accepts)
    while (fewer := goes_on & goes_on[after].any(axis=1)).sum() < goes_on.sum():
        goes_on = fewer
    return automaton._replace(accepts=automaton.accepts & goes_on)
