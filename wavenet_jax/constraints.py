"""What a document must be like: finite automata, compiled to tables that a sampler looks up.

Each constraint is a plain value, built once and combined with others by `both`.  Let F be
`feasible(automaton, min_length, max_length)`: in state s after t characters the sampler may draw
character c where F[t + 1, next[s, c]], and may end where accepts[s] and t >= min_length, so that
it never comes to a state from which no document can end.

    S  states                      K  columns of a table that differ
"""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np

from wavenet_jax import patterns
from wavenet_jax.automata import (
    MAX_STATES,
    Automaton,
    both,
    count,
    distinct,
    explore,
    feasible,
    minimal,
)
from wavenet_jax.errors import InputError, require
from wavenet_jax.patterns import Positions, Token
from wavenet_jax.vocab import Vocab

__all__ = [
    "MAX_STATES",
    "Automaton",
    "Rules",
    "alphabet",
    "anything",
    "beginning",
    "both",
    "count",
    "feasible",
    "pattern",
    "require_feasible",
    "rules",
]

_SHOWN = 100  # characters of an alphabet in a message


def anything(vocab: Vocab) -> Automaton:
    """Accept every document."""
    return Automaton(np.zeros((1, len(vocab)), np.int32), np.ones(1, bool))


def alphabet(vocab: Vocab, allowed: str | None, forbidden: str) -> Automaton:
    """Accept the documents of allowed characters, by default all, without the forbidden ones.

    Raises `InputError` for characters that the vocabulary does not know.
    """
    is_forbidden = np.full(len(vocab), allowed is not None)
    is_forbidden[vocab.encode_text(allowed or "")] = False
    is_forbidden[vocab.encode_text(forbidden)] = True
    if not is_forbidden[1:].any():
        return anything(vocab)
    return minimal(np.array([[0, 1], [1, 1]]), np.array([True, False]), is_forbidden[1:] * 1)


def beginning(vocab: Vocab, prefix: str) -> Automaton:
    """Accept the documents that begin with the prefix.

    Raises `InputError` for characters that the vocabulary does not know.
    """
    ids, end = vocab.encode_text(prefix), len(prefix)
    after = np.full((end + 2, len(vocab)), end + 1, np.int32)
    after[np.arange(end), ids] = np.arange(1, end + 1)
    after[end] = after[:, 0] = 0
    after[end, 1:] = end
    return Automaton(after, np.arange(end + 2) == end)


def pattern(vocab: Vocab, regex: str) -> Automaton:
    """Accept the documents that match as a whole, in the sense of `re.fullmatch`.

    Raises `InputError`, with the position, for a pattern that is invalid, that no automaton of
    this kind can match, or that holds what is no character of the vocabulary.
    """
    tokens = patterns.tokens(regex)
    characters = vocab.characters[1:]
    for token in tokens:
        if token.kind == "atom":
            _require_known(token, characters, regex)
    written = patterns.positions(patterns.parse(tokens))
    texts = sorted(set(written.atoms))
    stands_for = np.array([_stands_for(text, characters) for text in texts])  # [atoms, V - 1]
    columns, column = distinct(stands_for.T)
    having = [{text for text, has in zip(texts, one, strict=True) if has} for one in columns]
    table, accepts = _subsets(written, having, f"pattern {regex!r}")
    return minimal(table, accepts, column)


def _require_known(atom: Token, characters: str, regex: str) -> None:
    """Refuse an atom that is no character of the vocabulary, or a class with such a member."""
    more = "..." if len(characters) > _SHOWN else ""
    for token in (*patterns.named(atom), atom):
        require(
            _is_known(token.text, characters),
            f"pattern {regex!r} has {token.text!r} at position {token.place}, which is no "
            f"character of this vocabulary; expected characters of {characters[:_SHOWN]!r}{more}.",
        )


def _is_known(text: str, characters: str) -> bool:
    if len(text) == 1 and text != ".":
        return text in characters
    # Some escapes mean a character in a class alone, and others in both.
    atom = f"[{text}]" if text.startswith("\\") else text
    return bool(_stands_for(atom, characters).any())


def _stands_for(atom: str, characters: str) -> np.ndarray:
    """Return for which of the characters an atom stands, as Python has it: [V - 1] bool."""
    stands_for = np.zeros(len(characters), bool)
    if atom:
        found = patterns.compiled(atom).finditer(characters)
        stands_for[[match.start() for match in found]] = True
    return stands_for


def _subsets(
    written: Positions, having: list[set[str]], what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the automaton whose states are sets of positions: `[S, K]`, and `[S]` accepts."""
    masks = [
        sum(1 << place for place, atom in enumerate(written.atoms) if atom in one) for one in having
    ]

    def follow(state: int) -> list[int]:
        return [_union(written.after, state & mask) for mask in masks]

    states, table = explore(written.first, follow, what)
    return table, np.array([state & 1 for state in states], bool)


def _union(sets: list[int], chosen: int) -> int:
    union = 0
    while chosen:
        lowest = chosen & -chosen
        union |= sets[lowest.bit_length() - 1]
        chosen ^= lowest
    return union


class Rules(NamedTuple):
    """What documents must be like, as tables that the sampler looks up."""

    next: np.ndarray  # [S, V] int32, as of the automaton
    accepts: np.ndarray  # [S] bool, likewise
    can_end: np.ndarray  # [max_length + 2, S] bool, `feasible` and a last row of False
    min_length: np.ndarray  # [] int32


def rules(automaton: Automaton, min_length: int, max_length: int) -> Rules:
    """Return the tables of an automaton, built once for any number of samples.

    Documents have from `min_length` to `max_length` characters, and end by themselves within them.
    """
    can_end = feasible(automaton, min_length, max_length)
    beyond = np.zeros((1, can_end.shape[1]), bool)
    return Rules(*automaton, np.concatenate([can_end, beyond]), np.int32(min_length))  # type: ignore[arg-type]


def require_feasible(
    vocab: Vocab,
    parts: Mapping[str, Automaton],
    min_length: int,
    max_length: int,
    prefix: str = "",
) -> Automaton:
    """Return the product of the named parts and the prefix, which some document satisfies.

    Raises `InputError` where none does; it names the fewest parts that are to blame.
    """
    require(
        0 <= min_length <= max_length,
        f"min_length is {min_length} and max_length {max_length}, expected a minimum from 0 to the "
        "maximum; lower the one or raise the other.",
    )
    if prefix:
        parts = {f"prefix {prefix!r}": beginning(vocab, prefix), **parts}
    product = both(anything(vocab), *parts.values())
    if not feasible(product, min_length, max_length)[0, 0]:
        raise _blame(parts, min_length, max_length)
    return product


def _blame(parts: Mapping[str, Automaton], min_length: int, max_length: int) -> InputError:
    subsets = (names for size in range(len(parts)) for names in combinations(parts, size + 1))
    for names in subsets:
        product = both(*(parts[name] for name in names))
        if not feasible(product, min_length, max_length)[0, 0]:
            break
    lengths = str(max_length) if min_length == max_length else f"{min_length} to {max_length}"
    together, verb = (" together", "allow") if len(names) > 1 else ("", "allows")
    size = f"of {lengths} characters" if product.accepts.any() else "of any length"
    return InputError(
        f"{' and '.join(names)}{together} {verb} no document {size}, expected at least one; "
        f"change {'one of them' if together else 'it'}"
        f"{' or the lengths' if product.accepts.any() else ''}."
    )
