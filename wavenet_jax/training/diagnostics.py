"""What a training step does inside the network: activations, gradients and updates, layer by layer.

The quantities are those of Karpathy's lectures "makemore part 3: Activations & Gradients,
BatchNorm" and part 4.  The batch goes through `loss_fn` as in a step, with BatchNorm's statistics
of the batch and with dropout.  Flax's method interceptors read the layers while they run.
"""

from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax.data import Corpus
from wavenet_jax.training.batches import Batch
from wavenet_jax.training.state import Trainer, TrainState
from wavenet_jax.training.step import loss_fn

# An activation whose slope is below this passes on little of a gradient: of tanh, |tanh| > 0.97.
SATURATED = 1 - 0.97**2
_LATER = {"residual": 1, "hidden": 1, "logits": 2}  # matrices that come after others of their place
_OF_LAYERS = {"layers": None, "conditions": "labels"}  # whose matrices are the layers', by name


class LayerDiagnostics(NamedTuple):
    """The activations of a layer at the scored positions, before dropout.

    Of a plain layer they are activation(x), of a gated one tanh(x) ⊙ σ(gate).
    """

    activations: np.ndarray  # [M, H]
    gradients: np.ndarray  # [M, H], of the loss in nats with respect to them
    saturated: float  # share of them whose activation (tanh of a gate) has a slope < SATURATED


class MatrixDiagnostics(NamedTuple):
    """A weight matrix, `[in, out]` each."""

    place: str  # embedding, label_embedding, layer 1 and so on, or head
    name: str  # in that place, such as linear, or labels for what multiplies theirs
    weights: np.ndarray
    gradients: np.ndarray  # of the loss in nats
    updates: np.ndarray  # what the optimizer would add

    @property
    def log10_update(self) -> float:
        """Return log₁₀ of std(update) / std(weight), -inf without an update."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.log10(self.updates.std() / self.weights.std()))


class Diagnostics(NamedTuple):
    """A batch as the next training step sees it."""

    loss_nats: float  # mean of the batch
    layers: list[LayerDiagnostics]  # L, from the first to the last
    matrices: list[MatrixDiagnostics]  # in the order in which they are applied


class _Readings(NamedTuple):
    activations: list[jax.Array]  # L times [M, H]
    saturated: list[jax.Array]  # L times [M, H], of bools


def next_batch(trainer: Trainer, state: TrainState, corpus: Corpus) -> Batch:
    """Return the minibatch of a state's next step, the one that `train_chunk` draws."""
    key, field = jax.random.fold_in(state.key, state.step), trainer.model.config.receptive_field
    return trainer.draw(key, corpus, trainer.settings, field)


def diagnose(trainer: Trainer, state: TrainState, batch: Batch) -> Diagnostics:
    """Return what the step from this state on this batch does inside the network."""
    loss, readings, slopes, matrices = jax.device_get(_measure(trainer, state, batch))
    # In sequence mode the nodes of the history, which are no scored positions, come first.
    scored = 0 if trainer.settings.mode == "window" else -batch.targets.size
    layers = [
        LayerDiagnostics(activations[scored:], gradients[scored:], float(saturated[scored:].mean()))
        for activations, saturated, gradients in zip(*readings, slopes, strict=True)
    ]
    return Diagnostics(float(loss), layers, _matrices(*matrices))


@partial(jax.jit, static_argnames="trainer")
def _measure(trainer: Trainer, state: TrainState, batch: Batch) -> tuple[Any, ...]:
    """Return loss, readings, the gradients of the activations, and params, gradients, updates."""
    run = partial(_read, trainer, state, batch)
    unperturbed = [jnp.zeros(())] * len(trainer.model.config.dilations)
    shapes = jax.eval_shape(run, state.params, unperturbed)[1].activations
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    (loss, readings), (gradients, slopes) = jax.value_and_grad(run, (0, 1), has_aux=True)(
        state.params, zeros
    )
    updates, _ = trainer.optimizer.update(gradients, state.opt_state, state.params)
    return loss, readings, slopes, (state.params, gradients, updates)


def _read(
    trainer: Trainer, state: TrainState, batch: Batch, params: Any, perturbations: list[jax.Array]
) -> tuple[jax.Array, _Readings]:
    """Return the loss with a perturbation added to the activations of each layer, and readings.

    The gradient with respect to a perturbation of 0 is that with respect to the activations.
    """
    readings = _Readings([], [])

    def intercept(call: Any, args: Any, kwargs: Any, context: nn.module.InterceptorContext) -> Any:
        module = context.module
        if context.method_name == "__call__" and isinstance(module, nn.Dropout):
            (activations,) = args  # of a layer, which hands them to its dropout
            readings.activations.append(activations)
            perturbation = perturbations[len(readings.activations) - 1]
            return call(activations + perturbation, **kwargs)
        out = call(*args, **kwargs)
        if context.method_name == "__call__" and module.name == "norm":
            readings.saturated.append(_is_saturated(module.parent, out))
        return out

    with nn.intercept_methods(intercept):
        loss, _ = loss_fn(params, state.batch_stats, batch, state.dropout_key, trainer)
    return loss, readings


def _is_saturated(layer: Any, normed: jax.Array) -> jax.Array:
    """Tell where the slope of a layer's activation is near 0, `[M, H]`; of a gate, that of tanh."""
    activation, inputs = getattr(layer, "activation", jnp.tanh), normed[:, : layer.channels]
    _, slope = jax.jvp(activation, (inputs,), (jnp.ones_like(inputs),))
    return jnp.abs(slope) < SATURATED


def _matrices(params: Any, gradients: Any, updates: Any) -> list[MatrixDiagnostics]:
    """Return the parameters that are matrices, in the order in which they are applied."""
    found = []
    leaves = zip(*map(jax.tree.leaves, (gradients, updates)), strict=True)
    for (path, weights), (gradient, update) in zip(
        jax.tree_util.tree_leaves_with_path(params), leaves, strict=True
    ):
        if weights.ndim > 1:
            top, name = path[0].key, path[-2].key
            part, _, number = top.rpartition("_")
            layer = int(number) + 1 if part in _OF_LAYERS else 0
            place, name = (f"layer {layer}", _OF_LAYERS[part] or name) if layer else (top, name)
            rank = (top == "head", layer, _LATER.get(name, 0))
            found.append((rank, MatrixDiagnostics(place, name, weights, gradient, update)))
    return [matrix for _, matrix in sorted(found, key=lambda each: each[0])]
