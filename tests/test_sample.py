"""Laws of the sampler: what a sample depends on, and what it keeps."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import pytest
from automata_cases import ABC, PATTERNS
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from three_letters import KEY, MODEL, OPTIONS, VARIABLES, draw, every_option, logits_after, matching

from wavenet_jax import constraints
from wavenet_jax import sample as sampling
from wavenet_jax.errors import InputError
from wavenet_jax.rules import tables
from wavenet_jax.sample import BLOCK, PIECE, draw_stream
from wavenet_jax.strategies import Strategy


def stream(length: int, **options: Any) -> Iterator[str]:
    return draw_stream(MODEL, VARIABLES, ABC, KEY, length=length, **options)


@every_option
def test_sample_depends_on_its_number_and_key_alone(options: dict[str, Any]) -> None:
    n = BLOCK + 2_000 if options == OPTIONS["plain"] else 500
    many = draw(n, **options)
    assert len(many) == n
    for number in (0, 1, 63, 64, 255, n // 2, n - 1):
        assert draw(1, first=number, **options) == [many[number]]
    assert draw(150, **options) == many[:150]
    assert draw(150, first=n - 150, **options) == many[-150:]
    assert len({one.nll_nats for one in many}) > 10
    assert draw(500, jax.random.key(8), **options) != many[:500]


@pytest.mark.parametrize("lanes", [1, 7])
@every_option
def test_sample_is_the_same_however_many_are_drawn_beside_it(
    options: dict[str, Any], lanes: int
) -> None:
    for one, other in zip(draw(300, **options), draw(300, lanes=lanes, **options), strict=True):
        assert one == other._replace(nll_nats=one.nll_nats)
        assert one.nll_nats == pytest.approx(other.nll_nats, abs=1e-5)


@pytest.mark.parametrize("n", [127, 128, 129, 1_000])
def test_sample_is_the_same_however_small_the_blocks_are(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 128 documents here, two for each lane, for want of room for more."""
    expected = draw(n)
    monkeypatch.setattr(sampling, "_MAX_CHARACTERS", 1_000)
    assert draw(n) == expected


def test_none_are_drawn_where_none_are_wanted() -> None:
    assert draw(0) == []


@settings(max_examples=120)
@given(
    PATTERNS,
    st.sampled_from([0, 0, 0, 2, 4]),
    st.integers(0, 6),
    st.sampled_from(["", "", "", "a", "cb"]),
    st.sampled_from(["abc", "abc", "ab", "bc"]),
    st.booleans(),
    st.sampled_from([Strategy(), Strategy(0.0), Strategy(3.0), Strategy(1.0, 2, 0.9)]),
    st.integers(0, 2**16),
)
def test_every_sample_keeps_the_constraints(
    regex: str,
    shortest: int,
    room: int,
    prefix: str,
    allowed: str,
    exact: bool,
    strategy: Strategy,
    seed: int,
) -> None:
    longest = shortest + room
    parts = {
        "prefix": constraints.beginning(ABC, prefix),
        "pattern": constraints.pattern(ABC, regex),
        "allow": constraints.alphabet(ABC, allowed, ""),
    }
    try:
        automaton = constraints.require_feasible(ABC, parts, shortest, longest)
    except InputError:
        assume(False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "_ATTEMPTS", 300)
        key, rules = jax.random.key(seed), tables(automaton)
        try:
            samples = draw(64, key, longest, rules=rules, exact=exact, strategy=strategy)
        except InputError:
            assert exact
            return
    assert len(samples) == 64
    for one in samples:
        assert re.fullmatch(regex, one.text)
        assert one.text.startswith(prefix)
        assert set(one.text) <= {*allowed}
        assert shortest <= len(one.text) <= longest
        assert one.ended or len(one.text) == longest
        assert one.ended or not exact
        assert one.attempts == 1 or exact


@pytest.mark.parametrize("regex", [".*", "[a-c]*", "(a|b|c)*"])
def test_rules_that_allow_everything_change_nothing(regex: str) -> None:
    assert draw(300, rules=matching(regex)) == draw(300)


def test_maximum_length_cuts_off_and_says_where_the_model_would_have_gone_on() -> None:
    whole, cut = draw(300, max_length=30), draw(300, max_length=2)
    assert [one.text for one in cut] == [one.text[:2] for one in whole]
    assert [one.ended for one in cut] == [len(one.text) <= 2 for one in whole]
    assert len(Counter((len(one.text), one.ended) for one in cut)) == 4
    for one, other in zip(whole, cut, strict=True):
        assert other.nll_nats == one.nll_nats if other.ended else other.nll_nats < one.nll_nats


def test_exact_samples_all_end_in_time() -> None:
    samples = draw(300, max_length=2, exact=True)
    assert all(one.ended for one in samples)
    assert {len(one.text) for one in samples} == {0, 1, 2}
    thrown = sum(one.attempts - 1 for one in samples)
    assert thrown > 30
    # What is not thrown away is drawn as without exact.
    free = draw(300, max_length=2)
    for one, other in zip(samples, free, strict=True):
        assert one.attempts > 1 or one.text == other.text
        assert (one.attempts > 1) != other.ended


def test_exact_gives_up_where_hardly_any_document_keeps_the_constraints(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampling, "_ATTEMPTS", 1_000)
    with pytest.raises(InputError, match=r"^exact rejected 1,000 documents for one that keeps"):
        draw(50, max_length=30, rules=matching("a?(bc){12}"), exact=True)
    assert len(draw(50, max_length=30, rules=matching("a?(bc){12}"))) == 50


def test_attempts_at_a_document_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of lanes beside it, which may be drawing what nobody asked for, do not count."""
    order: dict[str, Any] = {"rules": matching("[ab]c[ab]"), "exact": True}
    together = draw(100, **order)
    most = max(one.attempts for one in together)
    assert most > 4 * np.mean([one.attempts for one in together])
    monkeypatch.setattr(sampling, "_ATTEMPTS", most)
    for number in range(0, 100, 9):
        assert draw(1, first=number, **order) == together[number : number + 1]
        assert draw(1, first=number, lanes=1, **order)[0].text == together[number].text


@pytest.mark.parametrize("exact", [False, True])
def test_rules_that_no_document_keeps_are_refused(exact: bool) -> None:
    with pytest.raises(InputError, match=r"^no document of up to 2 characters keeps the rules"):
        draw(3, max_length=2, rules=matching("abc"), exact=exact)


def test_temperature_zero_draws_the_likeliest_document_each_time() -> None:
    text = ""
    while len(text) < 12 and logits_after(text).argmax():
        text += ABC.characters[logits_after(text).argmax()]
    cold = draw(70, strategy=Strategy(0.0))
    assert {(one.text, one.ended) for one in cold} == {(text, len(text) < 12)}


@pytest.mark.parametrize("length", [1, PIECE, PIECE + 5, 3 * PIECE])
def test_stream_has_its_length_and_begins_like_a_longer_one(length: int) -> None:
    rules = tables(constraints.beginning(ABC, "abba"[:length]))
    text = "".join(stream(length, rules=rules))
    assert len(text) == length
    assert set(text) <= set("abc")  # a stream has no boundary in it
    assert "".join(stream(4 * PIECE, rules=rules)).startswith(text)
    assert text.startswith("abba"[:length])


def test_stream_is_drawn_piece_by_piece() -> None:
    pieces = stream(10**12)
    assert len(next(pieces)) == len(next(pieces)) == PIECE


def test_alphabet_of_a_stream_holds_for_ever() -> None:
    prefix, alphabet = constraints.beginning(ABC, "bb"), constraints.alphabet(ABC, None, "c")
    text = "".join(stream(40 * PIECE, rules=tables(constraints.both(prefix, alphabet))))
    assert text.startswith("bb")
    assert set(text) == {"a", "b"}


def test_stream_leaves_the_rules_as_they_are() -> None:
    rules = matching(".*")
    assert len("".join(stream(PIECE, rules=rules))) == PIECE
    assert rules.needed[0, 0] == 0


@pytest.mark.parametrize("forbidden", ["", "b"])
def test_stream_of_temperature_zero_goes_on_with_the_likeliest(forbidden: str) -> None:
    rules = tables(constraints.alphabet(ABC, None, forbidden))
    never = [0, *map(ABC.characters.index, forbidden)]
    text = ""
    for _ in range(3 * PIECE):
        logits = logits_after(text).copy()
        logits[never] = -np.inf
        text += ABC.characters[logits.argmax()]
    assert "".join(stream(3 * PIECE, rules=rules, strategy=Strategy(0.0))) == text
    assert len(set(text)) > 1
