"""Patterns against Python's `re`, on all short documents, and what is refused."""

import re
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.automata_cases import (
    ABC,
    DOCUMENTS,
    LETTERS,
    ODD,
    ODD_ATOMS,
    PATTERNS,
    TYPED,
    TYPED_PATTERNS,
    assert_refused,
    language,
    regexes,
    walk,
)

from wavenet_jax import constraints
from wavenet_jax.constraints import accepts, count_documents, pattern
from wavenet_jax.constraints.regex import MAX_NESTING, quote
from wavenet_jax.data import Vocab
from wavenet_jax.errors import InputError

TYPED_DOCUMENTS = [
    "".join(letters) for size in range(4) for letters in product("AaBb #", repeat=size)
]


@settings(max_examples=300)
@given(PATTERNS)
def test_pattern_accepts_what_python_matches_of_all_documents(regex: str) -> None:
    expected = [text for text in DOCUMENTS if re.fullmatch(regex, text)]
    assert language(pattern(ABC, regex)) == expected


@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
@settings(max_examples=200)
@given(regexes(ODD_ATOMS), st.randoms(use_true_random=False))
def test_pattern_accepts_what_python_matches_of_odd_characters(regex: str, random: Random) -> None:
    automaton = pattern(ODD, regex)
    pairs = ["".join(two) for two in product(ODD.characters[1:], repeat=2)]
    walks = [walk(automaton, ODD, 7, random) or "" for _ in range(10)]
    for text in ["", *ODD.characters[1:], *pairs, *walks]:  # short, as Python's time is exponential
        assert accepts(automaton, ODD, text) == bool(re.fullmatch(regex, text))


@settings(max_examples=500)
@given(TYPED_PATTERNS)
def test_pattern_with_flags_anchors_names_and_comments_means_what_python_says(regex: str) -> None:
    try:
        automaton = pattern(TYPED, regex)
    except InputError as error:
        assert "no character of this vocabulary" in str(error)  # noqa: PT017 - some draws only
        return
    expected = [text for text in TYPED_DOCUMENTS if re.fullmatch(regex, text)]
    assert [text for text in TYPED_DOCUMENTS if accepts(automaton, TYPED, text)] == expected


@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
@pytest.mark.parametrize("regex", ODD_ATOMS)
def test_every_kind_of_atom_matches_what_python_says(regex: str) -> None:
    automaton = pattern(ODD, regex)
    for character in ODD.characters[1:]:
        assert accepts(automaton, ODD, character) == bool(re.fullmatch(regex, character))


def test_class_of_which_python_warns_keeps_its_present_meaning() -> None:
    re.purge()  # which otherwise remembers its warnings
    assert count_documents(pattern(ODD, "[[b]"), 9) == 2


@pytest.mark.parametrize(
    ("regex", "means"),
    [
        ("^ab$", "ab"),
        (r"\Aab\Z", "ab"),
        ("^a|b$", "a|b"),
        ("(^a|(^b))(c|$)", "[ab]c?"),
        ("(^|a)b", "a?b"),
        ("(^a)*", "a?"),
        ("b*(a|$^)", "b*a|"),
        ("^^a$$", "a"),
        ("(?m)^a$", "a"),
        ("(?P<vowel>a)(?P<rest>[^aA-C])", "a[bc]"),
        ("a(?#a letter)b", "ab"),
        (r"a(?#even \))b", "ab"),
        ("a(?#between)*", "a*"),
        ("(?x) a b  # two\n c {2} # twice\n", "abcc"),
        ("(?x: a b )c", "abc"),
        ("(?x: a (?-x:b) # a comment\n )", "ab"),
        ("(?s).(?-s:.)", ".."),
        ("(?i)AB(?-i:c)", "[aA][bB]c"),
        ("(?i:[A-B])C?", "[abAB]C?"),
        ("(?i:A(?-i:b))", "[aA]b"),
        ("a(?P<why>(?i:B))(?#x)c", "a[bB]c"),
    ],
)
def test_what_people_type_has_its_meaning_in_python(regex: str, means: str) -> None:
    vocab = Vocab(".abcABC")
    for found, expected in zip(pattern(vocab, regex), pattern(vocab, means), strict=True):
        np.testing.assert_array_equal(found, expected)
    texts = ("".join(letters) for size in range(5) for letters in product("abAB", repeat=size))
    assert all(bool(re.fullmatch(regex, t)) == bool(re.fullmatch(means, t)) for t in texts)


@pytest.mark.parametrize("regex", ["a$b", "a^b", r"a\Zb", r"a\Ab", "a$[bc]*b", "(a|b)^c+", "$^a"])
def test_anchor_inside_a_document_never_holds(regex: str) -> None:
    assert not pattern(ABC, regex).accepts.any()


def test_case_is_ignored_as_python_does() -> None:
    vocab = Vocab(".kK\u212asS\u017fßẞ")  # the Kelvin sign is a k, a long s is an s
    for regex in ("(?i)k", "(?i)S", "(?ai)k", "(?i)ß", "(?i)[j-l]", "(?i)[^s]", "(?a:(?i:s))"):
        expected = [one for one in vocab.characters[1:] if re.fullmatch(regex, one)]
        found = [one for one in vocab.characters[1:] if accepts(pattern(vocab, regex), vocab, one)]
        assert found == expected


@settings(max_examples=150)
@given(PATTERNS, st.integers(0, 5))
def test_maximum_length_changes_nothing_up_to_it(regex: str, max_length: int) -> None:
    up_to = [text for text in language(pattern(ABC, regex)) if len(text) <= max_length]
    found = language(pattern(ABC, regex, max_length))
    assert [text for text in found if len(text) <= max_length] == up_to


@settings(max_examples=100)
@given(TYPED_PATTERNS, st.integers(0, 3))
def test_maximum_length_changes_nothing_where_there_are_anchors(
    regex: str, max_length: int
) -> None:
    try:
        full, short = pattern(TYPED, regex), pattern(TYPED, regex, max_length)
    except InputError:
        return
    for text in TYPED_DOCUMENTS:
        if len(text) <= max_length:
            assert accepts(short, TYPED, text) == accepts(full, TYPED, text)


@pytest.mark.parametrize(
    ("regex", "means", "states"),
    [
        ("[^q]{0,100}ann[^x]{0,200}", "[^q]*ann[^x]*", 6),
        ("a{0,100000}", "a*", 2),
        ("(a{0,99999}b){0,99999}", "(a*b)*", 3),
        ("a{100000}", "a{31,}", 33),
        ("(a{50}){41}", "a{31,}", 33),
        ("(ab){15,99}", "(ab){15,}", 32),
        ("(ab){14}", "(ab){14}", 30),
        ("a{29}", "a{29}", 31),
    ],
)
def test_maximum_length_bounds_the_repeats(regex: str, means: str, states: int) -> None:
    found = pattern(LETTERS, regex, max_length=30)
    assert len(found.accepts) == states
    for one, other in zip(found, pattern(LETTERS, means), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("regex", "name", "position", "remedy"),
    [
        ("a(?=b)", "a look-ahead", 1, "write what follows"),
        ("a(?!b)", "a negative look-ahead", 1, "forbid_text"),
        ("(?<=a)b", "a look-behind", 0, "write what comes before"),
        ("ab(?<!a)", "a negative look-behind", 2, "forbid_text"),
        (r"\bab", "a word boundary", 0, r"(.*\W)?ann(\W.*)? for .*\bann\b.*"),
        (r"a\Bb", "a word boundary", 1, "beside the word"),
        (r"^(a)b\1$", "a back-reference", 5, r"aa|bb for (a|b)\1"),
        (r"(?:(a))\1", "a back-reference", 7, "alternative"),
        ("a|(?P<one>a)(?P=one)", "a back-reference", 12, "alternative"),
        ("(a)?(?(1)b|c)", "a conditional group", 4, "ab|c for (a)?(?(1)b|c)"),
        ("a(?>b)", "an atomic group", 1, "write (?:...)"),
        ("ba*+", "a possessive quantifier", 2, "drop its last '+'"),
        ("ba?+", "a possessive quantifier", 2, "drop its last '+'"),
        ("(?x) b a{1,2}+", "a possessive quantifier", 8, "drop its last '+'"),
    ],
)
def test_what_is_not_supported_is_named_with_its_position_and_a_remedy(
    regex: str, name: str, position: int, remedy: str
) -> None:
    said = f"pattern '{regex}' has {name} at position {position}, expected"
    assert_refused(Vocab(".abc$"), regex, said, remedy)


@pytest.mark.parametrize(
    ("regex", "instead"),
    [
        (r"(a|b)\1", "aa|bb"),
        ("(a)?(?(1)b|c)", "ab|c"),
        (r".*\bann\b.*", r"(.*\W)?ann(\W.*)?"),
    ],
)
def test_remedy_matches_the_same(regex: str, instead: str) -> None:
    texts = ["".join(three) for n in range(3) for three in product(["a", "b", "c", " "], repeat=n)]
    texts += [before + "ann" + after for before in texts for after in texts]
    for text in texts:
        assert bool(re.fullmatch(regex, text)) == bool(re.fullmatch(instead, text))


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        ("a(b", "missing ), unterminated subpattern at position 1"),
        ("ab)", "unbalanced parenthesis at position 2"),
        ("*a", "nothing to repeat at position 0"),
        ("^*a", "nothing to repeat at position 1"),
        ("ab**", "multiple repeat at position 3"),
        ("a[bc", "unterminated character set at position 1"),
        ("a[c-b]", "bad character range c-b at position 2"),
        ("a{3,2}", "min repeat greater than max repeat at position 2"),
        ("ab\\", "bad escape (end of pattern) at position 2"),
        (r"a\y", r"bad escape \y at position 1"),
        (r"a\2", "invalid group reference 2 at position 2"),
        ("a(?<=b*)", "look-behind requires fixed-width pattern"),
        ("a(?i)b", "global flags not at the start of the expression at position 1"),
        ("(?P<1>a)", "bad character in group name '1' at position 4"),
        ("a{99999999999}", "the repetition number is too large"),
    ],
)
def test_invalid_pattern_is_refused_in_the_words_of_python(regex: str, said: str) -> None:
    assert_refused(
        ABC, regex, f"pattern {quote(regex)} is invalid: ", said, "expected", "correct that"
    )


@pytest.mark.parametrize("depth", [MAX_NESTING + 1, 5_000])
def test_groups_nested_too_deeply_are_refused(depth: int) -> None:
    said = f"nests groups too deeply, expected at most {MAX_NESTING} within each other"
    assert_refused(ABC, "(" * depth + "a" + ")*" * depth, said)


def test_groups_may_be_nested_deeply() -> None:
    regex = "(b|" * MAX_NESTING + "a" + ")*" * MAX_NESTING
    assert language(pattern(ABC, regex, 5)) == language(pattern(ABC, "[ab]*"))


@pytest.mark.parametrize(
    ("regex", "shown", "position"),
    [
        ("abq", "'q'", 2),
        ("a|q{0}", "'q'", 2),
        ("a[qx]", "'[qx]'", 1),
        (r"b\.", r"'\.'", 1),
        (r"b\x71", r"'\x71'", 1),
        (r"b\d", r"'\d'", 1),
        ("b[0-9]", "'[0-9]'", 1),
        ("b[^a-c]", "'[^a-c]'", 1),
        ("a b", "' '", 1),
        ("é", "'é'", 0),
        ("(?i:A)A", "'A'", 6),
        ("(?x) a # q\n q", "'q'", 12),
        ("^(?#q)(?P<q>q)$", "'q'", 12),
    ],
)
def test_what_the_vocabulary_does_not_have_is_named_with_its_position(
    regex: str, shown: str, position: int
) -> None:
    said = f"pattern {quote(regex)} has {shown} at position {position}, which is no character"
    assert_refused(ABC, regex, said, "expected characters of 'abc'.")


@pytest.mark.parametrize(
    ("regex", "means"),
    [
        ("a[bqx]", "ab"),
        ("[a-cq]", "[abc]"),
        ("[]a]*", "a*"),
        (r"[a\-é]+", "a+"),
        (r"(.*\W)?ab(\W.*)?", "ab"),
        (r"a|\d+|[0-9]b", "a"),
    ],
)
def test_a_class_means_those_of_its_members_that_there_are(regex: str, means: str) -> None:
    assert language(pattern(ABC, regex)) == language(pattern(ABC, means))


def test_a_backslash_is_shown_as_it_was_typed() -> None:
    assert quote(r".*\bann") == r"'.*\bann'"
    assert quote("it's") == '"it\'s"'
    assert quote("a\n") == r"'a\n'"
    assert quote("\\\n") == repr("\\\n")


@pytest.mark.parametrize(
    ("regex", "number"), [("[a-z]", 3), ("[^a].", 6), ("[^q']", 3), (r"[^a\-q]", 2), (r"[^^\b]", 3)]
)
def test_range_and_negated_class_mean_the_characters_that_there_are(
    regex: str, number: int
) -> None:
    assert count_documents(pattern(ABC, regex), 9) == number


def test_long_vocabulary_is_cut_where_it_is_shown() -> None:
    vocab = Vocab("." + "".join(map(chr, range(0x4E00, 0x4E00 + 101))))
    assert_refused(vocab, "q", f"{vocab.characters[1:101]!r}...")


def test_pattern_that_can_match_nothing_is_left_to_combine() -> None:
    with pytest.raises(InputError, match=r"^pattern 'a\$b' allows no document of any length"):
        constraints.combine(ABC, {"pattern 'a$b'": pattern(ABC, "a$b")}, 1, 9)
