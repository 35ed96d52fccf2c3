"""The layers and heads against their formulas in NumPy."""

from dataclasses import replace
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from wavenet_jax.config import ModelConfig
from wavenet_jax.nn import WaveNet, init_variables
from wavenet_jax.nn.layers import (
    ACTIVATIONS,
    Bias,
    GatedHead,
    GatedLayer,
    Linear,
    PlainHead,
    PlainLayer,
    smooth_logits_normal,
    smooth_normal,
)

RNG = np.random.default_rng(0)
TAPS = RNG.normal(size=(7, 2 * 4)).astype(np.float32)  # K = 2
OPTIONS: Any = {
    "linear": Linear,
    "dropout": partial(nn.Dropout, 0.0, deterministic=True),
    "residual": True,
    "channels": 4,
}


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def norm(*, training: bool) -> Any:
    return partial(nn.BatchNorm, use_running_average=not training, momentum=0.9)


ORACLES: dict[str, Any] = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
    "silu": lambda x: x / (1 + np.exp(-x)),
}


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_plain_layer_is_linear_then_batchnorm_then_activation(
    activation: str, residual: bool
) -> None:
    weights, mean, scale, bias = normal(8, 4), normal(4), normal(4), normal(4)
    variance = np.exp(normal(4))
    variables = {
        "params": {"linear": {"kernel": weights}, "norm": {"scale": scale, "bias": bias}},
        "batch_stats": {"norm": {"mean": mean, "var": variance}},
    }
    hidden = (TAPS @ weights - mean) / np.sqrt(variance + 1e-5) * scale + bias
    expected = ORACLES[activation](np.asarray(hidden)) + (TAPS[:, 4:] if residual else 0)
    layer = PlainLayer(
        norm=norm(training=False),
        activation=ACTIVATIONS[activation],
        **OPTIONS | {"residual": residual},
    )
    node, skip = layer.apply(variables, TAPS)
    np.testing.assert_allclose(node, expected, atol=1e-3)  # gelu is by its tanh approximation
    np.testing.assert_array_equal(skip, node)


@pytest.mark.parametrize("residual", [False, True])
def test_gated_layer_is_tanh_times_sigmoid_then_residual(residual: bool) -> None:
    weights, bias, onward, shift = normal(8, 8), normal(8), normal(4, 4), normal(4)
    params = {
        "linear": {"kernel": weights},
        "norm": {"bias": bias},
        "residual": {"kernel": onward, "bias": shift},
    }
    filtered, gate = np.split(np.asarray(TAPS @ weights + bias), 2, axis=1)
    z = np.tanh(filtered) / (1 + np.exp(-gate))
    layer = GatedLayer(norm=Bias, last=False, **OPTIONS | {"residual": residual})
    node, skip = layer.apply({"params": params}, TAPS)
    np.testing.assert_allclose(skip, z, atol=1e-5)
    expected = z @ onward + shift + (TAPS[:, 4:] if residual else 0)
    np.testing.assert_allclose(node, expected, atol=1e-5)


def test_last_gated_layer_makes_no_node() -> None:
    layer = GatedLayer(norm=Bias, last=True, **OPTIONS)
    assert set(layer.init(jax.random.key(0), TAPS)["params"]) == {"linear", "norm"}


def test_plain_head_reads_the_last_layer() -> None:
    kernel, bias, skips = normal(4, 9), normal(9), [normal(3, 4), normal(3, 4)]
    params = {"logits": {"kernel": kernel, "bias": bias}}
    logits = PlainHead(9).apply({"params": params}, skips)
    np.testing.assert_allclose(logits, skips[-1] @ kernel + bias, atol=1e-5)


def test_gated_head_sums_a_skip_of_each_layer() -> None:
    skips = [normal(3, 4), normal(3, 4)]
    kernels = {"skips": normal(8, 5), "hidden": normal(5, 5), "logits": normal(5, 9)}
    params = {name: {"kernel": k, "bias": normal(k.shape[1])} for name, k in kernels.items()}
    total = sum(s @ k for s, k in zip(skips, np.split(kernels["skips"], 2), strict=True))
    hidden = np.maximum(total + params["skips"]["bias"], 0)
    hidden = np.maximum(hidden @ kernels["hidden"] + params["hidden"]["bias"], 0)
    expected = hidden @ kernels["logits"] + params["logits"]["bias"]
    logits = GatedHead(5, 9, Linear).apply({"params": params}, skips)
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_initial_weights_are_normal_with_variance_one_over_fan_in() -> None:
    layer = PlainLayer(
        norm=norm(training=False), activation=jnp.tanh, **OPTIONS | {"channels": 200}
    )
    params = layer.init(jax.random.key(0), jnp.zeros((1, 300)))["params"]
    weights = np.asarray(params["linear"]["kernel"])
    deviations = weights * np.sqrt(300)
    assert abs(deviations.std() - 1) < 0.02
    # A truncated normal, Flax's default, has none beyond two standard deviations (scaled: 2.3).
    assert (np.abs(deviations) > 3).mean() > 0.001


def test_ordered_weights_are_normal_and_alike_for_neighbours() -> None:
    rows = np.asarray(smooth_normal(jax.random.key(0), (257, 500)))
    np.testing.assert_allclose(rows.std(axis=1), 1, atol=0.15)
    assert abs(rows.mean()) < 0.2
    between = np.corrcoef(rows)
    assert between[100, 101] > 0.98
    assert abs(between[100, 160]) < 0.5
    assert abs(between[0, 1]) < 0.2
    logits = np.asarray(smooth_logits_normal(jax.random.key(0), (64, 257)))
    assert logits.std() == pytest.approx(0.1 / 8, rel=0.1)
    assert np.corrcoef(logits.T)[100, 101] > 0.98


@pytest.mark.parametrize("layer", ["plain", "gated"])
def test_an_ordered_network_begins_with_such_weights(layer: Any) -> None:
    config = ModelConfig(layer, n_embd=400, n_hidden=400, n_skip=400 if layer == "gated" else 64)
    params = init_variables(WaveNet(replace(config, ordered=True), 50), jax.random.key(1))["params"]
    plain = init_variables(WaveNet(config, 50), jax.random.key(1))["params"]

    def likeness(of: Any) -> list[float]:
        rows = of["embedding"]["embedding"], of["head"]["logits"]["kernel"].T
        return [float(np.corrcoef(each)[20, 21]) for each in rows]

    assert min(likeness(params)) > 0.8
    assert max(likeness(plain)) < 0.3
