"""New documents, drawn side by side, and new text: `draw_character`, vmapped and looped."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax import constraints, distinct
from wavenet_jax.drawing import (
    IN_STEP,
    Drawing,
    Drawn,
    Request,
    draw_character,
    side_by_side,
    start,
)
from wavenet_jax.errors import require
from wavenet_jax.model import Variables, WaveNet
from wavenet_jax.rules import NEVER, UNLIMITED, Rules, common_prefix_length, tables
from wavenet_jax.strategies import AS_LEARNED, Strategy
from wavenet_jax.vocab import BOUNDARY_ID, Vocab

LANES = 64  # documents drawn side by side, where one ends the next begins
BLOCK = 8_192  # documents of one call at most, its room fixed for one compiled program
_MAX_CHARACTERS = 2**24  # of one call, but for two documents a lane
PIECE = 64  # characters of a stream drawn at a time: few enough to be seen coming
_ATTEMPTS = 20_000  # documents rejected at most for one that keeps the rules
_MIN_TIMES = 32  # characters of a document for which there is room; above, powers of two


class Sample(NamedTuple):
    """One document as text."""

    text: str
    ended: bool  # False where the maximum length cut it off
    nll_nats: float  # by the model itself, its end among its characters where it has one
    attempts: int  # documents drawn for it: more than 1 where some were rejected


class _Documents(NamedTuple):
    """Documents drawn: a row each, written as they come, and what is known of it in the end."""

    tokens: jax.Array  # [rows, T + 1], the smallest unsigned type that holds V - 1
    length: jax.Array  # [rows] int32, -1 before it is over
    ended: jax.Array  # [rows] bool
    nll_nats: jax.Array  # [rows] float32
    attempts: jax.Array  # [rows] int32


class _Lanes(NamedTuple):
    """Sequences side by side, and which document each is drawing."""

    drawings: Drawing  # [lanes, ...]
    document: jax.Array  # [lanes] int32
    begun: jax.Array  # [] int32, documents begun so far
    documents: _Documents


@partial(jax.jit, static_argnames=("model", "rows", "times", "lanes"))
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
) -> _Documents:
    """Draw documents number first, ..., first + count - 1; give up beyond `limit` attempts at one.

    A lane that ends a document begins the next; those beyond the count are drawn in vain.
    """
    model, variables = distinct.folded(model, variables)
    draw = jax.vmap(partial(draw_character, model, variables, asked), (0, IN_STEP), (IN_STEP, 0))
    key_of = jax.vmap(jax.random.fold_in, (None, 0))

    def is_unfinished(state: _Lanes) -> jax.Array:
        is_wanted = state.document < count
        return is_wanted.any() & (~is_wanted | (state.drawings.attempts <= limit)).all()

    def add_character(state: _Lanes) -> _Lanes:
        drawings, document, begun, documents = state
        following, drawn = draw(key_of(root, first + document), drawings)
        documents = _written(documents, document, drawings, drawn)
        newest = begun - 1 + jnp.cumsum(drawn.is_last)
        document = jnp.where(drawn.is_last, newest, document)
        return _Lanes(following, document, newest[-1] + 1, documents)

    empty = _Documents(
        tokens=jnp.zeros((rows, times + 1), np.min_scalar_type(model.vocab_size - 1)),
        length=jnp.full(rows, -1),
        ended=jnp.zeros(rows, bool),
        nll_nats=jnp.zeros(rows),
        attempts=jnp.zeros(rows, jnp.int32),
    )
    fresh = side_by_side(start(model, variables), lanes)
    begin = _Lanes(fresh, jnp.arange(lanes), jnp.array(lanes), empty)
    return jax.lax.while_loop(is_unfinished, add_character, begin).documents


def _written(
    documents: _Documents, document: jax.Array, drawings: Drawing, drawn: Drawn
) -> _Documents:
    """Write down what the lanes have drawn, each in the row of its document `[lanes]`."""
    token = drawn.token.astype(documents.tokens.dtype)
    over = jnp.where(drawn.is_last, document, len(documents.length))  # else beyond: dropped
    return _Documents(
        documents.tokens.at[document, drawings.length].set(token, mode="drop"),
        documents.length.at[over].set(drawings.length, mode="drop"),
        documents.ended.at[over].set(drawn.token == BOUNDARY_ID, mode="drop"),
        documents.nll_nats.at[over].set(drawn.nll_nats, mode="drop"),
        documents.attempts.at[over].set(drawings.attempts, mode="drop"),
    )


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

    What the rules forbid is masked and the rest renormalised, at each character: fast, but biased
    towards documents whose alternatives are forbidden.  Where exact, a document that breaks the
    rules, or does not end in time, is rejected and drawn anew, so that documents have the model's
    distribution given the rules (rejection sampling, von Neumann, 1951).

    Document i depends on (model, variables, key, max_length, rules, exact, strategy, i) alone, not
    on n; on how many `lanes` are drawn side by side by rounding at most.  Raises `InputError` where
    no document keeps the rules, or so few that exact finds none in 20,000 attempts.
    """
    rules = rules or tables(constraints.anything(vocab))
    require(
        int(rules.needed[0].min()) <= max_length,
        f"no document of up to {max_length:,} characters keeps the rules, expected at least one; "
        "loosen them or raise max_length.",
    )
    # Accepted documents have their beginning in common, so that masking up to the character behind
    # it divides all their chances by the same; not where the strategy looks at what is masked.
    is_local = strategy.top_k is None and strategy.top_p is None
    masked_first = common_prefix_length(rules, max_length) + is_local
    asked = Request(rules, max_length, exact, masked_first, strategy)
    times = max(_MIN_TIMES, 1 << (max_length - 1).bit_length())
    rows = max(2 * lanes, min(BLOCK, _MAX_CHARACTERS // times))
    room = {"rows": rows, "times": times, "lanes": lanes}
    draw = partial(_draw_documents, model, variables, asked, key, **room)
    block = partial(_draw_block, draw, vocab)
    firsts, counts = _blocks(first, n, lanes, rows)
    if len(firsts) > 1:
        block(first, 0)  # compiles, which many at a time would do each for itself
    with ThreadPoolExecutor(_cores()) as pool:
        yield from chain.from_iterable(pool.map(block, firsts, counts))


def _draw_block(
    draw: Callable[..., _Documents], vocab: Vocab, first: int, count: int
) -> list[Sample]:
    """Draw documents number first, ..., first + count - 1 as text."""
    documents = jax.device_get(draw(*map(jnp.array, (first, count, _ATTEMPTS))))
    documents = jax.tree.map(lambda rows: rows[:count], documents)
    require(
        bool((documents.length >= 0).all()),
        f"exact rejected {_ATTEMPTS:,} documents for one that keeps the rules, expected it sooner; "
        "ask for what is less unlikely, or leave exact out.",
    )
    texts = _texts(vocab, documents.tokens, documents.length)
    rest = (documents.ended, documents.nll_nats, documents.attempts)
    return list(map(Sample._make, zip(texts, *(part.tolist() for part in rest), strict=True)))


def _cores() -> int:
    """Return how many blocks are drawn at a time: a step is too little work for two cores."""
    if jax.default_backend() != "cpu":
        return 1
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return len(allowed) or os.cpu_count() or 1


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

    The rules must never run out: every text they accept must begin a longer one.
    """
    after, needed = rules or tables(constraints.anything(vocab))
    needed = needed.copy()
    needed[:, BOUNDARY_ID] = NEVER
    asked = Request(Rules(after, needed), UNLIMITED, strategy=strategy)
    drawing = start(model, variables)
    for done in range(0, length, PIECE):
        drawing, tokens = _draw_piece(model, variables, asked, key, drawing)
        yield vocab.decode(np.asarray(tokens)[: length - done])
