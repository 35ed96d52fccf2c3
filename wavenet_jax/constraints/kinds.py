"""The kinds of constraints, each an automaton that accepts the documents which meet it.

S  states                      V  vocabulary, boundary included
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from wavenet_jax.constraints.automata import (
    MAX_STATES,
    Automaton,
    any_text,
    has_document,
    intersect,
)
from wavenet_jax.constraints.charsets import either_case, fold_case, some_of
from wavenet_jax.constraints.expressions import parse
from wavenet_jax.constraints.glushkov import compile_steps
from wavenet_jax.constraints.regex import Token, is_class, matches, shorten, tokenize
from wavenet_jax.data import Vocab
from wavenet_jax.errors import InputError, pluralize, require

MAX_TEXT = 4_000  # characters of a prefix or of an excluded text


def starts_with(vocab: Vocab, prefix: str, *, ignore_case: bool = False) -> Automaton:
    """Accept the documents that start with the prefix.

    Raises `InputError` for characters that the vocabulary does not have, or beyond `MAX_TEXT`.
    """
    if ignore_case:
        return either_case(vocab, starts_with(vocab, fold_case(vocab, prefix)))
    ids, end = vocab.encode_document(prefix), len(prefix)
    require(
        end <= MAX_TEXT,
        f"prefix {prefix[:20]!r}... has {end:,} characters, expected at most {MAX_TEXT:,}; leave "
        "out its beginning.",
        "prefix",
    )
    dead = end + 1
    transitions = np.full((end + 2, len(vocab)), dead, np.int32)
    transitions[np.arange(end), ids] = np.arange(1, end + 1)
    transitions[end] = end
    transitions[:, 0] = 0
    return Automaton(transitions, np.arange(end + 2) == end)


def excludes(vocab: Vocab, text: str, *, ignore_case: bool = False) -> Automaton:
    """Accept the documents that do not contain the text (Knuth, Morris and Pratt, 1977).

    State i is the length of the longest beginning of the text that the document ends in.  A text
    with a character that the vocabulary does not have excludes nothing, the empty text everything.
    Raises `InputError` beyond `MAX_TEXT`.

    >>> from wavenet_jax.constraints import accepts
    >>> vocab = Vocab(".abc")
    >>> [accepts(excludes(vocab, "ab"), vocab, text) for text in ("ba", "cab")]
    [True, False]
    """
    if ignore_case:
        return either_case(vocab, excludes(vocab, fold_case(vocab, text)))
    require(
        len(text) <= MAX_TEXT,
        f"forbid_text {text[:20]!r}... has {len(text):,} characters, expected at most "
        f"{MAX_TEXT:,}; forbid a shorter text.",
        "forbid_text",
    )
    if not set(text) <= set(vocab.characters[1:]):
        return any_text(vocab)
    transitions = np.zeros((len(text) + 1, len(vocab)), np.int32)
    fallback = 0  # the state after the text read so far without its first character
    for state, character in enumerate(vocab.encode_document(text)):
        transitions[state] = transitions[fallback]
        transitions[state, character] = state + 1
        fallback = transitions[fallback, character] if state else 0
    transitions[-1, 1:] = len(text)
    return Automaton(transitions, np.arange(len(text) + 1) < len(text))


def min_length(vocab: Vocab, length: int) -> Automaton:
    """Accept the documents of at least `length` characters.

    Raises `InputError` beyond `MAX_STATES`.
    """
    _require_states(length)
    state = np.arange(length + 1, dtype=np.int32)
    transitions = np.repeat(np.minimum(state + 1, length)[:, None], len(vocab), axis=1)
    transitions[:, 0] = 0
    return Automaton(transitions, state == length)


def _require_states(length: int) -> None:
    require(
        length < MAX_STATES,
        f"min_length is {length:,}, expected less than {MAX_STATES:,}; lower it.",
        "min_length",
    )


def pattern(
    vocab: Vocab, regex: str, max_length: int | None = None, *, ignore_case: bool = False
) -> Automaton:
    """Accept the documents that match as a whole, as `re.fullmatch` does.

    A document is one line: '^' and '$' hold at its ends alone.

    Args:
        vocab: The characters that there are.
        regex: A regular expression of Python's `re`, without look-around, back-references and the
            like.
        max_length: Where given, documents that are longer may be accepted or not, which takes
            fewer states.
        ignore_case: Match either case, as the flag `(?i)` does.

    Raises:
        InputError: The pattern is invalid, is more than an automaton can match, names a character
            that the vocabulary does not have (a class may), or needs too many states.

    >>> from wavenet_jax.constraints import accepts
    >>> vocab = Vocab(".abc")
    >>> automaton = pattern(vocab, "(?i)A[^b]*")
    >>> [accepts(automaton, vocab, text) for text in ("a", "acc", "ab", "ca")]
    [True, True, False, False]
    """
    flags = re.IGNORECASE if ignore_case else re.NOFLAG
    tokens, characters = tokenize(regex, flags), vocab.characters[1:]
    unknown = [
        token
        for token in tokens
        if token.kind == "character" and not matches(token, characters).any()
    ]
    for token in unknown:
        if not is_class(token):
            raise _unknown(vocab, token, regex)
    too_large = InputError(
        f"pattern {shorten(regex)} needs more than {MAX_STATES:,} states, expected at most that; "
        "shorten its repeats and alternatives, or what follows them.",
        "pattern",
    )
    automaton = compile_steps(parse(tokens, regex, max_length).steps, characters, too_large)
    if unknown and not automaton.accepts.any():
        raise _unknown(vocab, unknown[0], regex)
    return automaton


def _unknown(vocab: Vocab, token: Token, regex: str) -> InputError:
    return InputError(
        f"pattern {shorten(regex)} has {shorten(token.text)} at position {token.place}, which is "
        f"no character of this vocabulary; expected {some_of(vocab)}.",
        "pattern",
    )


def combine(
    vocab: Vocab, parts: Mapping[str, Automaton], min_length: int, max_length: int
) -> Automaton:
    """Accept the documents of at least `min_length` characters that meet every part.

    The maximum is checked, not built in: a sampler holds to it with `TokenMask.min_remaining`.

    Args:
        vocab: The characters that there are.
        parts: Automata by what a message calls them, such as "prefix 'ma'".
        min_length: Fewest characters of a document.
        max_length: Most characters of a document.

    Raises:
        InputError: No document of these lengths meets all parts, and parts of which that is true
            are named, none of which can be left out; or the product needs too many states.
    """
    require(
        0 <= min_length <= max_length,
        f"min_length is {min_length:,}, expected a number from 0 to the {max_length:,} characters "
        "that a document may have; lower it, or raise max_length or cut_at.",
        "min_length",
    )
    _require_states(min_length)
    product = _meet(vocab, parts)
    if not has_document(product, min_length, max_length):
        raise _blame(vocab, parts, min_length, max_length)
    return _lengthen(vocab, product, min_length, " and ".join(parts))


def _meet(vocab: Vocab, parts: Mapping[str, Automaton]) -> Automaton:
    """Accept the documents that meet every part; name the parts where that is too large."""
    too_large = InputError(
        f"{' and '.join(parts)} together need more than {MAX_STATES:,} states, expected at most "
        "that; simplify one of them or leave it out."
    )
    return intersect(*parts.values(), too_large=too_large) if parts else any_text(vocab)


def _lengthen(vocab: Vocab, product: Automaton, length: int, names: str) -> Automaton:
    """Accept the documents of the product that have at least `length` characters."""
    most = MAX_STATES // len(product.accepts) - 1
    too_large = InputError(
        f"min_length is {length:,}, which with {names} needs more than {MAX_STATES:,} states, "
        f"expected at most {most:,}; lower it.",
        "min_length",
    )
    return intersect(min_length(vocab, length), product, too_large=too_large)


def _blame(
    vocab: Vocab, parts: Mapping[str, Automaton], min_length: int, max_length: int
) -> InputError:
    """Return the error that names parts which no document of these lengths meets.

    A part is left out where the others allow no document either, the last part first: what is left
    needs all of its parts (the deletion filter of Chinneck and Dravnieks, 1991).
    """
    needed = dict(parts)
    for name in reversed(list(parts)):
        others = {other: part for other, part in needed.items() if other != name}
        if not _may_allow(vocab, others, min_length, max_length):
            needed = others
    return InputError(_infeasible(list(needed), _meet(vocab, needed), min_length, max_length))


def _may_allow(
    vocab: Vocab, parts: Mapping[str, Automaton], min_length: int, max_length: int
) -> bool:
    """Tell whether a document of these lengths meets the parts, or may, where they are too large.

    Fewer parts may need more states.
    """
    try:
        return has_document(_meet(vocab, parts), min_length, max_length)
    except InputError:
        return True


def _infeasible(names: Sequence[str], product: Automaton, min_length: int, max_length: int) -> str:
    lengths = pluralize(max_length, "character")
    if min_length < max_length:
        lengths = f"{min_length:,} to {lengths}"
    is_longer = product.accepts.any()
    return (
        f"{' and '.join(names)} {'together allow' if len(names) > 1 else 'allows'} no document of "
        f"{lengths if is_longer else 'any length'}, expected at least one; change "
        f"{'one of them' if len(names) > 1 else 'it'}{' or the lengths' if is_longer else ''}."
    )
