"""The learning rate on both sides of its boundaries, and the step of plain SGD."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from wavenet_jax.config import OptimConfig
from wavenet_jax.optim import learning_rate, optimizer


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.1), (149_999, 0.1), (150_000, 0.01), (199_999, 0.01)]
)
def test_default_rate_falls_to_a_tenth_at_step_150_000(step: int, rate: float) -> None:
    schedule = learning_rate(OptimConfig(), steps=200_000)
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
    schedule = learning_rate(OptimConfig(0.4, boundaries, decay=0.5), steps=8)
    np.testing.assert_allclose(jax.vmap(schedule)(jnp.arange(8)), rates, rtol=1e-6)


@pytest.mark.parametrize(
    ("boundaries", "steps"), [((0.5, 0.51), 10), ((0.75,), 6), ((0.01,), 10), ((0.1,), 30)]
)
def test_rate_falls_at_the_first_step_not_before_the_boundary(
    boundaries: tuple[float, ...], steps: int
) -> None:
    schedule = learning_rate(OptimConfig(boundaries=boundaries), steps)
    passed = [sum(s >= round(b * steps, 6) for b in boundaries) for s in range(steps)]
    rates = [schedule(s) for s in range(steps)]
    np.testing.assert_allclose(rates, [0.1 ** (1 + n) for n in passed], rtol=1e-5)


def test_every_step_subtracts_rate_times_gradient() -> None:
    descent = optimizer(OptimConfig(0.5, (0.5,), decay=0.25), steps=4)
    params: Any = {"w": jnp.asarray([1.0, -2.0]), "b": jnp.asarray(3.0)}
    state = descent.init(params)
    for rate in (0.5, 0.5, 0.125, 0.125):
        gradients = jax.tree.map(jnp.square, params)
        updates, state = descent.update(gradients, state, params)
        stepped: Any = optax.apply_updates(params, updates)
        for name, value in params.items():
            np.testing.assert_allclose(stepped[name], value - rate * gradients[name], rtol=1e-6)
        params = stepped
