"""Automata to test, and all documents of up to five letters to test them against."""

import re
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import strategies as st

from wavenet_jax import constraints
from wavenet_jax.constraints import Automaton
from wavenet_jax.data import BOUNDARY_ID, Vocab
from wavenet_jax.errors import InputError

ABC = Vocab(".abc")
LETTERS = Vocab(".abcdefghijklmnopqrstuvwxyz")
ODD = Vocab("\0\t\n !#&*+-09AZ[\\]^_abz{|}~ßé٣漢")
TYPED = Vocab(".AaBb #")  # with cases to ignore, and what verbose patterns skip
DOCUMENTS = ["".join(letters) for size in range(6) for letters in product("abc", repeat=size)]


def state_after(automaton: Automaton, vocab: Vocab, text: str, state: int = 0) -> int:
    for character in vocab.encode_document(text):
        state = int(automaton.transitions[state, character])
    return state


def language(automaton: Automaton, state: int = 0) -> list[str]:
    """Return which of all documents of up to five letters are accepted from a state."""
    return [
        text for text in DOCUMENTS if automaton.accepts[state_after(automaton, ABC, text, state)]
    ]


def walk(automaton: Automaton, vocab: Vocab, longest: int, random: Random) -> str | None:
    """Return a document drawn as the mask allows, None where it allows none."""
    mask, text, state = constraints.compile_mask(automaton), "", 0
    while True:
        allowed = np.flatnonzero(mask.min_remaining[state] <= longest - len(text)).tolist()
        if not text and not allowed:
            return None
        character = random.choice(allowed)  # raises at a dead end
        if character == BOUNDARY_ID:
            return text
        text += vocab.characters[character]
        state = mask.transitions[state, character]


def assert_refused(vocab: Vocab, regex: str, *phrases: str) -> None:
    with pytest.raises(InputError) as caught:
        constraints.pattern(vocab, regex)
    message = str(caught.value)
    assert all(phrase in message for phrase in phrases), message
    assert message.endswith(".")
    assert not re.search(r"[.?!] +[A-Z]", message)
    assert caught.value.field == "pattern"


def repeated(inner: st.SearchStrategy[str], openings: list[str]) -> st.SearchStrategy[str]:
    bounds = st.tuples(st.integers(0, 2), st.integers(0, 2)).map(lambda two: (two[0], sum(two)))
    counts = st.one_of(
        st.sampled_from(["*", "+", "?", "{,}", "{2}", "{,2}", "{1,}"]),
        bounds.map(lambda two: f"{{{two[0]},{two[1]}}}"),
    )
    groups = st.builds("{}{})".format, st.sampled_from(openings), inner)
    return st.builds("{}{}{}".format, groups, counts, st.sampled_from(["", "?"]))


def regexes(atoms: list[str], openings: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    atom = st.sampled_from(atoms)
    written = st.recursive(
        st.one_of(atom, st.just(""), st.builds("{}{}".format, atom, st.sampled_from("*+?"))),
        lambda inner: st.one_of(
            st.builds("{}{}".format, inner, inner),
            st.builds("({}|{})".format, inner, inner),
            st.builds("{}|{}".format, inner, inner),
            repeated(inner, ["(", "(?:", *openings]),
        ),
        max_leaves=8,
    )
    # Groups repeated in each other three deep take Python minutes for five letters.
    return written.filter(lambda regex: len(re.findall(r"\)[*+?{]", regex)) <= 2)


def is_valid(regex: str) -> bool:
    try:
        re.compile(regex)
    except re.error:
        return False
    return True


PATTERNS = regexes([*"abc.", "[ab]", "[^a]", "[a-c]", "[^b-z]", r"\w", r"\x61", r"\142"])
ODD_ATOMS = [
    *(re.escape(character) for character in ODD.characters[1:]),
    *("[]a]", "[^]a]", r"[\]\[]", "[a-]", "[-a]", "[!--]", "[^^]", "[[a]", r"[\\a]", r"[\d_]"),
    *(r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"[^\W]", r"[\D0]", r"[\W\s]", r"[^\s\d]", "."),
    *(r"\x61", r"\u6f22", r"\141", r"[\141-\x62]", r"\N{LATIN SMALL LETTER A}", "{", "}", "]"),
]
# Flags, anchors, named groups and comments.
TYPED_ATOMS = [
    *(*"abAB.^$ ", r"\A", r"\Z", r"\ ", "[ #]", "[a-b]", "[^A]", "[^q]", r"\w", r"\W"),
    *("(?i:b)", "(?#a)", r"(?#a\)b)", "# b\n", "#b\\\na\n", "\n", "\t", r"\#"),
]
TYPED_OPENINGS = tuple(
    "(?i: (?-i: (?s: (?x: (?-x: (?ix: (?i-x: (?a: (?m: (?-m: (?sx-im: (?P<x> (?P<y>".split()
)
TYPED_PATTERNS = st.builds(
    "{}{}".format,
    st.sampled_from(["", "", "", "(?i)", "(?x)", "(?ix)", "(?s)", "(?m)(?i)", "(?#x)(?a)"]),
    regexes(TYPED_ATOMS, TYPED_OPENINGS),
).filter(is_valid)
PARTS = st.one_of(
    PATTERNS.map(lambda regex: constraints.pattern(ABC, regex)),
    st.sampled_from(["", "a", "ba", "abc"]).map(lambda text: constraints.starts_with(ABC, text)),
    st.sampled_from(["a", "aa", "bcb", "x"]).map(lambda text: constraints.excludes(ABC, text)),
    st.sampled_from(["", "a", "ab", "cba"]).map(lambda c: constraints.charset(ABC, c)),
    st.sampled_from(["", "a", "bc"]).map(lambda c: constraints.excludes_charset(ABC, c)),
    st.integers(0, 5).map(lambda length: constraints.min_length(ABC, length)),
)
LENGTHS = st.tuples(st.integers(0, 5), st.integers(0, 5)).map(lambda two: (min(two), max(two)))
