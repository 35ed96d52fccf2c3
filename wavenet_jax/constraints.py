"""What a document must be like: each constraint a finite automaton, combined with others by `both`.

S  states                      K  columns of a table that differ
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from wavenet_jax import patterns
from wavenet_jax.automata import (
    MAX_STATES,
    Automaton,
    both,
    count,
    distances,
    distinct,
    explore,
    minimal,
)
from wavenet_jax.errors import InputError, counted, require
from wavenet_jax.patterns import Positions, Token
from wavenet_jax.vocab import Vocab

__all__ = [
    "MAX_STATES",
    "Automaton",
    "accepts",
    "alphabet",
    "anything",
    "at_least",
    "beginning",
    "both",
    "count",
    "pattern",
    "require_feasible",
]

MAX_PREFIX = 4_000
_SHOWN = 100  # characters of an alphabet in a message


def anything(vocab: Vocab) -> Automaton:
    """Accept every document."""
    return Automaton(np.zeros((1, len(vocab)), np.int32), np.ones(1, bool))


def alphabet(vocab: Vocab, allowed: str | None, forbidden: str) -> Automaton:
    """Accept the documents of allowed characters, by default all, without the forbidden ones.

    Raises `InputError` for allowed characters that the vocabulary does not know.
    """
    is_forbidden = np.full(len(vocab), allowed is not None)
    is_forbidden[vocab.encode_text(allowed or "")] = False
    is_forbidden[1:] |= np.isin(list(vocab.characters[1:]), list(forbidden))
    if not is_forbidden[1:].any():
        return anything(vocab)
    return minimal(np.array([[0, 1], [1, 1]]), np.array([True, False]), is_forbidden[1:] * 1)


def beginning(vocab: Vocab, prefix: str) -> Automaton:
    """Accept the documents that begin with the prefix.

    Raises `InputError` for characters that the vocabulary does not know, or too many of them.
    """
    ids, end = vocab.encode_text(prefix), len(prefix)
    require(
        end <= MAX_PREFIX,
        f"prefix {prefix[:20]!r}... has {end:,} characters, expected at most {MAX_PREFIX:,}; leave "
        "out its beginning.",
    )
    after = np.full((end + 2, len(vocab)), end + 1, np.int32)
    after[np.arange(end), ids] = np.arange(1, end + 1)
    after[end] = after[:, 0] = 0
    after[end, 1:] = end
    return Automaton(after, np.arange(end + 2) == end)


def at_least(vocab: Vocab, length: int) -> Automaton:
    """Accept the documents of so many characters and more.

    Raises `InputError` beyond `MAX_STATES`.
    """
    require(length < MAX_STATES, f"min_length is {length:,}, expected less than {MAX_STATES:,}.")
    state = np.arange(length + 1, dtype=np.int32)
    after = np.repeat(np.minimum(state + 1, length)[:, None], len(vocab), axis=1)
    after[:, 0] = 0
    return Automaton(after, state == length)


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


def accepts(automaton: Automaton, vocab: Vocab, text: str) -> bool:
    """Tell whether a document is accepted; raise `InputError` for characters that are unknown."""
    state = 0
    for character in vocab.encode_text(text):
        state = automaton.next[state, character]
    return bool(automaton.accepts[state])


def require_feasible(
    vocab: Vocab, parts: Mapping[str, Automaton], min_length: int, max_length: int
) -> Automaton:
    """Return the product of the named parts and the minimum, which some document keeps.

    Raises `InputError` where none does; it names the fewest parts that are to blame.
    """
    require(
        0 <= min_length <= max_length,
        f"min_length is {min_length} and max_length {max_length}, expected a minimum from 0 to the "
        "maximum; lower the one or raise the other.",
    )
    minimum = at_least(vocab, min_length)
    product = both(minimum, *parts.values())
    if not _is_feasible(product, max_length):
        raise _blame(parts, minimum, min_length, max_length)
    return product


def _is_feasible(automaton: Automaton, max_length: int) -> bool:
    distance = distances(automaton.next[:, 1:], automaton.accepts)[0]
    return bool(distance <= max_length and distance < len(automaton.accepts))


def _blame(
    parts: Mapping[str, Automaton], minimum: Automaton, min_length: int, max_length: int
) -> InputError:
    subsets = (names for size in range(len(parts)) for names in combinations(parts, size + 1))
    for names in subsets:
        product = both(*(parts[name] for name in names))
        if not _is_feasible(both(minimum, product), max_length):
            break
    lengths = counted(max_length, "character")
    if min_length < max_length:
        lengths = f"{min_length:,} to {lengths}"
    together, verb = (" together", "allow") if len(names) > 1 else ("", "allows")
    size = f"of {lengths}" if product.accepts.any() else "of any length"
    return InputError(
        f"{' and '.join(names)}{together} {verb} no document {size}, expected at least one; "
        f"change {'one of them' if together else 'it'}"
        f"{' or the lengths' if product.accepts.any() else ''}."
    )
