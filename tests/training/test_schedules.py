"""Learning rates against their formulas, step by step."""

import math
from collections.abc import Callable
from typing import Any

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


STEPS = 40
WARMUPS = {0.0: 0, 0.25: 10, 0.29: 11}  # 11.6 steps, rounded down
FALLS: dict[str, Callable[[int, int], float]] = {  # of (step, steps of the rise)
    "constant": lambda *_: 1.0,
    "piecewise": lambda step, _: 0.1 ** (step >= 30),
    "linear": lambda step, rising: 1 - max(step - rising, 0) / (STEPS - rising),
    "cosine": lambda step, rising: (
        (1 + math.cos(math.pi * max(step - rising, 0) / (STEPS - rising))) / 2
    ),
    "wsd": lambda step, _: min(1, (STEPS - step) / 8),
}


@pytest.mark.parametrize("warmup", WARMUPS)
@pytest.mark.parametrize("schedule", FALLS)
def test_every_step_has_the_rate_of_the_equation(schedule: Any, warmup: float) -> None:
    rising = WARMUPS[warmup]
    config = OptimConfig(learning_rate=0.3, schedule=schedule, warmup=warmup)
    found = jax.vmap(make_schedule(config, STEPS))(jnp.arange(STEPS))
    expected = [
        0.3 * (min(1, step / rising) if rising else 1) * FALLS[schedule](step, rising)
        for step in range(STEPS)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "wsd"])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_run_that_falls_would_be_at_nothing_after_its_last_step(
    schedule: Any, steps: int
) -> None:
    rate = make_schedule(OptimConfig(schedule=schedule, warmup=0.3), steps)
    assert float(rate(steps)) == pytest.approx(0.0, abs=1e-8)


def test_fraction_of_steps_is_rounded_down_but_not_for_rounding_errors() -> None:
    rate = make_schedule(OptimConfig(learning_rate=1.0, schedule="linear", warmup=0.29), 100)
    assert float(rate(28)) < 1.0  # 0.29 · 100 is a little less than 29
    assert float(rate(29)) == 1.0
