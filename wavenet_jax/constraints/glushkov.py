r"""From a regular expression to an automaton, by nullable, first, last and follow.

Each occurrence of a character in an expression, with repeats written out, is a position; so is the
end of the document.  For a part e of the expression

    nullable(e)  e matches the empty text
    first(e)     the positions of the characters that a match of e may begin with
    last(e)      those that a match of e may end with
    follow(p)    those that may come next after position p

    e        nullable                      first                       last
    a        no                            {p}                         {p}
    s | t    nullable(s) or nullable(t)    first(s) ∪ first(t)         last(s) ∪ last(t)
    s t      nullable(s) and nullable(t)   first(s), and               last(t), and
                                           first(t) if nullable(s)     last(s) if nullable(t)
    s+       nullable(s)                   first(s)                    last(s)

and follow(p) holds first(t) for every p in last(s) of each s t, and first(s) for every p in last(s)
of each s+ (McNaughton and Yamada, 1960; Glushkov, 1961; Aho, Lam, Sethi and Ullman, Compilers,
algorithm 3.36).  The states of the automaton are the sets of positions that may come next.

An anchor is a position that holds no character: it is passed where it is true.  Sets of positions
are the bits of an int.

    S  states                      K  columns of a table that differ
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache, reduce
from operator import or_
from typing import NamedTuple

import numpy as np

from wavenet_jax.constraints.automata import Automaton, distinct, minimize, reachable
from wavenet_jax.constraints.expressions import Either, Join, Leaf, Marks, Step
from wavenet_jax.constraints.regex import matches
from wavenet_jax.errors import InputError

_END = 1 << 0
_START = 1 << 1  # in the state before the first character alone, where a begin anchor holds


class Fragment(NamedTuple):
    """A part of an expression, as the parts beside it see it."""

    nullable: bool
    first: int
    last: int


class Positions(NamedTuple):
    """The positions; fragments of the same expression share them and link them."""

    leaves: list[Leaf | None]  # the character or anchor at each position
    follow: list[int]


_EMPTY = Fragment(nullable=True, first=0, last=0)


def compile_steps(steps: list[Step], characters: str, too_large: InputError) -> Automaton:
    """Return the minimal automaton of an expression over the characters of a vocabulary, `[V - 1]`.

    Raises `too_large` beyond `MAX_STATES`.
    """
    positions, places = _number([step for step in steps if isinstance(step, Leaf)])
    expression = _fragment(positions, steps, iter(places))
    expression = _concat(positions, expression, Fragment(False, _END, _END))
    start = _START | _through_begin(positions, expression.first)
    ends, empty = _ends(positions, "end"), _ends(positions, "begin", "end")
    step, column = _stepper(positions, characters)
    states, table = reachable(start, step, too_large)
    accepts = [bool(state & (empty if state & _START else ends)) for state in states]
    return minimize(table, np.array(accepts), column)


def _number(leaves: list[Leaf]) -> tuple[Positions, list[int]]:
    """Number the leaves so that equal ones are side by side, which makes states quick to step."""
    first = {leaf: number for number, leaf in enumerate(dict.fromkeys(leaves))}
    order = sorted(range(len(leaves)), key=lambda number: first[leaves[number]])
    places = (2 + np.argsort(order)).tolist()  # after the end and the start
    return Positions([None, None, *(leaves[i] for i in order)], [0] * (2 + len(leaves))), places


def _fragment(positions: Positions, steps: list[Step], places: Iterator[int]) -> Fragment:
    """Link the positions of an expression, whose leaves have these places, and return it."""
    parts: list[Fragment] = []
    for step in steps:
        match step:
            case Leaf():
                place = 1 << next(places)
                parts.append(Fragment(nullable=False, first=place, last=place))
            case Marks():
                parts.append(_mark(positions, parts.pop(), step))
            case Either(number):
                parts[-number:] = [reduce(_union, parts[-number:])]
            case Join(number, required):
                parts[-number:] = [_join(positions, parts[-number:], required)]
    return parts[0] if parts else _EMPTY


def _mark(positions: Positions, part: Fragment, marks: Marks) -> Fragment:
    if marks.again:
        _link(positions, part.last, part.first)
    return part._replace(nullable=part.nullable or marks.nullable)


def _union(one: Fragment, other: Fragment) -> Fragment:
    return Fragment(one.nullable or other.nullable, one.first | other.first, one.last | other.last)


def _concat(positions: Positions, left: Fragment, right: Fragment) -> Fragment:
    _link(positions, left.last, right.first)
    return Fragment(
        nullable=left.nullable and right.nullable,
        first=left.first | (right.first if left.nullable else 0),
        last=right.last | (left.last if right.nullable else 0),
    )


def _link(positions: Positions, last: int, first: int) -> None:
    """Let each position of `first` follow each of `last`."""
    for place in _bits(last):
        positions.follow[place] |= first


def _join(positions: Positions, parts: list[Fragment], required: int) -> Fragment:
    """Link parts in sequence, from the right, where `last` of the left stays small."""
    sequence = _EMPTY
    for index, part in reversed(list(enumerate(parts))):
        sequence = _concat(positions, part, sequence)
        sequence = sequence._replace(nullable=sequence.nullable or index >= required)
    return sequence


def _through_begin(positions: Positions, state: int) -> int:
    """Add to a state what may come after begin anchors, which hold in it."""
    ahead = set(_select(positions, "begin"))
    while passed := ahead & set(_bits(state)):
        state |= reduce(or_, (positions.follow[place] for place in passed))
        ahead -= passed
    return state


def _ends(positions: Positions, *kinds: str) -> int:
    """Return the positions where the document may end, through anchors of these kinds alone."""
    ends, before = _END, 0
    while ends != before:
        before = ends
        for place in reversed(_select(positions, *kinds)):
            ends |= bool(positions.follow[place] & ends) << place
    return ends


def _stepper(
    positions: Positions, characters: str
) -> tuple[Callable[[int], tuple[list[int], list[int]]], np.ndarray]:
    """Return the function for `reachable`, and the column of each character, `[V - 1]`."""
    set_at, columns, column = _sets(positions, characters)
    after_eight = _after_eight(positions, set_at)
    size, num_columns = len(positions.leaves) // 8 + 1, 1 + int(column.max())

    def step(state: int) -> tuple[list[int], list[int]]:
        after: defaultdict[int, int] = defaultdict(int)  # a character of each set
        for index, places in enumerate(state.to_bytes(size, "little")):
            for number, follow in after_eight(index, places) if places else ():
                after[number] |= follow
        return _spread(after, columns, num_columns)

    return step, column


def _spread(
    after: dict[int, int], columns: list[list[int]], num_columns: int
) -> tuple[list[int], list[int]]:
    """Return the states after sets of characters as states after columns, as for `reachable`."""
    everywhere, some = 0, defaultdict[int, int](int)
    for number, follow in after.items():
        if len(columns[number]) == num_columns:
            everywhere |= follow
        else:
            for column in columns[number]:
                some[column] |= follow
    which = [0] * num_columns
    for place, column in enumerate(some, start=1):
        which[column] = place
    return [everywhere, *(everywhere | follow for follow in some.values())], which


def _after_eight(
    positions: Positions, set_at: dict[int, int]
) -> Callable[[int, int], list[tuple[int, int]]]:
    """Return the function from eight positions to what may come next, after each set they match.

    It remembers its answers, few of which differ between the states.
    """

    @lru_cache(maxsize=2**14)
    def after_eight(index: int, places: int) -> list[tuple[int, int]]:
        after: defaultdict[int, int] = defaultdict(int)
        for place in _bits(places << 8 * index):
            if place in set_at:
                after[set_at[place]] |= positions.follow[place]
        return list(after.items())

    return after_eight


def _sets(
    positions: Positions, characters: str
) -> tuple[dict[int, int], list[list[int]], np.ndarray]:
    """Number the sets of characters that positions match.

    Returns the number at each position, the columns of each set, and the column of each character,
    `[V - 1]`: characters that the same sets hold have the same.
    """
    places = _select(positions, "character")
    leaves = [leaf for leaf in positions.leaves if leaf and leaf.kind == "character"]
    numbers = {leaf: number for number, leaf in enumerate(dict.fromkeys(leaves))}
    matched = [[matches(token, characters) for token in leaf.tokens] for leaf in numbers]
    sets = np.array([np.any(each, axis=0) for each in matched], bool)
    sets, number = distinct(sets.reshape(len(numbers), len(characters)))
    holds, column = distinct(sets.T)
    set_at = {place: int(number[numbers[leaf]]) for place, leaf in zip(places, leaves, strict=True)}
    return set_at, [np.flatnonzero(held).tolist() for held in holds.T], column


def _select(positions: Positions, *kinds: str) -> list[int]:
    """Return the positions of some kinds."""
    return [place for place, leaf in enumerate(positions.leaves) if leaf and leaf.kind in kinds]


def _bits(number: int) -> Iterator[int]:
    """Yield the places of the bits that are set."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
