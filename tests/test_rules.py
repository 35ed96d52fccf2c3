"""The tables of a sampler against all documents of up to five letters, enumerated."""

from random import Random

import numpy as np
import pytest
from automata_cases import ABC, LENGTHS, PARTS, language, walk
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax import constraints
from wavenet_jax.automata import Automaton
from wavenet_jax.rules import NEVER, UNLIMITED, common_prefix_length, tables
from wavenet_jax.vocab import Vocab

# Products too, whose states no pattern has by itself.
AUTOMATA = st.lists(PARTS, min_size=1, max_size=2).map(lambda parts: constraints.both(*parts))


def begin_alike(documents: list[str], prefix: str) -> bool:
    return all(one.startswith(prefix) for one in documents)


@given(AUTOMATA)
def test_character_may_follow_where_some_document_goes_on_with_it_and_ends_in_time(
    automaton: Automaton,
) -> None:
    needed = tables(automaton).needed
    for state in range(len(automaton.accepts)):
        documents = language(automaton, state)
        for character in range(1, len(ABC)):
            begins = [one for one in documents if one[:1] == ABC.characters[character]]
            for left in range(6):
                expected = any(len(one) <= left for one in begins)
                assert (needed[state, character] <= left) == expected


@given(AUTOMATA)
def test_document_may_end_where_it_is_accepted_however_few_characters_are_left(
    automaton: Automaton,
) -> None:
    expected = np.where(automaton.accepts, 0, NEVER)
    np.testing.assert_array_equal(tables(automaton).needed[: len(expected), 0], expected)


@given(AUTOMATA)
def test_character_may_never_follow_where_no_document_however_long_goes_on_with_it(
    automaton: Automaton,
) -> None:
    states = len(automaton.accepts)
    leads = np.zeros((states, states), bool)
    leads[np.arange(states)[:, None], automaton.next[:, 1:]] = True
    can_end = automaton.accepts.copy()
    for _ in range(states):
        can_end |= leads @ can_end
    needed = tables(automaton).needed[:states, 1:]
    np.testing.assert_array_equal(needed < UNLIMITED, can_end[automaton.next[:, 1:]])
    assert set(needed[needed >= UNLIMITED]) <= {NEVER}


@pytest.mark.parametrize(
    ("states", "room"), [(1, 64), (63, 64), (64, 64), (65, 128), (128, 128), (129, 256)]
)
def test_states_are_padded_to_a_power_of_two_with_ones_that_nothing_leads_to(
    states: int, room: int
) -> None:
    automaton = constraints.at_least(ABC, states - 1)
    rules = tables(automaton)
    assert rules.next.shape == rules.needed.shape == (room, len(ABC))
    assert rules.next.dtype == rules.needed.dtype == np.int32
    np.testing.assert_array_equal(rules.next[:states], automaton.next)
    assert rules.next.min() >= 0
    assert rules.next.max() < states
    assert (rules.needed[states:] == NEVER).all()
    np.testing.assert_array_equal(rules.needed[: states - 1, 1], np.arange(states - 1, 0, -1))


def test_tables_leave_the_automaton_as_it_is() -> None:
    automaton = constraints.pattern(ABC, "ab*c")
    before = [part.copy() for part in automaton]
    tables(automaton).needed[:] = 0
    for one, other in zip(automaton, before, strict=True):
        np.testing.assert_array_equal(one, other)


@given(AUTOMATA, LENGTHS, st.randoms(use_true_random=False))
def test_document_drawn_as_the_tables_allow_never_comes_to_a_dead_end(
    automaton: Automaton, lengths: tuple[int, int], random: Random
) -> None:
    shortest, longest = lengths
    together = constraints.both(automaton, constraints.at_least(ABC, shortest))
    text = walk(together, ABC, longest, random)
    fits = [one for one in language(automaton) if shortest <= len(one) <= longest]
    assert text in fits if fits else text is None


@given(AUTOMATA, st.integers(0, 5))
def test_beginning_in_common_is_the_longest_of_all_documents(
    automaton: Automaton, longest: int
) -> None:
    documents = [one for one in language(automaton) if len(one) <= longest]
    if documents:
        first = documents[0]
        common = [size for size in range(len(first) + 1) if begin_alike(documents, first[:size])]
        assert common_prefix_length(tables(automaton), longest) == common[-1]


def test_beginning_in_common_may_come_of_the_maximum_alone() -> None:
    rules = tables(constraints.pattern(ABC, "abab|.*c.*b"))
    assert [common_prefix_length(rules, longest) for longest in (2, 3, 4)] == [2, 0, 0]
    assert common_prefix_length(tables(constraints.pattern(ABC, "(abc)*")), 2) == 0
    assert common_prefix_length(tables(constraints.pattern(ABC, "(abc)+")), 5) == 3


def test_beginning_in_common_counts_no_boundary_and_no_more_than_the_maximum() -> None:
    alone = Vocab(".a")
    assert common_prefix_length(tables(constraints.anything(alone)), 3) == 0
    assert common_prefix_length(tables(constraints.at_least(alone, 3)), 3) == 3
    assert common_prefix_length(tables(constraints.at_least(alone, 3)), 9) == 3
    assert common_prefix_length(tables(constraints.alphabet(ABC, "", "")), 9) == 0
