"""One training step, and many of them in one call: pure functions of (state, data)."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from wavenet_jax.config import TrainConfig
from wavenet_jax.data import Corpus
from wavenet_jax.nn import WaveNet
from wavenet_jax.training.batches import Batch, draw_batch
from wavenet_jax.training.state import TrainState

DrawBatch = Callable[[jax.Array, Corpus, TrainConfig, int], Batch]


class Trainer(NamedTuple):
    """All that stays the same from step to step; hashable, so that `jit` takes it as static."""

    model: WaveNet
    optimizer: optax.GradientTransformation
    settings: TrainConfig
    draw: DrawBatch = draw_batch  # (key, corpus, settings, receptive field) -> Batch


def loss_fn(
    params: Any, batch_stats: Any, batch: Batch, key: jax.Array, trainer: Trainer
) -> tuple[jax.Array, Any]:
    """Return the batch's mean loss in nats, and BatchNorm's statistics after the batch."""
    history = batch.inputs.shape[1] - batch.targets.shape[1]
    is_window = trainer.settings.mode == "window"
    run = WaveNet.window if is_window else partial(WaveNet.__call__, history=history)
    logits, updated = trainer.model.clone(training=True).apply(
        {"params": params, "batch_stats": batch_stats},
        batch.inputs,
        method=run,
        mutable=["batch_stats"],
        rngs={"dropout": key},
    )
    nll = optax.softmax_cross_entropy_with_integer_labels(logits, batch.targets)  # [B, T]
    return nll.mean(), updated.get("batch_stats", {})


def train_step(trainer: Trainer, state: TrainState, batch: Batch) -> tuple[TrainState, jax.Array]:
    """Take one step down the gradient: return the next state, and the loss before the step."""
    (loss, batch_stats), gradients = jax.value_and_grad(loss_fn, has_aux=True)(
        state.params, state.batch_stats, batch, state.dropout_key, trainer
    )
    updates, opt_state = trainer.optimizer.update(gradients, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    return TrainState(params, batch_stats, opt_state, state.step + 1, state.key), loss


@partial(jax.jit, static_argnames=("trainer", "steps"))
def train_chunk(
    trainer: Trainer, state: TrainState, corpus: Corpus, steps: int
) -> tuple[TrainState, jax.Array]:
    """Take many steps in one call: return the state after them, and their losses `[steps]`.

    The state passed in stays valid: only inside the scan is memory used again.  The minibatch of
    step s depends on (root key, s) alone, so chunks of any length make the same run.  All
    minibatches are drawn before the scan, since one wide draw is faster than many narrow draws.
    """
    keys = jax.vmap(jax.random.fold_in, (None, 0))(state.key, state.step + jnp.arange(steps))
    field = trainer.model.config.receptive_field
    batches = jax.vmap(lambda key: trainer.draw(key, corpus, trainer.settings, field))(keys)
    return jax.lax.scan(partial(train_step, trainer), state, batches)
