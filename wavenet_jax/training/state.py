"""All that changes from step to step."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.nn import Variables, WaveNet, init_variables


class TrainState(NamedTuple):
    """All that changes from step to step, and the key from which all randomness comes."""

    params: Any  # the parameters, which the optimizer updates
    batch_stats: Any  # BatchNorm's running means and variances; empty without BatchNorm
    opt_state: Any  # the optimizer's memory; of plain SGD, its count of steps
    step: jax.Array  # [] int32, steps done
    key: jax.Array  # root key; step s draws from fold_in(key, s)

    def __repr__(self) -> str:
        """Return the step and the size in a line."""
        size = sum(np.size(leaf) for leaf in jax.tree.leaves(self.params))
        return f"TrainState(step {self.step}, {size:,} parameters)"

    @property
    def variables(self) -> Variables:
        """Return the variables to apply the model with."""
        return {"params": self.params, "batch_stats": self.batch_stats}

    @property
    def dropout_key(self) -> jax.Array:
        """Return this step's dropout key; no minibatch has it, since steps are below 2³¹."""
        return jax.random.fold_in(self.key, jnp.uint32(2**31) + self.step.astype(jnp.uint32))


def init_state(model: WaveNet, optimizer: optax.GradientTransformation, seed: int) -> TrainState:
    """Return the state before the first step, a function of the seed."""
    variables = init_variables(model, root_key(seed, Purpose.INIT))
    return TrainState(
        params=variables["params"],
        batch_stats=variables["batch_stats"],
        opt_state=optimizer.init(variables["params"]),
        step=jnp.zeros((), jnp.int32),
        key=root_key(seed, Purpose.TRAIN),
    )
