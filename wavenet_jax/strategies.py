"""How the next character is chosen from the logits: temperature, top-k, top-p."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Strategy(NamedTuple):
    """Which characters may be chosen, and how boldly; by default as the model holds them likely."""

    temperature: float = 1.0  # logits are divided by it; 0 takes the likeliest
    top_k: int | None = None  # only the k likeliest
    top_p: float | None = None  # only the likeliest that together reach p, the one that crosses it


AS_LEARNED = Strategy()


def choose(key: jax.Array, logits: jax.Array, strategy: Strategy) -> jax.Array:
    """Return a character `[]`, of which the logits `[V]` in float32 are finite, or -inf for never.

    One uniform number is looked up in the distribution function, so that a choice takes one random
    number, not V.  What has no weight is not chosen, however the sums are rounded.
    """
    temperature, top_k, top_p = strategy
    divisor = jnp.where(jnp.asarray(temperature) > 0, temperature, 1.0)
    scaled = (logits - logits.max()) / divisor
    if top_k is not None or top_p is not None:
        scaled = jnp.where(scaled >= _least(scaled, top_k, top_p), scaled, -jnp.inf)
    weights = jnp.exp(scaled)
    reached = jnp.where(weights > 0, jnp.cumsum(weights), 0)
    drawn = jnp.argmax(reached > jax.random.uniform(key) * reached.max())
    return jnp.where(jnp.asarray(temperature) > 0, drawn, jnp.argmax(logits))


def _least(scaled: jax.Array, top_k: int | None, top_p: float | None) -> jax.Array:
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
