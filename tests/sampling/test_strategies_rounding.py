"""What float32 does to a strategy: to the sums that top-p compares, to a token's probability."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wavenet_jax.sampling import SamplingParams, sample_token

STEP = 2**-23  # of the uniform numbers, which are its multiples in (0, 1]
SHARES = 20  # the exact cases split 1 into multiples of 1/20


@pytest.fixture(autouse=True)
def _uniform_number_in_place_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax.random, "uniform", lambda number: 1 - number)


@jax.jit
def sample_rows(numbers: jax.Array, logits: jax.Array, top_p: jax.Array | None) -> jax.Array:
    def sample(number: jax.Array, logits: jax.Array, top_p: jax.Array | None) -> jax.Array:
        return sample_token(number, logits, SamplingParams(top_p=top_p))  # type: ignore[arg-type]

    return jax.vmap(sample, (0, 0, 0))(numbers, logits, top_p)


def tokens(numbers: np.ndarray, logits: np.ndarray, top_p: np.ndarray | None = None) -> np.ndarray:
    """Return the tokens `[N]` that uniform numbers `[N]` take of logits `[N, V]`."""
    given = None if top_p is None else jnp.float32(top_p)
    return np.asarray(sample_rows(jnp.float32(numbers), jnp.float32(logits), given))


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the softmax of rows of float32 logits `[N, V]` in float64."""
    weights = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True))


def partitions(total: int, largest: int) -> Iterator[list[int]]:
    """Yield the descending lists of whole numbers that add up to `total`."""
    if total == 0:
        yield []
    for first in range(min(total, largest), 0, -1):
        yield from ([first, *rest] for rest in partitions(total - first, first))


def test_top_p_at_a_partial_sum_keeps_the_fewest_tokens_that_reach_it() -> None:
    """All descending multiples of 0.05 that add up to 1, and p any of their partial sums."""
    cases = [(parts, p) for parts in partitions(SHARES, SHARES) for p in accumulate(parts)]
    assert len(cases) > 4_000
    logits, expected = np.full((len(cases), SHARES), -np.inf), []
    for row, (parts, p) in zip(logits, cases, strict=True):
        row[: len(parts)] = np.log(np.array(parts) / SHARES)
        reached = [Fraction(each, SHARES) >= Fraction(p, SHARES) for each in accumulate(parts)]
        crossing = parts[reached.index(True)]
        expected.append(sum(part >= crossing for part in parts))  # equal ones are kept together
    top_p = np.array([p / SHARES for _, p in cases])
    last = tokens(np.ones(len(cases)), logits, top_p)  # the last kept token
    np.testing.assert_array_equal(last + 1, expected)
    assert expected[cases.index(([14, 3, 2, 1], 17))] == 2  # 0.85 of .70, .15, .10, .05


@pytest.mark.parametrize("grain", [1_000, 100_000])
def test_top_p_at_a_partial_sum_of_hundreds_of_tokens_is_as_exact(grain: int) -> None:
    """Token k has the probability k/grain, but for the likeliest, which has the rest."""
    size = int((2 * grain) ** 0.5) - 1
    parts = np.arange(size, 0, -1)
    parts[0] += grain - parts.sum()
    sums = np.cumsum(parts)
    logits = np.tile(np.log(parts / grain), (size, 1))
    last = tokens(np.ones(size), logits, sums / grain)
    np.testing.assert_array_equal(last, np.arange(size))


@pytest.mark.parametrize("size", [27, 10_000])
def test_top_p_keeps_the_fewest_tokens_that_reach_it_up_to_rounding(size: int) -> None:
    """The sum of the kept tokens, and that without their rarest, stand on either side of p."""
    rng, rows = np.random.default_rng(0), 60
    logits = rng.normal(size=(rows, size)) * rng.choice([0.5, 1, 3], (rows, 1))
    logits = np.sort(logits.astype(np.float32))  # the least uniform number takes the rarest kept
    sums = np.cumsum(probabilities(logits)[:, ::-1], axis=1)  # of the 1, 2, ... likeliest
    top_p = sums[np.arange(rows), rng.integers(size - 1, size=rows)]
    num_kept = size - tokens(np.full(rows, STEP), logits, top_p)
    with_rarest = sums[np.arange(rows), num_kept - 1]
    without = np.where(num_kept > 1, sums[np.arange(rows), num_kept - 2], 0)
    assert (with_rarest > top_p - 6e-7).all()
    assert (without < top_p + 6e-7).all()


@pytest.mark.parametrize("rare", [200, 9_999])
def test_top_p_of_one_drops_no_token_however_rare(rare: int) -> None:
    """The rare ones, of about 1e-9 each, are together sampled twice in 10 million times or more."""
    weights = 1e-9 * np.linspace(1, 1.1, rare)
    logits = np.tile(np.log(np.append(weights, 1.0)), (100, 1))
    numbers = STEP * np.arange(1, 101)
    sampled = tokens(numbers, logits, np.ones(100))
    assert sampled[0] < rare
    assert (sampled < rare).sum() == min(100, int(weights.sum() / STEP))
    np.testing.assert_array_equal(sampled, tokens(numbers, logits))


def num_uniform(logits: np.ndarray, token: np.ndarray) -> np.ndarray:
    """Return how many of the 2²³ uniform numbers take a token from 0 to `token` `[N]`."""
    low, high = np.zeros(len(token), int), np.full(len(token), 2**23)
    rows = np.broadcast_to(logits, (len(token), len(logits)))
    while (low < high).any():  # bisection: larger numbers take later tokens
        middle = (low + high + 1) // 2
        is_within = tokens(middle * STEP, rows) <= token
        low, high = np.where(is_within, middle, low), np.where(is_within, high, middle - 1)
    return low


@pytest.mark.parametrize("size", [3, 27, 10_000])
@pytest.mark.parametrize("kind", ["normal", "equal", "one likely"])
def test_probability_of_a_token_is_off_by_rounding_at_most(size: int, kind: str) -> None:
    """Counted over all uniform numbers; "one likely" was the worst kind of a wide search."""
    rng, worst = np.random.default_rng(size), 0.0
    for _ in range(3):
        logits = np.full(size, rng.uniform(-3, 3))
        if kind == "normal":
            logits = 2 * rng.normal(size=size)
        if kind == "one likely":
            logits[0] = np.log(size) + rng.uniform(-2, 2)
        logits = logits.astype(np.float32)
        token = np.unique([0, size - 1, np.argmax(logits), *rng.integers(size, size=8)])
        ends = num_uniform(logits, np.concatenate([token, token - 1])).reshape(2, -1)
        measured = (ends[0] - np.where(token > 0, ends[1], 0)) * STEP
        expected = probabilities(logits[None])[0, token]
        worst = max(worst, np.abs(measured - expected).max())
    assert worst < 3e-6  # as the docstring of `sample_token` says
    assert worst > 1e-8  # it is not exact


def test_a_masked_token_is_never_sampled_where_sums_of_many_are_rounded() -> None:
    """Sums of a thousand weights, which are added up in parallel, may rise where none is added."""
    rng = np.random.default_rng(6)
    logits = rng.normal(size=(100, 1_000)).astype(np.float32)
    logits[rng.random(logits.shape) < 0.5] = -np.inf
    sums = np.asarray(jnp.cumsum(jnp.exp(logits - logits.max(1, keepdims=True)), axis=1))
    before = np.maximum.accumulate(sums, axis=1)
    rows, places = np.nonzero((sums[:, 1:] > before[:, :-1]) & ~np.isfinite(logits[:, 1:]))
    assert len(rows) > 10
    exact = before[rows, places] / before[rows, -1]
    numbers = np.concatenate([np.nextafter(exact, 0), exact, np.nextafter(exact, 2)])
    numbers = np.minimum(numbers, np.float32(1))
    rows = np.tile(rows, 3)
    assert np.isfinite(logits[rows, tokens(numbers, logits[rows])]).all()
