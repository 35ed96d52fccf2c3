"""Sets of characters, as people type them, and what differs by its case alone."""

import numpy as np

from wavenet_jax.constraints.automata import Automaton, any_text, minimize
from wavenet_jax.constraints.regex import quote
from wavenet_jax.data import Vocab
from wavenet_jax.errors import require

_MAX_SHOWN = 100  # characters of the vocabulary in a message


def charset(vocab: Vocab, characters: str, *, ignore_case: bool = False) -> Automaton:
    """Accept the documents that have no other characters than these.

    `characters` is read as `listed` does.  Raises `InputError` where it names some and the
    vocabulary has none of them.

    >>> from wavenet_jax.constraints import accepts
    >>> vocab = Vocab(".abc")
    >>> [accepts(charset(vocab, "b-z"), vocab, text) for text in ("bc", "ab")]
    [True, False]
    """
    is_allowed = listed(vocab, characters, ignore_case=ignore_case)
    require(
        characters == "" or bool(is_allowed.any()),
        f"allow is {quote(characters)}, of which this vocabulary has no character; expected "
        f"{some_of(vocab)}.",
        "allow",
    )
    return _without(vocab, ~is_allowed)


def excludes_charset(vocab: Vocab, characters: str, *, ignore_case: bool = False) -> Automaton:
    """Accept the documents that have none of the characters, which are read as `listed` does."""
    return _without(vocab, listed(vocab, characters, ignore_case=ignore_case))


def listed(vocab: Vocab, characters: str, *, ignore_case: bool = False) -> np.ndarray:
    """Return which characters of the vocabulary a list such as `a-z0-9_` holds: `[V - 1]` bool.

    A `-` between two characters makes a range of code points; elsewhere it stands for itself, as
    every other character does.  What the vocabulary does not have is passed over.  Raises
    `InputError` for a range that goes backwards.
    """
    ranges, place = [], 0
    while place < len(characters):
        is_range = characters[place + 1 : place + 2] == "-" and place + 2 < len(characters)
        low, high = characters[place], characters[place + 2 * is_range]
        require(
            low <= high,
            f"{quote(characters)} has the range {low}-{high}, expected its ends in order; write "
            f"{high}-{low}, or put a '-' that stands for itself first or last.",
        )
        ranges.append((low, high))
        place += 3 if is_range else 1

    def holds(character: str) -> bool:
        cases = {character, character.lower(), character.upper()} if ignore_case else {character}
        single = [case for case in cases if len(case) == 1]  # ß is SS in capitals
        return any(low <= case <= high for case in single for low, high in ranges)

    return np.array([holds(character) for character in vocab.characters[1:]], bool)


def _without(vocab: Vocab, is_forbidden: np.ndarray) -> Automaton:
    """Accept the documents without the forbidden characters, `[V - 1]`."""
    if not is_forbidden.any():
        return any_text(vocab)
    return minimize(np.array([[0, 1], [1, 1]]), np.array([True, False]), is_forbidden * 1)


def some_of(vocab: Vocab) -> str:
    """Return the characters of a vocabulary as a message shows what was expected."""
    characters = vocab.characters[1:]
    more = "..." if len(characters) > _MAX_SHOWN else ""
    return f"characters of {characters[:_MAX_SHOWN]!r}{more}"


def fold_case(vocab: Vocab, text: str) -> str:
    """Replace each character by the first of the vocabulary that differs by its case alone."""
    first: dict[str, str] = {}
    for character in vocab.characters[1:]:
        first.setdefault(character.casefold(), character)
    return "".join(first.get(character.casefold(), character) for character in text)


def either_case(vocab: Vocab, automaton: Automaton) -> Automaton:
    """Let each character do in the automaton of a folded text what the folded one does."""
    column = vocab.encode(vocab.boundary + fold_case(vocab, vocab.characters[1:]))
    return automaton._replace(transitions=automaton.transitions[:, column])
