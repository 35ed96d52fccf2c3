"""Learning rates against their formulas, step by step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wavenet_jax.config import OptimConfig
from wavenet_jax.training import make_schedule


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.1), (149_999, 0.1), (150_000, 0.01), (199_999, 0.01)]
)
def test_default_rate_falls_to_a_tenth_at_step_150_000(step: int, rate: float) -> None:
    schedule = make_schedule(OptimConfig(), steps=200_000)
    np.testing.assert_allclose(schedule(step), rate, rtol=1e-6)


@pytest.mark.parametrize(
    ("boundaries", "rates"),
    [
        ((), [0.4] * 8),
        ((0.5,), [0.4] * 4 + [0.2] * 4),
        ((0.25, 0.75), [0.4] * 2 + [0.2] * 4 + [0.1] * 2),
    ],
)
def test_rate_is_multiplied_at_every_boundary(
    boundaries: tuple[float, ...], rates: list[float]
) -> None:
    config = OptimConfig(learning_rate=0.4, boundaries=boundaries, decay=0.5)
    schedule = make_schedule(config, steps=8)
    np.testing.assert_allclose(jax.vmap(schedule)(jnp.arange(8)), rates, rtol=1e-6)


@pytest.mark.parametrize(
    ("boundaries", "steps", "falls"),
    [
        ((0.75,), 6, [5]),
        ((0.01,), 10, [1]),
        ((0.5, 0.51), 10, [5, 6]),
        ((0.51, 0.55), 10, [6, 6]),  # twice in one step
        ((0.07,), 100, [7]),  # 0.07 · 100 is a little more than 7 in floating point
    ],
)
def test_rate_falls_at_the_first_step_not_before_the_boundary(
    boundaries: tuple[float, ...], steps: int, falls: list[int]
) -> None:
    schedule = make_schedule(OptimConfig(boundaries=boundaries), steps)
    rates = jax.vmap(schedule)(jnp.arange(steps))
    passed = [sum(step >= fall for fall in falls) for step in range(steps)]
    np.testing.assert_allclose(rates, [0.1 ** (1 + n) for n in passed], rtol=1e-5)


def rises_and_falls(steps: int, rising: int) -> np.ndarray:
    """Return the linear rate of each step as a share of the highest."""
    step = np.arange(steps)
    up = step / rising if rising else np.inf
    return np.minimum(up, (steps - step) / (steps - rising))


@pytest.mark.parametrize(
    ("warmup", "steps", "rising"),
    [
        (0.0, 1, 0),
        (0.0, 7, 0),
        (0.25, 8, 2),
        (0.25, 7, 1),  # 1.75 steps, rounded down
        (0.05, 200, 10),
        (0.9, 10, 9),
        (0.29, 100, 29),  # 0.29 · 100 is a little less than 29 in floating point
    ],
)
def test_linear_rate_rises_during_warmup_and_then_falls_to_nothing(
    warmup: float, steps: int, rising: int
) -> None:
    schedule = make_schedule(
        OptimConfig(learning_rate=0.3, schedule="linear", warmup=warmup), steps
    )
    rates = jax.vmap(schedule)(jnp.arange(steps))
    np.testing.assert_allclose(rates, 0.3 * rises_and_falls(steps, rising), rtol=1e-5, atol=1e-7)
    assert float(schedule(rising)) == pytest.approx(0.3)
    assert float(schedule(steps)) == 0
