"""Sizes of automata: minimal where they can be built, refused where they are too large."""

import re

import numpy as np
import pytest
from hypothesis import given
from support.automata_cases import ABC, DOCUMENTS, PATTERNS, assert_refused, language, state_after

from wavenet_jax.constraints import MAX_STATES, accepts, count_documents, pattern
from wavenet_jax.constraints.expressions import MAX_POSITIONS
from wavenet_jax.data import Vocab


@pytest.mark.parametrize(
    ("regex", "means", "states"),
    [
        ("(a|b)*abb", "(a|b)*abb", 5),  # the textbook's four, and the dead state after a c
        ("(a*b)?", "|a*b", 4),
        ("(a*b){0,2}", "|a*b|a*ba*b", 6),
        ("(a?b?)*", "[ab]*", 2),
        ("((a|b)*)*", "[ab]*", 2),
        ("(a*){3,}", "a*", 2),
        (".*", ".*", 1),
        ("a|b|ab|bb", "[ab]b?", 4),
        ("^(a|b)$", "[ab]", 3),
        ("(a.|b.|c.)*", "(..)*", 2),  # no state is dead
        # Python would count these repeats one by one.
        ("(?:){4000000000}", "", 2),
        ("((?:a{0}){9999}){9999}c", "c", 3),
        ("a" * MAX_POSITIONS, "aaaaaa", MAX_POSITIONS + 2),
        (f"b{{0,{MAX_POSITIONS}}}", "b*", MAX_POSITIONS + 2),
    ],
)
def test_automaton_of_a_pattern_is_right_and_minimal(regex: str, means: str, states: int) -> None:
    automaton = pattern(ABC, regex)
    assert language(automaton) == [text for text in DOCUMENTS if re.fullmatch(means, text)]
    assert automaton.transitions.shape == (states, len(ABC))
    assert automaton.accepts.shape == (states,)
    assert automaton.transitions.dtype == np.int32
    assert automaton.accepts.dtype == bool


@given(PATTERNS)
def test_states_are_numbered_as_the_columns_first_lead_to_them(regex: str) -> None:
    automaton = pattern(ABC, regex)
    numbers = dict.fromkeys([0, *automaton.transitions[:, 1:].ravel().tolist()])
    assert list(numbers) == list(range(len(automaton.accepts)))


@given(PATTERNS)
def test_states_are_reached_and_no_two_accept_the_same(regex: str) -> None:
    automaton = pattern(ABC, regex)
    states = len(automaton.accepts)
    reached = {state_after(automaton, ABC, text) for text in DOCUMENTS}
    if states <= 6:  # which five letters reach, and five tell apart
        assert reached == set(range(states))
        assert len({tuple(language(automaton, state)) for state in range(states)}) == states


@pytest.mark.parametrize("regex", [".*a.{20}", "(a|b)*a(a|b){12,14}c", ".*a" + "." * 20])
def test_automaton_that_grows_too_large_is_refused(regex: str) -> None:
    said = f"pattern {regex!r} needs more than {MAX_STATES:,} states, expected at most that; "
    assert_refused(ABC, regex, said + "shorten its repeats and alternatives, or what follows them.")


@pytest.mark.parametrize(
    "regex", ["a{2001}", "(a{50}){41}", "(.{0,1000}b){3}", "a{3000000000}", "a" * 2001]
)
def test_pattern_that_is_too_long_is_refused(regex: str) -> None:
    assert_refused(ABC, regex, "longer than 2,000 characters with its repeats written out", "short")


def test_any_of_many_words_of_a_large_vocabulary() -> None:
    vocab = Vocab("\0" + "".join(map(chr, range(0x4E00, 0x4E00 + 4_000))))
    numbers = np.random.default_rng(0).integers(1, len(vocab), (300, 3))
    words = {vocab.decode(each) for each in numbers}
    automaton = pattern(vocab, "|".join(sorted(words)))
    assert count_documents(automaton, 9) == len(words)
    assert all(accepts(automaton, vocab, word) for word in words)
    within = pattern(vocab, f".*({'|'.join(sorted(words))}).*")
    word = min(words)
    assert accepts(within, vocab, word[0] + word + word[:2])
    assert not accepts(within, vocab, word[:2] + word[:2] + word[1:])
