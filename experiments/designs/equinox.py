"""Equinox: modules are pytrees of their parameters; the running statistics are a state beside."""

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from designs import DEPTH, EPSILON, MOMENTUM, SGD, VOCAB_SIZE, Pure, Sizes, Weights

TITLE = "Equinox"


class Layer(eqx.Module):
    """Merges neighbours in pairs, then linear, BatchNorm, tanh: of one row, batched by `vmap`."""

    linear: eqx.nn.Linear
    norm: eqx.nn.BatchNorm  # BN

    def __init__(self, fan_in: int, n_hidden: int, *, key: jax.Array) -> None:
        self.linear = eqx.nn.Linear(fan_in, n_hidden, use_bias=False, key=key)
        self.norm = eqx.nn.BatchNorm(  # BN
            n_hidden,
            axis_name="batch",
            eps=EPSILON,
            momentum=MOMENTUM,
            mode="batch",  # BN
        )  # BN

    def __call__(self, x: jax.Array, state: eqx.nn.State) -> tuple[jax.Array, eqx.nn.State]:  # BN
        """Return `[T/2, H]` for `[T, C]`, and the statistics after it."""
        positions, channels = x.shape
        x = jax.vmap(self.linear)(x.reshape(positions // 2, 2 * channels))
        x, state = self.norm(x.T, state)  # BN
        return jnp.tanh(x.T), state  # BN


class Net(eqx.Module):
    """The network of one row."""

    embedding: eqx.nn.Embedding
    layers: list[Layer]
    head: eqx.nn.Linear

    def __init__(self, sizes: Sizes, *, key: jax.Array) -> None:
        first, last, *others = jax.random.split(key, DEPTH + 2)
        self.embedding = eqx.nn.Embedding(VOCAB_SIZE, sizes.n_embd, key=first)
        self.layers = [
            Layer(sizes.fan_in(index), sizes.n_hidden, key=others[index]) for index in range(DEPTH)
        ]
        self.head = eqx.nn.Linear(sizes.n_hidden, VOCAB_SIZE, key=last)

    def __call__(
        self, tokens: jax.Array, state: eqx.nn.State
    ) -> tuple[jax.Array, eqx.nn.State]:  # BN
        """Return logits `[V]` of a window `[8]`, and the statistics after it."""
        x = jax.vmap(self.embedding)(tokens)
        for layer in self.layers:
            x, state = layer(x, state)  # BN
        return self.head(x[0]), state  # BN


class State(NamedTuple):
    """All that changes from step to step."""

    net: Net
    running: eqx.nn.State  # BN
    opt_state: Any


def init(key: jax.Array, sizes: Sizes) -> State:
    """Return a fresh state."""
    net, running = eqx.nn.make_with_state(Net)(sizes, key=key)  # BN
    return State(net, running, SGD.init(eqx.filter(net, eqx.is_inexact_array)))  # BN


def apply(
    net: Net, running: eqx.nn.State, inputs: jax.Array
) -> tuple[jax.Array, eqx.nn.State]:  # BN
    """Return logits `[B, V]` of windows `[B, 8]`, and the statistics after them."""
    over_rows = jax.vmap(net, in_axes=(0, None), out_axes=(0, None), axis_name="batch")  # BN
    return over_rows(inputs, running)  # BN


def loss_fn(
    net: Net, running: eqx.nn.State, inputs: jax.Array, targets: jax.Array
) -> tuple[jax.Array, eqx.nn.State]:  # BN
    """Return the mean loss of a batch, and the statistics after it."""
    logits, running = apply(net, running, inputs)  # BN
    nll = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
    return nll.mean(), running  # BN


def step(state: State, inputs: jax.Array, targets: jax.Array) -> tuple[State, jax.Array]:
    """Take a step: return the state after it, and the loss before it."""
    gradients_of = eqx.filter_value_and_grad(loss_fn, has_aux=True)  # BN
    (loss, running), gradients = gradients_of(state.net, state.running, inputs, targets)  # BN
    updates, opt_state = SGD.update(gradients, state.opt_state)
    return State(eqx.apply_updates(state.net, updates), running, opt_state), loss  # BN


train_step = eqx.filter_jit(step)


@eqx.filter_jit
def logits(state: State, inputs: jax.Array) -> jax.Array:
    """Return logits `[B, V]`, computed with the running statistics."""
    net = eqx.nn.inference_mode(state.net)  # BN
    return apply(net, state.running, inputs)[0]  # BN


# What the comparison needs: the weights by common names, gradients alone, a step for `lax.scan`.

WELL_PAST = 10_000  # batches counted, after which the statistics are not corrected any more


def from_weights(weights: Weights) -> State:
    """Return the state before the first step, of copied weights and statistics."""
    n_embd, n_hidden = weights["embedding/embedding"].shape[1], len(weights["head/kernel"])
    net, running = eqx.nn.make_with_state(Net)(Sizes(n_embd, n_hidden), key=jax.random.key(0))
    arrays = [jnp.array(weights[n]).T if "kernel" in n else jnp.array(weights[n]) for n in PARAMS]
    net = eqx.tree_at(parameters, net, arrays)
    for index, layer in enumerate(net.layers):
        moments = tuple(jnp.array(weights[f"layers_{index}/norm/{n}"]) for n in ("mean", "var"))
        running = running.set(layer.norm.batch_state_index, moments)
        running = running.set(layer.norm.batch_counter, jnp.array(WELL_PAST))
    return State(net, running, SGD.init(eqx.filter(net, eqx.is_inexact_array)))


def parameters(net: Net) -> list[Any]:
    """Return the arrays of a network, or of its gradients, in the order of PARAMS."""
    layers = [
        a for each in net.layers for a in (each.linear.weight, each.norm.weight, each.norm.bias)
    ]
    return [net.embedding.weight, *layers, net.head.weight, net.head.bias]


LAYER = ("linear/kernel", "norm/scale", "norm/bias")
PARAMS = [
    "embedding/embedding",
    *(f"layers_{index}/{name}" for index in range(DEPTH) for name in LAYER),
    "head/kernel",
    "head/bias",
]


def named(net: Net) -> Weights:
    """Return parameters, or their gradients, by the common names."""
    arrays = zip(PARAMS, map(np.array, parameters(net)), strict=True)
    return {name: array.T if "kernel" in name else array for name, array in arrays}


def to_weights(state: State) -> Weights:
    """Return copies of the weights and statistics of a state."""
    weights = named(state.net)
    for index, layer in enumerate(state.net.layers):
        index_of: Any = layer.norm.batch_state_index
        for name, value in zip(("mean", "var"), state.running.get(index_of), strict=True):
            weights[f"layers_{index}/norm/{name}"] = np.array(value)
    return weights


@eqx.filter_jit
def _gradients(state: State, inputs: jax.Array, targets: jax.Array) -> Net:
    return eqx.filter_grad(loss_fn, has_aux=True)(state.net, state.running, inputs, targets)[0]


def gradients(state: State, inputs: jax.Array, targets: jax.Array) -> Weights:
    """Return the gradients of a step that is not taken."""
    return named(_gradients(state, inputs, targets))


def pure(state: State) -> Pure:
    """Return the arrays, and functions that put back what is no array."""
    arrays, rest = eqx.partition(state, eqx.is_array)

    def pure_step(arrays: Any, batch: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
        after, loss = step(eqx.combine(arrays, rest), *batch)
        return eqx.filter(after, eqx.is_array), loss

    return Pure(arrays, pure_step, lambda arrays, x: logits(eqx.combine(arrays, rest), x))


def lower(state: State, inputs: jax.Array, targets: jax.Array, *, donate: bool) -> Any:
    """Trace the step; Equinox donates the first argument, or all but the first."""
    batch = inputs, targets

    def step_of(batch: tuple[jax.Array, jax.Array], state: State) -> tuple[State, jax.Array]:
        return step(state, *batch)

    jit: Any = partial(eqx.filter_jit, donate="all-except-first") if donate else eqx.filter_jit
    return jit(step_of).lower(batch, state)
