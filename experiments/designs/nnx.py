"""Flax NNX: modules hold their variables and change them in place."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from designs import DEPTH, EPSILON, MOMENTUM, SGD, VOCAB_SIZE, Pure, Sizes, Weights

TITLE = "NNX"
fan_in_normal = nnx.initializers.variance_scaling(1.0, "fan_in", "normal")
logits_normal = nnx.initializers.variance_scaling(0.1**2, "fan_in", "normal")


class Layer(nnx.Module):
    """Merges neighbours in pairs, then linear, BatchNorm, tanh."""

    def __init__(self, fan_in: int, n_hidden: int, *, rngs: nnx.Rngs) -> None:
        self.linear = nnx.Linear(
            fan_in, n_hidden, use_bias=False, kernel_init=fan_in_normal, rngs=rngs
        )
        self.norm = nnx.BatchNorm(  # BN
            n_hidden,
            momentum=MOMENTUM,
            epsilon=EPSILON,
            use_fast_variance=False,
            rngs=rngs,  # BN
        )  # BN

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return `[B, T/2, H]` for `[B, T, C]`."""
        rows, positions, channels = x.shape
        x = self.linear(x.reshape(rows, positions // 2, 2 * channels))
        return jnp.tanh(self.norm(x))  # BN


class Net(nnx.Module):
    """The network; `train()` and `eval()` set what BatchNorm uses."""

    def __init__(self, sizes: Sizes, *, rngs: nnx.Rngs) -> None:
        unit = nnx.initializers.normal(1.0)
        self.embedding = nnx.Embed(VOCAB_SIZE, sizes.n_embd, embedding_init=unit, rngs=rngs)
        self.layers = nnx.List(
            Layer(sizes.fan_in(index), sizes.n_hidden, rngs=rngs) for index in range(DEPTH)
        )
        self.head = nnx.Linear(sizes.n_hidden, VOCAB_SIZE, kernel_init=logits_normal, rngs=rngs)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Return logits `[B, V]` of windows `[B, 8]`."""
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.head(x[:, 0])


class State(NamedTuple):
    """What trains: two objects that change in place."""

    net: Net
    optimizer: nnx.Optimizer


def init(sizes: Sizes, rngs: nnx.Rngs) -> State:
    """Return a fresh network and its optimizer."""
    net = Net(sizes, rngs=rngs)
    return State(net, nnx.Optimizer(net, SGD, wrt=nnx.Param))


def loss_fn(net: Net, inputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Return the mean loss of a batch."""
    return optax.softmax_cross_entropy_with_integer_labels(net(inputs), targets).mean()


def step(net: Net, optimizer: nnx.Optimizer, inputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Take a step in place: return the loss before it."""
    net.train()  # BN
    loss, gradients = nnx.value_and_grad(loss_fn)(net, inputs, targets)
    optimizer.update(net, gradients)
    return loss


jitted_step = nnx.jit(step)


def train_step(state: State, inputs: jax.Array, targets: jax.Array) -> tuple[State, jax.Array]:
    """Take a step in place: return the same objects, and the loss before it."""
    return state, jitted_step(*state, inputs, targets)


@nnx.jit
def _logits(net: Net, inputs: jax.Array) -> jax.Array:
    return net(inputs)


def logits(state: State, inputs: jax.Array) -> jax.Array:
    """Return logits `[B, V]`, computed with the running statistics."""
    state.net.eval()  # BN
    return _logits(state.net, inputs)


# What the comparison needs: the weights by common names, gradients alone, a step for `lax.scan`.


def from_weights(weights: Weights) -> State:
    """Return the state before the first step, of copied weights and statistics."""
    n_embd, n_hidden = weights["embedding/embedding"].shape[1], len(weights["head/kernel"])
    state = init(Sizes(n_embd, n_hidden), nnx.Rngs(0))
    paths = {path_of(name): jnp.array(value) for name, value in weights.items()}
    variables = nnx.state(state.net, (nnx.Param, nnx.BatchStat))
    nnx.replace_by_pure_dict(variables, nnx.traversals.unflatten_mapping(paths))
    nnx.update(state.net, variables)
    return state


def path_of(name: str) -> tuple[str | int, ...]:
    """Return where a common name stands in a `Net`: a list counts its members."""
    first, *others = name.split("/")
    kind, _, index = first.partition("_")
    return (kind, int(index), *others) if index else (first, *others)


def to_weights(state: State) -> Weights:
    """Return copies of the weights and statistics of a state."""
    return named(nnx.state(state.net, (nnx.Param, nnx.BatchStat)))


def named(tree: Any) -> Weights:
    """Return parameters, their gradients or statistics by the common names."""
    flat = nnx.traversals.flatten_mapping(nnx.to_pure_dict(tree))
    return {
        "/".join(map(str, path)).replace("layers/", "layers_"): np.array(value)
        for path, value in flat.items()
    }


_gradients = nnx.jit(nnx.grad(loss_fn))


def gradients(state: State, inputs: jax.Array, targets: jax.Array) -> Weights:
    """Return the gradients of a step that is not taken."""
    net = nnx.clone(state.net)  # whose statistics may move
    net.train()
    return named(_gradients(net, inputs, targets))


def pure(state: State) -> Pure:
    """Return the variables, split from the objects, and functions that merge them again."""
    graph, variables = nnx.split(tuple(state))

    def pure_step(variables: Any, batch: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
        net, optimizer = nnx.merge(graph, variables)
        loss = step(net, optimizer, *batch)
        return nnx.state((net, optimizer)), loss

    def pure_logits(variables: Any, inputs: jax.Array) -> jax.Array:
        net, _ = nnx.merge(graph, variables)
        net.eval()
        output: jax.Array = net(inputs)
        return output

    return Pure(variables, pure_step, pure_logits)


def lower(state: State, inputs: jax.Array, targets: jax.Array, *, donate: bool) -> Any:
    """Trace the step."""
    return nnx.jit(step, donate_argnums=(0, 1) if donate else ()).lower(*state, inputs, targets)


def split_and_merge(state: State) -> Callable[..., jax.Array]:
    """Return the step under `jax.jit`, with the variables split from the objects."""
    variables, pure_step, _ = pure(state)
    jitted, held = jax.jit(pure_step), [variables]

    def call(inputs: jax.Array, targets: jax.Array) -> jax.Array:
        held[0], loss = jitted(held[0], (inputs, targets))
        return loss

    return call


def as_pytrees(state: State) -> Callable[..., jax.Array]:
    """Return the step under `jax.jit`, to which modules are pytrees, returned like any other."""

    @jax.jit
    def jitted(state: State, inputs: jax.Array, targets: jax.Array) -> tuple[State, jax.Array]:
        loss = step(*state, inputs, targets)
        return state, loss

    held = [state]

    def call(inputs: jax.Array, targets: jax.Array) -> jax.Array:
        held[0], loss = jitted(held[0], inputs, targets)
        return loss

    return call


# Each makes a function (inputs, targets) -> loss that trains the state.
FORMS: dict[str, Callable[[State], Callable[..., jax.Array]]] = {
    "nnx.jit, graph": lambda state: partial(nnx.jit(step), *state),
    "nnx.jit, graph without updates": lambda state: partial(
        nnx.jit(step, graph_updates=False), *state
    ),
    "nnx.jit, tree": lambda state: partial(nnx.jit(step, graph=False), *state),
    "nnx.cached_partial": lambda state: nnx.cached_partial(nnx.jit(step), *state),
    "nnx.jit_partial, tree": lambda state: nnx.jit_partial(step, *state, graph=False),
    "split, jax.jit, merge": split_and_merge,
    "jax.jit of pytrees": as_pytrees,
}
