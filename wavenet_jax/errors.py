"""How a user's mistake is reported: one sentence, raised where the bad value enters."""

import dataclasses
import math
from typing import Any, Literal, get_args, get_origin


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


def require_positive(config: Any, *names: str) -> None:
    """Raise `InputError` unless these fields of a dataclass are finite numbers above 0."""
    for name in names:
        value = getattr(config, name)
        require(
            value > 0 and math.isfinite(value),
            f"{name} is {value}, expected a number above 0; leave it out for the preset's value.",
            name,
        )


def require_between(config: Any, **limits: tuple[float, float]) -> None:
    """Raise `InputError` unless these fields of a dataclass are None or within their limits."""
    for name, (low, high) in limits.items():
        value = getattr(config, name)
        require(
            value is None or low <= value <= high,
            f"{name} is {value}, expected a number from {low:,} to {high:,}.",
            name,
        )


def require_choices(config: Any) -> None:
    """Raise `InputError` unless every `Literal` field of a dataclass holds one of its choices."""
    for field in dataclasses.fields(config):
        if get_origin(field.type) is Literal:
            value, choices = getattr(config, field.name), get_args(field.type)
            require(
                value in choices,
                f"{field.name} is {value!r}, expected {' or '.join(choices)}.",
                field.name,
            )


def require_default(config: Any, why: str, *names: str) -> None:
    """Raise `InputError` where these fields differ from their defaults and would be ignored."""
    for field in dataclasses.fields(config):
        if field.name in names:
            value = getattr(config, field.name)
            require(
                value == field.default,
                f"{field.name} is {show_value(value)}, {why}, expected the default, "
                f"{show_value(field.default)}.",
                field.name,
            )


def show_value(value: Any) -> str:
    """Return a value of a configuration as a user types it."""
    return (" ".join(map(str, value)) or "(none)") if isinstance(value, tuple) else str(value)


def pluralize(number: int, noun: str) -> str:
    """Return a number and its noun, such as "1 sample" and "1,000 samples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
