"""New text, drawn one character at a time: written for one sequence, vmapped to many."""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax.constraints import Rules
from wavenet_jax.corpus import Splits
from wavenet_jax.model import Cache, Variables, WaveNet
from wavenet_jax.vocab import BOUNDARY_ID, Vocab

# Sequences that run side by side.  The number is fixed, so that one compiled program draws every
# sample, and sample i comes out the same to the bit however many are asked for.
LANES = 256
PIECE = 64  # characters of a stream drawn at a time: few enough to be seen coming


class Sample(NamedTuple):
    """One document as text."""

    text: str
    ended: bool  # False where the maximum length cut it off


class Drawing(NamedTuple):
    """A sequence on its way."""

    cache: Cache
    last: jax.Array  # [] int32, the character drawn last, to be taken in next


def start(model: WaveNet, variables: Variables) -> Drawing:
    """Return the sequence of no character yet."""
    return Drawing(model.apply(variables, method="fresh_cache"), jnp.array(BOUNDARY_ID))


def draw_character(
    model: WaveNet,
    variables: Variables,
    key: jax.Array,
    prefix: jax.Array,
    drawing: Drawing,
    allowed: jax.Array,
) -> Drawing:
    """Draw the next character of one sequence, or take it from the prefix `[P]` while that lasts.

    Character t is drawn with fold_in(key, t) from softmax(logits) of the R characters before it,
    boundaries before the first, as in training, and among those that are `allowed [V]`.
    """
    time = drawing.cache.time
    cache, logits = model.apply(variables, drawing.cache, drawing.last, method="step")
    logits = jnp.where(allowed, logits, -jnp.inf)
    token = jax.random.categorical(jax.random.fold_in(key, time), logits)
    if len(prefix):
        token = jnp.where(time < len(prefix), prefix[time], token)  # JAX takes the last for later
    return Drawing(cache, token)


def allowed_next(rules: Rules, state: jax.Array, time: jax.Array) -> jax.Array:
    """Return which characters may follow `time []` of them that led to a state `[]`: `[V]` bool.

    Those after which the document can still end in time; the boundary where it may end now.
    """
    allowed = rules.can_end[time + 1, rules.next[state]]
    return allowed.at[BOUNDARY_ID].set(rules.accepts[state] & (time >= rules.min_length))


# Axes for `vmap`: many sequences in step with each other, so that they share the time.
IN_STEP: Any = Drawing(Cache(rings=0, time=None), last=0)  # type: ignore[arg-type]


class _Documents(NamedTuple):
    """Documents on their way, side by side."""

    drawings: Drawing  # [LANES, ...]
    states: jax.Array  # [LANES] int32, of the automaton of the rules
    tokens: jax.Array  # [LANES, T] int32
    ended: jax.Array  # [LANES] bool


@partial(jax.jit, static_argnames=("model", "max_length"))
def _draw_documents(
    model: WaveNet,
    variables: Variables,
    root: jax.Array,
    first: jax.Array,
    prefix: jax.Array,
    max_length: int,
    rules: Rules | None,
) -> tuple[jax.Array, jax.Array]:
    """Draw documents number first, ..., first + LANES - 1 and tell which ended themselves.

    Tokens `[LANES, max_length + 1]`, boundaries from a document's end on, and `[LANES]` bool.
    """
    keys = jax.vmap(jax.random.fold_in, (None, 0))(root, first + jnp.arange(LANES))
    draw = jax.vmap(partial(draw_character, model, variables), (0, None, IN_STEP, 0), IN_STEP)
    # Rules make a document end, which takes one boundary more than the characters.
    times = max_length if rules is None else max_length + 1

    def is_any_open(documents: _Documents) -> jax.Array:
        return (documents.drawings.cache.time < times) & ~documents.ended.all()

    def add_character(documents: _Documents) -> _Documents:
        drawings, states, tokens, ended = documents
        time = drawings.cache.time
        if rules is None:
            allowed = jnp.ones((LANES, model.vocab_size), bool)
        else:
            allowed = jax.vmap(allowed_next, (None, 0, None))(rules, states, time)
        drawings = draw(keys, prefix, drawings, allowed)
        if rules is not None:
            states = rules.next[states, drawings.last]
        ended |= drawings.last == BOUNDARY_ID
        tokens = tokens.at[:, time].set(jnp.where(ended, BOUNDARY_ID, drawings.last))
        return _Documents(drawings, states, tokens, ended)

    fresh = start(model, variables)
    rings = jnp.tile(fresh.cache.rings, (LANES, 1, 1))
    nothing = jnp.full(LANES, BOUNDARY_ID)
    documents = _Documents(
        drawings=Drawing(Cache(rings, fresh.cache.time), nothing),
        states=jnp.zeros(LANES, jnp.int32),
        tokens=jnp.full((LANES, max_length + 1), BOUNDARY_ID),
        ended=jnp.zeros(LANES, bool),
    )
    documents = jax.lax.while_loop(is_any_open, add_character, documents)
    return documents.tokens, documents.ended


def draw_samples(
    model: WaveNet,
    variables: Variables,
    vocab: Vocab,
    key: jax.Array,
    *,
    n: int,
    max_length: int,
    prefix: str = "",
    rules: Rules | None = None,
) -> list[Sample]:
    """Draw n documents; document i depends on (variables, key, prefix, max_length, rules, i) alone.

    Without rules a document is cut off after `max_length` characters; rules, made for that length,
    let it end by itself.  What they forbid is left out character by character, so that the chances
    of documents are not those of the model given the rules.
    Raises `InputError` for characters of the prefix that the vocabulary does not know.
    """
    begun = jnp.asarray(vocab.encode_text(prefix), jnp.int32)
    samples = []
    for first in range(0, n, LANES):
        drawn = _draw_documents(model, variables, key, jnp.array(first), begun, max_length, rules)
        for tokens, ended in zip(*jax.device_get(drawn), strict=True):
            # A boundary ends a document, so none stands inside one.
            length = np.count_nonzero(tokens != BOUNDARY_ID)
            samples.append(Sample(vocab.decode(tokens[:length].tolist()), bool(ended)))
    return samples[:n]


@partial(jax.jit, static_argnames="model", donate_argnames="drawing")
def _draw_piece(
    model: WaveNet, variables: Variables, key: jax.Array, prefix: jax.Array, drawing: Drawing
) -> tuple[Drawing, jax.Array]:
    """Draw the next PIECE characters of a stream: the sequence after them, and `[PIECE]`."""
    allowed = jnp.arange(model.vocab_size) != BOUNDARY_ID  # a stream does not end

    def draw(drawing: Drawing, _: None) -> tuple[Drawing, jax.Array]:
        drawing = draw_character(model, variables, key, prefix, drawing, allowed)
        return drawing, drawing.last

    return jax.lax.scan(draw, drawing, length=PIECE)


def draw_stream(
    model: WaveNet,
    variables: Variables,
    vocab: Vocab,
    key: jax.Array,
    *,
    length: int,
    prefix: str = "",
) -> Iterator[str]:
    """Yield a text of `length` characters as it is drawn; the first ones are the prefix.

    Raises `InputError` for characters of the prefix that the vocabulary does not know.
    """
    begun = jnp.asarray(vocab.encode_text(prefix), jnp.int32)
    drawing = start(model, variables)
    for done in range(0, length, PIECE):
        drawing, tokens = _draw_piece(model, variables, key, begun, drawing)
        yield vocab.decode(np.asarray(tokens)[: length - done].tolist())


def origins(samples: list[Sample], documents: Splits[list[str]]) -> list[str]:
    """Return for each sample the first split that holds it, `train`, `val` or `test`, or `new`."""
    held = {
        document: split
        for split, part in reversed(list(documents._asdict().items()))
        for document in part
    }
    return [held.get(one.text, "new") for one in samples]
