from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax.layers import PlainLayer


def layer(*, training: bool) -> PlainLayer:
    norm = partial(nn.BatchNorm, use_running_average=not training, momentum=0.9)
    return PlainLayer(channels=200, norm=norm)


def test_layer_is_linear_then_batchnorm_then_tanh() -> None:
    rng = np.random.default_rng(0)
    taps = rng.normal(size=(7, 6)).astype(np.float32)
    weights, mean, scale, bias = (rng.normal(size=s) for s in ((6, 200), 200, 200, 200))
    variance = rng.uniform(0.5, 2, 200)
    variables = {
        "params": {
            "linear": {"kernel": jnp.float32(weights)},
            "norm": {"scale": jnp.float32(scale), "bias": jnp.float32(bias)},
        },
        "batch_stats": {"norm": {"mean": jnp.float32(mean), "var": jnp.float32(variance)}},
    }
    expected = np.tanh((taps @ weights - mean) / np.sqrt(variance + 1e-5) * scale + bias)
    out = layer(training=False).apply(variables, taps)
    np.testing.assert_allclose(out, expected, atol=1e-5)


def test_initial_weights_are_normal_with_variance_one_over_fan_in() -> None:
    params = layer(training=False).init(jax.random.key(0), jnp.zeros((1, 300)))["params"]
    weights = np.asarray(params["linear"]["kernel"])
    deviations = weights * np.sqrt(300)
    assert abs(deviations.std() - 1) < 0.02
    # A truncated normal, Flax's default, has none beyond two standard deviations (scaled: 2.3).
    assert (np.abs(deviations) > 3).mean() > 0.001
