"""Learning rates against their formulas, and the steps of SGD and AdamW against NumPy."""

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
    config = OptimConfig(learning_rate=0.4, boundaries=boundaries, decay=0.5)
    schedule = learning_rate(config, steps=8)
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


def rises_and_falls(steps: int, rising: int) -> np.ndarray:
    """Return the linear rate of each step as a share of the highest."""
    step = np.arange(steps)
    up = step / rising if rising else np.inf
    return np.minimum(up, (steps - step) / (steps - rising))


@pytest.mark.parametrize(
    ("warmup", "steps", "rising"),
    [(0.0, 1, 0), (0.0, 7, 0), (0.25, 8, 2), (0.05, 200, 10), (0.9, 10, 9)],
)
def test_linear_rate_rises_during_warmup_and_then_falls_to_nothing(
    warmup: float, steps: int, rising: int
) -> None:
    schedule = learning_rate(
        OptimConfig(learning_rate=0.3, schedule="linear", warmup=warmup), steps
    )
    rates = jax.vmap(schedule)(jnp.arange(steps))
    np.testing.assert_allclose(rates, 0.3 * rises_and_falls(steps, rising), rtol=1e-5, atol=1e-7)
    assert float(schedule(rising)) == pytest.approx(0.3)
    assert float(schedule(steps)) == 0


def test_every_step_of_sgd_subtracts_rate_times_gradient() -> None:
    descent = optimizer(OptimConfig(learning_rate=0.5, boundaries=(0.5,), decay=0.25), steps=4)
    params: Any = {"w": jnp.asarray([1.0, -2.0]), "b": jnp.asarray(3.0)}
    state = descent.init(params)
    for rate in (0.5, 0.5, 0.125, 0.125):
        gradients = jax.tree.map(jnp.square, params)
        updates, state = descent.update(gradients, state, params)
        stepped: Any = optax.apply_updates(params, updates)
        for name, value in params.items():
            np.testing.assert_allclose(stepped[name], value - rate * gradients[name], rtol=1e-6)
        params = stepped


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_every_step_of_adamw_is_that_of_its_paper_and_decays_matrices_alone(
    weight_decay: float,
) -> None:
    config = OptimConfig(
        optimizer="adamw", learning_rate=0.2, schedule="linear", weight_decay=weight_decay
    )
    steps, rng = 10, np.random.default_rng(0)
    descent = optimizer(config, steps)
    expected: Any = {"kernel": rng.normal(size=(3, 2)), "bias": rng.normal(size=3)}
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), expected)
    state = descent.init(params)
    first = {name: np.zeros_like(value) for name, value in expected.items()}
    second = {name: np.zeros_like(value) for name, value in expected.items()}
    for step, rate in enumerate(0.2 * rises_and_falls(steps, 0), start=1):
        gradients: Any = {name: rng.normal(size=value.shape) for name, value in expected.items()}
        updates, state = descent.update(
            jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), gradients), state, params
        )
        params = optax.apply_updates(params, updates)
        for name, gradient in gradients.items():
            first[name] = 0.9 * first[name] + 0.1 * gradient
            second[name] = 0.99 * second[name] + 0.01 * gradient**2
            unbiased = first[name] / (1 - 0.9**step), second[name] / (1 - 0.99**step)
            shrinking = weight_decay * expected[name] if name == "kernel" else 0
            expected[name] = expected[name] - rate * (
                unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8) + shrinking
            )
            np.testing.assert_allclose(params[name], expected[name], rtol=1e-4, atol=1e-6)


def test_one_run_has_one_optimizer_so_that_it_is_compiled_once() -> None:
    assert optimizer(OptimConfig(), 60) is optimizer(OptimConfig(), 60)
    assert optimizer(OptimConfig(), 60) is not optimizer(OptimConfig(), 61)
