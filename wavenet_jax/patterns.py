"""Regular expressions that a finite automaton can match, as positions (Glushkov, 1961).

Python's `re` says what is valid, and what a class or an escape stands for is asked of it later, so
that only the operators have their meaning here: `|`, groups, `*`, `+`, `?` and `{m,n}`.
"""

import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from wavenet_jax.errors import InputError, require

# Positions of a pattern, its repeats written out: what keeps the worst one a matter of seconds.
MAX_POSITIONS = 2_000

_REPEAT = r"(?:[*+?]|\{(?:[0-9]+|[0-9]*,[0-9]*)\})"
_ESCAPE = (
    r"\\(?:x..|u.{4}|U.{8}|N\{[^}]*\}|[0-7]{1,3}|.)"  # its digits are those of a valid pattern
)
_CLASS = r"\[\^?\]?(?:[^\]\\]|\\.)*\]"
_REFUSED = {
    "a look-ahead": r"\(\?[=!]",
    "a look-behind": r"\(\?<[=!]",
    "a back-reference": r"\(\?P=|\\(?![0-7]{3})[1-9]",
    "a named group": r"\(\?P<",
    "a conditional group": r"\(\?\(",
    "an atomic group": r"\(\?>",
    "a comment": r"\(\?#",
    "a flag": r"\(\?(?!:)",
    "an anchor": r"[$^]|\\[AbBZz]",
    "a possessive quantifier": _REPEAT + r"\+",
}
_TOKEN = re.compile(
    f"(?P<refused>{'|'.join(_REFUSED.values())})|(?P<repeat>{_REPEAT})\\??|(?P<open>\\((?:\\?:)?)|"
    f"(?P<close>\\))|(?P<bar>\\|)|(?P<atom>{_CLASS}|{_ESCAPE}|.)",
    re.DOTALL,
)
_MEMBER = re.compile(f"({_ESCAPE}|.)(-(?:{_ESCAPE}|.))?", re.DOTALL)
_CATEGORY = re.compile(r"\\[dDsSwW]")
_BOUNDS = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class Token(NamedTuple):
    """A piece of a pattern."""

    kind: str  # atom, open, close, bar or repeat
    text: str
    place: int  # where in the pattern it begins


class Repeat(NamedTuple):
    """A node so many times, the highest number included."""

    node: "Node"
    low: int
    high: int | None


class Choice(NamedTuple):
    """One of the options, each of them nodes in a row."""

    options: list[list["Node"]]


Node = str | Repeat | Choice


class Positions(NamedTuple):
    """The atoms of a pattern, its repeats written out; sets of positions are bits of an int.

    Position 0 is the end, which matches nothing.
    """

    first: int  # the positions that may come first
    after: list[int]  # of each position those that may come after it
    atoms: list[str]  # of each position what it matches, one character


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile with Python, whose warnings are of meanings that a class may get one day."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(pattern)


def tokens(pattern: str) -> list[Token]:
    """Return the tokens; raise `InputError` where Python or an automaton cannot take the pattern.

    A lazy quantifier is taken for its greedy one, as both match the same whole documents.
    """
    try:
        compiled(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(
            f"pattern {pattern!r} is invalid: {error}, expected a regular expression; write a "
            "backslash before what is meant literally."
        ) from error
    found = []
    for match in _TOKEN.finditer(pattern):
        kind, text = str(match.lastgroup), match[0]
        if kind == "refused":
            name = next(name for name, form in _REFUSED.items() if re.fullmatch(form, text))
            anyway = ", the whole document has to match anyway" if name == "an anchor" else ""
            raise InputError(
                f"pattern {pattern!r} has {name} at position {match.start()}, expected literals, "
                f"classes, '.', '|', groups and * + ? {{m,n}}; leave it out{anyway}."
            )
        found.append(Token(kind, match[kind], match.start()))
    return found


def named(atom: Token) -> Iterator[Token]:
    """Yield what an atom names by itself: a literal, or each member of a class that is no range."""
    inside = re.fullmatch(r"\[\^?(.+)\]", atom.text, re.DOTALL)
    if inside is None:
        if atom.text != "." and not _CATEGORY.fullmatch(atom.text):
            yield atom
        return
    for member in _MEMBER.finditer(inside[1]):
        if member[2] is None and not _CATEGORY.fullmatch(member[0]):
            yield Token("atom", member[0], atom.place + inside.start(1) + member.start())


def _bounds(repeat: str) -> tuple[int, int | None]:
    if repeat in _BOUNDS:
        return _BOUNDS[repeat]
    low, comma, high = repeat[1:-1].partition(",")
    if not comma:
        return int(low), int(low)
    return int(low or 0), int(high) if high else None


def parse(tokens: list[Token]) -> Choice:
    """Return the tree of a valid pattern."""
    groups: list[Choice] = [Choice([[]])]  # those open, the innermost last
    for kind, text, _ in tokens:
        parts = groups[-1].options[-1]
        if kind == "open":
            groups.append(Choice([[]]))
        elif kind == "close":
            group = groups.pop()
            groups[-1].options[-1].append(group)
        elif kind == "bar":
            groups[-1].options.append([])
        elif kind == "repeat":
            parts.append(Repeat(parts.pop(), *_bounds(text)))
        else:
            parts.append(text)
    return groups[0]


def positions(tree: Choice) -> Positions:
    """Write out the repeats of a tree; raise `InputError` beyond `MAX_POSITIONS`."""
    written = Positions(0, [0], [""])
    return written._replace(first=_before(written, tree, 1))


def _add(written: Positions, atom: str, goal: int) -> int:
    """Add a position that the goal comes after."""
    written.after.append(goal)
    written.atoms.append(atom)
    require(
        len(written.atoms) - 1 <= MAX_POSITIONS,
        f"the pattern is longer than {MAX_POSITIONS:,} characters with its repeats written out, "
        "expected at most that; repeat less, or limit the length of the document instead.",
    )
    return 1 << len(written.atoms) - 1


def _before(written: Positions, node: Node, goal: int) -> int:
    """Add what comes before the goal; return the positions that come first."""
    if isinstance(node, str):
        return _add(written, node, goal)
    if isinstance(node, Repeat):
        return _before_repeat(written, node, goal)
    first = 0
    for option in node.options:
        start = goal
        for part in reversed(option):
            start = _before(written, part, start)
        first |= start
    return first


def _before_repeat(written: Positions, repeat: Repeat, goal: int) -> int:
    node, low, high = repeat
    start = goal
    optional = 0 if high is None else high - low
    if high is None:
        start = _before_loop(written, node, goal)
    for index in range(optional + low):  # from the last copy to the first
        longer = _before(written, node, start) | (goal if index < optional else 0)
        if longer == start:
            break  # what matches nothing needs no other copy
        start = longer
    return start


def _before_loop(written: Positions, node: Node, goal: int) -> int:
    again = _add(written, "", 0)  # stands for the first positions until these are known
    begun = len(written.atoms)
    first = (_before(written, node, goal | again) | goal) & ~again
    for place in range(begun, len(written.atoms)):
        if written.after[place] & again:
            written.after[place] = written.after[place] & ~again | first
    return first
