"""One training step, and many of them in one call: pure functions of (state, data)."""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from wavenet_jax.data import Corpus
from wavenet_jax.devices import replicated, shard_rows
from wavenet_jax.nn import NORM_MOMENTUM, Variables, WaveNet
from wavenet_jax.training.batches import Batch
from wavenet_jax.training.state import Trainer, TrainState, update_average

# From how many positions BatchNorm's statistics are estimated: experiments/averaged_statistics.py
STATISTICS_POSITIONS = 8_192


class StepMetrics(NamedTuple):
    """What a step measures on its minibatch, before it moves."""

    loss: jax.Array  # [] mean of the minibatch, nats per character
    gradient_norm: jax.Array | None  # [] of all gradients, before clipping; None if not wanted


def loss_fn(
    params: Any, batch_stats: Any, batch: Batch, key: jax.Array, trainer: Trainer
) -> tuple[jax.Array, Any]:
    """Return the batch's mean loss in nats, and BatchNorm's statistics after the batch."""
    batch = shard_rows(trainer.mesh, batch)
    history = batch.inputs.shape[1] - batch.targets.shape[1]
    is_window = trainer.settings.mode == "window"
    run = WaveNet.window if is_window else partial(WaveNet.__call__, history=history)
    model = trainer.model.clone(training=True, keeps_rows=trainer.mesh is not None)
    logits, updated = model.apply(
        {"params": params, "batch_stats": batch_stats},
        batch.inputs,
        batch.labels,
        method=run,
        mutable=["batch_stats"],
        rngs={"dropout": key},
    )
    nll = optax.softmax_cross_entropy_with_integer_labels(logits, batch.targets)  # [B, T]
    return nll.mean(), updated.get("batch_stats", {})


def train_step(trainer: Trainer, state: TrainState, batch: Batch) -> tuple[TrainState, StepMetrics]:
    """Take one step down the gradient: return the next state, and what was measured before."""
    loss, batch_stats, gradients = _gradients(trainer, state, batch)
    updates, opt_state = trainer.optimizer.update(gradients, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    average, step = state.average, state.step + 1
    if trainer.ema is not None:
        average = update_average(average, params, trainer.ema, step)
    after = TrainState(params, batch_stats, opt_state, step, state.key, average)
    # A norm in every step takes 6 % of the lecture's.
    norm = optax.tree.norm(gradients) if trainer.gradient_norms else None
    return after, StepMetrics(loss, norm)


def _gradients(trainer: Trainer, state: TrainState, batch: Batch) -> tuple[jax.Array, Any, Any]:
    """Return a batch's loss, BatchNorm's statistics after it, and the gradients.

    Where the settings accumulate, the batch is parted: gradients and loss are the means over the
    parts, and so equal those of the whole but for BatchNorm, which sees one part after the other.
    """
    gradients_of = jax.value_and_grad(loss_fn, has_aux=True)
    parts = trainer.settings.accumulate
    if parts == 1:
        (loss, batch_stats), gradients = gradients_of(
            state.params, state.batch_stats, batch, state.dropout_key, trainer
        )
        return loss, batch_stats, gradients

    def add(carried: tuple[Any, Any], part: tuple[Batch, jax.Array]) -> tuple[tuple[Any, Any], Any]:
        batch_stats, total = carried
        rows, key = part
        (loss, batch_stats), gradients = gradients_of(state.params, batch_stats, rows, key, trainer)
        return (batch_stats, jax.tree.map(jnp.add, total, gradients)), loss

    rows = jax.tree.map(lambda leaf: leaf.reshape(parts, -1, *leaf.shape[1:]), batch)
    start = state.batch_stats, jax.tree.map(jnp.zeros_like, state.params)
    keys = jax.random.split(state.dropout_key, parts)
    (batch_stats, total), losses = jax.lax.scan(add, start, (rows, keys))
    return losses.mean(), batch_stats, jax.tree.map(lambda leaf: leaf / parts, total)


@partial(jax.jit, static_argnames=("trainer", "steps"))
def train_chunk(
    trainer: Trainer, state: TrainState, corpus: Corpus, steps: int
) -> tuple[TrainState, StepMetrics]:
    """Take many steps in one call: return the state after them, and their metrics, `[steps]` each.

    The state passed in stays valid: only inside the scan is memory used again.  The minibatch of
    step s depends on (root key, s) alone, so chunks of any length make the same run.  All
    minibatches are drawn before the scan, since one wide draw is faster than many narrow draws.
    Row i of a minibatch depends on (root key, s, i), whichever device gathers it.
    """
    keys = jax.vmap(jax.random.fold_in, (None, 0))(state.key, state.step + jnp.arange(steps))
    field = trainer.model.config.receptive_field
    batches = jax.vmap(lambda key: trainer.draw(key, corpus, trainer.settings, field))(keys)
    batches = shard_rows(trainer.mesh, batches, axis=1)
    return replicated(trainer.mesh, jax.lax.scan(partial(train_step, trainer), state, batches))


def evaluation_variables(
    trainer: Trainer, state: TrainState, corpus: Corpus, positions: int = STATISTICS_POSITIONS
) -> Variables:
    """Return the variables to evaluate with: averages, where the run has them; on one device.

    BatchNorm's running statistics belong to the weights, not to their averages.  Those of the
    averages are the means over the run's first minibatches, of at least as many positions, without
    dropout.
    """
    params = state.averaged_params
    if params is None:
        return state.variables
    return {"params": params, "batch_stats": _estimate(trainer, params, state, corpus, positions)}


@partial(jax.jit, static_argnames=("trainer", "positions"))
def _estimate(
    trainer: Trainer, params: Any, state: TrainState, corpus: Corpus, positions: int
) -> Any:
    """Return the statistics of a network of these parameters."""
    settings, field = trainer.settings, trainer.model.config.receptive_field
    count = -(-positions // (settings.batch_size * settings.seq_len))
    config = replace(trainer.model.config, dropout=0.0)
    still = trainer._replace(model=trainer.model.clone(config=config))
    none = jax.tree.map(jnp.zeros_like, state.batch_stats)

    def add(total: Any, index: jax.Array) -> tuple[Any, None]:
        key = jax.random.fold_in(state.key, index)
        batch = trainer.draw(key, corpus, settings, field)
        _, update = loss_fn(params, none, batch, key, still)
        return jax.tree.map(jnp.add, total, update), None

    total, _ = jax.lax.scan(add, none, jnp.arange(count))
    # An update from zero is the batch's share of the running statistics.
    return jax.tree.map(lambda leaf: leaf / (count * (1 - NORM_MOMENTUM)), total)
