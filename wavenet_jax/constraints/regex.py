"""Regular expressions: from a pattern, as people type it for Python's `re`, to a tree.

`re` itself says which patterns are valid and which characters a literal, an escape or a class
matches.  Only the operators are read here: `|`, groups, `*`, `+`, `?`, `{m,n}`, anchors, flags.
"""

import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from wavenet_jax.errors import InputError, require

MAX_NESTING = 100  # groups within each other; the functions that walk a tree are recursive

_REPEAT = r"(?:[*+?]|\{(?:[0-9]+|[0-9]*,[0-9]*)\})"
_ESCAPE = r"\\(?:x..|u.{4}|U.{8}|N\{[^}]*\}|[0-7]{1,3}|.)"  # in a pattern known to be valid
_CLASS = r"\[\^?\]?(?:[^\]\\]|\\.)*\]"
_COMMENT = r"\(\?#(?:[^\\)]|\\.)*\)"
_GLOBAL_FLAGS = r"\(\?[aimsux]+\)"  # which the compiled pattern tells
_OPEN = r"\((?:\?(?:P<[^>]*>|(?P<on>[aimsux]*)(?:-(?P<off>[imsx]+))?:))?"
_SPACE = r"[ \t\n\r\v\f]|\#(?:[^\\\n]|\\.)*"  # means nothing where the flag x is set


class Refused(NamedTuple):
    """A construct that is refused, and how to do without it."""

    name: str
    form: str  # a regular expression
    remedy: str


_REFUSED = (
    Refused("a look-ahead", r"\(\?=", "write what follows as a part of the pattern"),
    Refused(
        "a negative look-ahead",
        r"\(\?!",
        "exclude a text with forbid_text, or write what may follow instead as alternatives",
    ),
    Refused("a look-behind", r"\(\?<=", "write what comes before as a part of the pattern"),
    Refused(
        "a negative look-behind",
        r"\(\?<!",
        "exclude a text with forbid_text, or write what may come before as alternatives",
    ),
    Refused(
        "a back-reference",
        r"\(\?P=|\\(?![0-7]{3})[1-9]",
        r"write each case as an alternative, such as aa|bb for (a|b)\1",
    ),
    Refused(
        "a conditional group",
        r"\(\?\(",
        "write both cases as alternatives, such as ab|c for (a)?(?(1)b|c)",
    ),
    Refused(
        "an atomic group", r"\(\?>", "write (?:...), which matches all that it does, and maybe more"
    ),
    Refused(
        "a possessive quantifier",
        _REPEAT + r"\+",
        "drop its last '+', which matches all that it does, and maybe more",
    ),
    Refused(
        "a word boundary",
        r"\\[bB]",
        r"write the characters beside the word, such as (.*\W)?ann(\W.*)? for .*\bann\b.*",
    ),
)
_TOKEN = (
    f"(?P<refused>{'|'.join(refused.form for refused in _REFUSED)})|"
    f"(?P<ignored>{_COMMENT}|{_GLOBAL_FLAGS})|(?P<repeat>{_REPEAT})\\??|(?P<open>{_OPEN})|"
    rf"(?P<close>\))|(?P<bar>\|)|(?P<begin>\^|\\A)|(?P<end>\$|\\[Zz])|"
    f"(?P<character>{_CLASS}|{_ESCAPE}|.)"
)
_TOKENS = re.compile(_TOKEN, re.DOTALL)
_VERBOSE_TOKENS = re.compile(f"(?P<space>{_SPACE})|{_TOKEN}", re.DOTALL)
_SEVERAL = re.compile(r"\[|\\[dDsSwW]|\.\Z")
_BOUNDS = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class Token(NamedTuple):
    """A piece of a pattern."""

    kind: str  # character, begin, end (both anchors), open, close, bar or repeat
    text: str
    place: int  # index in the pattern
    flags: re.RegexFlag


class Repeat(NamedTuple):
    """A node from `low` to `high` times; without limit where `high` is None."""

    node: "Node"
    low: int
    high: int | None


class Choice(NamedTuple):
    """Alternatives, each a sequence of nodes."""

    options: list[list["Node"]]


Node = Token | Repeat | Choice  # as a leaf, a token is a character or an anchor


@lru_cache(maxsize=1_024)
def compile_quietly(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Compile with Python, without its warnings of what a class may mean in the future."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(pattern, flags)


def quote(text: str) -> str:
    """Return a text in quotes, its backslashes as they were typed."""
    return repr(text).replace(r"\\", "\\") if text.isprintable() else repr(text)


def is_class(token: Token) -> bool:
    r"""Tell whether a token stands for any of several characters, such as `[ab]` or `\d`."""
    return token.kind == "character" and _SEVERAL.match(token.text) is not None


def tokenize(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> list[Token]:
    """Return the tokens; raise `InputError` where Python or an automaton cannot take the pattern.

    A lazy quantifier becomes its greedy twin, as both match the same whole documents.
    """
    try:
        flags |= compile_quietly(pattern).flags
    except RecursionError as error:
        raise InputError(_nested(pattern), "pattern") from error
    except (re.error, OverflowError) as error:
        raise InputError(
            f"pattern {quote(pattern)} is invalid: {error}, expected a regular expression; correct "
            "that, or write a backslash before what is meant literally.",
            "pattern",
        ) from error
    return list(_tokens(pattern, re.RegexFlag(flags)))


def _tokens(pattern: str, flags: re.RegexFlag) -> Iterator[Token]:
    scopes, place = [flags], 0  # the flags of each open group, the innermost last
    while place < len(pattern):
        tokens = _VERBOSE_TOKENS if re.VERBOSE in scopes[-1] else _TOKENS
        match = tokens.match(pattern, place)
        assert match, "the last alternative matches any character"
        kind = str(match.lastgroup)
        if kind == "refused":
            raise _refusal(pattern, match)
        if kind == "open":
            scopes.append(_scoped(scopes[-1], match["on"] or "", match["off"] or ""))
        elif kind == "close":
            scopes.pop()
        if kind not in ("ignored", "space"):
            yield Token(kind, match[kind], place, scopes[-1])
        place = match.end()


def _scoped(flags: re.RegexFlag, on: str, off: str) -> re.RegexFlag:
    """Return the flags inside a group such as `(?i-s:...)`."""
    if {"a", "u"} & set(on):
        flags &= ~(re.ASCII | re.UNICODE)  # which exclude each other
    for letter in on:
        flags |= re.RegexFlag[letter.upper()]
    for letter in off:
        flags &= ~re.RegexFlag[letter.upper()]
    return flags


def _refusal(pattern: str, match: re.Match[str]) -> InputError:
    refused = next(refused for refused in _REFUSED if re.fullmatch(refused.form, match[0]))
    return InputError(
        f"pattern {quote(pattern)} has {refused.name} at position {match.start()}, expected "
        f"literals, classes, '.', '|', groups, anchors and * + ? {{m,n}}; {refused.remedy}.",
        "pattern",
    )


def _nested(pattern: str) -> str:
    return (
        f"pattern {quote(pattern[:60])}... nests groups too deeply, expected at most {MAX_NESTING} "
        "within each other; leave out parentheses."
    )


def parse(tokens: list[Token], pattern: str) -> Choice:
    """Return the tree of a valid pattern; raise `InputError` beyond `MAX_NESTING`."""
    groups = [Choice([[]])]  # those open, the innermost last
    for token in tokens:
        sequence = groups[-1].options[-1]
        match token.kind:
            case "open":
                require(len(groups) <= MAX_NESTING, _nested(pattern), "pattern")
                groups.append(Choice([[]]))
            case "close":
                group = groups.pop()
                groups[-1].options[-1].append(group)
            case "bar":
                groups[-1].options.append([])
            case "repeat":
                sequence.append(Repeat(sequence.pop(), *_bounds(token.text)))
            case _:
                sequence.append(token)
    return groups[0]


def _bounds(repeat: str) -> tuple[int, int | None]:
    if repeat in _BOUNDS:
        return _BOUNDS[repeat]
    low, comma, high = repeat[1:-1].partition(",")
    if not comma:
        return int(low), int(low)
    return int(low or 0), int(high) if high else None


def bound_repeats(node: Node, max_length: int) -> Node:
    """Simplify the repeats of a tree that shall match texts of at most `max_length` characters.

    A longer text may match in addition, never the reverse.  Let a copy have at least s characters.
    Then at most n = max_length // s copies fit, and an upper bound from n on says nothing, nor
    does it matter by how much a lower bound exceeds n.  Where s is 0, at most max_length copies
    hold a character, and copies without any may be left out or added.
    """
    if isinstance(node, Choice):
        return Choice([[bound_repeats(part, max_length) for part in seq] for seq in node.options])
    if isinstance(node, Repeat):
        inner = bound_repeats(node.node, max_length)
        most = max_length // max(1, shortest(inner))
        is_bounded = node.high is not None and node.high < most
        return Repeat(inner, min(node.low, most + 1), node.high if is_bounded else None)
    return node


def shortest(node: Node) -> int:
    """Return how many characters the shortest text that matches has, without its anchors."""
    if isinstance(node, Choice):
        return min(sum(map(shortest, sequence)) for sequence in node.options)
    if isinstance(node, Repeat):
        return node.low * shortest(node.node)
    return int(node.kind == "character")


def matches(token: Token, characters: str) -> np.ndarray:
    """Return which characters a token matches: `[V - 1]` bool."""
    pattern = compile_quietly(token.text, token.flags & ~re.VERBOSE)
    matched = np.zeros(len(characters), bool)
    matched[[match.start() for match in pattern.finditer(characters)]] = True
    return matched
