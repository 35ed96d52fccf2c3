"""Automata against all documents of up to five letters, enumerated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.automata_cases import (
    ABC,
    DOCUMENTS,
    LENGTHS,
    LETTERS,
    PARTS,
    language,
    state_after,
)

from wavenet_jax import constraints
from wavenet_jax.constraints import Automaton, accepts, count_documents, endless, intersect
from wavenet_jax.constraints.automata import distances, distinct, has_document, minimize
from wavenet_jax.data import Vocab
from wavenet_jax.errors import InputError

MILLION = 1_000_000


@st.composite
def tables(draw: st.DrawFn) -> Automaton:
    """Draw any states, with chains, cycles, dead ends and such as nothing leads to."""
    size = draw(st.integers(1, 12))
    kinds = [
        st.integers(0, size - 1),
        st.just(size - 1),
        st.sampled_from([0, 1]).map(lambda step: -step),  # from the state itself
    ]
    row = st.lists(st.one_of(kinds), min_size=len(ABC) - 1, max_size=len(ABC) - 1)
    after = [[(i + 1) % size if to <= 0 else to for to in draw(row)] for i in range(size)]
    ends = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    return Automaton(np.insert(np.array(after, np.int32), 0, 0, axis=1), np.array(ends))


def swept_distances(automaton: Automaton) -> np.ndarray:
    """Return the distances as their definition says, a sweep over all states for each."""
    distance = np.where(automaton.accepts, 0, len(automaton.accepts))
    for _ in automaton.accepts:
        distance = np.minimum(distance, 1 + distance[automaton.transitions[:, 1:]].min(axis=1))
    return distance


def equivalent(automaton: Automaton) -> np.ndarray:
    """Tell which states accept the same texts, by the table of pairs (Moore, 1956): `[S, S]`."""
    after = automaton.transitions[:, 1:]
    same = automaton.accepts[:, None] == automaton.accepts
    for _ in automaton.accepts:
        same &= same[after[:, None], after[None]].all(axis=2)
    return same


@given(tables())
def test_distances_are_those_of_a_sweep_over_all_states(automaton: Automaton) -> None:
    found = distances(automaton.transitions[:, 1:], automaton.accepts)
    assert found.tolist() == swept_distances(automaton).tolist()


@settings(max_examples=300)
@given(tables())
def test_minimizing_merges_the_states_that_accept_the_same_and_no_others(
    automaton: Automaton,
) -> None:
    table, column = automaton.transitions[:, 1:], np.arange(len(ABC) - 1)
    found = minimize(table, automaton.accepts, column)
    _, label = distinct(equivalent(automaton))
    assert len(found.accepts) == label.max() + 1
    assert (found.accepts[label] == automaton.accepts).all()
    assert (found.transitions[label, 1:] == label[table]).all()


@given(tables())
def test_endless_is_the_greatest_fixed_point(automaton: Automaton) -> None:
    goes_on = swept_distances(automaton) < len(automaton.accepts)
    for _ in automaton.accepts:
        goes_on &= goes_on[automaton.transitions[:, 1:]].any(axis=1)
    assert endless(automaton).accepts.tolist() == (automaton.accepts & goes_on).tolist()


@given(tables(), st.integers(0, 40), st.integers(0, 15))
def test_document_of_the_lengths_is_found_in_any_table(
    automaton: Automaton, shortest: int, more: int
) -> None:
    reached, found = {0}, False
    for length in range(shortest + more + 1):
        found |= length >= shortest and bool(automaton.accepts[list(reached)].any())
        reached = {int(state) for each in reached for state in automaton.transitions[each, 1:]}
    assert has_document(automaton, shortest, shortest + more) == found


def test_long_chains_of_states_take_no_sweep_for_each() -> None:
    chain = intersect(constraints.min_length(ABC, 9_999), constraints.any_text(ABC))
    assert distances(chain.transitions[:, 1:], chain.accepts).tolist() == [*range(9_999, -1, -1)]
    for regex in (".{0,1900}[ab]*", ".{0,1900}a", "a{900}|b{1100}"):
        assert len(constraints.pattern(ABC, regex).accepts) > 1_900
    rows = np.minimum(np.arange(1, 10_001, dtype=np.int32), 9_999)
    ends = Automaton(np.stack([0 * rows, rows], axis=1), np.arange(10_000) < 9_999)
    assert not endless(ends).accepts.any()


@given(st.lists(PARTS, min_size=1, max_size=4))
def test_intersection_accepts_what_every_part_does_and_is_minimal(parts: list[Automaton]) -> None:
    together = intersect(*parts)
    expected = [text for text in DOCUMENTS if all(accepts(part, ABC, text) for part in parts)]
    assert language(together) == expected
    states = len(together.accepts)
    assert states <= np.prod([len(part.accepts) for part in parts])
    if states <= 6 and len(parts) > 1:
        assert {state_after(together, ABC, text) for text in DOCUMENTS} == set(range(states))
        assert len({tuple(language(together, state)) for state in range(states)}) == states


def test_product_that_grows_too_large_is_refused() -> None:
    parts = [constraints.pattern(ABC, f"(.{{{size}}})*") for size in (101, 103)]
    with pytest.raises(InputError, match="constraints together need more than 10,000 states"):
        intersect(*parts)


@given(PARTS)
def test_accepts_tells_where_a_document_leads(automaton: Automaton) -> None:
    assert [text for text in DOCUMENTS if accepts(automaton, ABC, text)] == language(automaton)


@given(PARTS, LENGTHS)
def test_document_of_the_lengths_is_found_where_there_is_one(
    automaton: Automaton, lengths: tuple[int, int]
) -> None:
    shortest, longest = lengths
    expected = any(shortest <= len(text) <= longest for text in language(automaton))
    assert has_document(automaton, shortest, longest) == expected


def test_document_of_the_lengths_is_found_where_lengths_repeat() -> None:
    even = constraints.pattern(ABC, "(..)*")
    assert not has_document(even, 9_001, 9_001)
    assert has_document(even, 9_001, 9_002)
    assert has_document(constraints.any_text(ABC), 10**9, 10**9)


@given(PARTS, LENGTHS)
def test_count_is_that_of_the_documents(automaton: Automaton, lengths: tuple[int, int]) -> None:
    shortest, longest = lengths
    expected = sum(shortest <= len(text) <= longest for text in language(automaton))
    together = intersect(automaton, constraints.min_length(ABC, shortest))
    assert count_documents(together, longest) == expected


@given(PARTS, st.integers(0, 5), st.integers(0, 400))
def test_count_is_exact_below_what_is_enough(
    automaton: Automaton, longest: int, enough: int
) -> None:
    exactly = count_documents(automaton, longest)
    counted = count_documents(automaton, longest, enough=enough)
    assert counted == exactly if exactly < enough else enough <= counted <= exactly


def test_count_is_exact_beyond_64_bits() -> None:
    name = constraints.pattern(LETTERS, "ma.{27}[aeiou]")
    assert count_documents(name, 29) == 0
    assert count_documents(name, 30) == 5 * 26**27
    assert count_documents(constraints.any_text(LETTERS), 40) == (26**41 - 1) // 25
    assert count_documents(constraints.any_text(LETTERS), 10**9, enough=100) == 27 + 26**2


@given(tables(), st.integers(0, 12))
def test_count_is_that_of_all_paths(automaton: Automaton, longest: int) -> None:
    ways, total = np.eye(len(automaton.accepts), dtype=int)[0], 0
    for _ in range(longest + 1):
        total += int(ways[automaton.accepts].sum())
        longer = np.zeros_like(ways)
        np.add.at(longer, automaton.transitions[:, 1:], ways[:, None])
        ways = longer
    assert count_documents(automaton, longest) == total


@pytest.mark.parametrize(
    ("regex", "longest", "number"),
    [
        ("anna", 10**12, 1),  # which counting on through dead states would never reach
        ("anna|bob|.{3}", 10**12, 26**3 + 1),
        ("", 10**12, 1),
        ("a$b", 10**12, 0),
        ("ab*|b", MILLION, MILLION + 1),
    ],
)
def test_count_leaves_out_what_cannot_accept(regex: str, longest: int, number: int) -> None:
    assert count_documents(constraints.pattern(LETTERS, regex), longest) == number


def test_endless_accepts_what_begins_longer_accepted_texts_without_end() -> None:
    vocab = Vocab(".xyz")
    only_x = constraints.charset(vocab, "xy")
    no_pair = intersect(only_x, *(constraints.excludes(vocab, t) for t in ("xx", "yy", "xy")))
    assert accepts(no_pair, vocab, "yx")  # and nothing may follow
    assert not endless(no_pair).accepts.any()
    alternating = intersect(only_x, *(constraints.excludes(vocab, t) for t in ("xx", "yy")))
    texts = ["", "x", "yx", "xyx", "xx", "z"]
    assert [accepts(endless(alternating), vocab, t) for t in texts] == [True] * 4 + [False] * 2
    started = endless(intersect(alternating, constraints.starts_with(vocab, "xy")))
    assert [accepts(started, vocab, t) for t in ("x", "xy", "xyx")] == [False, True, True]
