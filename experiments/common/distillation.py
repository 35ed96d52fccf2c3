"""Training on the probabilities of other nets: knowledge distillation (1503.02531).

The loss of a position is -Σ p log q, with p = (1 - hard) · the teacher's probabilities + hard · the
letter that occurred.  With hard = 1 this is ordinary training.
"""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from common.pool import Result
from common.study import load, losses
from wavenet_jax.config import Config
from wavenet_jax.data import Corpus
from wavenet_jax.nn import WaveNet
from wavenet_jax.training import Trainer, TrainState, crop, init_state, make_trainer


class Student(NamedTuple):
    """A net to distil."""

    config: Config
    hard: float  # share of the letter that occurred in the target; 1 is ordinary training
    teachers: int


def distil(teacher: Path, task: Student) -> Result:
    """Return the losses of a net that learns the teacher's probabilities."""
    dataset, config = load(task.config.data), task.config
    model, steps = WaveNet(config.model, len(dataset.vocab)), config.train.steps or 1
    trainer, corpus = make_trainer(model, config, steps), jax.device_put(dataset.splits.train)
    letters = jax.nn.one_hot(corpus.tokens[1:], model.vocab_size)
    targets = (1 - task.hard) * jnp.asarray(np.load(teacher)) + task.hard * letters
    state = learn(trainer, init_state(trainer), corpus, targets, steps)
    return losses(model, state.variables, dataset)


@partial(jax.jit, static_argnames=("trainer", "steps"))
def learn(
    trainer: Trainer, state: TrainState, corpus: Corpus, targets: jax.Array, steps: int
) -> TrainState:
    """Take steps on targets `[N, V]`, with the minibatches of `train_chunk`."""
    settings, field = trainer.settings, trainer.model.config.receptive_field

    def step(state: TrainState, _: None) -> tuple[TrainState, None]:
        key = jax.random.fold_in(state.key, state.step)
        start = jax.random.randint(key, (settings.batch_size,), 0, corpus.num_predictions)
        inputs = crop(corpus, start, settings.seq_len, field).inputs
        at = (start[:, None] + jnp.arange(settings.seq_len)[None]) % corpus.num_predictions
        gradients, batch_stats = jax.grad(soft_loss, has_aux=True)(
            state.params, state.batch_stats, inputs, targets[at], trainer.model
        )
        updates, opt_state = trainer.optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        return TrainState(params, batch_stats, opt_state, state.step + 1, state.key), None

    return jax.lax.scan(step, state, length=steps)[0]


def soft_loss(
    params: Any, batch_stats: Any, inputs: jax.Array, targets: jax.Array, model: WaveNet
) -> tuple[jax.Array, Any]:
    """Return the mean cross-entropy with targets `[B, T, V]`, and BatchNorm's statistics."""
    logits, updated = model.clone(training=True).apply(
        {"params": params, "batch_stats": batch_stats},
        inputs,
        history=inputs.shape[1] - targets.shape[1],
        mutable=["batch_stats"],
    )
    return optax.softmax_cross_entropy(logits, targets).mean(), updated["batch_stats"]
