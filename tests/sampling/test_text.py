"""Text without end from a model of three letters."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from support.automata_cases import ABC
from support.three_letters import KEY, MODEL, VARIABLES, logits_after, mask_of

from wavenet_jax import constraints
from wavenet_jax.constraints import TokenMask, compile_mask
from wavenet_jax.sampling import CHUNK_SIZE, SamplingParams, sample_text, text_params
from wavenet_jax.sampling.streams import chunks as streaming


def chunks(text_length: int, mask: TokenMask, **options: Any) -> Iterator[str]:
    params = text_params(mask, **options)
    return sample_text(MODEL, VARIABLES, ABC, KEY, params, text_length)


@pytest.mark.parametrize("length", [1, CHUNK_SIZE, CHUNK_SIZE + 5, 3 * CHUNK_SIZE])
def test_a_text_has_its_length_and_begins_like_a_longer_one(length: int) -> None:
    mask = compile_mask(constraints.starts_with(ABC, "abba"[:length]))
    text = "".join(chunks(length, mask))
    assert len(text) == length
    assert set(text) <= set("abc")  # a text has no boundary in it
    assert "".join(chunks(4 * CHUNK_SIZE, mask)).startswith(text)
    assert text.startswith("abba"[:length])


def test_a_text_is_decoded_chunk_by_chunk() -> None:
    first_chunks = chunks(10**12, mask_of(".*"))
    assert len(next(first_chunks)) == len(next(first_chunks)) == CHUNK_SIZE


def test_characters_are_forbidden_for_ever() -> None:
    parts = constraints.starts_with(ABC, "bb"), constraints.excludes_charset(ABC, "c")
    mask = compile_mask(constraints.intersect(*parts))
    text = "".join(chunks(40 * CHUNK_SIZE, mask))
    assert text.startswith("bb")
    assert set(text) == {"a", "b"}


def test_a_text_is_forbidden_for_ever_across_chunks_too() -> None:
    length = 40 * CHUNK_SIZE
    assert "ab" in "".join(chunks(length, mask_of(".*")))
    text = "".join(chunks(length, compile_mask(constraints.excludes(ABC, "ab"))))
    assert len(text) == length
    assert "ab" not in text
    assert set(text) == {"a", "b", "c"}


def test_the_mask_is_left_as_it_is() -> None:
    mask = mask_of(".*")
    assert len("".join(chunks(CHUNK_SIZE, mask))) == CHUNK_SIZE
    assert mask.min_remaining[0, 0] == 0


@pytest.mark.parametrize("forbidden", ["", "b"])
def test_a_text_of_temperature_zero_goes_on_with_the_likeliest(forbidden: str) -> None:
    mask = compile_mask(constraints.excludes_charset(ABC, forbidden))
    never = [0, *map(ABC.characters.index, forbidden)]
    text = ""
    for _ in range(3 * CHUNK_SIZE):
        logits = logits_after(text).copy()
        logits[never] = -np.inf
        text += ABC.characters[np.argmax(logits)]
    assert "".join(chunks(3 * CHUNK_SIZE, mask, sampling=SamplingParams(0.0))) == text
    assert len(set(text)) > 1


@pytest.mark.parametrize("context", ["", "a", "b", "c"])
def test_a_text_follows_its_context_which_is_no_part_of_it(context: str) -> None:
    text = ""
    for _ in range(CHUNK_SIZE):
        logits = logits_after(context + text).copy()
        logits[0] = -np.inf
        text += ABC.characters[np.argmax(logits)]
    context_id = ABC.characters.index(context) if context else 0
    options: dict[str, Any] = {"sampling": SamplingParams(0.0), "context_id": context_id}
    assert "".join(chunks(CHUNK_SIZE, mask_of(".*"), **options)) == text


def test_a_text_of_several_chunks_compiles_one_program() -> None:
    decode: Any = streaming._decode_chunk  # whose cache mypy does not know
    decode.clear_cache()
    list(chunks(3 * CHUNK_SIZE, mask_of(".*")))
    assert decode._cache_size() == 1
