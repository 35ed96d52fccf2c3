"""Plain functions over dictionaries of arrays: all state comes in and goes out."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from designs import DEPTH, EPSILON, MOMENTUM, SGD, VOCAB_SIZE, Pure, Sizes, Weights

TITLE = "functions"
Params = dict[str, Any]
Stats = dict[str, Any]


class State(NamedTuple):
    """All that changes from step to step."""

    params: Params
    stats: Stats  # BN
    opt_state: Any


def init(key: jax.Array, sizes: Sizes) -> tuple[Params, Stats]:  # BN
    """Return fresh parameters, and running statistics."""
    keys, hidden = jax.random.split(key, DEPTH + 2), sizes.n_hidden
    params: Params = {"embedding": jax.random.normal(keys[-1], (VOCAB_SIZE, sizes.n_embd))}
    stats: Stats = {}  # BN
    for index in range(DEPTH):
        kernel = normal(keys[index], sizes.fan_in(index), hidden)
        scale, bias = jnp.ones(hidden), jnp.zeros(hidden)  # BN
        params[f"layers_{index}"] = {"kernel": kernel, "scale": scale, "bias": bias}  # BN
        stats[f"layers_{index}"] = {"mean": jnp.zeros(hidden), "var": jnp.ones(hidden)}  # BN
    kernel = 0.1 * normal(keys[-2], hidden, VOCAB_SIZE)
    params["head"] = {"kernel": kernel, "bias": jnp.zeros(VOCAB_SIZE)}
    return params, stats  # BN


def normal(key: jax.Array, fan_in: int, fan_out: int) -> jax.Array:
    """Draw a kernel `[in, out]` from N(0, 1/in)."""
    return jax.random.normal(key, (fan_in, fan_out)) / fan_in**0.5


def batch_norm(x: jax.Array, layer: Params, running: Stats) -> jax.Array:  # BN
    """Normalise `[B, T, C]` by running statistics, then scale and shift."""  # BN
    factor = lax.rsqrt(running["var"] + EPSILON) * layer["scale"]  # BN
    return (x - running["mean"]) * factor + layer["bias"]  # BN


def measure(x: jax.Array) -> Stats:  # BN
    """Return the statistics of a batch `[B, T, C]`, `[C]` each."""  # BN
    mean = x.mean((0, 1))  # BN
    return {"mean": mean, "var": jnp.square(x - mean).mean((0, 1))}  # BN


def moved(old: jax.Array, new: jax.Array) -> jax.Array:  # BN
    """Return running statistics moved to those of a batch."""  # BN
    return MOMENTUM * old + (1 - MOMENTUM) * new  # BN


def apply(
    params: Params, stats: Stats, tokens: jax.Array, *, training: bool
) -> tuple[jax.Array, Stats]:  # BN
    """Return logits `[B, V]` of windows `[B, 8]`, and the statistics after them."""
    x, after = jnp.take(params["embedding"], tokens, axis=0), {}  # BN
    for name in (f"layers_{index}" for index in range(DEPTH)):
        rows, positions, channels = x.shape
        x = x.reshape(rows, positions // 2, 2 * channels) @ params[name]["kernel"]
        used = measure(x) if training else stats[name]  # BN
        after[name] = jax.tree.map(moved, stats[name], used) if training else stats[name]  # BN
        x = jnp.tanh(batch_norm(x, params[name], used))  # BN
    return x[:, 0] @ params["head"]["kernel"] + params["head"]["bias"], after  # BN


def loss_fn(
    params: Params, stats: Stats, inputs: jax.Array, targets: jax.Array
) -> tuple[jax.Array, Stats]:  # BN
    """Return the mean loss of a batch, and the statistics after it."""
    logits, stats = apply(params, stats, inputs, training=True)  # BN
    nll = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
    return nll.mean(), stats  # BN


def step(state: State, inputs: jax.Array, targets: jax.Array) -> tuple[State, jax.Array]:
    """Take a step: return the state after it, and the loss before it."""
    gradients_of = jax.value_and_grad(loss_fn, has_aux=True)  # BN
    (loss, stats), gradients = gradients_of(state.params, state.stats, inputs, targets)  # BN
    updates, opt_state = SGD.update(gradients, state.opt_state)
    return State(optax.apply_updates(state.params, updates), stats, opt_state), loss  # BN


train_step = jax.jit(step)


@jax.jit
def logits(state: State, inputs: jax.Array) -> jax.Array:
    """Return logits `[B, V]`, computed with the running statistics."""
    return apply(state.params, state.stats, inputs, training=False)[0]  # BN


# What the comparison needs: the weights by common names, gradients alone, a step for `lax.scan`.


def from_weights(weights: Weights) -> State:
    """Return the state before the first step, of copied weights and statistics."""
    params: Params = {"embedding": jnp.array(weights["embedding/embedding"])}
    params["head"] = {name: jnp.array(weights[f"head/{name}"]) for name in ("kernel", "bias")}
    stats = {}
    for layer in (f"layers_{index}" for index in range(DEPTH)):
        norm = {n: jnp.array(weights[f"{layer}/norm/{n}"]) for n in ("scale", "bias")}
        params[layer] = {"kernel": jnp.array(weights[f"{layer}/linear/kernel"])} | norm
        stats[layer] = {n: jnp.array(weights[f"{layer}/norm/{n}"]) for n in ("mean", "var")}
    return State(params, stats, SGD.init(params))


def to_weights(state: State) -> Weights:
    """Return copies of the weights and statistics of a state."""
    return named(state.params) | {
        f"{layer}/norm/{name}": np.array(value)
        for layer, running in state.stats.items()
        for name, value in running.items()
    }


def named(params: Params) -> Weights:
    """Return parameters, or their gradients, by the common names."""
    weights = {"embedding/embedding": np.array(params["embedding"])}
    weights |= {f"head/{name}": np.array(value) for name, value in params["head"].items()}
    for layer in (f"layers_{index}" for index in range(DEPTH)):
        for name, value in params[layer].items():
            part = "linear" if name == "kernel" else "norm"
            weights[f"{layer}/{part}/{name}"] = np.array(value)
    return weights


@jax.jit
def _gradients(state: State, inputs: jax.Array, targets: jax.Array) -> Params:
    return jax.grad(loss_fn, has_aux=True)(state.params, state.stats, inputs, targets)[0]


def gradients(state: State, inputs: jax.Array, targets: jax.Array) -> Weights:
    """Return the gradients of a step that is not taken."""
    return named(_gradients(state, inputs, targets))


def pure(state: State) -> Pure:
    """Return the state and its functions: they are what they are."""
    return Pure(state, lambda state, batch: step(state, *batch), logits)


def lower(state: State, inputs: jax.Array, targets: jax.Array, *, donate: bool) -> Any:
    """Trace the step."""
    return jax.jit(step, donate_argnums=0 if donate else ()).lower(state, inputs, targets)
