"""One sequence, decoded token by token with its cache, its mask and its key."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from wavenet_jax.constraints import UNLIMITED, TokenMask
from wavenet_jax.data import BOUNDARY_ID, LabelCounts
from wavenet_jax.nn import CACHE_AXES, DecodeCache, Variables, WaveNet, replicate_cache
from wavenet_jax.sampling.folding import next_input
from wavenet_jax.sampling.strategies import SamplingParams, sample_token


class DecodeParams(NamedTuple):
    """What holds for every sequence."""

    mask: TokenMask
    max_length: int
    sampling: SamplingParams = SamplingParams()
    # Where exact, a token that the mask forbids rejects the document instead of being masked, but
    # for the first tokens of each document.
    exact: bool = False
    num_masked_first: int = 0
    # Whether a document that has the maximum length, and would go on, is cut off and kept, instead
    # of made to end in time.
    is_cut: bool = True
    # The token before the first one, after endless boundaries.
    context_id: int = BOUNDARY_ID
    # The labels of documents, if the model knows labels, and how often each is drawn.
    labels: LabelCounts | None = None


class DecodeState(NamedTuple):
    """A sequence in progress."""

    cache: DecodeCache
    input_id: jax.Array  # [] int32, the next input: the last token, or its context
    mask_state: jax.Array  # [] int32, state of the mask
    length: jax.Array  # [] int32, tokens of the document so far
    attempt: jax.Array  # [] int32, documents rejected before this attempt
    nll_nats: jax.Array  # [] float32, of the document so far
    conditions: jax.Array | None = None  # [L, W], what its labels add in every layer


class StepOutput(NamedTuple):
    """A sampled token, and what it does to the document."""

    token: jax.Array  # [] int32
    is_last: jax.Array  # [] bool, whether the document is complete: ended, or cut off
    is_rejected: jax.Array  # [] bool, whether the document breaks the mask
    nll_nats: jax.Array  # [] float32, of the document with this token, unless cut off


# Axes for `vmap` over sequences in lockstep.
STATE_AXES: Any = DecodeState(CACHE_AXES, 0, 0, 0, 0, 0, 0)  # type: ignore[arg-type]


def init_decode_state(model: WaveNet, variables: Variables) -> DecodeState:
    """Return a sequence without any token, in the types of those that follow it."""
    return DecodeState(
        model.apply(variables, method="init_cache"),
        input_id=jnp.int32(model.boundary_id),
        mask_state=jnp.int32(0),
        length=jnp.int32(0),
        attempt=jnp.int32(0),
        nll_nats=jnp.float32(0),
    )


def replicate_state(state: DecodeState, sequences: int) -> DecodeState:
    """Return copies of a sequence, stacked for `vmap` in lockstep."""
    copies = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (sequences, *leaf.shape)), state)
    return copies._replace(cache=replicate_cache(state.cache, sequences))


def attempt_key(key: jax.Array, attempt: jax.Array) -> jax.Array:
    """Return the key of an attempt `[]` at a document; no token has it: lengths are below 2³¹."""
    folded = jax.random.fold_in(key, jnp.uint32(2**31) + attempt.astype(jnp.uint32))
    return jnp.where(attempt > 0, folded, key)


def decode_token(
    model: WaveNet, variables: Variables, params: DecodeParams, key: jax.Array, state: DecodeState
) -> tuple[DecodeState, StepOutput]:
    """Sample the next token of one sequence; after a complete document the next one begins.

    Token t is sampled with fold_in(key, t) from the R tokens before it, boundaries before the
    first, as in training.
    """
    cache, logits = model.apply(
        variables, state.cache, state.input_id, state.conditions, method="decode_step"
    )
    logits = logits.astype(jnp.float32)
    is_full = state.length == params.max_length
    is_allowed, must_mask = _allowed(params, state, is_full)
    kept = jnp.where(is_allowed | ~must_mask, logits, -jnp.inf)
    token = sample_token(jax.random.fold_in(key, state.length), kept, params.sampling)

    is_rejected = ~is_allowed[token]
    is_last = ~is_rejected & ((token == BOUNDARY_ID) | is_full)
    nll_nats = state.nll_nats - jax.nn.log_softmax(logits)[token]
    is_cut = is_full & (token != BOUNDARY_ID)
    output = StepOutput(token, is_last, is_rejected, jnp.where(is_cut, state.nll_nats, nll_nats))
    begins = is_last | is_rejected
    fed = jnp.where(begins, BOUNDARY_ID, token)
    following = DecodeState(
        cache,
        input_id=next_input(model, state.input_id, fed),
        mask_state=jnp.where(
            begins, 0, jnp.asarray(params.mask.transitions)[state.mask_state, token]
        ),
        length=jnp.where(begins, 0, state.length + 1),
        attempt=jnp.where(is_last, 0, state.attempt + is_rejected),
        nll_nats=jnp.where(begins, 0, nll_nats),
        conditions=state.conditions,
    )
    return following, output


def _allowed(
    params: DecodeParams, state: DecodeState, is_full: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Return which tokens the mask allows `[V]`, and whether the others must be masked `[]`."""
    is_exact = jnp.asarray(params.exact)
    # At the maximum length, where documents are cut off, the model shows whether it would go on.
    remaining = jnp.where(
        is_full & jnp.asarray(params.is_cut), UNLIMITED, params.max_length - state.length
    )
    is_allowed = jnp.asarray(params.mask.min_remaining)[state.mask_state] <= remaining
    return is_allowed, ~is_exact | (state.length < params.num_masked_first)
