"""Models whose variables are random."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax.nn import Variables, WaveNet, init_variables


def randomised(model: WaveNet, seed: int) -> Variables:
    """Return variables in which every number is random, the running variances positive.

    Products keep the size of what they multiply, as initial ones do: else a deep stack magnifies
    the rounding of its first layers.
    """
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(lambda: init_variables(model, jax.random.key(0)))

    def fill(path: Any, leaf: jax.ShapeDtypeStruct) -> jax.Array:
        values = rng.normal(size=leaf.shape).astype(np.float32)
        name = path[-1].key
        if name == "kernel":
            values /= np.sqrt(leaf.shape[0], dtype=np.float32)
        return jnp.asarray(np.exp(values) if name == "var" else values)

    return jax.tree_util.tree_map_with_path(fill, shapes)
