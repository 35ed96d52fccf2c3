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
    average: Variables | None = None  # averages of params and batch_stats, where ema is set

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
        if self.average is not None:
            return self.average
        schedule_free = self._schedule_free
        if schedule_free is None:
            return self.trained
        params = contrib.schedule_free_eval_params(schedule_free, self.params)
        return {"params": params, "batch_stats": self.batch_stats}

    @property
    def has_averages(self) -> bool:
        """Tell whether `variables` are others than `trained`."""
        return self.average is not None or self._schedule_free is not None

    @property
    def _schedule_free(self) -> contrib.ScheduleFreeState | None:
        """Return the state of schedule-free averaging, where the optimizer has one."""
        parts = self.opt_state if type(self.opt_state) is tuple else (self.opt_state,)  # a chain's
        return next((part for part in parts if isinstance(part, contrib.ScheduleFreeState)), None)

    @property
    def dropout_key(self) -> jax.Array:
        """Return this step's dropout key; no minibatch has it, since steps are below 2³¹."""
        return jax.random.fold_in(self.key, jnp.uint32(2**31) + self.step.astype(jnp.uint32))


def init_state(trainer: Trainer, variables: Variables | None = None) -> TrainState:
    """Return the state before the first step, of these variables, or of those of the seed."""
    seed = trainer.settings.seed
    if variables is None:
        variables = init_variables(trainer.model, root_key(seed, Purpose.INIT))
    return TrainState(
        params=variables["params"],
        batch_stats=variables["batch_stats"],
        opt_state=trainer.optimizer.init(variables["params"]),
        step=jnp.zeros((), jnp.int32),
        key=root_key(seed, Purpose.TRAIN),
        average=None if trainer.ema is None else variables,
    )


def update_average(average: Variables, variables: Variables, decay: float, step: jax.Array) -> Any:
    """Return the averages after a step `[]`, counted from 1, whose variables these are.

    They are exponential with Adam's correction of bias (1412.6980, section 3), which makes the
    first average the first variables:

    average_t = average_(t-1) + (1 - decay) / (1 - decay^t) · (variables_t - average_(t-1))
    """
    weight = (1 - decay) / (1 - decay**step)
    return optax.incremental_update(variables, average, weight)
