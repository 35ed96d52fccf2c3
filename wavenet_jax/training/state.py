"""What a run trains with, which stays the same, and the state, which changes from step to step."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh
from optax import contrib

from wavenet_jax.config import Config, TrainConfig
from wavenet_jax.data import Corpus
from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.nn import Variables, WaveNet, init_variables, require_training_fits
from wavenet_jax.training.batches import Batch, draw_batch
from wavenet_jax.training.optimizers import make_optimizer

DrawBatch = Callable[[jax.Array, Corpus, TrainConfig, int], Batch]


class Trainer(NamedTuple):
    """All that stays the same from step to step; hashable, so that `jit` takes it as static."""

    model: WaveNet
    optimizer: optax.GradientTransformation
    settings: TrainConfig
    ema: float | None = None  # decay of the averages of the parameters
    gradient_norms: bool = False  # whether steps measure them, which takes time
    draw: DrawBatch = draw_batch  # (key, corpus, settings, receptive field) -> Batch
    mesh: Mesh | None = None  # devices that share the rows of a batch; None for one device


def make_trainer(
    model: WaveNet, config: Config, steps: int, draw: DrawBatch = draw_batch
) -> Trainer:
    """Return what trains a model for a run of `steps`.

    Raises `InputError` where a step does not fit the memory.
    """
    require_training_fits(config, model.vocab_size, model.num_labels)
    optimizer = make_optimizer(config.optim, steps)
    return Trainer(model, optimizer, config.train, config.optim.ema, draw=draw)


class TrainState(NamedTuple):
    """All that changes from step to step, and the key from which all randomness comes."""

    params: Any  # the parameters, which the optimizer updates
    batch_stats: Any  # BatchNorm's running means and variances; empty without BatchNorm
    opt_state: Any  # the optimizer's memory; of plain SGD, its count of steps
    step: jax.Array  # [] int32, steps done
    key: jax.Array  # root key; step s draws from fold_in(key, s)
    average: Any = None  # exponential averages of params, where ema is set

    def __repr__(self) -> str:
        """Return the step and the size in a line."""
        size = sum(np.size(leaf) for leaf in jax.tree.leaves(self.params))
        return f"TrainState(step {self.step}, {size:,} parameters)"

    @property
    def variables(self) -> Variables:
        """Return the variables from which the next step starts."""
        return {"params": self.params, "batch_stats": self.batch_stats}

    @property
    def averaged_params(self) -> Any:
        """Return the averages of the parameters, None where the run has none.

        Those of schedule-free AdamW follow from the optimizer's memory.
        """
        if self._schedule_free is not None:
            return contrib.schedule_free_eval_params(self._schedule_free, self.params)
        return self.average

    @property
    def has_averages(self) -> bool:
        """Tell whether the run is evaluated with averages of its parameters."""
        return self.average is not None or self._schedule_free is not None

    @property
    def _schedule_free(self) -> contrib.ScheduleFreeState | None:
        parts = self.opt_state if type(self.opt_state) is tuple else (self.opt_state,)  # of a chain
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
    params = variables["params"]
    return TrainState(
        params=params,
        batch_stats=variables["batch_stats"],
        opt_state=trainer.optimizer.init(params),
        step=jnp.zeros((), jnp.int32),
        key=root_key(seed, Purpose.TRAIN),
        average=None if trainer.ema is None else params,
    )


def update_average(average: Any, params: Any, ema: float, step: jax.Array) -> Any:
    """Return the averages of the parameters after a step `[]`, counted from 1.

    They are exponential with Adam's correction of bias (1412.6980, section 3), which makes the
    first average the first parameters:

    average_t = average_(t-1) + (1 - ema) / (1 - ema^t) · (params_t - average_(t-1))
    """
    weight = (1 - ema) / -jnp.expm1(step * math.log(ema))  # 1 - ema^t would lose digits
    return optax.incremental_update(params, average, weight)
