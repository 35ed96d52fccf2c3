"""The vocabulary: its order, its round trip, and what it does not know."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.errors import InputError
from wavenet_jax.vocab import Vocab, code_points, from_characters, from_documents

DOCUMENTS = st.lists(st.text(st.characters(exclude_characters=".", codec="utf-8")), max_size=5)


def characters(count: int) -> str:
    return "".join(chr(0x4E00 + index) for index in range(count))


@given(DOCUMENTS)
def test_characters_are_the_boundary_and_then_all_that_occur_sorted(documents: list[str]) -> None:
    assert from_documents(documents).characters == "." + "".join(sorted(set("".join(documents))))


@given(DOCUMENTS)
def test_decode_inverts_encode(documents: list[str]) -> None:
    vocab, text = from_documents(documents), ".".join(documents)
    ids = vocab.encode(text)
    assert ids.shape == (len(text),)
    assert vocab.decode(ids) == text


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_decode_takes_ids_of_any_type_and_gives_every_character_back(dtype: type) -> None:
    vocab = Vocab("\0\nAé漢\udcff😀")
    assert vocab.decode(np.array([6, 5, 4, 3, 2, 1, 0, 6], dtype)) == "😀\udcff漢éA\n\0😀"
    assert vocab.decode(np.zeros(0, dtype)) == ""


def test_ids_are_the_places_among_the_characters() -> None:
    np.testing.assert_array_equal(Vocab(".abc").encode("cab."), [3, 1, 2, 0])


def test_length_counts_the_boundary() -> None:
    assert len(from_documents(["emma"])) == 4


@pytest.mark.parametrize(
    ("size", "dtype"), [(1, "uint8"), (256, "uint8"), (257, "uint16"), (65_537, "uint32")]
)
def test_ids_have_the_smallest_type_that_holds_them(size: int, dtype: str) -> None:
    vocab = Vocab("".join(map(chr, range(0x10000, 0x10000 + size))))
    ids = vocab.encode(vocab.characters)
    np.testing.assert_array_equal(ids, range(size))
    assert ids.dtype == vocab.encode("").dtype == vocab.dtype == dtype


@given(st.text(st.characters()))
def test_code_points_are_those_of_python_lone_surrogates_too(text: str) -> None:
    np.testing.assert_array_equal(code_points(text), [ord(character) for character in text])


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("xaby", "'x' 'y'"),
        ("bÄb", "'Ä'"),
        ("a\nxx", r"'\n' 'x'"),
        ("a\udcff", r"'\udcff'"),  # what a terminal could not decode
        ("😀", "'😀'"),
        ("\0", r"'\x00'"),
    ],
)
def test_every_unknown_character_is_named_once(text: str, unknown: str) -> None:
    said = f"{text!r} holds {unknown}, unknown to this vocabulary; expected characters of 'abc'."
    with pytest.raises(InputError, match=f"^{re.escape(said)}$"):
        Vocab(".abc").encode(text)


@pytest.mark.parametrize("encode", [Vocab.encode, Vocab.encode_text])
def test_what_is_said_of_the_unknown_can_be_printed(encode: object) -> None:
    assert callable(encode)
    with pytest.raises(InputError) as caught:
        encode(Vocab(".abc"), "b\ud800.\udfff")
    assert str(caught.value).encode("utf-8")


@pytest.mark.parametrize(
    ("count", "shown"), [(100, f"{characters(100)!r}."), (101, f"{characters(100)!r}...")]
)
def test_long_alphabet_and_text_are_cut_where_they_are_shown(count: int, shown: str) -> None:
    with pytest.raises(InputError) as caught:
        Vocab("." + characters(count)).encode("x" * 61)
    assert str(caught.value).startswith(f"{'x' * 60!r} holds 'x', unknown")
    assert f"expected characters of {shown}" in str(caught.value)


@pytest.mark.parametrize(("alphabet", "named"), [(".abc", "'.'"), ("\0ab.c", r"'\x00'")])
def test_a_document_holds_no_boundary(alphabet: str, named: str) -> None:
    vocab = Vocab(alphabet)
    with pytest.raises(InputError, match=f"holds {re.escape(named)}, unknown"):
        vocab.encode_text(f"a{vocab.boundary}b")
    assert vocab.decode(vocab.encode_text(alphabet[1:])) == alphabet[1:]


@pytest.mark.parametrize("boundary", [".", "\0"])
def test_vocabulary_may_be_as_large_as_said_the_boundary_not_counted(boundary: str) -> None:
    assert from_characters("cabbac", boundary, max_vocab=3).characters == boundary + "abc"
    said = "the data hold 4 distinct characters, expected at most 3; raise --max-vocab"
    with pytest.raises(InputError, match=said):
        from_characters("abcd", boundary, max_vocab=3)
    with pytest.raises(InputError, match="hold 4 distinct"):
        from_documents(["ab", "cd", "da"], max_vocab=3)


def test_vocabulary_of_ten_thousand_characters_is_taken_and_of_one_more_is_not() -> None:
    assert len(from_documents([characters(10_000)])) == 10_001
    with pytest.raises(InputError, match="10,001 distinct characters, expected at most 10,000"):
        from_documents([characters(10_001)])
