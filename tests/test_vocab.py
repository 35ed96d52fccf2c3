"""The vocabulary: its order, its round trip, and what it does not know."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.config import InputError
from wavenet_jax.vocab import Vocab, from_documents

DOCUMENTS = st.lists(st.text(st.characters(exclude_characters=".", codec="utf-8")), max_size=5)


@given(DOCUMENTS)
def test_characters_are_the_boundary_and_then_all_that_occur_sorted(documents: list[str]) -> None:
    assert from_documents(documents).characters == "." + "".join(sorted(set("".join(documents))))


@given(DOCUMENTS)
def test_decode_inverts_encode(documents: list[str]) -> None:
    vocab, text = from_documents(documents), ".".join(documents)
    assert vocab.decode(vocab.encode(text)) == text


def test_ids_are_the_places_among_the_characters() -> None:
    np.testing.assert_array_equal(Vocab(".abc").encode("cab."), [3, 1, 2, 0])


def test_length_counts_the_boundary() -> None:
    assert len(from_documents(["emma"])) == 4


@pytest.mark.parametrize(
    ("text", "unknown"), [("xaby", "'x' 'y'"), ("bÄb", "'Ä'"), ("a\nxx", r"'\n' 'x'")]
)
def test_every_unknown_character_is_named_once(text: str, unknown: str) -> None:
    said = f"{text!r} holds {unknown}, unknown to this vocabulary; expected characters of 'abc'."
    with pytest.raises(InputError, match=f"^{re.escape(said)}$"):
        Vocab(".abc").encode(text)
