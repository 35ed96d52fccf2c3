"""Automata against Python's `re`, and against all strings of up to five letters, enumerated."""

import re
from collections.abc import Callable
from itertools import product
from random import Random

import numpy as np
import pytest
from automata_cases import (
    ABC,
    DOCUMENTS,
    LENGTHS,
    ODD,
    ODD_ATOMS,
    PARTS,
    PATTERNS,
    language,
    regexes,
    state_after,
    walk,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet_jax import constraints
from wavenet_jax.constraints import MAX_STATES, Automaton, accepts
from wavenet_jax.errors import InputError
from wavenet_jax.patterns import MAX_POSITIONS
from wavenet_jax.vocab import Vocab

LETTERS = Vocab(".abcdefghijklmnopqrstuvwxyz")


def assert_refused(vocab: Vocab, regex: str, *said: str) -> None:
    with pytest.raises(InputError) as caught:
        constraints.pattern(vocab, regex)
    message = str(caught.value)
    assert all(part in message for part in said), message
    assert message.endswith(".")
    assert not re.search(r"[.?!] +[A-Z]", message)


@settings(max_examples=300)
@given(PATTERNS)
def test_pattern_accepts_what_python_matches_of_all_documents(regex: str) -> None:
    expected = [text for text in DOCUMENTS if re.fullmatch(regex, text)]
    assert language(constraints.pattern(ABC, regex)) == expected


@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
@settings(max_examples=200)
@given(regexes(ODD_ATOMS), st.randoms(use_true_random=False))
def test_pattern_accepts_what_python_matches_of_odd_characters(regex: str, random: Random) -> None:
    automaton = constraints.pattern(ODD, regex)
    pairs = ["".join(two) for two in product(ODD.characters[1:], repeat=2)]
    walks = [walk(automaton, ODD, 7, random) or "" for _ in range(10)]
    for text in ["", *ODD.characters[1:], *pairs, *walks]:  # short, as Python's time is exponential
        assert accepts(automaton, ODD, text) == bool(re.fullmatch(regex, text))


@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
@pytest.mark.parametrize("regex", ODD_ATOMS)
def test_every_kind_of_atom_stands_for_what_python_says(regex: str) -> None:
    automaton = constraints.pattern(ODD, regex)
    for character in ODD.characters[1:]:
        assert accepts(automaton, ODD, character) == bool(re.fullmatch(regex, character))


def test_class_of_which_python_warns_is_taken_as_it_is() -> None:
    re.purge()  # which else remembers what it warned of
    assert constraints.count(constraints.pattern(ODD, "[[b]"), 9) == 2


@pytest.mark.parametrize(
    ("regex", "means", "states"),
    [
        ("(a*b)?", "|a*b", 4),
        ("(a*b){0,2}", "|a*b|a*ba*b", 6),
        ("(a?b?)*", "[ab]*", 2),
        ("((a|b)*)*", "[ab]*", 2),
        ("(a*){3,}", "a*", 2),
        (".*", ".*", 1),
        ("a|b|ab|bb", "[ab]b?", 4),
        # Python would count these repeats one by one.
        ("(?:){4000000000}", "", 2),
        ("((?:a{0}){9999}){9999}c", "c", 3),
        ("a" * MAX_POSITIONS, "aaaaaa", MAX_POSITIONS + 2),
        (f"b{{0,{MAX_POSITIONS}}}", "b*", MAX_POSITIONS + 2),
    ],
)
def test_automaton_of_a_pattern_is_right_and_minimal(regex: str, means: str, states: int) -> None:
    automaton = constraints.pattern(ABC, regex)
    assert language(automaton) == [text for text in DOCUMENTS if re.fullmatch(means, text)]
    assert automaton.next.shape == (states, len(ABC))
    assert automaton.accepts.shape == (states,)
    assert automaton.next.dtype == np.int32
    assert automaton.accepts.dtype == bool


@given(PATTERNS)
def test_states_are_reached_and_no_two_accept_the_same(regex: str) -> None:
    automaton = constraints.pattern(ABC, regex)
    states = len(automaton.accepts)
    reached = {state_after(automaton, ABC, text) for text in DOCUMENTS}
    if states <= 6:  # which five letters reach, and five tell apart
        assert reached == set(range(states))
        assert len({tuple(language(automaton, state)) for state in range(states)}) == states


@given(st.lists(PARTS, min_size=1, max_size=4))
def test_both_accepts_what_every_one_does_and_is_minimal(parts: list[Automaton]) -> None:
    together = constraints.both(*parts)
    expected = [text for text in DOCUMENTS if all(accepts(one, ABC, text) for one in parts)]
    assert language(together) == expected
    states = len(together.accepts)
    assert states <= np.prod([len(one.accepts) for one in parts])
    if states <= 6 and len(parts) > 1:
        assert {state_after(together, ABC, text) for text in DOCUMENTS} == set(range(states))
        assert len({tuple(language(together, state)) for state in range(states)}) == states


@pytest.mark.parametrize("allowed", [None, "", "ab", "abc", "cc"])
@pytest.mark.parametrize("forbidden", ["", "b", "abc"])
def test_alphabet_allows_and_forbids(allowed: str | None, forbidden: str) -> None:
    known = set("abc" if allowed is None else allowed) - set(forbidden)
    expected = [text for text in DOCUMENTS if set(text) <= known]
    assert language(constraints.alphabet(ABC, allowed, forbidden)) == expected


@pytest.mark.parametrize("unknown", ["x", ".", "\udcff", "\0", "漢é"])
def test_forbidding_what_never_occurs_changes_nothing(unknown: str) -> None:
    for allowed, forbidden in ((None, ""), ("ab", ""), (None, "b"), ("abc", "ca")):
        expected = constraints.alphabet(ABC, allowed, forbidden)
        together = constraints.alphabet(ABC, allowed, unknown + forbidden + unknown)
        for one, other in zip(together, expected, strict=True):
            np.testing.assert_array_equal(one, other)


@given(PARTS)
def test_accepts_tells_where_a_document_leads(automaton: Automaton) -> None:
    assert [text for text in DOCUMENTS if accepts(automaton, ABC, text)] == language(automaton)


@pytest.mark.parametrize("length", range(7))
def test_at_least_so_long_are_those_that_are_not_shorter(length: int) -> None:
    automaton = constraints.at_least(ABC, length)
    assert language(automaton) == [text for text in DOCUMENTS if len(text) >= length]
    assert len(automaton.accepts) == length + 1
    assert automaton.next.dtype == np.int32


def test_minimum_that_needs_too_many_states_is_refused() -> None:
    assert len(constraints.at_least(ABC, MAX_STATES - 1).accepts) == MAX_STATES
    with pytest.raises(InputError, match=r"^min_length is 10,000, expected less than 10,000\.$"):
        constraints.at_least(ABC, MAX_STATES)


def test_anything_is_accepted_and_a_beginning_begins() -> None:
    assert language(constraints.anything(ABC)) == DOCUMENTS
    for prefix in ("", "a", "bab"):
        expected = [text for text in DOCUMENTS if text.startswith(prefix)]
        assert language(constraints.beginning(ABC, prefix)) == expected


@given(PARTS, LENGTHS)
def test_count_is_that_of_the_documents(automaton: Automaton, lengths: tuple[int, int]) -> None:
    shortest, longest = lengths
    expected = sum(shortest <= len(text) <= longest for text in language(automaton))
    together = constraints.both(automaton, constraints.at_least(ABC, shortest))
    assert constraints.count(together, longest) == expected


@given(PARTS, st.integers(0, 5), st.integers(0, 400))
def test_count_is_exact_below_what_is_enough(
    automaton: Automaton, longest: int, enough: int
) -> None:
    exactly = constraints.count(automaton, longest)
    counted = constraints.count(automaton, longest, enough=enough)
    assert counted == exactly if exactly < enough else enough <= counted <= exactly


def test_count_is_exact_beyond_64_bits() -> None:
    name = constraints.pattern(LETTERS, "ma.{27}[aeiou]")
    assert constraints.count(name, 29) == 0
    assert constraints.count(name, 30) == 5 * 26**27
    assert constraints.count(constraints.anything(LETTERS), 40) == (26**41 - 1) // 25
    assert constraints.count(constraints.anything(LETTERS), 10**9, enough=100) == 27 + 26**2


def test_constraints_of_the_issue_make_a_small_automaton() -> None:
    parts = {
        "prefix 'ma'": constraints.beginning(LETTERS, "ma"),
        "pattern 'ma.*[aeiou]'": constraints.pattern(LETTERS, "ma.*[aeiou]"),
        "forbid 'qx'": constraints.alphabet(LETTERS, None, "qx"),
    }
    together = constraints.require_feasible(LETTERS, parts, 5, 8)
    assert constraints.count(together, 8) == sum(5 * 24**size for size in range(2, 6))
    assert accepts(together, LETTERS, "mabbo")
    assert not accepts(together, LETTERS, "maqqo")


@pytest.mark.parametrize(
    ("regex", "name", "position"),
    [
        ("a(?=b)", "a look-ahead", 1),
        ("a(?!b)", "a look-ahead", 1),
        ("(?<=a)b", "a look-behind", 0),
        ("ab(?<!a)", "a look-behind", 2),
        ("^a", "an anchor", 0),
        ("a[$]?c$", "an anchor", 6),
        (r"\bab", "an anchor", 0),
        (r"a\Bb", "an anchor", 1),
        (r"\Aab", "an anchor", 0),
        (r"ab\Z", "an anchor", 2),
        (r"(a)b\1", "a back-reference", 4),
        (r"(?:(a))\1", "a back-reference", 7),
        ("(?P<one>a)", "a named group", 0),
        ("a|(?P<one>a)(?P=one)", "a named group", 2),
        ("(?i)a", "a flag", 0),
        ("a(?i:b)", "a flag", 1),
        ("a(?-i:b)", "a flag", 1),
        ("ab(?#why)", "a comment", 2),
        ("(a)?(?(1)b|c)", "a conditional group", 4),
        ("a(?>b)", "an atomic group", 1),
        ("ba*+", "a possessive quantifier", 2),
        ("ba?+", "a possessive quantifier", 2),
        ("ba{1,2}+", "a possessive quantifier", 2),
    ],
)
def test_what_is_not_supported_is_named_with_its_position(
    regex: str, name: str, position: int
) -> None:
    vocab = Vocab(".abc$")
    assert_refused(vocab, regex, f"pattern {regex!r} has {name} at position {position}, expected")


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        ("a(b", "missing ), unterminated subpattern at position 1"),
        ("ab)", "unbalanced parenthesis at position 2"),
        ("*a", "nothing to repeat at position 0"),
        ("ab**", "multiple repeat at position 3"),
        ("a[bc", "unterminated character set at position 1"),
        ("a[c-b]", "bad character range c-b at position 2"),
        ("a{3,2}", "min repeat greater than max repeat at position 2"),
        ("ab\\", "bad escape (end of pattern) at position 2"),
        (r"a\y", r"bad escape \y at position 1"),
        (r"a\2", "invalid group reference 2 at position 2"),
        ("a(?<=b*)", "look-behind requires fixed-width pattern"),
        ("a{99999999999}", "the repetition number is too large"),
        ("(" * 5_000 + ")" * 5_000, "recursion"),
    ],
)
def test_invalid_pattern_is_refused_in_the_words_of_python(regex: str, said: str) -> None:
    assert_refused(ABC, regex, f"pattern {regex!r} is invalid: ", said, "expected")


@pytest.mark.parametrize(
    ("regex", "named", "position"),
    [
        ("abq", "'q'", 2),
        ("a|q{0}", "'q'", 2),
        ("a[bqx]", "'q'", 3),
        ("a[^q]", "'q'", 3),
        ("[a-cq]", "'q'", 4),
        ("[]a]", "']'", 1),
        (r"[a\-]", r"'\\-'", 2),
        ("[a-]", "'-'", 2),
        (r"[a\b]", r"'\\b'", 2),
        (r"b\.", r"'\\.'", 1),
        (r"b\x71", r"'\\x71'", 1),
        (r"b\d", r"'\\d'", 1),
        ("b[0-9]", "'[0-9]'", 1),
        ("b[^a-c]", "'[^a-c]'", 1),
        ("a b", "' '", 1),
        ("é", "'é'", 0),
    ],
)
def test_what_the_vocabulary_does_not_have_is_named_with_its_position(
    regex: str, named: str, position: int
) -> None:
    said = f"pattern {regex!r} has {named} at position {position}, which is no character"
    assert_refused(ABC, regex, said, "expected characters of 'abc'.")


def test_range_and_negated_class_mean_the_characters_that_there_are() -> None:
    assert constraints.count(constraints.pattern(ABC, "[a-z]"), 9) == 3
    assert constraints.count(constraints.pattern(ABC, "[^a]."), 9) == 6


def test_long_alphabet_is_cut_where_it_is_shown() -> None:
    vocab = Vocab("." + "".join(map(chr, range(0x4E00, 0x4E00 + 101))))
    assert_refused(vocab, "q", f"{vocab.characters[1:101]!r}...")


@pytest.mark.parametrize("characters", ["axb", "a.b"])
def test_unknown_characters_are_refused_by_every_part(characters: str) -> None:
    builds: list[Callable[[], object]] = [
        lambda: constraints.alphabet(ABC, characters, ""),
        lambda: constraints.beginning(ABC, characters),
        lambda: accepts(constraints.anything(ABC), ABC, characters),
    ]
    for build in builds:
        with pytest.raises(InputError, match=r"unknown to this vocabulary; expected .* 'abc'"):
            build()


def test_prefix_that_is_too_long_is_refused() -> None:
    with pytest.raises(InputError, match=r"^prefix 'aaaa.* has 4,001 characters, expected at most"):
        constraints.beginning(ABC, "a" * 4_001)


@pytest.mark.parametrize("regex", [".*a.{20}", "(a|b)*a(a|b){12,14}c"])
def test_automaton_that_grows_too_large_is_refused(regex: str) -> None:
    assert_refused(ABC, regex, f"pattern {regex!r} needs more than {MAX_STATES:,} states")


@pytest.mark.parametrize("regex", ["a{2001}", "(a{50}){41}", "(.{0,1000}b){3}", "a{3000000000}"])
def test_pattern_that_is_too_long_is_refused(regex: str) -> None:
    assert_refused(ABC, regex, "longer than 2,000 characters with its repeats written out")


def test_product_that_grows_too_large_is_refused() -> None:
    parts = [constraints.pattern(ABC, f"(.{{{size}}})*") for size in (101, 103)]
    with pytest.raises(InputError, match="say together needs more than 10,000 states"):
        constraints.both(*parts)


PATTERN = "pattern 'ab{6}c?'", constraints.pattern(ABC, "ab{6}c?")
ENDS_IN_A = "pattern '.*a'", constraints.pattern(ABC, ".*a")
NO_B = "forbid 'b'", constraints.alphabet(ABC, None, "b")
SHORT = "pattern '..?'", constraints.pattern(ABC, "..?")
OF_LENGTH = "pattern '(..)*'", constraints.pattern(ABC, "(..)*")


@pytest.mark.parametrize(
    ("parts", "lengths", "prefix", "said"),
    [
        ([PATTERN], (1, 6), "", "pattern 'ab{6}c?' allows no document of 1 to 6 characters"),
        ([NO_B, PATTERN], (9, 9), "", "pattern 'ab{6}c?' allows no document of 9 characters"),
        (
            [ENDS_IN_A, NO_B, PATTERN],
            (0, 9),
            "",
            "pattern '.*a' and pattern 'ab{6}c?' together allow no document of any length, "
            "expected at least one; change one of them.",
        ),
        (
            [NO_B, PATTERN],
            (0, 9),
            "",
            "forbid 'b' and pattern 'ab{6}c?' together allow no document of any length",
        ),
        ([NO_B], (0, 9), "ab", "prefix 'ab' and forbid 'b' together allow no document of any"),
        ([ENDS_IN_A], (0, 2), "abc", "prefix 'abc' allows no document of 0 to 2 characters"),
        ([ENDS_IN_A], (0, 3), "abc", "prefix 'abc' and pattern '.*a' together allow no document"),
        ([SHORT, NO_B, OF_LENGTH, ENDS_IN_A], (0, 9), "c", ""),
        (
            [SHORT, OF_LENGTH, NO_B, ENDS_IN_A],
            (0, 1),
            "a",
            "prefix 'a' and pattern '(..)*' together allow no document of 0 to 1 character, "
            "expected at least one; change one of them or the lengths.",
        ),
        ([], (3, 2), "", "min_length is 3 and max_length 2, expected"),
        ([], (-1, 2), "", "min_length is -1 and max_length 2, expected"),
        ([], (0, 0), "", ""),
    ],
)
def test_the_fewest_parts_that_allow_nothing_are_named(
    parts: list[tuple[str, Automaton]], lengths: tuple[int, int], prefix: str, said: str
) -> None:
    named = dict(parts)
    if prefix:
        named = {f"prefix {prefix!r}": constraints.beginning(ABC, prefix), **named}
    if not said:
        constraints.require_feasible(ABC, named, *lengths)
        return
    with pytest.raises(InputError, match=f"^{re.escape(said)}"):
        constraints.require_feasible(ABC, named, *lengths)


def test_three_parts_may_be_to_blame_together() -> None:
    regexes = ["a?b?c?", "(ab|bc|ca)*", "[ac]*"]
    parts = {str(i): constraints.pattern(ABC, regex) for i, regex in enumerate(regexes, start=1)}
    with pytest.raises(InputError, match=r"^1 and 2 and 3 together allow no document of 1 to 9"):
        constraints.require_feasible(ABC, parts, 1, 9)


@given(st.dictionaries(st.sampled_from("123"), PARTS), LENGTHS)
def test_what_is_feasible_has_a_document_and_what_is_not_has_none(
    parts: dict[str, Automaton], lengths: tuple[int, int]
) -> None:
    shortest, longest = lengths
    fits = [
        text
        for text in DOCUMENTS
        if len(text) >= shortest and all(accepts(one, ABC, text) for one in parts.values())
    ]
    if any(len(text) <= longest for text in fits):
        assert language(constraints.require_feasible(ABC, parts, *lengths)) == fits
    else:
        with pytest.raises(InputError, match=r"allows? no document"):
            constraints.require_feasible(ABC, parts, *lengths)
