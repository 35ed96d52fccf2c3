"""Temperature, top-k and top-p (nucleus) sampling: logits -> a token.

Sources: top-k, Fan et al., 2018 (1805.04833); top-p, Holtzman et al., 2019 (1904.09751).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from wavenet_jax.config import SampleConfig


class SamplingParams(NamedTuple):
    """Which tokens may be sampled, and how sharply; by default the model's own distribution."""

    temperature: float = 1.0  # divides the logits; 0 takes the likeliest token
    top_k: int | None = None  # only the k likeliest
    top_p: float | None = None  # only the likeliest, up to the first at which their sum reaches p


def sampling_params(config: SampleConfig, vocab_size: int) -> SamplingParams:
    """Return what a configuration says of the choice among `vocab_size` tokens."""
    top_k = config.top_k and min(config.top_k, vocab_size)  # a larger one may exceed int32
    return SamplingParams(config.temperature, top_k, config.top_p)


def sample_token(key: jax.Array, logits: jax.Array, params: SamplingParams) -> jax.Array:
    """Return a token `[]` for logits `[V]` in float32, -inf for tokens that must not be sampled.

    Inverts the distribution function (Devroye, 1986, III.2), which takes one uniform number where
    Gumbel's trick takes V.  The uniform number has steps of 2⁻²³ and the sums are float32, so that
    a probability is off by at most 3e-6 (measured on a CPU for V up to 10,000).
    """
    temperature, top_k, top_p = params
    divisor = jnp.where(jnp.asarray(temperature) > 0, temperature, 1.0)
    scaled = (logits - logits.max()) / divisor
    if top_k is not None or top_p is not None:
        scaled = jnp.where(scaled >= _threshold(scaled, top_k, top_p), scaled, -jnp.inf)
    weights = jnp.exp(scaled)
    # A token without weight is never sampled, however the sums are rounded.
    cumulative = jnp.where(weights > 0, jnp.cumsum(weights), 0)
    uniform = 1 - jax.random.uniform(key)  # in (0, 1]: 0 would take the first token, however rare
    sampled = jnp.argmax(cumulative >= uniform * cumulative.max())
    return jnp.where(jnp.asarray(temperature) > 0, sampled, jnp.argmax(logits))


def _threshold(scaled: jax.Array, top_k: int | None, top_p: float | None) -> jax.Array:
    """Return the least logit to keep, with top-k before top-p; equal logits are kept together."""
    ascending, last = jnp.sort(scaled), len(scaled) - 1
    if top_k is not None:
        place = jnp.maximum(last + 1 - top_k, 0)
        ascending = jnp.where(ascending >= ascending[place], ascending, -jnp.inf)
    if top_p is None:
        return ascending[place]
    # The rarest tokens are dropped while their sum is at most 1 - p.  The margin covers the
    # rounding of p and of the sums; p = 1 drops nothing.
    tail = jnp.where(jnp.asarray(top_p) < 1, 1 - top_p + 2.0**-22, 0.0)
    dropped = jnp.cumsum(jax.nn.softmax(ascending)) <= tail
    return ascending[jnp.minimum(dropped.sum(), last)]
