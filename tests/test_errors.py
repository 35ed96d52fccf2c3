"""A user's mistake: a `ValueError` with one sentence and the field that holds the value."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
import pytest

from wavenet_jax.errors import (
    InputError,
    conform,
    conform_fields,
    nearest,
    pluralize,
    require,
    require_default,
    require_positive,
    show_short,
    show_value,
)


@dataclasses.dataclass(frozen=True)
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
        (lambda: conform_fields(Config(color="grey")), "color is 'grey', expected red or blue."),  # type: ignore[arg-type]
        (
            lambda: conform_fields(Config(rate="1")),  # type: ignore[arg-type]
            "rate is '1', expected a number; leave it out for the default.",
        ),
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


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [
        (int, np.int64(3), 3),
        (int, np.array(3, np.uint8), 3),
        (float, 3, 3),
        (float, np.float32(0.5), 0.5),
        (float, jnp.float32(0.5), 0.5),
        (bool, np.True_, True),
        (str, Path("a.txt"), "a.txt"),
        (str, np.str_("a"), "a"),
        (tuple[int, ...], [1, 2, 4], (1, 2, 4)),
        (tuple[int, ...], range(3), (0, 1, 2)),
        (tuple[int, ...], np.array([1, 2]), (1, 2)),
        (tuple[float, ...], (np.float64(0.5), 1), (0.5, 1)),
        (tuple[str, ...], iter(["a", "b"]), ("a", "b")),
        (tuple[str, ...], "ann", ("ann",)),
        (tuple[str, ...], "", ("",)),
        (str | tuple[str, ...], "a", "a"),
        (str | tuple[str, ...], ["a", Path("b")], ("a", "b")),
        (int | None, None, None),
        (int | None, np.int32(1), 1),
        (Literal["a", "b"] | None, None, None),
        (Literal["a", "b"] | None, "b", "b"),
        (tuple[int, ...] | float | None, 0.5, 0.5),
    ],
)
def test_values_become_the_type_that_is_meant(kind: Any, value: Any, held: Any) -> None:
    found = conform("x", value, kind)
    assert found == held
    assert type(found) is type(held)
    if isinstance(held, tuple):
        assert list(map(type, found)) == list(map(type, held))


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (int, 3.0, "x is 3.0, expected a whole number."),
        (int, np.float64(3), "x is np.float64(3.0), expected a whole number."),
        (int, True, "x is True, expected a whole number."),
        (int, np.True_, "x is np.True_, expected a whole number."),
        (int, "3", "x is '3', expected a whole number."),
        (float, True, "x is True, expected a number."),
        (float, 10**400, f"x is 1{'0' * 78}…, expected a number."),
        (bool, 1, "x is 1, expected True or False."),
        (str, None, "x is None, expected a text."),
        (str, b"a", "x is b'a', expected a text."),
        (int | None, [3], "x is [3], expected a whole number."),
        (tuple[int, ...], [1.0, 2], "x is [1.0, 2], expected a list, each a whole number."),
        (tuple[int, ...], "12", "x is '12', expected a list, each a whole number."),
        (tuple[int, ...], [[1]], "x is [[1]], expected a list, each a whole number."),
        (tuple[int, ...], {1: 2}, "x is {1: 2}, expected a list, each a whole number."),
        (tuple[str, ...], b"ab", "x is b'ab', expected a list, each a text."),
        (str | tuple[str, ...], 5, "x is 5, expected a text or a list, each a text."),
        (Literal["a", "b"] | None, "c", "x is 'c', expected a or b."),
        (Literal["a", "b"], np.array([1]), "x is array([1]), expected a or b."),
        (Config, {}, "x is {}, expected a Config."),
        (int, np.zeros((40, 40)), "x is array([[0., 0., 0., ..., 0., 0., 0.], [0., 0., 0., ..., "),
    ],
)
def test_values_of_another_type_are_refused_in_a_short_line(
    kind: Any, value: Any, sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        conform("x", value, kind)
    assert str(caught.value).startswith(sentence)
    assert len(str(caught.value)) < 150
    assert caught.value.field == "x"


def test_fields_are_held_as_their_types_even_where_they_are_frozen() -> None:
    config = Config(sizes=[1, np.int64(2)], rate=np.float32(0.25))  # type: ignore[arg-type]
    conform_fields(config)
    assert repr(config) == "Config(color='red', sizes=(1, 2), rate=0.25)"


@pytest.mark.parametrize(
    ("value", "shown"), [((1, 2, 4), "1 2 4"), ((), "(none)"), (0.1, "0.1"), (None, "(none)")]
)
def test_values_are_shown_as_a_user_types_them(value: Any, shown: str) -> None:
    assert show_value(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 10**8, f"'{'x' * 78}…"),
        (["x" * 10**8] * 3, f"['{'x' * 77}…"),
        (
            list(range(10**6)),
            "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, ",
        ),
        ([10**5000], "list of too many digits to show"),
        ([[[[[[[[1]]]]]]]], "[[[[[[[...]]]]]]]"),
        ("\x1b[31m\n\u202e", "'\\x1b[31m\\n\\u202e'"),
    ],
)
def test_what_is_long_or_deep_is_shown_in_a_line_at_once(value: Any, shown: str) -> None:
    assert show_short(value)[: len(shown)] == shown
    assert len(show_short(value)) <= 80


def test_sentences_are_cut_and_hold_nothing_that_a_terminal_obeys() -> None:
    sentence = str(InputError(f"a is '\x1b[31m\u202e\n{'x' * 10**6}', expected b; leave it out."))
    assert sentence.startswith(r"a is '\x1b[31m\u202e\nxxx")
    assert sentence.endswith("xxx', expected b; leave it out.")
    assert len(sentence) < 2_100
    assert sentence.isprintable()
    assert str(InputError("e\u0301 and \u200d stay.")) == "e\u0301 and \u200d stay."


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
