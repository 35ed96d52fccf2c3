"""Automata against all documents of up to five letters, enumerated."""

import numpy as np
import pytest
from hypothesis import given
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
from wavenet_jax.constraints.automata import has_document
from wavenet_jax.data import Vocab
from wavenet_jax.errors import InputError


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
