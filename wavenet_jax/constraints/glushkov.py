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
are the bits of an int, and of words of 64 bits where states are stepped through.

    S  states                      K  columns of a table that differ
"""

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import count
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
    leaves = [step for step in steps if isinstance(step, Leaf)]
    positions = Positions([None, None, *leaves], [0] * (2 + len(leaves)))  # the end and the start
    expression = _fragment(positions, steps)
    expression = _concat(positions, expression, Fragment(False, _END, _END))
    start = _START | _through_begin(positions, expression.first)
    ends, empty = _ends(positions, "end"), _ends(positions, "begin", "end")
    step, column = _stepper(positions, characters)
    packed, table = reachable(_packed(start, _size(positions)), step, too_large)
    states = [int.from_bytes(state, "little") for state in packed]
    accepts = [bool(state & (empty if state & _START else ends)) for state in states]
    return minimize(table, np.array(accepts), column)


def _fragment(positions: Positions, steps: list[Step]) -> Fragment:
    """Link the positions of an expression, whose leaves are in order, and return it."""
    parts, places = list[Fragment](), count(2)
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
) -> tuple[Callable[[bytes], tuple[list[bytes], np.ndarray]], np.ndarray]:
    """Return the function for `reachable`, and the column of each character, `[V - 1]`."""
    columns, column = _columns(positions, characters)
    size, num_columns = _size(positions), 1 + int(column.max())
    width = np.array([len(each) for each in columns])
    is_any, is_some = width == num_columns, (width > 0) & (width < num_columns)
    follow = np.array([np.frombuffer(_packed(each, size), np.uint64) for each in positions.follow])

    def step(state: bytes) -> tuple[list[bytes], np.ndarray]:
        held = np.flatnonzero(np.unpackbits(np.frombuffer(state, np.uint8), bitorder="little"))
        after_any = np.bitwise_or.reduce(follow[held[is_any[held]]], axis=0)
        which = np.zeros(num_columns, np.int32)
        some = held[is_some[held]]
        if not len(some):
            return [after_any.tobytes()], which
        found, after = _after(some, [columns[place] for place in some], follow)
        which[found] = np.arange(1, 1 + len(found))
        states = (after | after_any).view(f"V{size}")[:, 0].tolist()
        return [after_any.tobytes(), *states], which

    return step, column


def _after(
    places: np.ndarray, columns: list[np.ndarray], follow: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns that places match, each once, and what follows after each of them."""
    column = np.concatenate(columns)
    order = np.argsort(column, kind="stable")
    place = np.repeat(places, [len(each) for each in columns])[order]
    column = column[order]
    first = np.append(0, 1 + np.flatnonzero(column[1:] != column[:-1]))
    return column[first], np.bitwise_or.reduceat(follow[place], first, axis=0)


def _size(positions: Positions) -> int:
    """Return the bytes of a state, whole words of 64 bits."""
    return 8 * (len(positions.leaves) // 64 + 1)


def _packed(state: int, size: int) -> bytes:
    return state.to_bytes(size, "little")


def _columns(positions: Positions, characters: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the columns that each position matches, and the column of each character, `[V - 1]`.

    Characters that the same positions match have the same.
    """
    leaves = dict.fromkeys(leaf for leaf in positions.leaves if leaf and leaf.kind == "character")
    matched = [[matches(token, characters) for token in leaf.tokens] for leaf in leaves]
    sets = np.array([np.any(each, axis=0) for each in matched], bool)
    holds, column = distinct(sets.reshape(len(leaves), len(characters)).T)
    columns = dict(zip(leaves, map(np.flatnonzero, holds.T), strict=True))
    none = np.zeros(0, int)
    return [none if leaf is None else columns.get(leaf, none) for leaf in positions.leaves], column


def _select(positions: Positions, *kinds: str) -> list[int]:
    """Return the positions of some kinds."""
    return [place for place, leaf in enumerate(positions.leaves) if leaf and leaf.kind in kinds]


def _bits(number: int) -> Iterator[int]:
    """Yield the places of the bits that are set."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
