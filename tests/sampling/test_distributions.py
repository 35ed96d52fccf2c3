"""Frequencies of samples against the model's probabilities of all documents, summed up."""

from collections import Counter
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.stats import chisquare
from support.automata_cases import ABC, DOCUMENTS
from support.three_letters import (
    FIELD,
    KEY,
    MODEL,
    VARIABLES,
    distribution,
    logits_after,
    mask_of,
    probabilities,
    sample,
)

from wavenet_jax import constraints
from wavenet_jax.constraints import compile_mask
from wavenet_jax.evaluation import score_texts
from wavenet_jax.sampling import Sample, SamplingParams, sample_text, text_params

N = 20_000
FALSE_ALARM = 1e-5  # of keys
PLAIN, HOT, COLD = SamplingParams(), SamplingParams(2.0), SamplingParams(0.5)


class Case(NamedTuple):
    regex: str = ".*"
    exact: bool = False
    sampling: SamplingParams = PLAIN
    max_length: int = 3
    is_cut: bool = True

    def sample(self, n: int = N) -> list[Sample]:
        regex, exact, *_, is_cut = self
        common: dict[str, Any] = {"max_length": self.max_length, "sampling": self.sampling}
        return sample(n, mask=mask_of(regex), exact=exact, is_cut=is_cut, **common)

    def distribution(self) -> dict[tuple[str, bool], float]:
        common: dict[str, Any] = {"exact": self.exact, "is_cut": self.is_cut}
        return distribution(self.regex, self.max_length, self.sampling, **common)


def assert_as_often(observed: np.ndarray, expected: np.ndarray) -> None:
    """Chi-square; outcomes that are too rare for its condition are one class together."""
    expected = observed.sum() * expected / expected.sum()
    is_rare = expected < 5
    observed = np.append(observed[~is_rare], observed[is_rare].sum())
    expected = np.append(expected[~is_rare], expected[is_rare].sum())
    possible = expected > 0
    assert not observed[~possible].any()
    assert len(possible) > 2
    assert chisquare(observed[possible], expected[possible]).pvalue > FALSE_ALARM


CASES = [
    *(Case(".*", exact, each) for exact in (False, True) for each in (PLAIN, HOT, COLD)),
    *(Case("[ab]+", exact, each) for exact in (False, True) for each in (PLAIN, HOT, COLD)),
    Case(".*a", max_length=2),
    Case(".*a", exact=True, max_length=2),
    Case("a?b?c?", exact=True),
    # Made to end in time.
    Case(is_cut=False),
    Case(sampling=HOT, max_length=4, is_cut=False),
    Case("(.*a)?", max_length=2, is_cut=False),
    Case("[ab]*c", max_length=4, is_cut=False),
    # All begin alike: with "a", with "ab", with all that they are, with "a" for want of room.
    Case("a.*"),
    Case("a[bc]+", exact=True),
    Case("ab.*", exact=True, max_length=4),
    Case("ab[bc]*", exact=True, max_length=4),
    Case("ab.*c", exact=True, sampling=HOT, max_length=4),
    Case("ab[ac]+", exact=True, sampling=COLD, max_length=4),
    Case("abc|acb|cab.", exact=True),
    # Some forbidden tokens are likelier than some kept tokens.
    Case(".*", sampling=SamplingParams(top_k=2)),
    Case("[ab]*", sampling=SamplingParams(top_k=2)),
    Case("[ac]*", exact=True, sampling=SamplingParams(top_k=3)),
    Case("[bc]*", exact=True, sampling=SamplingParams(2.0, top_k=3)),
    Case("b[ac]*", exact=True, sampling=SamplingParams(top_k=3)),
    Case(".*", sampling=SamplingParams(top_p=0.7)),
    Case("[ab]*", sampling=SamplingParams(0.5, top_p=0.9)),
    Case("[ac]*", exact=True, sampling=SamplingParams(top_p=0.8)),
    Case("b[ac]*", exact=True, sampling=SamplingParams(2.0, top_k=3, top_p=0.85)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_documents_are_as_frequent_as_their_probabilities(case: Case) -> None:
    """Chi-square over all documents; false alarm once in 100,000 keys."""
    expected = case.distribution()
    sampled = Counter((each.text, each.ended) for each in case.sample())
    assert set(sampled) <= set(expected)
    observed = np.array([sampled[outcome] for outcome in expected])
    assert_as_often(observed, np.array(list(expected.values())))


def test_cases_tell_exact_from_masked_sampling() -> None:
    """By a chi-square that is expected to be far larger than chance makes it."""
    for case in CASES:
        if case.exact and not case.regex.endswith(".*"):
            outcomes = case.distribution()
            exact = np.array(list(outcomes.values())) / sum(outcomes.values())
            masked = distribution(case.regex, case.max_length, case.sampling)
            ended = np.array([masked.get(outcome, 0) for outcome in outcomes])
            ended /= ended.sum()
            assert N * (np.square(exact - ended) / exact).sum() > 100, case


def test_documents_alone_are_as_frequent_as_their_probabilities() -> None:
    """As above, where the attempts at each document are spread over all slots."""
    case = Case("[ab]c|c[ab]|bac", exact=True)
    expected, mask = case.distribution(), mask_of(case.regex)
    alone = [sample(1, first=i, max_length=3, mask=mask, exact=True) for i in range(600)]
    sampled = Counter((each.text, each.ended) for (each,) in alone)
    assert len(expected) == 5
    assert_as_often(np.array([sampled[o] for o in expected]), np.array(list(expected.values())))


def begins(case: Case) -> float:
    """Return the probability of the first letters that some document begins with."""
    first = {text[:1] for text, _ in case.distribution()}
    each = zip(("", *"abc"), probabilities(logits_after(""), case.sampling), strict=True)
    return float(sum(probability for letter, probability in each if letter in first))


@pytest.mark.parametrize(
    "case",
    [
        Case(".*", exact=True),
        Case(".*", exact=True, sampling=HOT),
        Case("[ab]+", exact=True),
        Case(".*a", exact=True, max_length=2),
        Case("[ac]*", exact=True, sampling=SamplingParams(top_k=3)),
        Case("[ac]*", exact=True, sampling=SamplingParams(top_p=0.8)),
    ],
    ids=str,
)
def test_attempts_are_as_many_as_the_probability_of_acceptance_needs(case: Case) -> None:
    """Normal test of a geometric distribution's mean; false alarm once in 100,000 keys.

    First letters that no document begins with are masked, as that changes no probabilities, unless
    top-k or top-p look at them.
    """
    accepted = sum(case.distribution().values())
    if case.sampling.top_k is None and case.sampling.top_p is None:
        accepted /= begins(case)
    attempts = np.array([each.attempts for each in case.sample()])
    assert attempts.min() == 1
    assert abs(attempts.mean() - 1 / accepted) < 4.42 * sqrt((1 - accepted) / N) / accepted


@pytest.mark.parametrize("case", [Case("ab.*"), Case("a?", max_length=9)], ids=str)
def test_no_attempt_is_rejected_without_exact(case: Case) -> None:
    assert {each.attempts for each in case.sample(500)} == {1}


def test_no_attempt_is_rejected_where_all_documents_are_the_same() -> None:
    # The second for want of room for another.
    for case in (Case("abca", exact=True, max_length=9), Case("a(bb)+", exact=True)):
        assert len({each.text for each in case.sample(500)}) == 1
        assert {each.attempts for each in case.sample(500)} == {1}


def scores(texts: list[str]) -> list[list[float]]:
    return [each.nll_nats for each in score_texts(MODEL, VARIABLES, ABC, texts, is_text=False)]


@pytest.mark.parametrize(
    "case",
    [
        Case(max_length=4),
        Case(max_length=30),
        Case("[ab]*", max_length=4),
        Case(".*", exact=True, max_length=4),
        Case("ab.*c", exact=True, max_length=8),
        Case(sampling=HOT, max_length=4),
        Case("[bc]*", sampling=SamplingParams(0.0), max_length=8),
        Case("[bc]*", exact=True, sampling=SamplingParams(0.5, top_k=3, top_p=0.9), max_length=8),
    ],
    ids=str,
)
def test_likelihood_of_a_sample_is_the_models_however_it_was_sampled(case: Case) -> None:
    samples = case.sample(300)
    expected = [
        sum(nats) if each.ended else sum(nats[:-1])
        for each, nats in zip(samples, scores([each.text for each in samples]), strict=True)
    ]
    np.testing.assert_allclose([each.nll_nats for each in samples], expected, atol=1e-4)


def test_probabilities_of_all_documents_add_up_to_one() -> None:
    """Those of up to five letters, and those that begin with any six."""
    longer = [text + letter for text in DOCUMENTS if len(text) == 5 for letter in "abc"]
    assert len(longer) == 3**6
    nats = scores(DOCUMENTS + longer)
    ended = sum(np.exp(-sum(each)) for each in nats[: len(DOCUMENTS)])
    going_on = sum(np.exp(-sum(each[:-1])) for each in nats[len(DOCUMENTS) :])
    assert 0.05 < going_on < 0.95
    assert ended + going_on == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("sampling", [PLAIN, COLD], ids=str)
@pytest.mark.parametrize("forbidden", ["", "c"])
def test_characters_of_a_text_are_as_frequent_as_the_characters_before_them_say(
    sampling: SamplingParams, forbidden: str
) -> None:
    """Chi-square over each letter after each four; false alarm once in 100,000 keys.

    The boundary and the forbidden letters are left out.
    """
    params = text_params(compile_mask(constraints.excludes_charset(ABC, forbidden)), sampling)
    text = "".join(sample_text(MODEL, VARIABLES, ABC, KEY, params, N))
    letters = [letter for letter in "abc" if letter not in forbidden]
    sampled = Counter(text[at : at + FIELD + 1] for at in range(N - FIELD))
    observed, expected = [], []
    for before in (each for each in DOCUMENTS if len(each) == FIELD):
        counts = [sampled[before + letter] for letter in letters]
        allowed = [ABC.characters.index(letter) for letter in letters]
        following = probabilities(logits_after(before)[allowed], sampling)
        observed += counts
        expected += (sum(counts) * following).tolist()
    assert sum(observed) == N - FIELD
    assert_as_often(np.array(observed), np.array(expected))
