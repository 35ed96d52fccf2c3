"""Finite automata as tables: combined, made minimal, and asked what they accept.

S  states                      K  columns of a table that differ
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import reduce
from typing import NamedTuple, TypeVar

import numpy as np

from wavenet_jax.errors import require

MAX_STATES = 10_000


class Automaton(NamedTuple):
    """Which documents are accepted; state 0 is the start."""

    next: np.ndarray  # [S, V] int32, the state after each character; of the boundary 0, unused
    accepts: np.ndarray  # [S] bool, whether the document may end


State = TypeVar("State", bound=Hashable)


def explore(
    start: State, follow: Callable[[State], Sequence[State]], what: str
) -> tuple[list[State], np.ndarray]:
    """Number the states that the start leads to: the list of them, and where each leads `[S, K]`.

    Raises `InputError` beyond `MAX_STATES`.
    """
    states, numbers, table = [start], {start: 0}, []
    for state in states:
        row = follow(state)
        for one in row:
            if one not in numbers:
                numbers[one] = len(states)
                states.append(one)
        require(
            len(states) <= MAX_STATES,
            f"{what} needs more than {MAX_STATES:,} states, expected at most that; shorten the "
            "repeats such as {20} that stand behind others.",
        )
        table.append([numbers[one] for one in row])
    return states, np.array(table)


def distinct(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows in order of their first occurrence, and number each row."""
    numbers: dict[bytes, int] = {}
    number = [numbers.setdefault(row.tobytes(), len(numbers)) for row in rows]
    _, first = np.unique(number, return_index=True)
    return rows[first], np.array(number)


def distances(table: np.ndarray, accepts: np.ndarray) -> np.ndarray:
    """Return after how many characters each state can accept `[S]`, S where it never can."""
    distance = np.where(accepts, 0, len(accepts))
    while True:
        closer = np.minimum(distance, 1 + distance[table].min(axis=1))
        if (closer == distance).all():
            return distance
        distance = closer


def minimal(table: np.ndarray, accepts: np.ndarray, column: np.ndarray) -> Automaton:
    """Merge states that accept the same from there on (Moore, 1956); widen `[S, K]` to `[S, V]`.

    `column` `[V - 1]` tells which of the K columns each character has.
    """
    label, count = distances(table, accepts), 0
    while True:
        rows, label = distinct(np.column_stack([label, label[table]]))
        if len(rows) == count:
            break
        count = len(rows)
    _, first = np.unique(label, return_index=True)
    after = np.zeros((count, 1 + len(column)), np.int32)
    after[:, 1:] = label[table[first]][:, column]
    return Automaton(after, accepts[first])


def both(first: Automaton, *others: Automaton) -> Automaton:
    """Accept the documents that every one of the automata accepts.

    Raises `InputError` beyond `MAX_STATES`.
    """
    return reduce(_product, others, first)


def _product(a: Automaton, b: Automaton) -> Automaton:
    columns, column = distinct(np.concatenate([a.next, b.next])[:, 1:].T)
    in_a, in_b = (part.tolist() for part in np.split(columns.T, [len(a.next)]))

    def follow(state: tuple[int, int]) -> list[tuple[int, int]]:
        return list(zip(in_a[state[0]], in_b[state[1]], strict=True))

    states, table = explore((0, 0), follow, "what the constraints say together")
    accepts = np.array([a.accepts[one] and b.accepts[other] for one, other in states], bool)
    return minimal(table, accepts, column)


def count(automaton: Automaton, max_length: int, enough: float = math.inf) -> int:
    """Return how many documents of at most that length are accepted, exactly below `enough`."""
    columns, column = distinct(automaton.next[:, 1:].T)
    table, characters = columns.T.tolist(), np.bincount(column).tolist()
    ways, total = Counter({0: 1}), 0  # of each state the documents that lead to it
    for _ in range(max_length + 1):
        if total >= enough:
            break
        total += sum(number for state, number in ways.items() if automaton.accepts[state])
        longer: Counter[int] = Counter()
        for state, number in ways.items():
            for after, width in zip(table[state], characters, strict=True):
                longer[after] += number * width
        ways = longer
    return total
