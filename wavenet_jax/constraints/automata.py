"""Finite automata as tables: intersect, minimize, count what they accept.

S  states                      K  columns of a table that differ
V  vocabulary, boundary included
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable
from functools import cache, partial, reduce
from itertools import pairwise
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
    start: State, step: Callable[[State], tuple[list[State], np.ndarray]], too_large: InputError
) -> tuple[list[State], np.ndarray]:
    """Number the states that the start leads to: return them and the table of steps, `[S, K]`.

    `step` returns some states, and which of them comes after each column, `[K]`.  Of these the
    first column's is numbered first.  Raises `too_large` beyond `MAX_STATES`.
    """
    states, numbers, table = [start], {start: 0}, []
    for state in states:
        after, which = step(state)
        number = [0] * len(after)
        for place in dict.fromkeys(which.tolist()):
            known = numbers.get(after[place])
            if known is None:
                known = numbers[after[place]] = len(states)
                states.append(after[place])
            number[place] = known
        if len(states) > MAX_STATES:
            raise too_large
        table.append(np.array(number, np.int32)[which])
    return states, np.array(table)


def distinct(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows in order of their first occurrence, and the number of each row."""
    numbers: dict[bytes, int] = {}
    number = [numbers.setdefault(row.tobytes(), len(numbers)) for row in rows]
    _, first = np.unique(number, return_index=True)
    return rows[first], np.array(number)


def preceding(table: np.ndarray) -> list[np.ndarray]:
    """Return for each state of a table, `[S, K]`, the states from which a character leads to it."""
    size, after = len(table), np.sort(table, axis=1)
    before, column = np.nonzero(np.diff(after, axis=1, prepend=-1))  # each step once
    after = after[before, column]
    order = np.argsort(after, kind="stable")
    bounds = np.searchsorted(after[order], np.arange(size + 1)).tolist()
    return [before[order[first:last]] for first, last in pairwise(bounds)]


def distances(table: np.ndarray, accepts: np.ndarray) -> np.ndarray:
    """Return how many characters take each state to an accepting one, `[S]`; S if none do."""
    before, size = preceding(table), len(accepts)
    distance = np.where(accepts, 0, size).tolist()
    queue = np.flatnonzero(accepts).tolist()  # the nearest first
    for state in queue:
        for farther in before[state].tolist():
            if distance[farther] == size:
                distance[farther] = distance[state] + 1
                queue.append(farther)
    return np.array(distance)


def minimize(table: np.ndarray, accepts: np.ndarray, column: np.ndarray) -> Automaton:
    """Merge the states from which the same texts are accepted.

    Args:
        table: The state after each state and column, `[S, K]`.
        accepts: Whether the document may end in a state, `[S]`.
        column: The column of each character, `[V - 1]`.
    """
    _, label = distinct(_refine(table, distances(table, accepts))[:, None])
    _, first = np.unique(label, return_index=True)
    transitions = np.zeros((len(first), 1 + len(column)), np.int32)
    transitions[:, 1:] = label[table[first]][:, column]
    return Automaton(transitions, accepts[first])


def _refine(table: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Split labels until all states of one are led to the same label by each character, `[S]`.

    A state is compared again where one that it leads to is relabelled, and the largest part of a
    label keeps it: so a state is relabelled log2(S) times at most (Hopcroft, 1971).
    """
    before, (_, label) = preceding(table), distinct(label[:, None])
    members: defaultdict[int, set[int]] = defaultdict(set)  # of each label
    for state, each in enumerate(label.tolist()):
        members[each].add(state)
    moved: Collection[int] = range(len(table))
    while moved:
        is_before = np.zeros(len(table), bool)
        is_before[np.concatenate([before[state] for state in moved])] = True
        parts = _smaller_parts(members, _alike(table, label, np.flatnonzero(is_before)))
        for part in parts:
            label[part] = len(members)
            members[len(members)] = set(part)
        moved = [state for part in parts for state in part]
    return label


def _alike(table: np.ndarray, label: np.ndarray, states: np.ndarray) -> dict[int, list[list[int]]]:
    """Group states of a label that lead to the same labels: return the groups of each label."""
    rows = np.column_stack([label[states], label[table[states]]])
    alike: defaultdict[bytes, list[int]] = defaultdict(list)
    for state, row in zip(states.tolist(), rows, strict=True):
        alike[row.tobytes()].append(state)
    groups: defaultdict[int, list[list[int]]] = defaultdict(list)
    for group in alike.values():
        groups[int(label[group[0]])].append(group)
    return groups


def _smaller_parts(
    members: dict[int, set[int]], groups: dict[int, list[list[int]]]
) -> list[list[int]]:
    """Take all but the largest part out of each label; what is in no group is a part too."""
    smaller: list[list[int]] = []
    for label, parts in groups.items():
        largest = max(parts, key=len)
        members[label].difference_update(*parts)
        if len(members[label]) < len(largest):
            parts.remove(largest)
            smaller += [list(members[label])] if members[label] else []
            members[label] = set(largest)
        smaller += parts
    return smaller


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
    which = np.arange(len(columns))

    def step(state: tuple[int, int]) -> tuple[list[tuple[int, int]], np.ndarray]:
        return list(zip(after_a[state[0]], after_b[state[1]], strict=True)), which

    states, table = reachable((0, 0), step, too_large)
    accepts = np.array([a.accepts[i] and b.accepts[j] for i, j in states], bool)
    return minimize(table, accepts, column)


def has_document(automaton: Automaton, min_length: int, max_length: int) -> bool:
    """Tell whether a document of `min_length` to `max_length` characters is accepted."""
    table, accepts = automaton.transitions[:, 1:], automaton.accepts
    distance = distances(table, accepts)[_reached(table, min_length)].min()
    return bool(distance < len(accepts) and distance <= max_length - min_length)


def _reached(table: np.ndarray, length: int) -> np.ndarray:
    """Return which states the texts of that many characters lead to, `[S]` bool."""
    reached, left, known = np.arange(len(table)) == 0, length, dict[bytes, int]()
    while left:
        period = known.setdefault(np.packbits(reached).tobytes(), left) - left
        if period:  # after which it all repeats
            left, known = left % period, {}
            continue
        after = np.zeros(len(table), bool)
        after[table[reached]] = True
        reached, left = after, left - 1
    return reached


def count_documents(automaton: Automaton, max_length: int, enough: float = math.inf) -> int:
    """Return how many documents of at most that length are accepted, exactly below `enough`."""
    table, accepts = automaton.transitions[:, 1:], automaton.accepts
    can_accept = distances(table, accepts) < len(accepts)

    @cache
    def steps(state: int) -> list[tuple[int, int]]:
        after = table[state][can_accept[table[state]]]
        return list(Counter(after.tolist()).items())  # states, and by how many characters

    ways, total = {0: 1}, 0  # the number of texts that lead to each state
    for _ in range(max_length + 1):
        if not ways or total >= enough:
            break
        total += sum(number for state, number in ways.items() if accepts[state])
        longer: defaultdict[int, int] = defaultdict(int)
        for state, number in ways.items():
            for after, width in steps(state):
                longer[after] += number * width
        ways = longer
    return total


def endless(automaton: Automaton) -> Automaton:
    """Accept the texts of an automaton that begin longer ones without end.

    A state goes on if some character leads to a state that goes on: the greatest fixed point, from
    all states that can still accept, as those that are stuck are taken out one by one.
    """
    table, accepts = automaton.transitions[:, 1:], automaton.accepts
    before, goes_on = preceding(table), distances(table, accepts) < len(accepts)
    exits = np.zeros(len(accepts), int)  # how many states that go on follow each
    for after in np.flatnonzero(goes_on):
        exits[before[after]] += 1
    stuck = np.flatnonzero(goes_on & (exits == 0)).tolist()
    for state in stuck:
        exits[before[state]] -= 1
        stuck += before[state][exits[before[state]] == 0].tolist()
    goes_on[stuck] = False
    return automaton._replace(accepts=accepts & goes_on)
