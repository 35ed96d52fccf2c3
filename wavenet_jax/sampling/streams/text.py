"""Text of any length from a model of one text, chunk by chunk as it is decoded."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp

from wavenet_jax.constraints import NEVER, UNLIMITED, TokenMask
from wavenet_jax.data import BOUNDARY_ID, Vocab
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.sampling.decode import DecodeParams
from wavenet_jax.sampling.strategies import SamplingParams
from wavenet_jax.sampling.streams.chunks import decode_chunks, start_state


def text_params(
    mask: TokenMask,
    sampling: SamplingParams = SamplingParams(),
    *,
    context_id: int = BOUNDARY_ID,
) -> DecodeParams:
    """Return the parameters of a text without end: the boundary is never sampled.

    Every text that the mask accepts must be the beginning of a longer one.  The text follows the
    token `context_id`, such as a line's end, by default the boundary.
    """
    min_remaining = mask.min_remaining.copy()
    min_remaining[:, BOUNDARY_ID] = NEVER
    mask = mask._replace(min_remaining=min_remaining)
    return DecodeParams(mask, UNLIMITED, sampling, context_id=context_id)


def sample_text(
    model: WaveNet,
    variables: Variables,
    vocab: Vocab,
    key: jax.Array,
    params: DecodeParams,
    text_length: int,
) -> Iterator[str]:
    """Yield a text of `text_length` characters, cut from an endless text, as it is decoded.

    `params` come from `text_params`.
    """
    state = start_state(model, variables, jnp.array([params.context_id]))
    for chunk in decode_chunks(model, variables, params, key, state, text_length):
        yield vocab.decode(chunk.tokens)
