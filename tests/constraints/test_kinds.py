"""Each kind of constraint, and how they combine, on all documents of up to five letters."""

import re
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.automata_cases import ABC, DOCUMENTS, LENGTHS, LETTERS, PARTS, language

from wavenet_jax.constraints import (
    MAX_STATES,
    Automaton,
    accepts,
    any_text,
    charset,
    combine,
    count_documents,
    excludes,
    excludes_charset,
    min_length,
    pattern,
    starts_with,
)
from wavenet_jax.constraints.charsets import listed
from wavenet_jax.constraints.regex import compile_quietly
from wavenet_jax.data import Vocab
from wavenet_jax.errors import InputError


@pytest.mark.parametrize("characters", ["", "b", "ab", "abc", "cc", "a-b", "b-z", "a-", "-c"])
def test_charsets_allow_and_forbid_what_a_class_of_a_pattern_matches(characters: str) -> None:
    known = {c for c in "abc" if characters and re.fullmatch(f"[{characters}]", c)}
    allowed = [text for text in DOCUMENTS if known.issuperset(text)]
    assert language(charset(ABC, characters)) == allowed
    without = [text for text in DOCUMENTS if not known & set(text)]
    assert language(excludes_charset(ABC, characters)) == without


@pytest.mark.parametrize("characters", ["-b", "b-", "a-c-", "+--", "^a", "]", "\\", "[-]"])
def test_a_hyphen_makes_a_range_between_two_characters_alone(characters: str) -> None:
    vocab = Vocab("\0" + "".join(map(chr, range(32, 127))))
    escaped = re.sub(r"([\\\]\[^])", r"\\\1", characters)
    matching = compile_quietly(f"[{escaped}]")
    expected = [bool(matching.fullmatch(c)) for c in vocab.characters[1:]]
    assert listed(vocab, characters).tolist() == expected


def test_a_range_that_goes_backwards_is_refused() -> None:
    with pytest.raises(InputError, match=r"^'a--b' has the range a--, expected its ends in order;"):
        charset(ABC, "a--b")


def test_members_that_the_vocabulary_lacks_are_passed_over_by_charsets_and_classes_alike() -> None:
    for characters in ("axé", "xa", "éa-aé"):
        only_a = language(charset(ABC, characters))
        assert only_a == language(pattern(ABC, f"[{characters}]*")) == ["a" * n for n in range(6)]
        no_a = language(excludes_charset(ABC, characters))
        assert no_a == language(pattern(ABC, f"[^{characters}]*"))
    with pytest.raises(
        InputError, match=r"^allow is 'xé', of which this vocabulary has no char.*'abc'"
    ):
        charset(ABC, "xé")


def test_cases_are_ignored_by_every_kind_as_the_flag_does() -> None:
    vocab = Vocab(".aAbBß")
    texts = ["".join(each) for size in range(4) for each in product("aAbBß", repeat=size)]

    def accepted(automaton: Automaton) -> list[str]:
        return [text for text in texts if accepts(automaton, vocab, text)]

    kinds: dict[str, Automaton] = {
        "(?i)aB.*": starts_with(vocab, "aB", ignore_case=True),
        "(?i)[a]*": charset(vocab, "A", ignore_case=True),
        "(?i)[A-B]*": charset(vocab, "A-B", ignore_case=True),
        "(?i)[^b]*": excludes_charset(vocab, "b", ignore_case=True),
        "(?i)(?!.*bA).*": excludes(vocab, "bA", ignore_case=True),
        "(?i)(?!.*aba).*": excludes(vocab, "aBA", ignore_case=True),
        "(?i)a?b+": pattern(vocab, "a?B+", ignore_case=True),
        "(?ix) a b": pattern(vocab, "(?x) a B", ignore_case=True),
    }
    for regex, automaton in kinds.items():
        assert accepted(automaton) == [text for text in texts if re.fullmatch(regex, text)], regex
    lower = Vocab(".ab")
    assert accepts(starts_with(lower, "AB", ignore_case=True), lower, "abb")
    assert accepts(charset(lower, "A-Z", ignore_case=True), lower, "ab")
    with pytest.raises(InputError, match="'ax' contains 'x', unknown"):
        starts_with(vocab, "Ax", ignore_case=True)


@pytest.mark.parametrize("unknown", ["x", ".", "\udcff", "\0", "漢é"])
def test_forbidding_what_never_occurs_changes_nothing(unknown: str) -> None:
    for forbidden in ("", "b", "ca"):
        expected = excludes_charset(ABC, forbidden)
        together = excludes_charset(ABC, unknown + forbidden + unknown)
        for one, other in zip(together, expected, strict=True):
            np.testing.assert_array_equal(one, other)
    for text in (unknown, "a" + unknown):
        assert language(excludes(ABC, text)) == DOCUMENTS


def test_any_text_is_accepted_and_a_start_starts() -> None:
    assert language(any_text(ABC)) == DOCUMENTS
    for prefix in ("", "a", "bab"):
        expected = [text for text in DOCUMENTS if text.startswith(prefix)]
        assert language(starts_with(ABC, prefix)) == expected


@given(st.text("abc", min_size=1, max_size=5))
def test_excluded_text_is_in_no_document(text: str) -> None:
    automaton = excludes(ABC, text)
    assert language(automaton) == [one for one in DOCUMENTS if text not in one]
    assert automaton.accepts.tolist() == [True] * len(text) + [False]
    assert automaton.transitions.shape == (len(text) + 1, len(ABC))
    assert automaton.transitions.dtype == np.int32
    assert (automaton.transitions[:, 0] == 0).all()


@given(st.text("ab", min_size=6, max_size=12), st.text("ab", max_size=40))
def test_excluded_text_that_overlaps_itself_is_found_late(text: str, document: str) -> None:
    automaton = excludes(ABC, text)
    for one in (document, document + text, document + text[:-1] + document):
        assert accepts(automaton, ABC, one) == (text not in one)


def test_every_document_contains_the_empty_text() -> None:
    assert language(excludes(ABC, "")) == []


def test_a_long_text_cannot_be_excluded() -> None:
    said = r"^forbid_text 'aaaa.* has 4,001 characters, expected at most 4,000; "
    with pytest.raises(InputError, match=said) as caught:
        excludes(ABC, "a" * 4_001)
    assert caught.value.field == "forbid_text"


@pytest.mark.parametrize("length", range(7))
def test_minimum_accepts_what_is_not_shorter(length: int) -> None:
    automaton = min_length(ABC, length)
    assert language(automaton) == [text for text in DOCUMENTS if len(text) >= length]
    assert len(automaton.accepts) == length + 1
    assert automaton.transitions.dtype == np.int32


def test_minimum_that_needs_too_many_states_is_refused() -> None:
    assert len(min_length(ABC, MAX_STATES - 1).accepts) == MAX_STATES
    said = r"^min_length is 10,000, expected less than 10,000; lower it\.$"
    with pytest.raises(InputError, match=said):
        min_length(ABC, MAX_STATES)
    with pytest.raises(InputError, match=said):
        combine(ABC, {"pattern 'a'": pattern(ABC, "a")}, MAX_STATES, 10**6)


@pytest.mark.parametrize("characters", ["axb", "a.b"])
def test_unknown_characters_are_refused_by_every_part(characters: str) -> None:
    builds: list[Callable[[], object]] = [
        lambda: starts_with(ABC, characters),
        lambda: accepts(any_text(ABC), ABC, characters),
    ]
    for build in builds:
        with pytest.raises(InputError, match=r"unknown to this vocabulary; expected .* 'abc'"):
            build()


def test_prefix_that_is_too_long_is_refused() -> None:
    with pytest.raises(InputError, match=r"^prefix 'aaaa.* has 4,001 characters, expected at most"):
        starts_with(ABC, "a" * 4_001)


def test_constraints_of_the_readme_make_a_small_automaton() -> None:
    parts = {
        "prefix 'ma'": starts_with(LETTERS, "ma"),
        "pattern 'ma.*[aeiou]'": pattern(LETTERS, "ma.*[aeiou]"),
        "forbid 'qx'": excludes_charset(LETTERS, "qx"),
    }
    together = combine(LETTERS, parts, 5, 8)
    assert count_documents(together, 8) == sum(5 * 24**size for size in range(2, 6))
    assert accepts(together, LETTERS, "mabbo")
    assert not accepts(together, LETTERS, "maqqo")


PATTERN = "pattern 'ab{6}c?'", pattern(ABC, "ab{6}c?")
ENDS_IN_A = "pattern '.*a'", pattern(ABC, ".*a")
NO_B = "forbid 'b'", excludes_charset(ABC, "b")
NO_CC = "forbid_text 'cc'", excludes(ABC, "cc")
SHORT = "pattern '..?'", pattern(ABC, "..?")
OF_LENGTH = "pattern '(..)*'", pattern(ABC, "(..)*")
LONG = "pattern 'a{5000}'", pattern(ABC, "a{5000}", max_length=9)


@pytest.mark.parametrize(
    ("parts", "lengths", "prefix", "said"),
    [
        ([PATTERN], (1, 6), "", "pattern 'ab{6}c?' allows no document of 1 to 6 characters"),
        ([NO_B, PATTERN], (9, 9), "", "pattern 'ab{6}c?' allows no document of 9 characters"),
        (
            [ENDS_IN_A, NO_B, PATTERN],
            (0, 9),
            "",
            "pattern '.*a' and pattern 'ab{6}c?' together allow no document of any length, "
            "expected at least one; change one of them.",
        ),
        (
            [NO_B, PATTERN],
            (0, 9),
            "",
            "forbid 'b' and pattern 'ab{6}c?' together allow no document of any length",
        ),
        ([NO_B], (0, 9), "ab", "prefix 'ab' and forbid 'b' together allow no document of any"),
        ([NO_CC], (0, 9), "acc", "prefix 'acc' and forbid_text 'cc' together allow no document of"),
        ([ENDS_IN_A], (0, 2), "abc", "prefix 'abc' allows no document of 0 to 2 characters"),
        ([ENDS_IN_A], (0, 3), "abc", "prefix 'abc' and pattern '.*a' together allow no document"),
        ([LONG], (1, 9), "", "pattern 'a{5000}' allows no document of 1 to 9 characters"),
        ([SHORT, NO_B, OF_LENGTH, ENDS_IN_A], (0, 9), "c", ""),
        (
            [SHORT, OF_LENGTH, NO_B, ENDS_IN_A],
            (0, 1),
            "a",
            "prefix 'a' and pattern '(..)*' together allow no document of 0 to 1 character, "
            "expected at least one; change one of them or the lengths.",
        ),
        ([], (3, 2), "", "min_length is 3, expected a number from 0 to the 2 characters"),
        ([], (-1, 2), "", "min_length is -1, expected a number from 0 to the 2"),
        ([], (0, 0), "", ""),
    ],
)
def test_parts_that_allow_nothing_are_named_and_no_more(
    parts: list[tuple[str, Automaton]], lengths: tuple[int, int], prefix: str, said: str
) -> None:
    named = dict(parts)
    if prefix:
        named = {f"prefix {prefix!r}": starts_with(ABC, prefix), **named}
    if not said:
        combine(ABC, named, *lengths)
        return
    with pytest.raises(InputError, match=f"^{re.escape(said)}"):
        combine(ABC, named, *lengths)


def test_three_parts_may_be_to_blame_together() -> None:
    regexes = ["a?b?c?", "(ab|bc|ca)*", "[ac]*"]
    parts = {str(i): pattern(ABC, regex) for i, regex in enumerate(regexes, start=1)}
    with pytest.raises(InputError, match=r"^1 and 2 and 3 together allow no document of 1 to 9"):
        combine(ABC, parts, 1, 9)


def test_many_parts_may_be_to_blame_together() -> None:
    """Their subsets are too many to be tried."""
    vocab = Vocab(".abcdefghijklmnop")
    idle = {f"forbid_text {c * 2!r}": excludes(vocab, c * 2) for c in "abcdefgh"}
    parts = {c: excludes_charset(vocab, c) for c in vocab.characters[1:]}
    with pytest.raises(InputError, match=rf"^{' and '.join(parts)} together allow no document"):
        combine(vocab, {**idle, **parts}, 1, 9)


def test_a_part_is_blamed_where_the_others_are_too_large_to_tell() -> None:
    parts = {name: pattern(ABC, f"(.{{{name}}})*") for name in ("101", "103")}
    parts = {"one": pattern(ABC, "a{101}|a{103}"), **parts}
    with pytest.raises(InputError, match=r"^one and 101 and 103 together allow no document of any"):
        combine(ABC, parts, 1, 300)


def test_minimum_is_blamed_for_its_states() -> None:
    parts = {"pattern 'a few'": pattern(ABC, "[^a]*(a[^a]*){0,3}")}
    said = (
        "min_length is 2,400, which with pattern 'a few' needs more than 10,000 states, expected "
        "at most 1,999; lower it."
    )
    with pytest.raises(InputError, match=f"^{re.escape(said)}$") as caught:
        combine(ABC, parts, 2_400, 3_000)
    assert caught.value.field == "min_length"
    combine(ABC, parts, 1_999, 3_000)  # as the message promises


def test_minimum_is_not_blamed_where_no_document_is_possible() -> None:
    parts = {"1": pattern(ABC, "[^a]*(a[^a]*){0,3}"), "2": pattern(ABC, "(.*a){4}")}
    with pytest.raises(InputError, match=r"^1 and 2 together allow no document of any length"):
        combine(ABC, parts, 2_400, 3_000)


def test_parts_are_blamed_for_their_states() -> None:
    parts = {name: pattern(ABC, f"(.{{{name}}})*") for name in ("101", "103")}
    with pytest.raises(InputError, match=r"^101 and 103 together need more than 10,000 states, "):
        combine(ABC, parts, 1, 9)


@given(st.dictionaries(st.sampled_from("123"), PARTS), LENGTHS)
def test_what_is_feasible_has_a_document_and_what_is_not_has_none(
    parts: dict[str, Automaton], lengths: tuple[int, int]
) -> None:
    shortest, longest = lengths
    fits = [
        text
        for text in DOCUMENTS
        if len(text) >= shortest and all(accepts(part, ABC, text) for part in parts.values())
    ]
    if any(len(text) <= longest for text in fits):
        assert language(combine(ABC, parts, *lengths)) == fits
    else:
        with pytest.raises(InputError, match=r"allows? no document"):
            combine(ABC, parts, *lengths)
