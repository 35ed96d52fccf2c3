"""Patterns that are deep, long or built to explode, and what chance types."""

import re
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.automata_cases import ABC, DOCUMENTS, LETTERS, TYPED, assert_refused, language

from wavenet_jax.constraints import MAX_STATES, accepts, pattern
from wavenet_jax.constraints.expressions import Either, Join, Leaf, Marks, parse
from wavenet_jax.constraints.regex import (
    MAX_NESTING,
    MAX_PATTERN,
    MAX_WIDE,
    compile_quietly,
    tokenize,
)
from wavenet_jax.errors import InputError

Result = TypeVar("Result")
ALPHABET = LETTERS.characters[1:]


def brief(value: str | int) -> str:
    """Return the name of a test's case."""
    return str(value)[:24]


def below(frames: int, call: Callable[[], Result]) -> Result:
    """Call a function from that many frames, as a notebook or a framework does."""
    return below(frames - 1, call) if frames else call()


@pytest.mark.parametrize("open_", ["(", "(?:", "(?i:", "(b|", "(?P<n>", "(a", "(?s-i:a?", "(^"])
@pytest.mark.parametrize("close", [")", ")*", ")+?", "){1}", "){0,1}", "a)?", "|c)", "$)"])
def test_groups_may_be_nested_in_each_other_on_any_stack(open_: str, close: str) -> None:
    opened = [open_.replace("n", f"n{i}") for i in range(MAX_NESTING)]
    regex = "".join(opened) + "a" + close * MAX_NESTING
    compile_quietly.cache_clear()
    found = below(450, partial(pattern, ABC, regex, 9))
    for one, other in zip(found, pattern(ABC, regex, 9), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("depth", [MAX_NESTING + 1, 248, 300, 492, 5_000])
@pytest.mark.parametrize("close", [")", ")*", ")+", ")?", "){1}", "){1,2}", "|b)"])
def test_groups_nested_too_deeply_are_refused_whatever_follows_them(depth: int, close: str) -> None:
    said = f"nests groups too deeply, expected at most {MAX_NESTING} within each other"
    assert_refused(ABC, "(" * depth + "a" + close * depth, said)


def test_expression_is_written_after_what_it_joins() -> None:
    def steps(regex: str, max_length: int | None = None) -> str:
        written = parse(tokenize(regex), regex, max_length).steps
        return " ".join(map(_short, written))

    assert steps("a(b|c)*") == "a bc *? 2"
    assert steps("e{2,4}") == "e e e e 4:2"
    assert steps("e{2,}") == "e e * 2"
    assert steps("((((a*)+)?)*)*") == "a *?"
    assert steps("(a|)(()|(b{0}){9}|(?:))c{0}") == "a ?"
    assert steps("ab|c|(d|e)|^") == "cde a b 2 ^ 3|"
    assert steps("(ab){3,99}", max_length=4) == "a b 2 a b 2 a b 2 * 3"


def _short(step: Leaf | Join | Either | Marks) -> str:
    match step:
        case Leaf(tokens=tokens):
            return "".join(sorted(token.text for token in tokens))
        case Marks(nullable, again):
            return "*" * again + "?" * nullable
        case Join(number, required):
            return f"{number}" if number == required else f"{number}:{required}"
        case Either(number):
            return f"{number}|"


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        ("(a|b)*a(a|b){40}", f"more than {MAX_STATES:,} states"),
        (f"({'?'.join(ALPHABET)}?){{70}}.*[aeiou].{{14}}", f"more than {MAX_STATES:,} states"),
        ("((a{1,100}){1,100}){1,100}", "longer than 2,000 characters with its repeats"),
        ("(" * 90 + "a" + "){1,2}" * 90, "longer than 2,000 characters with its repeats"),
        ("|".join("ab" for _ in range(10_000)), "longer than 2,000 characters with its repeats"),
        ("a|" * 500_000, "has 1,000,000 characters, expected at most 50,000; shorten it"),
        (f"[{'ab' * 500_000}]", "has 1,000,002 characters, expected at most 50,000"),
        ("(?i)" + r"[a-\U0010ffff]" * 101, "has 101 classes with ranges beyond U+00FF, expected"),
        ("[a-漢]" * 101, "has 101 classes with ranges beyond U+00FF, expected at most 100; repeat"),
        (f"a{{{'0' * 5_000}1}}", "is invalid: Exceeds the limit (4300 digits)"),
        ("(?a)(?u)a", "is invalid: ASCII and UNICODE flags are incompatible, expected"),
    ],
    ids=brief,
)
def test_what_would_explode_is_refused(regex: str, said: str) -> None:
    assert_refused(LETTERS, regex, said)


@pytest.mark.parametrize(
    ("regex", "states"),
    [
        (f".*({'|'.join(ALPHABET)}).{{0,1900}}", 2),
        (f"({'|'.join(ALPHABET)}){{2000}}", 2_002),
        (f"(({'|'.join(ALPHABET[:13])})|([n-y]|z)){{0,9}}", 11),
        ("(a*)*b", 3),
        ("((((a*)*)*)*)*b", 3),
        ("(a|aa)+$", 3),
        ("(a?){1900}", 1_902),
        (f"(a{'()' * 2_000}(b{{0}}){{9}}){{1900}}", 1_902),
        ("(" * 99 + "a" + ")*" * 99 + "b{1900}", 1_902),
        ("(a?" + "(?:$)?" * 1_000 + "){1}", 3),
        ("(?:^)?" * 1_000 + "a", 3),
        ("|" * (MAX_PATTERN - 1) + "a", 3),
        ("[a-漢]{1,101}|[a-漢]" + r"[\u0061-\u6f22]" * (MAX_WIDE - 2), 103),
    ],
    ids=brief,
)
def test_what_only_looks_as_if_it_would_explode_is_built(regex: str, states: int) -> None:
    assert len(pattern(LETTERS, regex).accepts) == states


@pytest.mark.parametrize(
    ("regex", "means"),
    [
        ("(a|b|c|a)b?", "[abc]b?"),
        ("a|(b|[^a])|", "[abc]?"),
        ("(?:a|(?i:B))c", "[ab]c"),
        ("((^|a)|b)+", "[ab]*"),
        ("(a|$){2}", "a{0,2}"),
        ("(a|b{0}|c){2}", "[ac]{0,2}"),
        ("(a+?)?b{1,1}", "a*b"),
        ("((a?)+b)?", "(a*b)?"),
        ("((a{0,2}){0,2}b){0,2}", "(a{0,4}b){0,2}"),
    ],
)
def test_simplified_expression_means_the_same(regex: str, means: str) -> None:
    expected = [text for text in DOCUMENTS if re.fullmatch(regex, text)]
    assert language(pattern(ABC, regex)) == expected
    assert [text for text in DOCUMENTS if re.fullmatch(means, text)] == expected


@settings(max_examples=500)
@given(st.text("()[]{}*+?|^$\\.,:=!<>#-01PimsxautNb AB", max_size=14))
def test_what_chance_types_is_refused_in_a_sentence_or_means_what_python_says(regex: str) -> None:
    try:
        automaton = pattern(TYPED, regex)
    except InputError as error:
        assert str(error).endswith(".")  # noqa: PT017 - some draws only
        return
    texts = ["".join(letters) for size in range(4) for letters in product("AaBb #", repeat=size)]
    expected = [text for text in texts if compile_quietly(regex).fullmatch(text)]
    assert [text for text in texts if accepts(automaton, TYPED, text)] == expected
