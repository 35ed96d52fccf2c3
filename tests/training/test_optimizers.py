"""The steps of SGD and AdamW against NumPy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from wavenet_jax.config import OptimConfig
from wavenet_jax.training import make_optimizer


def test_every_step_of_sgd_subtracts_rate_times_gradient() -> None:
    descent = make_optimizer(OptimConfig(learning_rate=0.5, boundaries=(0.5,), decay=0.25), steps=4)
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
    descent = make_optimizer(config, steps)
    expected: Any = {"kernel": rng.normal(size=(3, 2)), "bias": rng.normal(size=3)}
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), expected)
    state = descent.init(params)
    first = {name: np.zeros_like(value) for name, value in expected.items()}
    second = {name: np.zeros_like(value) for name, value in expected.items()}
    for step, rate in enumerate(0.2 * (steps - np.arange(steps)) / steps, start=1):
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
    assert make_optimizer(OptimConfig(), 60) is make_optimizer(OptimConfig(), 60)
    assert make_optimizer(OptimConfig(), 60) is not make_optimizer(OptimConfig(), 61)
