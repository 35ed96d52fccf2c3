"""The kinds of constraints, each an automaton that accepts the documents which meet it.

S  states                      V  vocabulary, boundary included
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from wavenet_jax.constraints.automata import (
    MAX_STATES,
    Automaton,
    has_document,
    intersect,
    minimize,
)
from wavenet_jax.constraints.glushkov import compile_tree
from wavenet_jax.constraints.regex import (
    Node,
    Token,
    bound_repeats,
    matches,
    members,
    parse,
    tokenize,
)
from wavenet_jax.data import Vocab
from wavenet_jax.errors import InputError, pluralize, require

MAX_TEXT = 4_000  # characters of a prefix or of an excluded text
_MAX_SHOWN = 100  # characters of the vocabulary in a message


def any_text(vocab: Vocab) -> Automaton:
    """Accept every document."""
    return Automaton(np.zeros((1, len(vocab)), np.int32), np.ones(1, bool))


def charset(vocab: Vocab, allowed: str | None, forbidden: str) -> Automaton:
    """Accept the documents of allowed characters, by default all, without forbidden ones.

    Raises `InputError` for allowed characters that the vocabulary does not have.
    """
    is_forbidden = np.full(len(vocab), allowed is not None)
    is_forbidden[vocab.encode_document(allowed or "")] = False
    is_forbidden[1:] |= np.isin(list(vocab.characters[1:]), list(forbidden))
    if not is_forbidden[1:].any():
        return any_text(vocab)
    return minimize(np.array([[0, 1], [1, 1]]), np.array([True, False]), is_forbidden[1:] * 1)


def starts_with(vocab: Vocab, prefix: str) -> Automaton:
    """Accept the documents that start with the prefix.

    Raises `InputError` for characters that the vocabulary does not have, or beyond `MAX_TEXT`.
    """
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


def excludes(vocab: Vocab, text: str) -> Automaton:
    """Accept the documents that do not contain the text (Knuth, Morris and Pratt, 1977).

    State i is the length of the longest beginning of the text that the document ends in.  A text
    with a character that the vocabulary does not have excludes nothing.  Raises `InputError` for
    an empty text, or beyond `MAX_TEXT`.

    >>> from wavenet_jax.constraints import accepts
    >>> vocab = Vocab(".abc")
    >>> [accepts(excludes(vocab, "ab"), vocab, text) for text in ("ba", "cab")]
    [True, False]
    """
    require(
        text != "",
        "forbid_text is '', expected at least one character: every text contains the empty one; "
        "leave it out.",
        "forbid_text",
    )
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


def pattern(vocab: Vocab, regex: str, max_length: int | None = None) -> Automaton:
    """Accept the documents that match as a whole, as `re.fullmatch` does.

    A document is one line: '^' and '$' hold at its ends alone.

    Args:
        vocab: The characters that there are.
        regex: A regular expression of Python's `re`, without look-around, back-references and the
            like.
        max_length: Where given, documents that are longer may be accepted or not, which takes
            fewer states.

    Raises:
        InputError: The pattern is invalid, is more than an automaton can match, names a character
            that the vocabulary does not have (a negated class may), or needs too many states.

    >>> from wavenet_jax.constraints import accepts
    >>> vocab = Vocab(".abc")
    >>> automaton = pattern(vocab, "(?i)A[^b]*")
    >>> [accepts(automaton, vocab, text) for text in ("a", "acc", "ab", "ca")]
    [True, True, False, False]
    """
    tokens, characters = tokenize(regex), vocab.characters[1:]
    for token in tokens:
        if token.kind == "character":
            _require_known(token, characters, regex)
    tree: Node = parse(tokens, regex)
    if max_length is not None:
        tree = bound_repeats(tree, max_length)
    too_large = InputError(
        f"pattern {regex!r} needs more than {MAX_STATES:,} states, expected at most that; shorten "
        "its repeats and alternatives, or what follows them.",
        "pattern",
    )
    return compile_tree(tree, characters, too_large)


def _require_known(character: Token, characters: str, regex: str) -> None:
    """Raise `InputError` where the token, or a member of its class, matches no character."""
    more = "..." if len(characters) > _MAX_SHOWN else ""
    for token in (*members(character), character):
        require(
            bool(matches(token, characters).any()),
            f"pattern {regex!r} has {token.text!r} at position {token.place}, which is no "
            "character of this vocabulary; expected characters of "
            f"{characters[:_MAX_SHOWN]!r}{more}.",
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
        InputError: No document of these lengths meets all parts, and the fewest parts of which
            that is true are named; or the product needs too many states.
    """
    require(
        0 <= min_length <= max_length,
        f"min_length is {min_length:,} and max_length {max_length:,}, expected a minimum from 0 "
        "to the maximum; lower the one or raise the other.",
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
    """Return the error that names the fewest parts which no document of these lengths meets."""
    subsets = (names for size in range(len(parts)) for names in combinations(parts, size + 1))
    for names in subsets:
        product = _meet(vocab, {name: parts[name] for name in names})
        if not has_document(product, min_length, max_length):
            break
    return InputError(_infeasible(names, product, min_length, max_length))


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
