"""Flax Linen: modules describe functions, and variables stay outside them."""

from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.traverse_util import flatten_dict, unflatten_dict

from designs import DEPTH, EPSILON, MOMENTUM, SGD, VOCAB_SIZE, Pure, Sizes, Weights

TITLE = "Linen"
fan_in_normal = nn.initializers.variance_scaling(1.0, "fan_in", "normal")
logits_normal = nn.initializers.variance_scaling(0.1**2, "fan_in", "normal")


class State(NamedTuple):
    """All that changes from step to step."""

    params: Any
    batch_stats: Any  # BN
    opt_state: Any


class Layer(nn.Module):
    """Merges neighbours in pairs, then linear, BatchNorm, tanh."""

    n_hidden: int
    training: bool  # BN

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Return `[B, T/2, H]` for `[B, T, C]`."""
        rows, positions, channels = x.shape
        x = x.reshape(rows, positions // 2, 2 * channels)
        x = nn.Dense(self.n_hidden, use_bias=False, kernel_init=fan_in_normal, name="linear")(x)
        norm = partial(nn.BatchNorm, momentum=MOMENTUM, epsilon=EPSILON)  # BN
        norm = norm(
            use_running_average=not self.training, use_fast_variance=False, name="norm"
        )  # BN
        return jnp.tanh(norm(x))  # BN


class Net(nn.Module):
    """The network; `training` makes BatchNorm use and update the statistics of the batch."""

    sizes: Sizes
    training: bool  # BN

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Return logits `[B, V]` of windows `[B, 8]`."""
        n_embd, n_hidden, _ = self.sizes
        unit = nn.initializers.normal(1.0)
        x = nn.Embed(VOCAB_SIZE, n_embd, embedding_init=unit, name="embedding")(tokens)
        for index in range(DEPTH):
            x = Layer(n_hidden, self.training, name=f"layers_{index}")(x)  # BN
        return nn.Dense(VOCAB_SIZE, kernel_init=logits_normal, name="head")(x[:, 0])


def init(key: jax.Array, sizes: Sizes) -> State:
    """Return a fresh state."""
    variables = Net(sizes, training=False).init(key, jnp.zeros((1, 8), int))  # BN
    params, batch_stats = variables["params"], variables["batch_stats"]  # BN
    return State(params, batch_stats, SGD.init(params))  # BN


def loss_fn(
    params: Any, batch_stats: Any, inputs: jax.Array, targets: jax.Array
) -> tuple[jax.Array, Any]:  # BN
    """Return the mean loss of a batch, and the statistics after it."""
    variables = {"params": params, "batch_stats": batch_stats}  # BN
    net = Net(sizes_of(params), training=True)  # BN
    logits, updated = net.apply(variables, inputs, mutable=["batch_stats"])  # BN
    nll = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
    return nll.mean(), updated["batch_stats"]  # BN


def step(state: State, inputs: jax.Array, targets: jax.Array) -> tuple[State, jax.Array]:
    """Take a step: return the state after it, and the loss before it."""
    gradients_of = jax.value_and_grad(loss_fn, has_aux=True)  # BN
    (loss, stats), gradients = gradients_of(state.params, state.batch_stats, inputs, targets)  # BN
    updates, opt_state = SGD.update(gradients, state.opt_state)
    return State(optax.apply_updates(state.params, updates), stats, opt_state), loss  # BN


train_step = jax.jit(step)


@jax.jit
def logits(state: State, inputs: jax.Array) -> jax.Array:
    """Return logits `[B, V]`, computed with the running statistics."""
    variables = {"params": state.params, "batch_stats": state.batch_stats}  # BN
    return Net(sizes_of(state.params), training=False).apply(variables, inputs)  # BN


def sizes_of(params: Any) -> Sizes:
    """Return the sizes of a network that has these parameters."""
    return Sizes(params["embedding"]["embedding"].shape[1], params["head"]["kernel"].shape[0])


# What the comparison needs: the weights by common names, gradients alone, a step for `lax.scan`.

STATISTICS = ("mean", "var")


def from_weights(weights: Weights) -> State:
    """Return the state before the first step, of copied weights and statistics."""
    paths = {tuple(name.split("/")): jnp.array(value) for name, value in weights.items()}
    stats = {path: value for path, value in paths.items() if path[-1] in STATISTICS}
    params = unflatten_dict({path: value for path, value in paths.items() if path not in stats})
    return State(params, unflatten_dict(stats), SGD.init(params))


def to_weights(state: State) -> Weights:
    """Return copies of the weights and statistics of a state."""
    return named(state.params) | named(state.batch_stats)


def named(tree: Any) -> Weights:
    """Return parameters, their gradients or statistics by the common names."""
    return {name: np.array(value) for name, value in flatten_dict(tree, sep="/").items()}


@jax.jit
def _gradients(state: State, inputs: jax.Array, targets: jax.Array) -> Any:
    return jax.grad(loss_fn, has_aux=True)(state.params, state.batch_stats, inputs, targets)[0]


def gradients(state: State, inputs: jax.Array, targets: jax.Array) -> Weights:
    """Return the gradients of a step that is not taken."""
    return named(_gradients(state, inputs, targets))


def pure(state: State) -> Pure:
    """Return the state and its functions: they are what they are."""
    return Pure(state, lambda state, batch: step(state, *batch), logits)


def lower(state: State, inputs: jax.Array, targets: jax.Array, *, donate: bool) -> Any:
    """Trace the step."""
    return jax.jit(step, donate_argnums=0 if donate else ()).lower(state, inputs, targets)
