"""Regular expressions: from a pattern, as people type it for Python's `re`, to its tokens.

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

MAX_NESTING = 100  # groups within each other, for which Python's compiler has room
MAX_PATTERN = 50_000  # characters; Python compiles that many within a second
MAX_SHOWN = 100  # characters of a pattern in a message
MAX_WIDE = 100  # classes with ranges beyond U+00FF, each of which takes Python milliseconds

_REPEAT = r"(?:[*+?]|\{(?:[0-9]+|[0-9]*,[0-9]*)\})"
_ESCAPE = r"\\(?:x..|u.{4}|U.{8}|N\{[^}]*\}|[0-7]{1,3}|.)"  # in a pattern known to be valid
_CLASS = r"\[\^?\]?(?:[^\]\\]|\\.)*\]"
_COMMENT = r"\(\?#(?:[^\\)]|\\.)*\)"
_GLOBAL_FLAGS = r"\(\?[aimstux]+\)"  # which the compiled pattern tells; t until Python 3.11
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
_WIDE = re.compile(r"\[[^\[\]]*-(?:[^\0-\xff]|\\[uUN])")


class Token(NamedTuple):
    """A piece of a pattern."""

    kind: str  # character, begin, end (both anchors), open, close, bar or repeat
    text: str
    place: int  # index in the pattern
    flags: re.RegexFlag


@lru_cache(maxsize=1_024)
def compile_quietly(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Compile with Python, without its warnings of what a class may mean in the future."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(pattern, flags)


def quote(text: str) -> str:
    """Return a text in quotes, its backslashes as they were typed."""
    return repr(text).replace(r"\\", "\\") if text.isprintable() else repr(text)


def shorten(pattern: str) -> str:
    """Return a pattern in quotes, of a long one its beginning."""
    return quote(pattern) if len(pattern) <= MAX_SHOWN else f"{quote(pattern[:MAX_SHOWN])}..."


def is_class(token: Token) -> bool:
    r"""Tell whether a token stands for any of several characters, such as `[ab]` or `\d`."""
    return token.kind == "character" and _SEVERAL.match(token.text) is not None


def tokenize(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> list[Token]:
    """Return the tokens; raise `InputError` where Python or an automaton cannot take the pattern.

    A lazy quantifier becomes its greedy twin, as both match the same whole documents.
    """
    _require_short(pattern)
    try:
        flags |= compile_quietly(pattern).flags
    except RecursionError:
        raise InputError(nested(pattern), "pattern") from None
    except (re.error, OverflowError, ValueError) as error:
        reason = str(error).partition("; use sys.")[0]
        raise InputError(
            f"pattern {shorten(pattern)} is invalid: {reason}, expected a regular expression; "
            "correct that, or write a backslash before what is meant literally.",
            "pattern",
        ) from error
    return list(_tokens(pattern, re.RegexFlag(flags)))


def _require_short(pattern: str) -> None:
    """Raise `InputError` for a pattern that takes Python long to compile."""
    require(
        len(pattern) <= MAX_PATTERN,
        f"pattern {shorten(pattern)} has {len(pattern):,} characters, expected at most "
        f"{MAX_PATTERN:,}; shorten it.",
        "pattern",
    )
    wide = len(_WIDE.findall(pattern))
    require(
        wide <= MAX_WIDE,
        f"pattern {shorten(pattern)} has {wide:,} classes with ranges beyond U+00FF, expected at "
        f"most {MAX_WIDE}; repeat one with {{m,n}}, or list its characters.",
        "pattern",
    )


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
        f"pattern {shorten(pattern)} has {refused.name} at position {match.start()}, expected "
        f"literals, classes, '.', '|', groups, anchors and * + ? {{m,n}}; {refused.remedy}.",
        "pattern",
    )


def nested(pattern: str) -> str:
    """Return what is said of a pattern with more than `MAX_NESTING` groups within each other."""
    return (
        f"pattern {shorten(pattern)} nests groups too deeply, expected at most {MAX_NESTING} "
        "within each other; leave out parentheses."
    )


def matches(token: Token, characters: str) -> np.ndarray:
    """Return which characters a token matches: `[V - 1]` bool."""
    return _matched(token.text, token.flags & ~re.VERBOSE, characters)


@lru_cache(maxsize=4_096)
def _matched(text: str, flags: re.RegexFlag, characters: str) -> np.ndarray:
    matched = np.zeros(len(characters), bool)
    places = [match.start() for match in compile_quietly(text, flags).finditer(characters)]
    matched[places] = True
    matched.setflags(write=False)
    return matched
