"""New documents, drawn one character at a time: written for one sequence, vmapped to many."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax.corpus import Splits
from wavenet_jax.model import Cache, Variables, WaveNet
from wavenet_jax.vocab import BOUNDARY_ID, Vocab

# Sequences that run side by side.  The number is fixed, so that one compiled program draws every
# sample, and sample i comes out the same to the bit however many are asked for.
LANES = 256


class Draw(NamedTuple):
    """One sequence as drawn."""

    tokens: jax.Array  # [max_length] int32, the boundary from its end on
    ended: jax.Array  # [] bool, whether the model ended it, not max_length


class Sample(NamedTuple):
    """One document as text."""

    text: str
    ended: bool  # False where the maximum length cut it off


def draw_sequence(model: WaveNet, variables: Variables, key: jax.Array, max_length: int) -> Draw:
    """Draw one sequence from the model until it ends itself or reaches the maximum length.

    Character t is drawn with fold_in(key, t) from softmax(logits) of the R characters before it,
    boundaries before the first, as in training.
    """

    def is_open(drawing: _Drawing) -> jax.Array:
        return ~drawing.ended & (drawing.cache.time < max_length)

    def add_character(drawing: _Drawing) -> _Drawing:
        time = drawing.cache.time
        cache, logits = model.apply(variables, drawing.cache, drawing.last, method="step")
        token = jax.random.categorical(jax.random.fold_in(key, time), logits)
        return _Drawing(cache, drawing.tokens.at[time].set(token), token, token == BOUNDARY_ID)

    start = _Drawing(
        cache=model.apply(variables, method="fresh_cache"),
        tokens=jnp.full(max_length, BOUNDARY_ID),
        last=jnp.array(BOUNDARY_ID),
        ended=jnp.array(False),
    )
    drawing = jax.lax.while_loop(is_open, add_character, start)
    return Draw(drawing.tokens, drawing.ended)


class _Drawing(NamedTuple):
    """What changes from character to character."""

    cache: Cache
    tokens: jax.Array  # [max_length]
    last: jax.Array  # [] the character drawn last, to be taken in next
    ended: jax.Array  # [] bool


@partial(jax.jit, static_argnames=("model", "max_length"))
def _draw_lanes(
    model: WaveNet, variables: Variables, root: jax.Array, first: jax.Array, max_length: int
) -> Draw:
    """Draw the sequences first, first + 1, ..., first + LANES - 1."""
    keys = jax.vmap(jax.random.fold_in, (None, 0))(root, first + jnp.arange(LANES))
    return jax.vmap(draw_sequence, (None, None, 0, None))(model, variables, keys, max_length)


def draw_samples(
    model: WaveNet,
    variables: Variables,
    vocab: Vocab,
    key: jax.Array,
    *,
    n: int,
    max_length: int,
) -> list[Sample]:
    """Draw n documents; document i depends on (variables, key, max_length, i) alone."""
    samples = []
    for first in range(0, n, LANES):
        draws = jax.device_get(_draw_lanes(model, variables, key, jnp.array(first), max_length))
        samples += [
            _to_sample(tokens, ended, vocab)
            for tokens, ended in zip(draws.tokens, draws.ended, strict=True)
        ]
    return samples[:n]


def _to_sample(tokens: np.ndarray, ended: np.ndarray, vocab: Vocab) -> Sample:
    # A boundary ends a document, so none stands inside one.
    length = int(np.count_nonzero(tokens != BOUNDARY_ID))
    return Sample(vocab.decode(tokens[:length].tolist()), bool(ended))


def origins(samples: list[Sample], documents: Splits[list[str]]) -> list[str]:
    """Return for each sample the first split that holds it, `train`, `val` or `test`, or `new`."""
    held = {
        document: split
        for split, part in reversed(list(documents._asdict().items()))
        for document in part
    }
    return [held.get(one.text, "new") for one in samples]
