"""A user's mistake: a `ValueError` with one sentence and the field that holds the value."""

import dataclasses
from typing import Any, Literal

import pytest

from wavenet_jax.errors import (
    InputError,
    nearest,
    pluralize,
    require,
    require_choices,
    require_default,
    require_positive,
    show_value,
)


@dataclasses.dataclass
class Config:
    color: Literal["red", "blue"] = "red"
    sizes: tuple[int, ...] = ()
    rate: float = 0.5


def test_input_error_is_a_value_error_with_its_sentence_and_field() -> None:
    with pytest.raises(ValueError, match=r"^rate is 9\.$") as caught:
        require(False, "rate is 9.", "rate")
    assert isinstance(caught.value, InputError)
    assert caught.value.field == "rate"
    assert InputError("nothing in particular.").field is None
    require(True, "never seen.")


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: require_positive(Config(rate=0), "rate"), "rate is 0, expected a number above 0"),
        (lambda: require_choices(Config(color="grey")), "color is 'grey', expected red or blue."),  # type: ignore[arg-type]
        (
            lambda: require_default(Config(sizes=(1, 2)), "but all are ignored", "rate", "sizes"),
            "sizes is 1 2, but all are ignored, expected the default, (none); leave it out.",
        ),
    ],
)
def test_checks_name_the_field(check: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check()
    assert str(caught.value).startswith(message)
    assert caught.value.field == message.split(maxsplit=1)[0]


def test_checks_look_at_the_fields_that_are_named_alone() -> None:
    require_positive(Config(rate=0))
    require_default(Config(rate=9, sizes=(1,)), "but it is ignored", "color")
    require_choices(Config(rate=-1))


@pytest.mark.parametrize(
    ("value", "shown"), [((1, 2, 4), "1 2 4"), ((), "(none)"), (0.1, "0.1"), (None, "None")]
)
def test_values_are_shown_as_a_user_types_them(value: Any, shown: str) -> None:
    assert show_value(value) == shown


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 samples"), (1, "1 sample"), (2, "2 samples"), (1_000, "1,000 samples")],
)
def test_noun_agrees_with_its_number(number: int, text: str) -> None:
    assert pluralize(number, "sample") == text


def test_nearest_word_is_one_that_begins_alike_or_differs_little() -> None:
    known = ["best", "latest", "temperature"]
    assert nearest("temp", known) == "temperature"
    assert nearest("betst", known) == "best"
    assert nearest("first", known) == nearest("", known) == nearest("-", known) == ""
    assert nearest("--resume", ["--preset", "--residual"]) == ""  # only the dashes are alike
