"""One sequence, drawn one character at a time with its cache and one key."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from wavenet_jax import distinct
from wavenet_jax import model as models
from wavenet_jax.model import Cache, Variables, WaveNet
from wavenet_jax.rules import UNLIMITED, Rules
from wavenet_jax.strategies import AS_LEARNED, Strategy, choose
from wavenet_jax.vocab import BOUNDARY_ID


class Request(NamedTuple):
    """What is asked of every sequence."""

    rules: Rules
    max_length: int
    exact: bool = False  # reject what breaks the rules, rather than mask what they forbid
    masked_first: int = 0  # characters at which it is masked all the same
    strategy: Strategy = AS_LEARNED


class Drawing(NamedTuple):
    """A sequence on its way."""

    cache: Cache
    last: jax.Array  # [] int32, what is taken in next: the character drawn last, or its context
    state: jax.Array  # [] int32, of the automaton
    length: jax.Array  # [] int32, characters of the document so far
    draws: jax.Array  # [] int32, characters drawn for it, those rejected among them
    attempts: jax.Array  # [] int32, documents begun for it
    nll_nats: jax.Array  # [] float32, of its characters so far


class Drawn(NamedTuple):
    """A character, and what it makes of the document."""

    token: jax.Array  # [] int32
    is_last: jax.Array  # [] bool, whether the document is over: ended, or cut off
    is_rejected: jax.Array  # [] bool, whether the rules are broken, and it is drawn anew
    nll_nats: jax.Array  # [] float32, of the document with this character, unless cut off


@partial(jax.jit, static_argnames="model")
def start(model: WaveNet, variables: Variables) -> Drawing:
    """Return the sequence of no character yet."""
    return Drawing(
        model.apply(variables, method="fresh_cache"),
        last=jnp.array(BOUNDARY_ID),
        state=jnp.array(0),
        length=jnp.array(0),
        draws=jnp.array(0),
        attempts=jnp.array(1),
        nll_nats=jnp.array(0.0),
    )


# Axes for `vmap`: many sequences in step with each other.
IN_STEP: Any = Drawing(models.IN_STEP, 0, 0, 0, 0, 0, 0)  # type: ignore[arg-type]


def side_by_side(drawing: Drawing, lanes: int) -> Drawing:
    """Return `lanes` copies of a sequence, stacked for `vmap` in step with each other."""
    cache, *rest = drawing
    return Drawing(models.side_by_side(cache, lanes), *(jnp.tile(one, lanes) for one in rest))


def draw_character(
    model: WaveNet, variables: Variables, asked: Request, key: jax.Array, drawing: Drawing
) -> tuple[Drawing, Drawn]:
    """Draw the next character of one sequence, which goes on after it, or begins anew.

    Character t is drawn with fold_in(key, t) from the R characters before it, boundaries before
    the first, as in training.
    """
    cache, logits = model.apply(variables, drawing.cache, drawing.last, method="step")
    logits = logits.astype(jnp.float32)
    after, needed = map(jnp.asarray, asked.rules)
    is_exact, is_full = jnp.asarray(asked.exact), drawing.length == asked.max_length
    # At the maximum length the model tells, unless exact, whether it would have gone on.
    left = jnp.where(is_full & ~is_exact, UNLIMITED, asked.max_length - drawing.length)
    allowed = needed[drawing.state] <= left  # [V]
    masks = ~is_exact | (drawing.length < asked.masked_first)
    kept = jnp.where(allowed | ~masks, logits, -jnp.inf)
    token = choose(jax.random.fold_in(key, drawing.draws), kept, asked.strategy)

    is_rejected = ~allowed[token]
    is_last = ~is_rejected & ((token == BOUNDARY_ID) | is_full)
    nll_nats = drawing.nll_nats - jax.nn.log_softmax(logits)[token]
    drawn = Drawn(
        token,
        is_last,
        is_rejected,
        jnp.where(is_full & (token != BOUNDARY_ID), drawing.nll_nats, nll_nats),
    )
    anew = is_last | is_rejected
    following = Drawing(
        cache,
        last=distinct.follow(model, drawing.last, jnp.where(anew, BOUNDARY_ID, token)),
        state=jnp.where(anew, 0, after[drawing.state, token]),
        length=jnp.where(anew, 0, drawing.length + 1),
        draws=jnp.where(is_last, 0, drawing.draws + 1),
        attempts=jnp.where(is_last, 1, drawing.attempts + is_rejected),
        nll_nats=jnp.where(anew, 0, nll_nats),
    )
    return following, drawn
