"""New documents, drawn side by side, and new text: `draw_character`, vmapped and looped."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax import constraints
from wavenet_jax import model as models
from wavenet_jax.drawing import IN_STEP, Drawing, Request, draw_character, side_by_side, start
from wavenet_jax.errors import require
from wavenet_jax.model import Variables, WaveNet
from wavenet_jax.rules import FOREVER, NEVER, Rules, in_common, tables
from wavenet_jax.strategies import AS_LEARNED, Strategy
from wavenet_jax.vocab import BOUNDARY_ID, Vocab

LANES = 64  # documents drawn side by side, where one ends the next begins
BLOCK = 8_192  # documents of one call at most, its room fixed for one compiled program
_ROOM = 2**24  # characters of one call at most, but for two documents a lane
PIECE = 64  # characters of a stream drawn at a time: few enough to be seen coming
_TRIES, _TRIES_EACH = 1_000_000, 1_000  # documents thrown away at most, and for each one asked for
_TIMES = 32  # characters of a document for which there is room, at least, and powers of two


class Sample(NamedTuple):
    """One document as text."""

    text: str
    ended: bool  # False where the maximum length cut it off
    nll_nats: float  # by the model itself, its end among its characters where it has one
    attempts: int  # documents drawn for it: more than 1 where some were thrown away


class _Documents(NamedTuple):
    """Documents drawn: a row each, written as they come, and what is known of it in the end."""

    tokens: jax.Array  # [N, T + 1], the smallest unsigned type that holds V - 1
    length: jax.Array  # [N] int32, -1 before it is over
    ended: jax.Array  # [N] bool
    nll_nats: jax.Array  # [N] float32
    attempts: jax.Array  # [N] int32


class _Lanes(NamedTuple):
    """Sequences side by side, and which document each is drawing."""

    drawings: Drawing  # [lanes, ...]
    document: jax.Array  # [lanes] int32
    begun: jax.Array  # [] int32, documents begun so far
    thrown: jax.Array  # [] int32, documents thrown away so far
    documents: _Documents


@partial(jax.jit, static_argnames=("model", "times", "lanes", "rows"))
def _draw_documents(
    model: WaveNet,
    variables: Variables,
    asked: Request,
    root: jax.Array,
    first: jax.Array,
    count: jax.Array,
    limit: jax.Array,
    rows: int,
    times: int,
    lanes: int,
) -> tuple[_Documents, jax.Array]:
    """Draw documents number first, ..., first + count - 1, and tell how many are thrown away.

    Gives up beyond `limit` of these.
    """
    model, variables = models.folded(model, variables)
    draw = jax.vmap(partial(draw_character, model, variables, asked), (0, IN_STEP), (IN_STEP, 0))
    key_of = jax.vmap(jax.random.fold_in, (None, 0))

    def is_any_open(state: _Lanes) -> jax.Array:
        return (state.document < count).any() & (state.thrown <= limit)

    def add_character(state: _Lanes) -> _Lanes:
        drawings, document, begun, thrown, documents = state
        following, drawn = draw(key_of(root, first + document), drawings)
        over = jnp.where(drawn.is_last, document, rows)  # beyond the rows, which drops it
        token = drawn.token.astype(documents.tokens.dtype)
        documents = _Documents(
            documents.tokens.at[document, drawings.length].set(token, mode="drop"),
            documents.length.at[over].set(drawings.length, mode="drop"),
            documents.ended.at[over].set(drawn.token == BOUNDARY_ID, mode="drop"),
            documents.nll_nats.at[over].set(drawn.nll_nats, mode="drop"),
            documents.attempts.at[over].set(drawings.attempts, mode="drop"),
        )
        newest = begun - 1 + jnp.cumsum(drawn.is_last)
        document = jnp.where(drawn.is_last, newest, document)
        return _Lanes(
            following, document, newest[-1] + 1, thrown + drawn.is_thrown.sum(), documents
        )

    empty = _Documents(
        tokens=jnp.zeros((rows, times + 1), np.min_scalar_type(model.vocab_size - 1)),
        length=jnp.full(rows, -1),
        ended=jnp.zeros(rows, bool),
        nll_nats=jnp.zeros(rows),
        attempts=jnp.zeros(rows, jnp.int32),
    )
    fresh = side_by_side(start(model, variables), lanes)
    begin = _Lanes(fresh, jnp.arange(lanes), jnp.array(lanes), jnp.array(0), empty)
    end = jax.lax.while_loop(is_any_open, add_character, begin)
    return end.documents, end.thrown


def draw_samples(
    model: WaveNet,
    variables: Variables,
    vocab: Vocab,
    key: jax.Array,
    *,
    n: int,
    max_length: int,
    rules: Rules | None = None,
    exact: bool = False,
    strategy: Strategy = AS_LEARNED,
    first: int = 0,
    lanes: int = LANES,
) -> Iterator[Sample]:
    """Yield n documents, number first, ..., first + n - 1, of at most `max_length` characters.

    What the rules forbid is left out at each character, where the rest share its chance: fast, but
    documents come too often whose likelier neighbours are forbidden.  Where exact, a document that
    breaks the rules, or does not end in time, is thrown away at once and drawn anew, so that the
    chances are those of the model given the rules.

    Document i depends on (model, variables, key, max_length, rules, exact, strategy, i) alone: not
    on n, nor on how many `lanes` are drawn side by side.  Raises `InputError` where exact is asked
    for and hardly any document keeps the rules.
    """
    rules = rules or tables(constraints.anything(vocab))
    # Behind a beginning that all documents have in common, the share of what is allowed is the same
    # for all, unless the strategy takes what is left out into account.
    given = in_common(rules, max_length) + (strategy.top_k is None and strategy.top_p is None)
    asked = Request(rules, max_length, exact, given, strategy)
    times = max(_TIMES, 1 << (max_length - 1).bit_length())
    rows = max(2 * lanes, min(BLOCK, _ROOM // times))
    room = {"rows": rows, "times": times, "lanes": lanes}
    draw = partial(_draw_documents, model, variables, asked, key, **room)

    def block(begin: int, count: int) -> list[Sample]:
        limit = _TRIES + _TRIES_EACH * count
        drawn, thrown = jax.device_get(draw(jnp.array(begin), jnp.array(count), jnp.array(limit)))
        drawn = jax.tree.map(lambda rows: rows[:count], drawn)
        kept = np.count_nonzero(drawn.length >= 0)
        require(
            kept == count,
            f"exact threw {thrown:,} documents away and kept {kept:,}, expected {count:,}; ask for "
            "what is less unlikely, or leave exact out.",
        )
        texts = _texts(vocab, drawn.tokens, drawn.length)
        rest = (drawn.ended, drawn.nll_nats, drawn.attempts)
        return list(map(Sample._make, zip(texts, *(part.tolist() for part in rest), strict=True)))

    firsts, counts = _blocks(first, n, lanes, rows)
    if len(firsts) > 1:
        block(first, 0)  # compiles, which many at a time would do each for itself
    with ThreadPoolExecutor(_cores()) as pool:
        yield from chain.from_iterable(pool.map(block, firsts, counts))


def _cores() -> int:
    """Return how many blocks are drawn at a time: a step is too little work for two cores."""
    return (os.cpu_count() or 1) if jax.default_backend() == "cpu" else 1


def _blocks(first: int, n: int, lanes: int, rows: int) -> tuple[list[int], list[int]]:
    """Cut documents into blocks for the cores, none smaller than the lanes: firsts and counts."""
    cores = _cores()
    number = max(1, min(cores * -(-n // (cores * rows)), n // lanes))
    edges = [n * index // number for index in range(number + 1)]
    return [first + edge for edge in edges[:-1]], [end - edge for edge, end in pairwise(edges)]


def _texts(vocab: Vocab, tokens: np.ndarray, length: np.ndarray) -> list[str]:
    """Return the texts of rows `[N, T + 1]`, of which the first `length` `[N]` ones count."""
    time = np.arange(tokens.shape[1])
    tokens = np.where(time < length[:, None], tokens, BOUNDARY_ID)
    joined = vocab.decode(tokens[time <= length[:, None]])  # each with a boundary behind it
    return joined.split(vocab.boundary)[:-1]


@partial(jax.jit, static_argnames="model", donate_argnames="drawing")
def _draw_piece(
    model: WaveNet, variables: Variables, asked: Request, key: jax.Array, drawing: Drawing
) -> tuple[Drawing, jax.Array]:
    """Draw the next PIECE characters of a stream: the sequence after them, and `[PIECE]`."""

    def draw(drawing: Drawing, _: None) -> tuple[Drawing, jax.Array]:
        drawing, drawn = draw_character(model, variables, asked, key, drawing)
        return drawing, drawn.token

    return jax.lax.scan(draw, drawing, length=PIECE)


def draw_stream(
    model: WaveNet,
    variables: Variables,
    vocab: Vocab,
    key: jax.Array,
    *,
    length: int,
    rules: Rules | None = None,
    strategy: Strategy = AS_LEARNED,
) -> Iterator[str]:
    """Yield a text of `length` characters, cut from an endless one, as it is drawn.

    What the rules accept must have a longer text in them, and so for ever.
    """
    after, needed = rules or tables(constraints.anything(vocab))
    needed = needed.copy()
    needed[:, BOUNDARY_ID] = NEVER
    asked = Request(Rules(after, needed), FOREVER, strategy=strategy)
    drawing = start(model, variables)
    for done in range(0, length, PIECE):
        drawing, tokens = _draw_piece(model, variables, asked, key, drawing)
        yield vocab.decode(np.asarray(tokens)[: length - done])
