"""Tokens against NumPy: which each strategy may sample, and how often."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import chisquare

from wavenet_jax.sampling import SamplingParams, sample_token

V = 6
ROWS = 4_000
# Such that no difference between two of them is rounded.
LOGITS = st.lists(st.integers(-512, 512).map(lambda number: number / 64), min_size=V, max_size=V)
MASKS = st.lists(st.booleans(), min_size=V, max_size=V).filter(any)


@jax.jit
def sample_rows(key: jax.Array, logits: jax.Array, params: SamplingParams) -> jax.Array:
    keys = jax.random.split(key, len(logits))
    return jax.vmap(sample_token, (0, 0, None))(keys, logits, params)


def tokens(logits: np.ndarray, params: SamplingParams, seed: int = 0) -> np.ndarray:
    """Sample once for each of the rows `[N, V]`, each with a key of its own."""
    return np.asarray(sample_rows(jax.random.key(seed), np.asarray(logits, np.float32), params))


def counts(logits: list[float] | np.ndarray, params: SamplingParams, seed: int = 0) -> np.ndarray:
    """Sample from the same logits `[V]` with thousands of keys; return how often each: `[V]`."""
    return np.bincount(tokens(np.tile(logits, (ROWS, 1)), params, seed), minlength=V)


def masked(logits: list[float], mask: list[bool]) -> np.ndarray:
    return np.where(mask, logits, -np.inf)


def random_rows(seed: int, size: float = 3.0) -> np.ndarray:
    """Return rows of which some tokens, but not all, must not be sampled."""
    rng = np.random.default_rng(seed)
    is_kept = rng.random((ROWS, V)) < rng.random((ROWS, 1))
    is_kept[np.arange(ROWS), rng.integers(V, size=ROWS)] = True
    return np.where(is_kept, size * rng.normal(size=(ROWS, V)), -np.inf)


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    weights = np.exp((logits - logits.max()) / temperature)
    return weights / weights.sum()


def is_clear(logits: np.ndarray, top_k: int | None, top_p: float) -> bool:
    """Tell whether rounding cannot decide what top-p keeps."""
    sums = np.cumsum(np.sort(softmax(logits[sorted(kept(logits, top_k, None))]))[::-1])
    return top_p == 1 or bool(np.abs(sums - top_p).min() > 1e-5)


def kept(logits: np.ndarray, top_k: int | None, top_p: float | None) -> set[int]:
    """Return the tokens that may be sampled, by sorting."""
    order = np.argsort(-logits, kind="stable")
    if top_k is not None:
        order = order[logits[order] >= logits[order[:top_k]].min()]
    order = order[np.isfinite(logits[order])]
    if top_p is not None:
        sums = np.cumsum(softmax(logits[order]))
        crossing = order[np.argmax(sums >= min(top_p, sums[-1]))]
        order = order[logits[order] >= logits[crossing]]
    return set(order.tolist())


@pytest.mark.parametrize("params", [SamplingParams(0.0), SamplingParams(0.0, top_k=3, top_p=0.7)])
def test_temperature_zero_takes_the_likeliest(params: SamplingParams) -> None:
    logits = random_rows(0)
    np.testing.assert_array_equal(tokens(logits, params), logits.argmax(1))
    ties = np.round(logits)
    np.testing.assert_array_equal(tokens(ties, params), ties.argmax(1))


@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 1e-37])
def test_temperature_near_zero_takes_the_likeliest(temperature: float) -> None:
    logits = random_rows(1)
    logits = np.where(logits == logits.max(1, keepdims=True), logits + 1, logits)
    np.testing.assert_array_equal(tokens(logits, SamplingParams(temperature)), logits.argmax(1))


def test_top_k_of_one_takes_the_likeliest() -> None:
    logits = random_rows(2)
    np.testing.assert_array_equal(tokens(logits, SamplingParams(top_k=1)), logits.argmax(1))
    np.testing.assert_array_equal(tokens(logits, SamplingParams(2.0, top_k=1)), logits.argmax(1))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    ("top_k", "top_p"), [(V, None), (V + 1, None), (10**6, None), (None, 1.0), (V, 1.0)]
)
def test_strategies_that_keep_every_token_change_nothing(
    temperature: float, top_k: int | None, top_p: float | None
) -> None:
    for seed in range(3):
        logits = random_rows(seed)
        expected = tokens(logits, SamplingParams(temperature), seed)
        sampled = tokens(logits, SamplingParams(temperature, top_k, top_p), seed)
        np.testing.assert_array_equal(sampled, expected)
    assert len(set(expected)) == V


@given(LOGITS, MASKS, st.integers(1, V + 1))
def test_top_k_samples_from_the_k_likeliest_alone(
    values: list[float], mask: list[bool], top_k: int
) -> None:
    logits = masked(values, mask)
    sampled = counts(logits, SamplingParams(8.0, top_k=top_k))
    # At this temperature none of them is rarer than 1 in 50.
    assert set(np.flatnonzero(sampled)) == kept(logits, top_k, None)


@given(LOGITS, MASKS, st.floats(2**-10, 1, width=32), st.integers(0, 2**16))
def test_top_p_samples_from_the_likeliest_up_to_the_token_that_crosses_p(
    values: list[float], mask: list[bool], top_p: float, seed: int
) -> None:
    logits = masked([value / 4 for value in values], mask)  # so that none is rarer than 1 in 300
    assume(is_clear(logits, None, top_p))
    sampled = counts(logits, SamplingParams(top_p=top_p), seed)
    assert set(np.flatnonzero(sampled)) == kept(logits, None, top_p)


@given(LOGITS, MASKS, st.integers(1, V), st.floats(2**-10, 1, width=32), st.integers(0, 2**16))
def test_top_p_sums_over_the_tokens_that_top_k_keeps(
    values: list[float], mask: list[bool], top_k: int, top_p: float, seed: int
) -> None:
    logits = masked([value / 4 for value in values], mask)
    assume(is_clear(logits, top_k, top_p))
    sampled = counts(logits, SamplingParams(top_k=top_k, top_p=top_p), seed)
    assert set(np.flatnonzero(sampled)) == kept(logits, top_k, top_p)


def test_top_k_comes_before_top_p_and_temperature_before_both() -> None:
    logits = np.log([0.4, 0.3, 0.2, 0.06, 0.03, 0.01])
    support = {
        SamplingParams(top_p=0.65): {0, 1},
        SamplingParams(top_k=2, top_p=0.65): {0, 1},
        SamplingParams(top_k=2, top_p=0.55): {0},  # 0.4 of 0.7 is more than that, 0.4 of 1 is not
        SamplingParams(top_p=0.55): {0, 1},
        SamplingParams(0.5, top_p=0.55): {0, 1},  # 0.16 of 0.2946
        SamplingParams(0.5, top_p=0.5): {0},
        SamplingParams(top_p=0.5): {0, 1},
        SamplingParams(2.0, top_p=0.65): {0, 1, 2},  # 0.632 of 2.098 and so on: 0.30, 0.56, 0.78
    }
    for params, expected in support.items():
        assert set(np.flatnonzero(counts(logits, params))) == expected, params


@pytest.mark.parametrize("top_p", [1e-30, 1e-9, 1e-3])
def test_very_small_top_p_leaves_the_likeliest(top_p: float) -> None:
    logits = random_rows(3)
    np.testing.assert_array_equal(tokens(logits, SamplingParams(top_p=top_p)), logits.argmax(1))


def test_equally_likely_tokens_are_kept_together() -> None:
    logits = np.array([1.0, 2.0, 1.0, 0.0, 1.0, -np.inf])
    for params in (SamplingParams(top_k=2), SamplingParams(top_k=3), SamplingParams(top_p=0.6)):
        assert set(np.flatnonzero(counts(logits, params))) == {0, 1, 2, 4}


FREQUENCIES = [
    *(SamplingParams(temperature) for temperature in (0.5, 1.0, 2.0)),
    SamplingParams(0.5, top_k=4),
    SamplingParams(2.0, top_k=3),
    SamplingParams(2.0, top_p=0.8),
    SamplingParams(2.0, top_k=5, top_p=0.9),
]


@pytest.mark.parametrize("params", FREQUENCIES, ids=str)
def test_frequencies_are_the_softmax_over_the_kept_tokens(params: SamplingParams) -> None:
    """Chi-square; false alarm once in 100,000 keys."""
    logits = np.array([0.3, -0.5, -np.inf, 1.2, 0.7, -1.0])
    probabilities = softmax(logits, params.temperature)
    left = kept(logits / params.temperature, params.top_k, params.top_p)
    probabilities[[index for index in range(V) if index not in left]] = 0
    expected = ROWS * probabilities / probabilities.sum()
    sampled = counts(logits, params, seed=1)
    assert not sampled[expected == 0].any()
    assert np.min(expected[expected > 0]) > 5  # chi-square's own condition
    assert chisquare(sampled[expected > 0], expected[expected > 0]).pvalue > 1e-5


EVERY_KIND = [
    SamplingParams(),
    SamplingParams(1e-30),
    SamplingParams(1e30),
    SamplingParams(0.0),
    SamplingParams(top_k=2),
    SamplingParams(3.0, top_k=3, top_p=0.99),
    SamplingParams(top_p=1.0),
    SamplingParams(top_p=1e-9),
]


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e4, 1e37])
@pytest.mark.parametrize("params", EVERY_KIND, ids=str)
def test_a_masked_token_is_never_sampled(params: SamplingParams, size: float) -> None:
    logits = random_rows(4, size)
    for shift in (0, 10 * size):  # which leaves the differences between two of them as they are
        sampled = tokens(logits + np.float32(shift), params)
        assert np.isfinite(logits[np.arange(ROWS), sampled]).all()


Uniform = Callable[[float], None]


@pytest.fixture
def uniform(monkeypatch: pytest.MonkeyPatch) -> Uniform:
    """Return a function that fixes every uniform random number."""
    return lambda number: monkeypatch.setattr(jax.random, "uniform", lambda _: jnp.float32(number))


@pytest.mark.parametrize("params", EVERY_KIND, ids=str)
@pytest.mark.parametrize("number", [0.0, 1 - 2**-23])
def test_ends_of_the_uniform_numbers_take_the_first_and_the_last_possible_token(
    params: SamplingParams, number: float, uniform: Uniform
) -> None:
    uniform(number)
    logits = random_rows(5, size=0.1)
    sampled = jax.vmap(sample_token, (None, 0, None))(
        jax.random.key(0), jnp.float32(logits), params
    )
    for row, index in zip(logits, sampled.tolist(), strict=True):
        possible = np.flatnonzero(np.isfinite(row))
        assert index in possible
        if params in {SamplingParams(), SamplingParams(1e30), SamplingParams(top_p=1.0)}:
            assert index == possible[0 if number else -1]


@pytest.mark.parametrize("number", [0.0, 2**-23, 0.5])
def test_a_rare_token_is_not_sampled_for_being_the_first(number: float, uniform: Uniform) -> None:
    uniform(number)
    logits = jnp.array([-70.0, 0.0, 1.0])
    assert sample_token(jax.random.key(0), logits, SamplingParams()) > 0
