"""Text of any length from a model of one text, chunk by chunk as it is decoded."""

from collections.abc import Iterator
from functools import partial

import jax
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


_init_state = jax.jit(init_decode_state, static_argnames="model")


def text_params(mask: TokenMask, sampling: SamplingParams = SamplingParams()) -> DecodeParams:
    """Return the parameters of a text without end: the boundary is never sampled.

    Every text that the mask accepts must be the beginning of a longer one.
    """
    min_remaining = mask.min_remaining.copy()
    min_remaining[:, BOUNDARY_ID] = NEVER
    return DecodeParams(mask._replace(min_remaining=min_remaining), UNLIMITED, sampling)


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
    state = _init_state(model, variables)
    for done in range(0, text_length, CHUNK_SIZE):
        state, tokens = _decode_chunk(model, variables, params, key, state)
        yield vocab.decode(np.asarray(tokens)[: text_length - done])
