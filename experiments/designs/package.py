"""The package's own Linen module, trained by the package's own step."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from designs import VOCAB_SIZE, Weights
from wavenet_jax.config import preset, replace_fields
from wavenet_jax.nn import WaveNet
from wavenet_jax.training import Batch, Trainer, TrainState, init_state, loss_fn, make_trainer
from wavenet_jax.training import train_step as package_step

TITLE = "wavenet_jax"
HEAD, OURS = "head/", "head/logits/"


def trainer_of(params: Any) -> Trainer:
    """Return what trains a network that has these parameters."""
    n_embd = params["embedding"]["embedding"].shape[1]
    n_hidden = params["head"]["logits"]["kernel"].shape[0]
    config = replace_fields(preset("makemore"), n_embd=n_embd, n_hidden=n_hidden)
    return make_trainer(WaveNet(config.model, VOCAB_SIZE), config, 200_000)


@jax.jit
def step(state: TrainState, inputs: jax.Array, targets: jax.Array) -> tuple[TrainState, jax.Array]:
    """Take a step: return the state after it, and the loss before it."""
    batch = Batch(inputs, targets[:, None])
    after, metrics = package_step(trainer_of(state.params), state, batch)
    return after, metrics.loss


train_step = step


@jax.jit
def logits(state: TrainState, inputs: jax.Array) -> jax.Array:
    """Return logits `[B, V]`, computed with the running statistics."""
    model = trainer_of(state.params).model
    return model.apply(state.variables, inputs, method="window")[:, 0]


@jax.jit
def _gradients(state: TrainState, inputs: jax.Array, targets: jax.Array) -> Any:
    take = partial(loss_fn, trainer=trainer_of(state.params))
    batch, key = Batch(inputs, targets[:, None]), state.dropout_key
    return jax.grad(take, has_aux=True)(state.params, state.batch_stats, batch, key)[0]


def gradients(state: TrainState, inputs: jax.Array, targets: jax.Array) -> Weights:
    """Return the gradients of a step that is not taken."""
    return named(_gradients(state, inputs, targets))


def from_weights(weights: Weights) -> TrainState:
    """Return the state before the first step, of copied weights and statistics."""
    paths = {name.replace(HEAD, OURS): jnp.array(value) for name, value in weights.items()}
    stats = {name: value for name, value in paths.items() if name.endswith(("mean", "var"))}
    params = {name: value for name, value in paths.items() if name not in stats}
    parts = {"params": params, "batch_stats": stats}
    variables = {name: unflatten_dict(part, sep="/") for name, part in parts.items()}
    return init_state(trainer_of(variables["params"]), variables)


def to_weights(state: TrainState) -> Weights:
    """Return copies of the weights and statistics of a state."""
    return named(state.params) | named(state.batch_stats)


def named(tree: Any) -> Weights:
    """Return parameters, their gradients or statistics by the common names."""
    flat = flatten_dict(tree, sep="/").items()
    return {name.replace(OURS, HEAD): np.array(value) for name, value in flat}
