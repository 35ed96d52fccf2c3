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
from functools import cache, reduce
from itertools import count
from operator import or_
from typing import NamedTuple

import numpy as np

from wavenet_jax.constraints.automata import Automaton, distinct, minimize, reachable
from wavenet_jax.constraints.regex import Choice, Node, Repeat, Token, matches
from wavenet_jax.errors import InputError, require

MAX_POSITIONS = 2_000  # keeps the worst pattern a matter of seconds

_END = 1 << 0
_START = 1 << 1  # in the state before the first character alone, where a begin anchor holds


class Fragment(NamedTuple):
    """A part of an expression, as the parts beside it see it."""

    nullable: bool
    first: int
    last: int


class Positions(NamedTuple):
    """The positions so far; fragments of the same expression share them and add to them."""

    leaves: list[Token | None]  # the character or anchor at each position
    follow: list[int]


_EMPTY = Fragment(nullable=True, first=0, last=0)


def compile_tree(tree: Node, characters: str, too_large: InputError) -> Automaton:
    """Return the minimal automaton of a tree over the characters of a vocabulary, `[V - 1]`.

    Raises `InputError` beyond `MAX_POSITIONS`, and `too_large` beyond `MAX_STATES`.
    """
    positions = Positions([None, None], [0, 0])
    expression = _concat(positions, _fragment(positions, tree), Fragment(False, _END, _END))
    matching, column = _columns(positions, characters)
    begin, end = (_select(positions, kind) for kind in ("begin", "end"))
    after = _unions(positions.follow)

    def step(state: int) -> list[int]:
        return [after(state & places) for places in matching]

    start = _START | _pass(after, expression.first, begin)
    states, table = reachable(start, step, too_large)
    ends = [_pass(after, s, end | begin if s & _START else end) & _END for s in states]
    return minimize(table, np.array(ends, bool), column)


def _fragment(positions: Positions, node: Node) -> Fragment:
    """Number the positions of a node from left to right, and link those within it."""
    if isinstance(node, Choice):
        options = [_sequence(positions, option) for option in node.options]
        return reduce(_union, options)
    if isinstance(node, Repeat):
        return _repeat(positions, node)
    return _leaf(positions, node)


def _leaf(positions: Positions, leaf: Token) -> Fragment:
    place = 1 << len(positions.leaves)
    positions.leaves.append(leaf)
    positions.follow.append(0)
    require(
        len(positions.leaves) - 2 <= MAX_POSITIONS,
        f"the pattern is longer than {MAX_POSITIONS:,} characters with its repeats written out, "
        "expected at most that; shorten it or its repeats.",
        "pattern",
    )
    return Fragment(nullable=False, first=place, last=place)


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


def _sequence(positions: Positions, nodes: list[Node]) -> Fragment:
    fragments = [_fragment(positions, node) for node in nodes]
    sequence = _EMPTY
    for fragment in reversed(fragments):  # from the right, where `last` of the left stays small
        sequence = _concat(positions, fragment, sequence)
    return sequence


def _repeat(positions: Positions, repeat: Repeat) -> Fragment:
    """Write out e{2,4} as e e (e (e)?)?, and e{2,} as e e+."""
    node, low, high = repeat
    copies = []
    for _ in range(max(low, 1) if high is None else high):
        copies.append(_fragment(positions, node))
        if not copies[-1].first:
            return _EMPTY  # what holds no position needs no other copy
    if high is None:
        _link(positions, copies[-1].last, copies[-1].first)
    sequence = _EMPTY
    for index, copy in reversed(list(enumerate(copies))):
        sequence = _concat(positions, copy, sequence)
        if index >= low:
            sequence = sequence._replace(nullable=True)
    return sequence


def _columns(positions: Positions, characters: str) -> tuple[list[int], np.ndarray]:
    """Return the K distinct sets of positions that match a character, and the set of each.

    The latter are numbers from 0 to K - 1, `[V - 1]`.
    """
    occurrences: defaultdict[Token, int] = defaultdict(int)
    for place in _bits(_select(positions, "character")):
        leaf = positions.leaves[place]
        assert leaf
        occurrences[leaf._replace(place=0)] |= 1 << place
    matched = np.array([matches(leaf, characters) for leaf in occurrences], bool)
    rows, column = distinct(matched.reshape(len(occurrences), len(characters)).T)
    places = list(occurrences.values())
    matching = [reduce(or_, (places[i] for i in np.flatnonzero(row)), 0) for row in rows]
    return matching, column


def _select(positions: Positions, kind: str) -> int:
    """Return the positions of one kind."""
    return sum(
        1 << place for place, leaf in enumerate(positions.leaves) if leaf and leaf.kind == kind
    )


def _unions(follow: list[int]) -> Callable[[int], int]:
    """Return the function from positions to those that may come next after any of them.

    It remembers the unions of eight positions, few of which differ between the states.
    """

    @cache
    def after_eight(index: int, places: int) -> int:
        return reduce(or_, (follow[8 * index + place] for place in _bits(places)), 0)

    def after(places: int) -> int:
        eights = places.to_bytes((places.bit_length() + 7) // 8, "little")
        return reduce(or_, map(after_eight, count(), eights), 0)

    return after


def _pass(after: Callable[[int], int], state: int, anchors: int) -> int:
    """Add to a state what may come next after anchors that hold."""
    while (wider := state | after(state & anchors)) != state:
        state = wider
    return state


def _bits(number: int) -> Iterator[int]:
    """Yield the places of the bits that are set."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
