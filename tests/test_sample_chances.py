"""How often each document is drawn, against the model's chances of all documents, added up."""

from collections import Counter
from math import sqrt
from typing import NamedTuple

import numpy as np
import pytest
from automata_cases import ABC, DOCUMENTS
from scipy.stats import chisquare
from three_letters import (
    FIELD,
    KEY,
    MODEL,
    VARIABLES,
    distribution,
    logits_after,
    matching,
    shares,
)

from wavenet_jax import constraints, evaluate
from wavenet_jax.rules import tables
from wavenet_jax.sample import Sample, draw_samples, draw_stream
from wavenet_jax.strategies import AS_LEARNED, Strategy

N = 20_000
FALSE_ALARM = 1e-5  # of keys


class Asked(NamedTuple):
    regex: str = ".*"
    exact: bool = False
    strategy: Strategy = AS_LEARNED
    max_length: int = 3

    def draw(self, n: int = N) -> list[Sample]:
        return list(
            draw_samples(
                MODEL,
                VARIABLES,
                ABC,
                KEY,
                n=n,
                max_length=self.max_length,
                rules=matching(self.regex),
                exact=self.exact,
                strategy=self.strategy,
            )
        )

    def chances(self) -> dict[tuple[str, bool], float]:
        return distribution(self.regex, self.max_length, self.strategy, exact=self.exact)


def assert_as_often(observed: np.ndarray, chances: np.ndarray) -> None:
    """Chi-square, of which what is too rare for its condition is one more class."""
    expected = observed.sum() * chances / chances.sum()
    is_rare = expected < 5
    observed = np.append(observed[~is_rare], observed[is_rare].sum())
    expected = np.append(expected[~is_rare], expected[is_rare].sum())
    some = expected > 0
    assert not observed[~some].any()
    assert len(some) > 2
    assert chisquare(observed[some], expected[some]).pvalue > FALSE_ALARM


HOT, COLD = Strategy(2.0), Strategy(0.5)
CASES = [
    *(Asked(".*", exact, one) for exact in (False, True) for one in (AS_LEARNED, HOT, COLD)),
    *(Asked("[ab]+", exact, one) for exact in (False, True) for one in (AS_LEARNED, HOT, COLD)),
    Asked(".*a", max_length=2),
    Asked(".*a", exact=True, max_length=2),
    Asked("a?b?c?", exact=True),
    # All begin alike, with "a", with "ab", with all that they are, with "a" for want of room.
    Asked("a.*"),
    Asked("a[bc]+", exact=True),
    Asked("ab.*", exact=True, max_length=4),
    Asked("ab[bc]*", exact=True, max_length=4),
    Asked("ab.*c", exact=True, strategy=HOT, max_length=4),
    Asked("ab[ac]+", exact=True, strategy=COLD, max_length=4),
    Asked("abc|acb|cab.", exact=True),
    # Some of what is forbidden is likelier than some of what is kept.
    Asked(".*", strategy=Strategy(top_k=2)),
    Asked("[ab]*", strategy=Strategy(top_k=2)),
    Asked("[ac]*", exact=True, strategy=Strategy(top_k=3)),
    Asked("[bc]*", exact=True, strategy=Strategy(2.0, top_k=3)),
    Asked("b[ac]*", exact=True, strategy=Strategy(top_k=3)),
    Asked(".*", strategy=Strategy(top_p=0.7)),
    Asked("[ab]*", strategy=Strategy(0.5, top_p=0.9)),
    Asked("[ac]*", exact=True, strategy=Strategy(top_p=0.8)),
    Asked("b[ac]*", exact=True, strategy=Strategy(2.0, top_k=3, top_p=0.85)),
]


@pytest.mark.parametrize("asked", CASES, ids=str)
def test_documents_are_as_frequent_as_their_chances_say(asked: Asked) -> None:
    """Chi-square over all documents; false alarm once in 100,000 keys."""
    chances = asked.chances()
    drawn = Counter((one.text, one.ended) for one in asked.draw())
    assert set(drawn) <= set(chances)
    observed = np.array([drawn[outcome] for outcome in chances])
    assert_as_often(observed, np.array(list(chances.values())))


def test_cases_tell_exact_from_local_chances() -> None:
    """By a chi-square that is expected to be far larger than chance makes it."""
    for asked in CASES:
        if asked.exact and not asked.regex.endswith(".*"):
            chances = asked.chances()
            exact = np.array(list(chances.values())) / sum(chances.values())
            local = distribution(asked.regex, asked.max_length, asked.strategy)
            ended = np.array([local.get(outcome, 0) for outcome in chances])
            ended /= ended.sum()
            assert N * (np.square(exact - ended) / exact).sum() > 100, asked


def begins(asked: Asked) -> float:
    """Return the chance of the first letters that some document begins with."""
    first = {outcome[0][:1] for outcome in asked.chances()}
    each = zip(("", *"abc"), shares(logits_after(""), asked.strategy), strict=True)
    return float(sum(chance for letter, chance in each if letter in first))


@pytest.mark.parametrize(
    "asked",
    [
        Asked(".*", exact=True),
        Asked(".*", exact=True, strategy=HOT),
        Asked("[ab]+", exact=True),
        Asked(".*a", exact=True, max_length=2),
        Asked("[ac]*", exact=True, strategy=Strategy(top_k=3)),
        Asked("[ac]*", exact=True, strategy=Strategy(top_p=0.8)),
    ],
    ids=str,
)
def test_attempts_are_as_many_as_the_share_of_what_is_kept_asks_for(asked: Asked) -> None:
    """Normal test of a geometric distribution's mean; false alarm once in 100,000 keys.

    First letters that nothing begins with are left out, as that changes no chances, unless the
    strategy takes them into account.
    """
    kept = sum(asked.chances().values())
    if asked.strategy.top_k is None and asked.strategy.top_p is None:
        kept /= begins(asked)
    attempts = np.array([one.attempts for one in asked.draw()])
    assert attempts.min() == 1
    assert abs(attempts.mean() - 1 / kept) < 4.42 * sqrt((1 - kept) / N) / kept


@pytest.mark.parametrize("asked", [Asked("ab.*"), Asked("a?", max_length=9)], ids=str)
def test_nothing_is_thrown_away_unless_exact(asked: Asked) -> None:
    assert {one.attempts for one in asked.draw(500)} == {1}


def test_nothing_is_thrown_away_where_all_documents_are_one() -> None:
    # The second for want of room for another.
    for asked in (Asked("abca", exact=True, max_length=9), Asked("a(bb)+", exact=True)):
        assert len({one.text for one in asked.draw(500)}) == 1
        assert {one.attempts for one in asked.draw(500)} == {1}


def summed(texts: list[str]) -> list[np.ndarray]:
    return evaluate.score(MODEL, VARIABLES, ABC, texts, stream=False)


@pytest.mark.parametrize(
    "asked",
    [
        Asked(max_length=4),
        Asked(max_length=30),
        Asked("[ab]*", max_length=4),
        Asked(".*", exact=True, max_length=4),
        Asked("ab.*c", exact=True, max_length=8),
        Asked(strategy=HOT, max_length=4),
        Asked("[bc]*", strategy=Strategy(0.0), max_length=8),
        Asked("[bc]*", exact=True, strategy=Strategy(0.5, top_k=3, top_p=0.9), max_length=8),
    ],
    ids=str,
)
def test_likelihood_of_a_sample_is_the_models_however_it_was_drawn(asked: Asked) -> None:
    samples = asked.draw(300)
    scores = summed([one.text for one in samples])
    expected = [
        score.sum() if one.ended else score[:-1].sum()
        for one, score in zip(samples, scores, strict=True)
    ]
    np.testing.assert_allclose([one.nll_nats for one in samples], expected, atol=1e-4)


def test_chances_of_all_documents_add_up_to_one() -> None:
    """Those of up to five letters, and those that begin with any six."""
    longer = [text + letter for text in DOCUMENTS if len(text) == 5 for letter in "abc"]
    assert len(longer) == 3**6
    scores = summed(DOCUMENTS + longer)
    ended = sum(np.exp(-score.sum()) for score in scores[: len(DOCUMENTS)])
    going_on = sum(np.exp(-score[:-1].sum()) for score in scores[len(DOCUMENTS) :])
    assert 0.05 < going_on < 0.95
    assert ended + going_on == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("strategy", [AS_LEARNED, COLD], ids=str)
@pytest.mark.parametrize("forbidden", ["", "c"])
def test_characters_of_a_stream_are_as_frequent_as_what_came_before_says(
    strategy: Strategy, forbidden: str
) -> None:
    """Chi-square over each letter behind each four; false alarm once in 100,000 keys.

    The boundary is left out, and what is forbidden.
    """
    text = "".join(
        draw_stream(
            MODEL,
            VARIABLES,
            ABC,
            KEY,
            length=N,
            rules=tables(constraints.alphabet(ABC, None, forbidden)),
            strategy=strategy,
        )
    )
    letters = [letter for letter in "abc" if letter not in forbidden]
    drawn = Counter(text[at : at + FIELD + 1] for at in range(N - FIELD))
    observed, chances = [], []
    for before in (one for one in DOCUMENTS if len(one) == FIELD):
        counts = [drawn[before + letter] for letter in letters]
        allowed = [ABC.characters.index(letter) for letter in letters]
        each = shares(logits_after(before)[allowed], strategy)
        observed += counts
        chances += (sum(counts) * each).tolist()
    assert sum(observed) == N - FIELD
    assert_as_often(np.array(observed), np.array(chances))
