"""What a `SampleConfig` asks of a run, and what comes of it."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import NAMES, TEXT, Prints

from wavenet_jax import checkpoint, generate, runs, sample
from wavenet_jax.corpus import Splits
from wavenet_jax.errors import InputError
from wavenet_jax.model import Variables
from wavenet_jax.runs import Run
from wavenet_jax.sample_config import SampleConfig


def restored(folder: Path) -> tuple[Run, Variables]:
    run = runs.load(folder)
    with checkpoint.checkpoints(run) as states:
        return run, states.restore_variables("best")[1]


@pytest.fixture(scope="module")
def listed(trained: Path) -> tuple[Run, Variables]:
    return restored(trained)


@pytest.fixture(scope="module")
def text(streamed: Path) -> tuple[Run, Variables]:
    return restored(streamed)


def drawn(listed: tuple[Run, Variables], **asked: Any) -> list[generate.Found]:
    return list(generate.documents(*listed, SampleConfig(**asked)))


def texts(listed: tuple[Run, Variables], **asked: Any) -> list[str]:
    return [one.sample.text for one in drawn(listed, **asked)]


def test_names_to_order_are_those_of_the_command(
    listed: tuple[Run, Variables], trained: Path, prints: Prints
) -> None:
    order = SampleConfig(
        n=50,
        prefix="ma",
        pattern=".*[aeiou]",
        forbid="qxl",
        min_length=5,
        max_length=8,
        new=True,
        unique=True,
    )
    found = list(generate.documents(*listed, order))
    names = {one.sample.text for one in found}
    assert len(found) == len(names) == 50
    assert not names & set(NAMES)
    assert all(re.fullmatch("ma[^l]{2,5}[aeiou]", name) for name in names)
    assert all(one.is_new and one.origin == "new" for one in found)
    options = "--prefix ma --pattern .*[aeiou] --forbid qxl --min-length 5 --max-length 8"
    lines = prints("sample", trained, "-n", "50", *options.split(), "--new", "--unique", "--json")
    assert [json.loads(line)["text"] for line in lines.splitlines()] == [
        one.sample.text for one in found
    ]


def test_nothing_but_a_run_is_needed(
    listed: tuple[Run, Variables], text: tuple[Run, Variables]
) -> None:
    found = list(generate.documents(*listed))
    assert len(found) == generate.DOCUMENTS
    assert all(1 <= len(one.sample.text) <= 2 * len("charlotte") for one in found)
    (only,) = generate.texts(*text)
    assert len("".join(only)) == generate.LENGTH


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"unique": True, "max_length": 3},
        {"new": True, "pattern": "ava|mia|zoe|lee|ann"},
        {"unique": True, "new": True, "pattern": "[aeiou]?[lmn][aeiou]"},
        {"unique": True, "temperature": 0.5, "max_length": 4},
        {"unique": True, "exact": True, "pattern": "[a-m]*", "max_length": 9},
    ],
    ids=["all", "unique", "new", "both", "cold", "exact"],
)
def test_first_documents_are_the_same_whatever_their_number(
    asked: dict[str, Any], listed: tuple[Run, Variables]
) -> None:
    most = drawn(listed, n=70, **asked)
    assert len(most) == 70
    for n in (1, 20, 69):
        assert drawn(listed, n=n, **asked) == most[:n]
    assert drawn(listed, n=20, seed=1, **asked) != most[:20]


def test_documents_passed_over_are_those_that_came_before(listed: tuple[Run, Variables]) -> None:
    asked: dict[str, Any] = {"pattern": "[aeiou]{2}|ava|mia"}
    every = texts(listed, n=3_000, **asked)
    unique = list(dict.fromkeys(every))
    assert {"ava", "mia"} <= set(unique)
    assert texts(listed, n=20, unique=True, **asked) == unique[:20]
    new = [one for one in every if one not in NAMES]
    assert texts(listed, n=500, new=True, **asked) == new[:500]
    both = [one for one in unique if one not in NAMES]
    assert texts(listed, n=20, unique=True, new=True, **asked) == both[:20]


def test_all_documents_there_are_can_be_found(listed: tuple[Run, Variables]) -> None:
    pairs = {"".join(pair) for pair in itertools.product("aeilnz", repeat=2)}
    assert set(texts(listed, n=36, unique=True, pattern="[aeilnz]{2}")) == pairs
    split = listed[0].data.parts
    one_of_each = [split.train[0], split.val[0], split.test[0]]
    pattern = "|".join([*one_of_each, "lee", "annalee"])
    assert set(texts(listed, n=2, unique=True, new=True, pattern=pattern)) == {"lee", "annalee"}
    short = {"max_length": 3, "pattern": "ava|lee|emma|charlotte"}
    assert texts(listed, n=1, unique=True, new=True, **short) == ["lee"]
    assert set(texts(listed, n=5, unique=True, pattern=pattern)) == {
        "lee",
        "annalee",
        *one_of_each,
    }


def test_origin_is_the_first_split_that_holds_a_document(listed: tuple[Run, Variables]) -> None:
    split = listed[0].data.parts
    held = [part[0] for part in split]
    found = drawn(listed, n=5, unique=True, pattern="|".join([*held, "lee", "annalee"]))
    assert {one.sample.text: one.origin for one in found} == {
        "lee": "new",
        "annalee": "new",
        **dict(zip(held, ("train", "val", "test"), strict=True)),
    }
    assert all(one.is_new == (one.origin == "new") for one in found)


def test_document_of_several_splits_is_of_the_first() -> None:
    parts = Splits(["a", "b"], ["b", "c"], ["a", "c", "d"])
    origins = generate._origins(parts)
    assert origins == {"a": "train", "b": "train", "c": "val", "d": "test"}


@pytest.mark.parametrize("asked", [{"temperature": 0.0}, {"top_k": 1}], ids=["cold", "one"])
def test_where_nothing_is_left_to_chance_the_same_is_drawn_whatever_the_seed(
    asked: dict[str, Any], listed: tuple[Run, Variables]
) -> None:
    for more in ({}, {"prefix": "ma", "pattern": ".*[aeiou]", "forbid": "l", "max_length": 7}):
        first = drawn(listed, n=1, **asked, **more)
        assert drawn(listed, n=3, seed=5, **asked, **more) == first * 3
        assert drawn(listed, n=1, unique=True, **asked, **more) == first
        assert first == drawn(listed, n=1, temperature=0.0, **more)


def test_forbidding_what_the_vocabulary_lacks_changes_nothing(
    listed: tuple[Run, Variables],
) -> None:
    assert drawn(listed, forbid="9é. \n") == drawn(listed)


def test_exact_documents_end_and_tell_how_many_were_drawn(listed: tuple[Run, Variables]) -> None:
    found = drawn(listed, n=100, exact=True, pattern="[^l]*[aeiou]", max_length=5)
    for one in found:
        assert one.sample.ended
        assert re.fullmatch("[^l]{,4}[aeiou]", one.sample.text)
    assert sum(one.sample.attempts for one in found) > 200
    assert all(one.sample.attempts == 1 for one in drawn(listed, n=100, max_length=5))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"n": 37, "unique": True, "pattern": "[aeilnz]{2}"}, "36 documents of up to 18 char"),
        ({"unique": True, "max_length": 1, "forbid": "abcd"}, "18 documents .* at least 20; ask"),
        (
            {"n": 3, "new": True, "pattern": "ava|mia|zoe"},
            "0 new documents .* can be had, expected",
        ),
        ({"n": 2, "new": True, "unique": True, "pattern": "ava|lee"}, "1 new document of"),
        ({"min_length": 99}, "min_length is 99 and max_length 18"),
        ({"length": 9}, "length is 9, but .* a list"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_drawn(
    asked: dict[str, Any], sentence: str, listed: tuple[Run, Variables]
) -> None:
    with pytest.raises(InputError, match=f"^{sentence}"):
        generate.documents(*listed, SampleConfig(**asked))


def test_more_likeliest_characters_than_there_are_are_all(listed: tuple[Run, Variables]) -> None:
    every, most = (
        list(generate.documents(*listed, SampleConfig(n=9, top_k=k))) for k in (None, 10**12)
    )
    assert most == every


def test_documents_of_any_length_are_counted(listed: tuple[Run, Variables]) -> None:
    order = SampleConfig(n=2, unique=True, max_length=4_000)  # of more digits than Python prints
    assert len(list(generate.documents(*listed, order))) == 2


def test_what_is_not_found_in_time_is_refused_with_the_number_found(
    listed: tuple[Run, Variables], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "_MAX_DRAWN", 100)
    monkeypatch.setattr(generate, "_MAX_DRAWN_EACH", 10)
    pattern = "[aeilnz]{2}"
    found = len(set(texts(listed, n=460, pattern=pattern)))
    assert 1 < found < 36
    with pytest.raises(InputError, match=f"^{found} of 460 documents drawn are unique, exp.* 36;"):
        drawn(listed, n=36, unique=True, pattern=pattern)
    for asked, tries in (({"temperature": 0.0}, 3), ({"temperature": 1e-3}, 130)):
        with pytest.raises(InputError, match=f"^0 of {tries} documents drawn are new, expected 3;"):
            drawn(listed, n=3, new=True, pattern="ava|zoeava", **asked)


def test_what_is_hopelessly_unlikely_is_given_up(
    listed: tuple[Run, Variables], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "_ATTEMPTS", 1_000)
    with pytest.raises(InputError, match=r"^exact rejected 1,000 documents for one that keeps"):
        drawn(listed, n=9, exact=True, pattern="(.*z){4}")


def drawn_text(text: tuple[Run, Variables], **asked: Any) -> str:
    (pieces,) = generate.texts(*text, SampleConfig(**asked))
    return "".join(pieces)


def test_texts_are_told_apart_by_their_index_alone(text: tuple[Run, Variables]) -> None:
    three = ["".join(each) for each in generate.texts(*text, SampleConfig(n=3, length=90))]
    two = ["".join(each) for each in generate.texts(*text, SampleConfig(n=2, length=90))]
    assert len(set(three)) == 3
    assert three[:2] == two
    assert three[0] == drawn_text(text, length=90)


def test_text_holds_what_it_may_alone(text: tuple[Run, Variables]) -> None:
    assert set(drawn_text(text, length=200, allow="tobe ")) == set("tobe ")
    drawn = drawn_text(text, length=200, forbid="e\nZ", prefix="to ")
    assert drawn.startswith("to ")
    assert not set("e\n") & set(drawn)
    assert drawn_text(text, length=70, allow="q") == "q" * 70
    assert drawn_text(text, length=3, prefix="to ") == "to "
    (pieces,) = generate.texts(*text, SampleConfig(length=130, prefix=TEXT[:100]))
    assert "".join(pieces).startswith(TEXT[:100])


def test_text_is_the_likeliest_where_nothing_is_left_to_chance(
    text: tuple[Run, Variables],
) -> None:
    likeliest = drawn_text(text, length=90, temperature=0.0)
    assert drawn_text(text, length=90, temperature=0.0, seed=7) == likeliest
    assert drawn_text(text, length=90, top_k=1, seed=7) == likeliest
    assert drawn_text(text, length=90, top_p=1e-6, seed=7) == likeliest
    assert drawn_text(text, length=90, top_p=1.0) == drawn_text(text, length=90)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            {"length": 4, "prefix": "to be"},
            "prefix 'to be' has 5 characters, expected at most the 4",
        ),
        ({"allow": "", "length": 9}, "allow '' allows no document"),
        ({"forbid": "t", "prefix": "to"}, "prefix 'to' and forbid 't' together allow no document"),
        ({"allow": "Z"}, "'Z' holds 'Z', unknown"),
        ({"unique": True}, "unique is True, but .* one text"),
    ],
)
def test_text_that_cannot_be_is_refused_before_anything_is_drawn(
    asked: dict[str, Any], sentence: str, text: tuple[Run, Variables]
) -> None:
    with pytest.raises(InputError, match=f"^{sentence}"):
        generate.texts(*text, SampleConfig(**asked))
