"""The vocabulary: its order, its round trip, and the characters that it lacks."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.data import BOUNDARY, Vocab, vocab_from_characters, vocab_from_documents
from wavenet_jax.data.vocab import code_points
from wavenet_jax.errors import InputError

DOCUMENTS = st.lists(st.text(st.characters(exclude_characters=BOUNDARY, codec="utf-8")), max_size=5)


def distinct_characters(count: int) -> str:
    return "".join(chr(0x4E00 + index) for index in range(count))


@given(DOCUMENTS)
def test_characters_are_the_boundary_and_then_all_that_occur_sorted(documents: list[str]) -> None:
    assert vocab_from_documents(documents).characters == BOUNDARY + "".join(
        sorted(set("".join(documents)))
    )


@given(DOCUMENTS)
def test_decode_inverts_encode(documents: list[str]) -> None:
    vocab, text = vocab_from_documents(documents), BOUNDARY.join(documents)
    ids = vocab.encode(text)
    assert ids.shape == (len(text),)
    assert vocab.decode(ids) == text


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_decode_takes_ids_of_any_type_and_gives_every_character_back(dtype: type) -> None:
    vocab = Vocab("\0\nAé漢\udcff😀")
    assert vocab.decode(np.array([6, 5, 4, 3, 2, 1, 0, 6], dtype)) == "😀\udcff漢éA\n\0😀"
    assert vocab.decode(np.zeros(0, dtype)) == ""


def test_ids_are_the_positions_in_the_characters() -> None:
    np.testing.assert_array_equal(Vocab("\0abc").encode("cab\0"), [3, 1, 2, 0])


def test_length_counts_the_boundary() -> None:
    assert len(vocab_from_documents(["emma"])) == 4


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
        (".", "'.'"),
    ],
)
def test_every_unknown_character_is_named_once(text: str, unknown: str) -> None:
    message = (
        f"{text!r} contains {unknown}, unknown to this vocabulary; expected characters of 'abc'."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        Vocab("\0abc").encode(text)


@pytest.mark.parametrize("encode", [Vocab.encode, Vocab.encode_document])
def test_message_about_unknown_characters_can_be_printed(encode: object) -> None:
    assert callable(encode)
    with pytest.raises(InputError) as caught:
        encode(Vocab("\0abc"), "b\ud800\0\udfff")
    assert str(caught.value).encode("utf-8")


@pytest.mark.parametrize(
    ("count", "shown"),
    [(100, f"{distinct_characters(100)!r}."), (101, f"{distinct_characters(100)!r}....")],
)
def test_message_cuts_a_long_vocabulary_and_a_long_text(count: int, shown: str) -> None:
    with pytest.raises(InputError) as caught:
        Vocab(BOUNDARY + distinct_characters(count)).encode("x" * 61)
    assert str(caught.value).startswith(f"{'x' * 60!r} contains 'x', unknown")
    assert str(caught.value).endswith(f"expected characters of {shown}")


@pytest.mark.parametrize(("alphabet", "named"), [("\0abc", r"'\x00'"), ("\0ab.c", r"'\x00'")])
def test_document_contains_no_boundary(alphabet: str, named: str) -> None:
    vocab = Vocab(alphabet)
    with pytest.raises(InputError, match=f"contains {re.escape(named)}, unknown"):
        vocab.encode_document(f"a{vocab.boundary}b")
    assert vocab.decode(vocab.encode_document(alphabet[1:])) == alphabet[1:]


def test_vocabulary_has_at_most_max_vocab_characters_and_the_boundary() -> None:
    assert vocab_from_characters("cabbac", max_vocab=3).characters == "\0abc"
    message = "the data contain 4 distinct characters, expected at most 3; raise max_vocab"
    with pytest.raises(InputError, match=message) as caught:
        vocab_from_characters("abcd", max_vocab=3)
    assert caught.value.field == "max_vocab"
    with pytest.raises(InputError, match="contain 4 distinct"):
        vocab_from_documents(["ab", "cd", "da"], max_vocab=3)


def test_vocabulary_has_at_most_ten_thousand_characters_by_default() -> None:
    assert len(vocab_from_documents([distinct_characters(10_000)])) == 10_001
    with pytest.raises(InputError, match="10,001 distinct characters, expected at most 10,000"):
        vocab_from_documents([distinct_characters(10_001)])
