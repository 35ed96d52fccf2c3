"""A sequence that goes on from a context, and its next tokens, some at a time."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.sampling.decode import (
    DecodeParams,
    DecodeState,
    decode_token,
    init_decode_state,
)
from wavenet_jax.sampling.folding import next_input

CHUNK_SIZE = 64  # tokens decoded at a time: few enough to watch them appear


class Chunk(NamedTuple):
    """Some tokens, and what they cost."""

    tokens: np.ndarray  # [T]
    nll_nats: np.ndarray  # [T] float32, of all tokens from the first to each


@partial(jax.jit, static_argnames="model")
def start_state(
    model: WaveNet,
    variables: Variables,
    context: jax.Array,
    conditions: jax.Array | None = None,
) -> DecodeState:
    """Return a sequence that has no token yet and follows a context `[T]` of ids.

    Before the context are endless boundaries.  The conditions `[L, W]` are those of its labels.
    """

    def read(state: DecodeState, token: jax.Array) -> tuple[DecodeState, None]:
        cache, _ = model.apply(
            variables, state.cache, state.input_id, state.conditions, method="decode_step"
        )
        following = next_input(model, state.input_id, token)
        return state._replace(cache=cache, input_id=following), None

    begun = init_decode_state(model, variables)._replace(conditions=conditions)
    state, _ = jax.lax.scan(read, begun, context)
    return state


@partial(jax.jit, static_argnames="model", donate_argnames="state")
def _decode_chunk(
    model: WaveNet, variables: Variables, params: DecodeParams, key: jax.Array, state: DecodeState
) -> tuple[DecodeState, tuple[jax.Array, jax.Array]]:
    """Decode the next CHUNK_SIZE tokens: return the sequence after them, and a `Chunk`."""

    def decode(state: DecodeState, _: None) -> tuple[DecodeState, tuple[jax.Array, jax.Array]]:
        state, output = decode_token(model, variables, params, key, state)
        return state, (output.token, output.nll_nats)

    return jax.lax.scan(decode, state, length=CHUNK_SIZE)


def decode_chunks(
    model: WaveNet,
    variables: Variables,
    params: DecodeParams,
    key: jax.Array,
    state: DecodeState,
    length: int,
) -> Iterator[Chunk]:
    """Yield the next `length` tokens of a sequence, chunk by chunk; its state is used up."""
    for done in range(0, length, CHUNK_SIZE):
        state, (tokens, nll_nats) = _decode_chunk(model, variables, params, key, state)
        left = length - done
        yield Chunk(np.asarray(tokens)[:left], np.asarray(nll_nats)[:left])
