"""How a user's mistake is reported: one sentence, raised where the bad value enters."""

import dataclasses
import difflib
import os
import re
import sys
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from reprlib import Repr
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

DEFAULT = "; leave it out for the default"
KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "True or False"}
MAX_SENTENCE = 1_000  # characters of a value that a sentence may show, and of what follows it
MAX_WHOLE = 10**19  # above every limit of a field, and not so long that it cannot be shown
MAX_NUMBER = 1e38  # about the largest of 32 bits
MAX_WORD = 100  # characters of a word that may be a misspelt one
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


class InputError(ValueError):
    """Says in one sentence which value a user gave, what was expected, and the remedy.

    Attributes:
        field: Name of the field that holds the value, such as `learning_rate`; None where the
            mistake lies in no single field.

    What the sentence quotes may be a stranger's: it is cut where it is long, and what a terminal
    would obey is escaped.  The command line prints the sentence and exits with code 2.
    """

    def __init__(self, sentence: str, field: str | None = None) -> None:
        if len(sentence) > 2 * MAX_SENTENCE:  # its end has the remedy
            sentence = f"{sentence[:MAX_SENTENCE]}…{sentence[-MAX_SENTENCE:]}"
        super().__init__(escape(sentence))
        self.field = field


def require(condition: bool, sentence: str, field: str | None = None) -> None:
    """Raise `InputError` with the sentence unless the condition holds."""
    if not condition:
        raise InputError(sentence, field)


def nearest(word: str, known: Collection[str]) -> str:
    """Return the known word that is meant by an unknown one, empty if none is near."""
    if len(word) > MAX_WORD:
        return ""
    bare = {each.lstrip("-"): each for each in known}
    word = word.lstrip("-")
    near = [each for each in bare if word and each.startswith(word)]
    near += difflib.get_close_matches(word, bare, n=1, cutoff=0.7)
    return bare[near[0]] if near else ""


def require_names(names: Iterable[str], known: Collection[str]) -> None:
    """Raise `InputError` for the first name that is no known option, with the nearest one."""
    for name in names:
        near = nearest(name, known)
        remedy = f"did you mean {near!r}?" if near else f"expected {', '.join(known)}."
        require(name in known, f"option {show_short(name)} is unknown; {remedy}", name)


def conform_fields(config: Any) -> None:
    """Turn what the fields of a frozen dataclass hold into their types, before all other checks.

    Raises `InputError` as `conform` does.
    """
    for field in dataclasses.fields(config):
        value = conform(field.name, getattr(config, field.name), field.type, DEFAULT)
        object.__setattr__(config, field.name, value)


def conform(name: str, value: Any, kind: Any, remedy: str = "") -> Any:
    """Return a value as the type that is meant: NumPy's as Python's, lists as tuples, paths as str.

    A text alone is also a tuple of texts.  Raises `InputError` where a value is of another type,
    such as 3.0 for a whole number, and where it is none of the choices of a `Literal`.

    >>> conform("dilations", [1, 2, 4], tuple[int, ...])
    (1, 2, 4)
    """
    try:
        return _converted(kind, value)
    except TypeError:
        end = _nearest_choice(value, kind) if get_origin(kind) is Literal else f"{remedy}."
        is_long = int in (kind, *get_args(kind)) and isinstance(value, int) and value >= MAX_WHOLE
        digits = " of at most 19 digits" if is_long else ""
        sentence = f"{name} is {show_short(value)}, expected {_kind(kind)}{digits}{end}"
        raise InputError(sentence, name) from None


def _nearest_choice(value: Any, kind: Any) -> str:
    """Return the end of a sentence that offers the nearest choice, where one is near."""
    word = value.lower().replace("-", "_") if isinstance(value, str) else ""
    near = nearest(word, get_args(kind))
    return f"; did you mean {near}?" if near else "."


def _converted(kind: Any, value: Any) -> Any:
    """Return a value as a type; raise `TypeError` where it is of another."""
    if hasattr(value, "tolist"):  # arrays and their scalars, of any library
        value = value.tolist()
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        for part in parts:
            with suppress(TypeError):
                return _converted(part, value)
    if origin is tuple and isinstance(value, Iterable) and not isinstance(value, bytes | Mapping):
        several = [value] if isinstance(value, str) else value
        return tuple(_converted(parts[0], each) for each in several)
    if kind is str and isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not _is_of(kind, value):
        raise TypeError
    return value


def _is_of(kind: Any, value: Any) -> bool:
    """Tell whether a value is of a type without parts; a whole number is also a number."""
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in get_args(kind)
    if get_origin(kind) or isinstance(value, bool):
        return kind is bool
    if isinstance(value, int) and kind in (int, float):
        return abs(value) < (MAX_WHOLE if kind is int else sys.float_info.max)
    return isinstance(value, kind)


def _kind(kind: Any) -> str:
    """Return what a field expects, in words."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(_kind(part) for part in parts if part is not type(None))
    if origin is Literal:
        return " or ".join(parts)
    if origin is tuple:
        return f"a list, each {_kind(parts[0])}"
    return "None" if kind is type(None) else KINDS.get(kind, f"a {kind.__name__}")


def require_utf8(config: Any, *names: str) -> None:
    """Raise `InputError` where texts, or lists of them, hold bytes that are no UTF-8."""
    for name in names:
        value = getattr(config, name)
        for text in (value,) if isinstance(value, str) else value or ():
            require(
                _LONE_SURROGATES.search(text) is None,
                f"{name} is {show_short(text)}, expected UTF-8 text; rename what it names.",
                name,
            )


def require_positive(config: Any, *names: str) -> None:
    """Raise `InputError` unless these fields are None or above 0, at most `MAX_NUMBER`."""
    for name in names:
        value = getattr(config, name)
        most = f", at most {MAX_NUMBER:g}" if value is not None and value > MAX_NUMBER else ""
        require(
            value is None or 0 < value <= MAX_NUMBER,
            f"{name} is {value}, expected a number above 0{most}{DEFAULT}.",
            name,
        )


def require_fraction(config: Any, *names: str) -> None:
    """Raise `InputError` unless these fields of a dataclass are None or from 0 to less than 1."""
    for name in names:
        value = getattr(config, name)
        require(
            value is None or 0 <= value < 1,
            f"{name} is {value}, expected a number from 0 to less than 1; leave it out for the "
            "default.",
            name,
        )


def require_between(config: Any, **limits: tuple[float, float]) -> None:
    """Raise `InputError` unless these fields of a dataclass are None or within their limits."""
    for name, (low, high) in limits.items():
        value = getattr(config, name)
        require(
            value is None or low <= value <= high,
            f"{name} is {value}, expected a number from {low:,} to {high:,}{DEFAULT}.",
            name,
        )


def require_default(config: Any, why: str, *names: str) -> None:
    """Raise `InputError` where these fields differ from their defaults and would be ignored."""
    for field in dataclasses.fields(config):
        if field.name in names:
            value = getattr(config, field.name)
            require(
                value == field.default,
                f"{field.name} is {show_value(value)}, {why}, expected the default, "
                f"{show_value(field.default)}; leave it out.",
                field.name,
            )


def show_value(value: Any) -> str:
    """Return a value of a configuration as a user types it."""
    if value is None:
        return "(none)"
    return (" ".join(map(str, value)) or "(none)") if isinstance(value, tuple) else str(value)


def show_short(value: Any, width: int = 80) -> str:
    """Return what Python shows of a value, in one line of at most `width` characters.

    >>> show_short(list(range(100)), 20)
    '[0, 1, 2, 3, 4, 5, …'
    """
    shorter = Repr()  # of which no more is made than is shown, however large or deep the value is
    shorter.maxlist = shorter.maxtuple = shorter.maxdict = shorter.maxset = width
    shorter.maxstring = shorter.maxother = shorter.maxlong = 2 * width + 8  # cut in their middles
    try:
        line = " ".join(shorter.repr(value).split())
    except ValueError:  # a whole number of thousands of digits
        line = f"{type(value).__name__} of too many digits to show"
    return line if len(line) <= width else f"{line[: width - 1]}…"


def escape(text: str, obeyed: str = "") -> str:
    """Return a text with its control characters escaped, but for those that are to be obeyed.

    They are the codes that move the cursor, change colours or reverse what follows.  Joiners,
    which many scripts and emoji need, stay.
    """
    if text.isprintable():
        return text
    return "".join(repr(c)[1:-1] if c not in obeyed and is_control(c) else c for c in text)


def is_control(character: str) -> bool:
    """Tell whether a terminal would obey a character instead of showing it."""
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or "\u202a" <= character <= "\u202e"
        or "\u2066" <= character <= "\u2069"
    )


def pluralize(number: int, noun: str) -> str:
    """Return a number and its noun, such as "1 sample" and "1,000 samples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
