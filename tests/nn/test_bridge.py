"""A WaveNet as a module of Flax NNX: the same numbers, and state that changes in place."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from support.models import randomised
from support.stacks import every_stack

from wavenet_jax.config import ModelConfig
from wavenet_jax.nn import WaveNet, from_nnx, to_nnx

TOKENS = np.array([[0, 1, 3, 3, 1, 0, 3, 1], [0, 2, 2, 0, 1, 1, 2, 3]])


@every_stack
def test_a_module_computes_what_the_model_computes(config: ModelConfig) -> None:
    model = WaveNet(config, 4)
    variables = randomised(model, seed=0)
    module = to_nnx(model, variables)
    np.testing.assert_array_equal(module(TOKENS), model.apply(variables, TOKENS))
    jax.tree.map(np.testing.assert_array_equal, from_nnx(module), variables)


def test_a_method_of_the_model_is_one_of_the_module() -> None:
    model = WaveNet(ModelConfig(n_embd=3, n_hidden=5), 4)
    variables = randomised(model, seed=1)
    expected = model.apply(variables, TOKENS, method="window")
    np.testing.assert_array_equal(to_nnx(model, variables).window(TOKENS), expected)


def test_a_module_trains_in_place_as_variables_do_outside() -> None:
    model = WaveNet(ModelConfig(n_embd=3, n_hidden=5, dilations=(1, 2)), 4, training=True)
    variables = randomised(model, seed=2)
    rate = optax.sgd(0.1)

    def loss_fn(params: object) -> tuple[jax.Array, object]:
        before = {"params": params, "batch_stats": variables["batch_stats"]}
        logits, after = model.apply(before, TOKENS, mutable=["batch_stats"])
        return jnp.square(logits).mean(), after["batch_stats"]

    gradients, stats = jax.grad(loss_fn, has_aux=True)(variables["params"])
    updates, _ = rate.update(gradients, rate.init(variables["params"]))
    expected = {"params": optax.apply_updates(variables["params"], updates), "batch_stats": stats}

    module = to_nnx(model, variables)
    optimizer = nnx.Optimizer(module, rate, wrt=nnx.Param)

    def loss_in_place(module: nnx.Module) -> jax.Array:
        return jnp.square(module(TOKENS, mutable=["batch_stats"])).mean()

    optimizer.update(module, nnx.grad(loss_in_place)(module))
    found = from_nnx(module)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, expected)
