"""What a run trains with, which stays the same, and the state, which changes from step to step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from optax import contrib

from wavenet_jax.config import Config, TrainConfig
from wavenet_jax.data import Corpus
from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.nn import Variables, WaveNet, init_variables
from wavenet_jax.training.batches import Batch, draw_batch
from wavenet_jax.training.optimizers import make_optimizer

DrawBatch = Callable[[jax.Array, Corpus, TrainConfig, int], Batch]


class Trainer(NamedTuple):
    """All that stays the same from step to step; hashable, so that `jit` takes it as static."""

    model: WaveNet
    optimizer: optax.GradientTransformation
    settings: TrainConfig
    ema: float | None = None  # decay of the averages of the variables
    draw: DrawBatch = draw_batch  # (key, corpus, settings, receptive field) -> Batch


def make_trainer(
    model: WaveNet, config: Config, steps: int, draw: DrawBatch = draw_batch
) -> Trainer:
    """Return what trains a model for a run of `steps`."""
    optimizer = make_optimizer(config.optim, steps)
    return Trainer(model, optimizer, config.train, config.optim.ema, draw)


class TrainState(NamedTuple):
    """All that changes from step to step, and the key from which all randomness comes."""

    params: Any  # the parameters, which the optimizer updates
    batch_stats: Any  # BatchNorm's running means and variances; empty without BatchNorm
    opt_state: Any  # the optimizer's memory; of plain SGD, its count of steps
    step: jax.Array  # [] int32, steps done
    key: jax.Array  # root key; step s draws from fold_in(key, s)
    average: Variables | None = None  # where the run averages: what to evaluate with

    def __repr__(self) -> str:
        """Return the step and the size in a line."""
        size = sum(np.size(leaf) for leaf in jax.tree.leaves(self.params))
        return f"TrainState(step {self.step}, {size:,} parameters)"

    @property
    def trained(self) -> Variables:
        """Return the variables from which the next step starts."""
        return {"params": self.params, "batch_stats": self.batch_stats}

    @property
    def variables(self) -> Variables:
        """Return the variables to evaluate the model with: averages, where the run has them."""
        return self.trained if self.average is None else self.average

    @property
    def dropout_key(self) -> jax.Array:
        """Return this step's dropout key; no minibatch has it, since steps are below 2³¹."""
        return jax.random.fold_in(self.key, jnp.uint32(2**31) + self.step.astype(jnp.uint32))


def init_state(trainer: Trainer, variables: Variables | None = None) -> TrainState:
    """Return the state before the first step, of these variables, or of those of the seed."""
    seed = trainer.settings.seed
    if variables is None:
        variables = init_variables(trainer.model, root_key(seed, Purpose.INIT))
    opt_state = trainer.optimizer.init(variables["params"])
    has_averages = trainer.ema is not None or find_schedule_free(opt_state) is not None
    return TrainState(
        params=variables["params"],
        batch_stats=variables["batch_stats"],
        opt_state=opt_state,
        step=jnp.zeros((), jnp.int32),
        key=root_key(seed, Purpose.TRAIN),
        average=variables if has_averages else None,
    )


def average_params(trainer: Trainer, before: Any, params: Any, opt_state: Any, step: Any) -> Any:
    """Return the averages of the parameters after a step `[]`, counted from 1.

    They are those of schedule-free AdamW, or exponential with Adam's correction of bias (1412.6980,
    section 3), which makes the first average the first parameters:

    average_t = average_(t-1) + (1 - ema) / (1 - ema^t) · (params_t - average_(t-1))
    """
    schedule_free = find_schedule_free(opt_state)
    if schedule_free is not None:
        return contrib.schedule_free_eval_params(schedule_free, params)
    assert trainer.ema is not None  # what has averages is one or the other
    weight = (1 - trainer.ema) / (1 - trainer.ema**step)
    return optax.incremental_update(params, before, weight)


def find_schedule_free(opt_state: Any) -> contrib.ScheduleFreeState | None:
    """Return the state of schedule-free averaging, where the optimizer has one."""
    parts = opt_state if type(opt_state) is tuple else (opt_state,)  # of a chain, or alone
    return next((part for part in parts if isinstance(part, contrib.ScheduleFreeState)), None)
