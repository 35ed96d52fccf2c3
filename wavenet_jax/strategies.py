"""Temperature, top-k and top-p (nucleus) sampling: logits -> a character.

Sources: top-k, Fan et al., 2018 (1805.04833); top-p, Holtzman et al., 2019 (1904.09751).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Strategy(NamedTuple):
    """Which characters may be chosen, and how sharply; by default by the model's probabilities."""

    temperature: float = 1.0  # logits are divided by it; 0 takes the likeliest
    top_k: int | None = None  # only the k likeliest
    top_p: float | None = None  # only the likeliest, up to the one at which their sum reaches p


AS_LEARNED = Strategy()


def choose(key: jax.Array, logits: jax.Array, strategy: Strategy) -> jax.Array:
    """Return a character `[]`, given logits `[V]` in float32, -inf for those never to be chosen.

    By inversion of the distribution function (Devroye, 1986, III.2), which takes one uniform number
    where Gumbel's trick takes V.  Chances are right to 2⁻²³, the step of a uniform float32.
    """
    temperature, top_k, top_p = strategy
    divisor = jnp.where(jnp.asarray(temperature) > 0, temperature, 1.0)
    scaled = (logits - logits.max()) / divisor
    if top_k is not None or top_p is not None:
        scaled = jnp.where(scaled >= _threshold(scaled, top_k, top_p), scaled, -jnp.inf)
    weights = jnp.exp(scaled)
    # What has no weight is never chosen, however the sums are rounded.
    reached = jnp.where(weights > 0, jnp.cumsum(weights), 0)
    uniform = 1 - jax.random.uniform(key)  # in (0, 1]: 0 would take the first, however rare
    drawn = jnp.argmax(reached >= uniform * reached.max())
    return jnp.where(jnp.asarray(temperature) > 0, drawn, jnp.argmax(logits))


def _threshold(scaled: jax.Array, top_k: int | None, top_p: float | None) -> jax.Array:
    """Return the least logit to be kept, top-k before top-p; equal ones are kept together."""
    ascending, last = jnp.sort(scaled), len(scaled) - 1
    if top_k is not None:
        place = jnp.maximum(last + 1 - top_k, 0)
        ascending = jnp.where(ascending >= ascending[place], ascending, -jnp.inf)
    if top_p is None:
        return ascending[place]
    # Summed from the rarest on, so that p = 1 drops none of them to rounding.
    rarer = jnp.cumsum(jax.nn.softmax(ascending))
    return ascending[jnp.minimum((rarer <= 1 - top_p).sum(), last)]
