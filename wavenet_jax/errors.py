"""How a user's mistake is reported: one sentence, raised where the bad value enters."""

import dataclasses
import difflib
import math
from collections.abc import Collection
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "True or False"}


class InputError(ValueError):
    """Says in one sentence which value a user gave, what was expected, and the remedy.

    Attributes:
        field: Name of the field that holds the value, such as `learning_rate`; None where the
            mistake lies in no single field.

    The command line prints the sentence and exits with code 2.
    """

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


def require(condition: bool, sentence: str, field: str | None = None) -> None:
    """Raise `InputError` with the sentence unless the condition holds."""
    if not condition:
        raise InputError(sentence, field)


def nearest(word: str, known: Collection[str]) -> str:
    """Return the known word that is meant by an unknown one, empty if none is near."""
    bare = {each.lstrip("-"): each for each in known}
    word = word.lstrip("-")
    near = [each for each in bare if word and each.startswith(word)]
    near += difflib.get_close_matches(word, bare, n=1, cutoff=0.7)
    return bare[near[0]] if near else ""


def require_fields(section: Any, values: dict[str, Any]) -> None:
    """Raise `InputError` for values that are of no field of a dataclass, or not of its type."""
    types = get_type_hints(section)
    for name, value in values.items():
        near = nearest(name, types)
        remedy = f"did you mean {near!r}?" if near else f"expected {', '.join(types)}."
        require(name in types, f"option {name!r} is unknown; {remedy}", name)
        expected = _kind(types[name])
        require(
            _is_of(types[name], value),
            f"{name} is {value!r}, expected {expected}; leave it out for the default.",
            name,
        )


def is_union(kind: Any) -> bool:
    """Tell whether a type is one of several, such as `int | None`."""
    return get_origin(kind) in (Union, UnionType)


def _is_of(kind: Any, value: Any) -> bool:
    """Tell whether a value has the type of a field; a whole number is also a number."""
    if is_union(kind):
        return any(_is_of(each, value) for each in get_args(kind))
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_is_of(get_args(kind)[0], v) for v in value)
    if get_origin(kind) is Literal:
        return isinstance(value, str)
    return type(value) is kind or (kind is float and type(value) is int)


def _kind(kind: Any) -> str:
    """Return what a field expects, in words."""
    if is_union(kind):
        return " or ".join(map(_kind, get_args(kind)))
    if get_origin(kind) is tuple:
        return f"a list, each {_kind(get_args(kind)[0])}"
    return "None" if kind is type(None) else KINDS.get(kind, "a text")


def require_positive(config: Any, *names: str) -> None:
    """Raise `InputError` unless these fields of a dataclass are finite numbers above 0."""
    for name in names:
        value = getattr(config, name)
        require(
            value > 0 and math.isfinite(value),
            f"{name} is {value}, expected a number above 0; leave it out for the default.",
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
            f"{name} is {value}, expected a number from {low:,} to {high:,}; leave it out for the "
            "default.",
            name,
        )


def require_choices(config: Any) -> None:
    """Raise `InputError` unless every `Literal` field of a dataclass holds one of its choices."""
    for field in dataclasses.fields(config):
        value, choices = getattr(config, field.name), choices_of(field.type)
        require(
            not choices or value in choices or (value is None and is_union(field.type)),
            f"{field.name} is {value!r}, expected {' or '.join(choices)}.",
            field.name,
        )


def choices_of(kind: Any) -> tuple[str, ...]:
    """Return the choices of a `Literal`, or of one that may be None; none for other types."""
    for each in get_args(kind) if is_union(kind) else (kind,):
        if get_origin(each) is Literal:
            return get_args(each)
    return ()


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
    return (" ".join(map(str, value)) or "(none)") if isinstance(value, tuple) else str(value)


def pluralize(number: int, noun: str) -> str:
    """Return a number and its noun, such as "1 sample" and "1,000 samples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
