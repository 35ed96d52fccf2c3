"""Text of any length from a model of one text, chunk by chunk as it is decoded."""

from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax.constraints import NEVER, UNLIMITED, TokenMask
from wavenet_jax.data import BOUNDARY_ID, Vocab
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.sampling.decode import (
    DecodeParams,
    DecodeState,
    decode_token,
    init_decode_state,
)
from wavenet_jax.sampling.folding import next_input
from wavenet_jax.sampling.strategies import SamplingParams

CHUNK_SIZE = 64  # tokens decoded at a time: few enough to watch them appear


@partial(jax.jit, static_argnames="model", donate_argnames="state")
def _decode_chunk(
    model: WaveNet, variables: Variables, params: DecodeParams, key: jax.Array, state: DecodeState
) -> tuple[DecodeState, jax.Array]:
    """Decode the next CHUNK_SIZE tokens: return the sequence after them, and `[CHUNK_SIZE]`."""

    def decode(state: DecodeState, _: None) -> tuple[DecodeState, jax.Array]:
        state, output = decode_token(model, variables, params, key, state)
        return state, output.token

    return jax.lax.scan(decode, state, length=CHUNK_SIZE)


@partial(jax.jit, static_argnames="model")
def _init_state(model: WaveNet, variables: Variables, context_id: jax.Array) -> DecodeState:
    """Return a sequence without any token, after endless boundaries and then the context."""
    state = init_decode_state(model, variables)
    cache, _ = model.apply(variables, state.cache, state.input_id, method="decode_step")
    return state._replace(cache=cache, input_id=next_input(model, state.input_id, context_id))


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
    state = _init_state(model, variables, jnp.int32(params.context_id))
    for done in range(0, text_length, CHUNK_SIZE):
        state, tokens = _decode_chunk(model, variables, params, key, state)
        yield vocab.decode(np.asarray(tokens)[: text_length - done])
