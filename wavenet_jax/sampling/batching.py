"""Continuous batching on the device: a fixed number of slots decode in lockstep.

Where a document ends, its slot begins the next row, so that no slot waits for the longest document.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax.data import BOUNDARY_ID
from wavenet_jax.nn import Variables, WaveNet, require_cache_fits
from wavenet_jax.sampling.decode import (
    STATE_AXES,
    DecodeParams,
    DecodeState,
    StepOutput,
    attempt_key,
    decode_token,
    init_decode_state,
    replicate_state,
)
from wavenet_jax.sampling.folding import fold_first_layer
from wavenet_jax.sampling.labels import all_conditions, draw_labels


class Rows(NamedTuple):
    """A batch: each row takes attempts at one document, until it is accepted or none are left."""

    root: jax.Array  # [] key; document i has fold_in(root, i)
    number: jax.Array  # [rows] int32, of the documents
    first_attempt: jax.Array  # [rows] int32
    num_rows: jax.Array  # [] int32; what is decoded beyond them is discarded
    num_attempts: jax.Array  # [] int32, attempts at each row


class Shape(NamedTuple):
    """What the compiled program depends on."""

    slots: int
    row_length: int  # tokens of a row


class Documents(NamedTuple):
    """Decoded documents, a row each, written token by token."""

    tokens: jax.Array  # [rows, T + 1], the smallest unsigned type that holds V - 1
    length: jax.Array  # [rows] int32, -1 where no attempt is accepted
    ended: jax.Array  # [rows] bool
    nll_nats: jax.Array  # [rows] float32
    attempt: jax.Array  # [rows] int32, the accepted attempt
    label: jax.Array  # [rows] int32, of the combinations of labels the one that was drawn


class _Slots(NamedTuple):
    """Sequences side by side, and the row that each is writing."""

    states: DecodeState  # [slots, ...]
    row: jax.Array  # [slots] int32
    begun: jax.Array  # [] int32, rows begun so far
    documents: Documents


@partial(jax.jit, static_argnames=("model", "shape"))
def decode_rows(
    model: WaveNet,
    variables: Variables,
    params: DecodeParams,
    rows: Rows,
    shape: Shape,
) -> Documents:
    """Decode the rows of a batch; a slot that finishes a row begins the next.

    Raises `InputError` where what the slots remember does not fit the memory.
    """
    require_cache_fits(model.config, shape.slots)
    conditions = all_conditions(model, variables, params.labels)
    model, variables = fold_first_layer(model, variables)
    decode = jax.vmap(
        partial(decode_token, model, variables, params), (0, STATE_AXES), (STATE_AXES, 0)
    )

    def keys(row: jax.Array, attempt: jax.Array) -> jax.Array:
        documents = jax.vmap(jax.random.fold_in, (None, 0))(rows.root, rows.number[row])
        return jax.vmap(attempt_key)(documents, attempt)

    def labels_of(row: jax.Array, attempt: jax.Array) -> jax.Array:
        """Return the number of the combination of labels of each attempt, `[rows]`."""
        assert params.labels is not None
        return jax.vmap(draw_labels, (0, None))(keys(row, attempt), params.labels)

    def labelled(states: DecodeState, row: jax.Array) -> DecodeState:
        if conditions is None:
            return states
        return states._replace(conditions=conditions[labels_of(row, states.attempt)])

    def is_unfinished(slots: _Slots) -> jax.Array:
        return (slots.row < rows.num_rows).any()

    def step(slots: _Slots) -> _Slots:
        states, row, begun, documents = slots
        following, output = decode(keys(row, states.attempt), states)
        documents = _write(documents, row, states, output)
        last_attempt = rows.first_attempt[row] + rows.num_attempts
        is_over = output.is_last | (following.attempt == last_attempt)
        newest = begun - 1 + jnp.cumsum(is_over)
        row = jnp.where(is_over, newest, row)
        attempt = jnp.where(is_over, rows.first_attempt[row], following.attempt)
        following = labelled(following._replace(attempt=attempt), row)
        return _Slots(following, row, newest[-1] + 1, documents)

    first = replicate_state(init_decode_state(model, variables), shape.slots)
    first = first._replace(attempt=rows.first_attempt[: shape.slots])
    row = jnp.arange(shape.slots)
    empty = _no_documents(len(rows.number), shape.row_length, model.vocab_size)
    slots = _Slots(labelled(first, row), row, jnp.array(shape.slots), empty)
    documents = jax.lax.while_loop(is_unfinished, step, slots).documents
    if conditions is None:
        return documents
    every_row = jnp.arange(len(rows.number))
    return documents._replace(label=labels_of(every_row, documents.attempt))


def _no_documents(rows: int, row_length: int, vocab_size: int) -> Documents:
    return Documents(
        tokens=jnp.zeros((rows, row_length + 1), np.min_scalar_type(vocab_size - 1)),
        length=jnp.full(rows, -1),
        ended=jnp.zeros(rows, bool),
        nll_nats=jnp.zeros(rows),
        attempt=jnp.zeros(rows, jnp.int32),
        label=jnp.zeros(rows, jnp.int32),
    )


def _write(
    documents: Documents, row: jax.Array, states: DecodeState, output: StepOutput
) -> Documents:
    """Write the tokens of all slots, each to its row `[slots]`, and complete the last ones."""
    token = output.token.astype(documents.tokens.dtype)
    complete = jnp.where(output.is_last, row, len(documents.length))  # others: out of range
    return Documents(
        documents.tokens.at[row, states.length].set(token, mode="drop"),
        documents.length.at[complete].set(states.length, mode="drop"),
        documents.ended.at[complete].set(output.token == BOUNDARY_ID, mode="drop"),
        documents.nll_nats.at[complete].set(output.nll_nats, mode="drop"),
        documents.attempt.at[complete].set(states.attempt, mode="drop"),
        documents.label,
    )
