"""Choices against NumPy: what each strategy may choose, and how often."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import chisquare

from wavenet_jax.strategies import AS_LEARNED, Strategy, choose

V = 6
ROWS = 4_000
# Such that no difference between two of them is rounded.
LOGITS = st.lists(st.integers(-512, 512).map(lambda number: number / 64), min_size=V, max_size=V)
MASKS = st.lists(st.booleans(), min_size=V, max_size=V).filter(any)


@jax.jit
def choose_rows(key: jax.Array, logits: jax.Array, strategy: Strategy) -> jax.Array:
    keys = jax.random.split(key, len(logits))
    return jax.vmap(choose, (0, 0, None))(keys, logits, strategy)


def choices(logits: np.ndarray, strategy: Strategy, seed: int = 0) -> np.ndarray:
    """Choose once for each of the rows `[N, V]`, each with a key of its own."""
    return np.asarray(choose_rows(jax.random.key(seed), np.asarray(logits, np.float32), strategy))


def chosen(logits: list[float] | np.ndarray, strategy: Strategy, seed: int = 0) -> np.ndarray:
    """Choose from the same logits `[V]` with thousands of keys; return how often each: `[V]`."""
    return np.bincount(choices(np.tile(logits, (ROWS, 1)), strategy, seed), minlength=V)


def masked(logits: list[float], mask: list[bool]) -> np.ndarray:
    return np.where(mask, logits, -np.inf)


def random_rows(seed: int, size: float = 3.0) -> np.ndarray:
    """Return rows of which some characters, but not all, are never chosen."""
    rng = np.random.default_rng(seed)
    is_kept = rng.random((ROWS, V)) < rng.random((ROWS, 1))
    is_kept[np.arange(ROWS), rng.integers(V, size=ROWS)] = True
    return np.where(is_kept, size * rng.normal(size=(ROWS, V)), -np.inf)


def shares(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    weights = np.exp((logits - logits.max()) / temperature)
    return weights / weights.sum()


def is_clear(logits: np.ndarray, top_k: int | None, top_p: float) -> bool:
    """Tell whether rounding has no say in what top-p keeps."""
    reached = np.cumsum(np.sort(shares(logits[sorted(kept(logits, top_k, None))]))[::-1])
    return top_p == 1 or bool(np.abs(reached - top_p).min() > 1e-5)


def kept(logits: np.ndarray, top_k: int | None, top_p: float | None) -> set[int]:
    """Return what may be chosen, by sorting."""
    order = np.argsort(-logits, kind="stable")
    if top_k is not None:
        order = order[logits[order] >= logits[order[:top_k]].min()]
    order = order[np.isfinite(logits[order])]
    if top_p is not None:
        reached = np.cumsum(shares(logits[order]))
        crossing = order[np.argmax(reached >= min(top_p, reached[-1]))]
        order = order[logits[order] >= logits[crossing]]
    return set(order.tolist())


@pytest.mark.parametrize("strategy", [Strategy(0.0), Strategy(0.0, top_k=3, top_p=0.7)])
def test_temperature_zero_takes_the_likeliest(strategy: Strategy) -> None:
    logits = random_rows(0)
    np.testing.assert_array_equal(choices(logits, strategy), logits.argmax(1))
    ties = np.round(logits)
    np.testing.assert_array_equal(choices(ties, strategy), ties.argmax(1))


@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 1e-37])
def test_temperature_near_zero_takes_the_likeliest(temperature: float) -> None:
    logits = random_rows(1)
    logits = np.where(logits == logits.max(1, keepdims=True), logits + 1, logits)
    np.testing.assert_array_equal(choices(logits, Strategy(temperature)), logits.argmax(1))


def test_top_k_of_one_takes_the_likeliest() -> None:
    logits = random_rows(2)
    np.testing.assert_array_equal(choices(logits, Strategy(top_k=1)), logits.argmax(1))
    np.testing.assert_array_equal(choices(logits, Strategy(2.0, top_k=1)), logits.argmax(1))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    ("top_k", "top_p"), [(V, None), (V + 1, None), (10**6, None), (None, 1.0), (V, 1.0)]
)
def test_strategies_that_leave_nothing_out_change_nothing(
    temperature: float, top_k: int | None, top_p: float | None
) -> None:
    for seed in range(3):
        logits = random_rows(seed)
        expected = choices(logits, Strategy(temperature), seed)
        drawn = choices(logits, Strategy(temperature, top_k, top_p), seed)
        np.testing.assert_array_equal(drawn, expected)
    assert len(set(expected)) == V


@given(LOGITS, MASKS, st.integers(1, V + 1))
def test_top_k_chooses_from_the_k_likeliest_alone(
    values: list[float], mask: list[bool], top_k: int
) -> None:
    logits = masked(values, mask)
    drawn = chosen(logits, Strategy(8.0, top_k=top_k))
    # At this temperature none of them is rarer than 1 in 50.
    assert set(np.flatnonzero(drawn)) == kept(logits, top_k, None)


@given(LOGITS, MASKS, st.floats(2**-10, 1, width=32), st.integers(0, 2**16))
def test_top_p_chooses_from_the_likeliest_up_to_the_one_that_crosses_p(
    values: list[float], mask: list[bool], top_p: float, seed: int
) -> None:
    logits = masked([value / 4 for value in values], mask)  # so that none is rarer than 1 in 300
    assume(is_clear(logits, None, top_p))
    drawn = chosen(logits, Strategy(top_p=top_p), seed)
    assert set(np.flatnonzero(drawn)) == kept(logits, None, top_p)


@given(LOGITS, MASKS, st.integers(1, V), st.floats(2**-10, 1, width=32), st.integers(0, 2**16))
def test_top_p_counts_on_what_top_k_leaves(
    values: list[float], mask: list[bool], top_k: int, top_p: float, seed: int
) -> None:
    logits = masked([value / 4 for value in values], mask)
    assume(is_clear(logits, top_k, top_p))
    drawn = chosen(logits, Strategy(top_k=top_k, top_p=top_p), seed)
    assert set(np.flatnonzero(drawn)) == kept(logits, top_k, top_p)


def test_top_k_comes_before_top_p_and_temperature_before_both() -> None:
    logits = np.log([0.4, 0.3, 0.2, 0.06, 0.03, 0.01])
    support = {
        Strategy(top_p=0.65): {0, 1},
        Strategy(top_k=2, top_p=0.65): {0, 1},
        Strategy(top_k=2, top_p=0.55): {0},  # 0.4 of 0.7 is more than that, 0.4 of 1 is not
        Strategy(top_p=0.55): {0, 1},
        Strategy(0.5, top_p=0.55): {0, 1},  # 0.16 of 0.2946
        Strategy(0.5, top_p=0.5): {0},
        Strategy(top_p=0.5): {0, 1},
        Strategy(2.0, top_p=0.65): {0, 1, 2},  # 0.632 of 2.098 and so on: 0.30, 0.56, 0.78
    }
    for strategy, expected in support.items():
        assert set(np.flatnonzero(chosen(logits, strategy))) == expected, strategy


@pytest.mark.parametrize("top_p", [1e-30, 1e-9, 1e-3])
def test_very_small_top_p_leaves_the_likeliest(top_p: float) -> None:
    logits = random_rows(3)
    np.testing.assert_array_equal(choices(logits, Strategy(top_p=top_p)), logits.argmax(1))


def test_equally_likely_ones_are_kept_together() -> None:
    logits = np.array([1.0, 2.0, 1.0, 0.0, 1.0, -np.inf])
    for strategy in (Strategy(top_k=2), Strategy(top_k=3), Strategy(top_p=0.6)):
        assert set(np.flatnonzero(chosen(logits, strategy))) == {0, 1, 2, 4}


FREQUENCIES = [
    *(Strategy(temperature) for temperature in (0.5, 1.0, 2.0)),
    Strategy(0.5, top_k=4),
    Strategy(2.0, top_k=3),
    Strategy(2.0, top_p=0.8),
    Strategy(2.0, top_k=5, top_p=0.9),
]


@pytest.mark.parametrize("strategy", FREQUENCIES, ids=str)
def test_frequencies_are_those_of_the_softmax_of_what_is_kept(strategy: Strategy) -> None:
    """Chi-square; false alarm once in 100,000 keys."""
    logits = np.array([0.3, -0.5, -np.inf, 1.2, 0.7, -1.0])
    chance = shares(logits, strategy.temperature)
    left = kept(logits / strategy.temperature, strategy.top_k, strategy.top_p)
    chance[[index for index in range(V) if index not in left]] = 0
    expected = ROWS * chance / chance.sum()
    drawn = chosen(logits, strategy, seed=1)
    assert not drawn[expected == 0].any()
    assert expected[expected > 0].min() > 5  # chi-square's own condition
    assert chisquare(drawn[expected > 0], expected[expected > 0]).pvalue > 1e-5


EVERY_KIND = [
    AS_LEARNED,
    Strategy(1e-30),
    Strategy(1e30),
    Strategy(0.0),
    Strategy(top_k=2),
    Strategy(3.0, top_k=3, top_p=0.99),
    Strategy(top_p=1.0),
    Strategy(top_p=1e-9),
]


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e4, 1e37])
@pytest.mark.parametrize("strategy", EVERY_KIND, ids=str)
def test_what_has_no_chance_is_never_chosen(strategy: Strategy, size: float) -> None:
    logits = random_rows(4, size)
    for shift in (0, 10 * size):  # which no difference between two of them notices
        drawn = choices(logits + np.float32(shift), strategy)
        assert np.isfinite(logits[np.arange(ROWS), drawn]).all()


@pytest.mark.parametrize("strategy", EVERY_KIND, ids=str)
@pytest.mark.parametrize("number", [0.0, 1 - 2**-23])
def test_ends_of_the_random_numbers_choose_the_first_and_the_last_that_have_a_chance(
    strategy: Strategy, number: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jax.random, "uniform", lambda _: jnp.float32(number))
    logits = random_rows(5, size=0.1)
    drawn = jax.vmap(choose, (None, 0, None))(jax.random.key(0), jnp.float32(logits), strategy)
    for row, index in zip(logits, drawn.tolist(), strict=True):
        left = np.flatnonzero(np.isfinite(row))
        assert index in left
        if strategy in {AS_LEARNED, Strategy(1e30), Strategy(top_p=1.0)}:
            assert index == left[0 if number else -1]


@pytest.mark.parametrize("number", [0.0, 2**-23, 0.5])
def test_first_character_is_not_chosen_for_being_the_first(
    number: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jax.random, "uniform", lambda _: jnp.float32(number))
    assert choose(jax.random.key(0), jnp.array([-70.0, 0.0, 1.0]), AS_LEARNED) > 0


def test_what_has_no_chance_is_not_chosen_where_sums_of_many_are_rounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sums of a thousand weights, which are added up in parallel, may rise where none is added."""
    rng = np.random.default_rng(6)
    logits = rng.normal(size=(100, 1_000)).astype(np.float32)
    logits[rng.random(logits.shape) < 0.5] = -np.inf
    sums = np.asarray(jnp.cumsum(jnp.exp(logits - logits.max(1, keepdims=True)), axis=1))
    before = np.maximum.accumulate(sums, axis=1)
    rows, places = np.nonzero((sums[:, 1:] > before[:, :-1]) & ~np.isfinite(logits[:, 1:]))
    exact = before[rows, places] / before[rows, -1]
    numbers = np.concatenate([np.nextafter(exact, 0), exact, np.nextafter(exact, 2)])
    numbers = np.minimum(numbers, np.float32(1 - 2**-23))  # the largest that there is
    rows = np.tile(rows, 3)
    monkeypatch.setattr(jax.random, "uniform", lambda number: 1 - number)
    drawn = jax.vmap(choose, (0, 0, None))(
        jnp.asarray(numbers), jnp.asarray(logits)[rows], AS_LEARNED
    )
    assert np.isfinite(logits[rows, drawn]).all()
