"""The mask of a sampler against all documents of up to five letters, enumerated."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.automata_cases import ABC, LENGTHS, PARTS, language, walk

from wavenet_jax import constraints
from wavenet_jax.constraints import (
    NEVER,
    UNLIMITED,
    Automaton,
    common_prefix_length,
    compile_mask,
)
from wavenet_jax.data import Vocab

# Products too, whose states no pattern has by itself.
AUTOMATA = st.lists(PARTS, min_size=1, max_size=2).map(lambda parts: constraints.intersect(*parts))


def begin_alike(documents: list[str], prefix: str) -> bool:
    return all(document.startswith(prefix) for document in documents)


@given(AUTOMATA)
def test_character_may_follow_where_a_document_continues_with_it_and_ends_in_time(
    automaton: Automaton,
) -> None:
    min_remaining = compile_mask(automaton).min_remaining
    for state in range(len(automaton.accepts)):
        documents = language(automaton, state)
        for character in range(1, len(ABC)):
            begins = [one for one in documents if one[:1] == ABC.characters[character]]
            for left in range(6):
                expected = any(len(one) <= left for one in begins)
                assert (min_remaining[state, character] <= left) == expected


@given(AUTOMATA)
def test_document_may_end_where_it_is_accepted_however_few_characters_are_left(
    automaton: Automaton,
) -> None:
    expected = np.where(automaton.accepts, 0, NEVER)
    np.testing.assert_array_equal(
        compile_mask(automaton).min_remaining[: len(expected), 0], expected
    )


@given(AUTOMATA)
def test_character_never_follows_where_no_document_however_long_continues_with_it(
    automaton: Automaton,
) -> None:
    states = len(automaton.accepts)
    leads = np.zeros((states, states), bool)
    leads[np.arange(states)[:, None], automaton.transitions[:, 1:]] = True
    can_end = automaton.accepts.copy()
    for _ in range(states):
        can_end |= leads @ can_end
    min_remaining = compile_mask(automaton).min_remaining[:states, 1:]
    np.testing.assert_array_equal(min_remaining < UNLIMITED, can_end[automaton.transitions[:, 1:]])
    assert set(min_remaining[min_remaining >= UNLIMITED]) <= {NEVER}


@pytest.mark.parametrize(
    ("states", "room"), [(1, 64), (63, 64), (64, 64), (65, 128), (128, 128), (129, 256)]
)
def test_states_are_padded_to_a_power_of_two_and_nothing_leads_there(
    states: int, room: int
) -> None:
    automaton = constraints.min_length(ABC, states - 1)
    mask = compile_mask(automaton)
    assert mask.transitions.shape == mask.min_remaining.shape == (room, len(ABC))
    assert mask.transitions.dtype == mask.min_remaining.dtype == np.int32
    np.testing.assert_array_equal(mask.transitions[:states], automaton.transitions)
    assert mask.transitions.min() >= 0
    assert mask.transitions.max() < states
    assert (mask.min_remaining[states:] == NEVER).all()
    np.testing.assert_array_equal(mask.min_remaining[: states - 1, 1], np.arange(states - 1, 0, -1))


def test_mask_leaves_the_automaton_as_it_is() -> None:
    automaton = constraints.pattern(ABC, "ab*c")
    before = [part.copy() for part in automaton]
    compile_mask(automaton).min_remaining[:] = 0
    for one, other in zip(automaton, before, strict=True):
        np.testing.assert_array_equal(one, other)


@given(AUTOMATA, LENGTHS, st.randoms(use_true_random=False))
def test_document_drawn_as_the_mask_allows_never_comes_to_a_dead_end(
    automaton: Automaton, lengths: tuple[int, int], random: Random
) -> None:
    shortest, longest = lengths
    together = constraints.intersect(automaton, constraints.min_length(ABC, shortest))
    text = walk(together, ABC, longest, random)
    fits = [one for one in language(automaton) if shortest <= len(one) <= longest]
    assert text in fits if fits else text is None


@given(AUTOMATA, st.integers(0, 5))
def test_common_prefix_is_the_longest_of_all_documents(automaton: Automaton, longest: int) -> None:
    documents = [one for one in language(automaton) if len(one) <= longest]
    if documents:
        first = documents[0]
        common = [size for size in range(len(first) + 1) if begin_alike(documents, first[:size])]
        assert common_prefix_length(compile_mask(automaton), longest) == common[-1]


def test_common_prefix_may_follow_from_the_maximum_alone() -> None:
    mask = compile_mask(constraints.pattern(ABC, "abab|.*c.*b"))
    assert [common_prefix_length(mask, longest) for longest in (2, 3, 4)] == [2, 0, 0]
    assert common_prefix_length(compile_mask(constraints.pattern(ABC, "(abc)*")), 2) == 0
    assert common_prefix_length(compile_mask(constraints.pattern(ABC, "(abc)+")), 5) == 3


def test_common_prefix_counts_no_boundary_and_no_more_than_the_maximum() -> None:
    alone = Vocab(".a")
    assert common_prefix_length(compile_mask(constraints.any_text(alone)), 3) == 0
    assert common_prefix_length(compile_mask(constraints.min_length(alone, 3)), 3) == 3
    assert common_prefix_length(compile_mask(constraints.min_length(alone, 3)), 9) == 3
    assert common_prefix_length(compile_mask(constraints.charset(ABC, "")), 9) == 0
