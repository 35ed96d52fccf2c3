r"""From the tokens of a pattern to an expression, each operator after the parts that it takes.

    a(b|c)*    Leaf(a)  Leaf(b, c)  Marks(nullable, again)  Join(2)

Repeats are written out: e{2,4} is e e (e (e)?)?, and e{2,} is e e+.  What has no position is left
out, and alternatives of one character each are one position.  No function calls itself, so that
groups may be nested within each other on any stack.
"""

from typing import NamedTuple

from wavenet_jax.constraints.regex import MAX_NESTING, Token, nested
from wavenet_jax.errors import require

MAX_POSITIONS = 2_000  # keeps the worst pattern a matter of seconds

_BOUNDS = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class Leaf(NamedTuple):
    """A position: a character that one of the tokens matches, or an anchor."""

    kind: str  # character, begin or end
    tokens: frozenset[Token]  # whose place is 0


class Join(NamedTuple):
    """The last `number` parts in sequence; after the first `required` it may end at any part."""

    number: int
    required: int


class Either(NamedTuple):
    """Any one of the last `number` parts."""

    number: int


class Marks(NamedTuple):
    """The last part, which may be missing, or come again and again."""

    nullable: bool
    again: bool


Step = Leaf | Join | Either | Marks


class Expression(NamedTuple):
    """A part of a pattern."""

    steps: list[Step]
    shortest: int  # characters of the shortest text that matches, without its anchors
    size: int  # positions


_EMPTY = Expression([], 0, 0)


def parse(tokens: list[Token], pattern: str, max_length: int | None = None) -> Expression:
    """Return the expression of a valid pattern.

    Where `max_length` is given, texts that are longer may match or not.  Raises `InputError` beyond
    `MAX_NESTING` and `MAX_POSITIONS`.
    """
    groups: list[list[list[Expression]]] = [[[]]]  # the options of those open, the innermost last
    for token in tokens:
        sequence = groups[-1][-1]
        match token.kind:
            case "open":
                require(len(groups) <= MAX_NESTING, nested(pattern), "pattern")
                groups.append([[]])
            case "close":
                group = _choice(groups.pop())
                groups[-1][-1].append(group)
            case "bar":
                groups[-1].append([])
            case "repeat":
                sequence.append(_repeat(sequence.pop(), *_bounds(token.text), max_length))
            case _:
                sequence.append(_leaf(token.kind, frozenset([token._replace(place=0)])))
    return _choice(groups[0])


def _bounds(repeat: str) -> tuple[int, int | None]:
    if repeat in _BOUNDS:
        return _BOUNDS[repeat]
    low, comma, high = repeat[1:-1].partition(",")
    if not comma:
        return int(low), int(low)
    return int(low or 0), int(high) if high else None


def _leaf(kind: str, tokens: frozenset[Token]) -> Expression:
    return Expression([Leaf(kind, tokens)], int(kind == "character"), 1)


def _joined(parts: list[Expression], step: Step, shortest: int) -> Expression:
    """Return the parts, and the step that makes one of several."""
    size = sum(part.size for part in parts)
    _require_short(size)
    steps = [step for part in parts for step in part.steps]
    return Expression(steps + [step] * (len(parts) > 1), shortest, size)


def _marked(part: Expression, *, nullable: bool, again: bool) -> Expression:
    """Return a part that may be left out or come again; marks of marks are one."""
    steps, last = part.steps, part.steps[-1] if part.steps else None
    if not last or not (nullable or again):
        return part
    if isinstance(last, Marks):
        steps, nullable, again = steps[:-1], nullable or last.nullable, again or last.again
    return part._replace(
        steps=[*steps, Marks(nullable, again)], shortest=0 if nullable else part.shortest
    )


def _choice(options: list[list[Expression]]) -> Expression:
    """Return any one of the options, the empty ones as a mark."""
    parts = [_sequence(option) for option in options]
    held = _merged([part for part in parts if part.size])
    either = _joined(held, Either(len(held)), min(part.shortest for part in parts))
    return _marked(either, nullable=not all(part.size for part in parts), again=False)


def _merged(parts: list[Expression]) -> list[Expression]:
    """Return the alternatives, those of a single character as one."""
    single = [part for part in parts if len(part.steps) == 1 == part.shortest]
    leaves = [step for part in single for step in part.steps if isinstance(step, Leaf)]
    if len(leaves) < 2:
        return parts
    tokens = frozenset(token for leaf in leaves for token in leaf.tokens)
    return [_leaf("character", tokens), *(part for part in parts if part not in single)]


def _sequence(parts: list[Expression]) -> Expression:
    held = [part for part in parts if part.size]
    return _joined(held, Join(len(held), len(held)), sum(part.shortest for part in held))


def _repeat(part: Expression, low: int, high: int | None, max_length: int | None) -> Expression:
    """Write a part out as often as it may come, in texts of at most that length."""
    if not part.size or high == 0:
        return _EMPTY
    if max_length is not None:
        low, high = _bounded(low, high, max_length // max(1, part.shortest))
    copies, last = high or max(low, 1), _marked(part, nullable=False, again=high is None)
    if copies == 1:
        return _marked(last, nullable=low == 0, again=False)
    _require_short(copies * part.size)
    return _joined([part] * (copies - 1) + [last], Join(copies, low), low * part.shortest)


def _bounded(low: int, high: int | None, most: int) -> tuple[int, int | None]:
    """Simplify the bounds of a repeat of which only the first `most` copies can matter.

    A longer text may match in addition, never the reverse.  Let a copy have at least s characters.
    Then at most n = max_length // s copies fit, and an upper bound from n on says nothing, nor
    does it matter by how much a lower bound exceeds n.  Where s is 0, at most max_length copies
    hold a character, and copies without any may be left out or added.
    """
    return min(low, most + 1), None if high is None or high >= most else high


def _require_short(size: int) -> None:
    require(
        size <= MAX_POSITIONS,
        f"the pattern is longer than {MAX_POSITIONS:,} characters with its repeats written out, "
        "expected at most that; shorten it or its repeats.",
        "pattern",
    )
