"""What to draw from a run: refused in one sentence where it has no meaning."""

import math
from dataclasses import fields
from typing import Any, get_args

import pytest

from wavenet_jax.config import DataKind, SampleConfig
from wavenet_jax.config.sample import LIST_ONLY, SOUND_ONLY, TEXT_ONLY, WORDS_ONLY
from wavenet_jax.errors import InputError

KINDS: tuple[DataKind, ...] = get_args(DataKind)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n": 0}, "n is 0, expected a number from 1 to 10,000,000; leave it out"),
        ({"n": 10**10}, "n is 10000000000, expected a number from 1 to 10,000,000; leave it out"),
        ({"max_length": 0}, "max_length is 0, expected a number from 1 to 1,000,000; leave it out"),
        ({"max_length": 3 * 10**9}, "max_length is 3000000000, expected a number from 1 to"),
        (
            {"min_length": -1},
            "min_length is -1, expected a number from 0 to 1,000,000; leave it out",
        ),
        (
            {"text_length": -3},
            "text_length is -3, expected a number from 1 to 1,000,000,000; leave it out",
        ),
        ({"text_length": 10**9 + 1}, "text_length is 1000000001, expected"),
        ({"top_k": 0}, "top_k is 0, expected a number from 1 to"),
        ({"cut_at": 0}, "cut_at is 0, expected a number from 1 to 1,000,000; leave it out"),
        (
            {"cut_at": 9, "max_length": 8},
            "cut_at is 9, but documents of at most max_length, 8, are",
        ),
        ({"exact": True, "masked": True}, "exact and masked are both given, expected one of them"),
        ({"seed": -1}, "seed is -1, expected a number from 0 to 4,294,967,295; leave it out"),
        ({"seed": 2**32}, "seed is 4294967296, expected"),
        ({"forbid_text": ("ann", "")}, "forbid_text is '', expected at least one character"),
        ({"forbid_text": ""}, "forbid_text is '', expected at least one character"),
        ({"forbid_text": 5}, "forbid_text is 5, expected a list, each a text"),
        ({"n": 3.5}, "n is 3.5, expected a whole number; leave it out for the default."),
        ({"n": "5"}, "n is '5', expected a whole number"),
        ({"temperature": "hot"}, "temperature is 'hot', expected a number"),
        ({"new": 1}, "new is 1, expected True or False"),
        ({"temperature": -1.0}, "temperature is -1.0, expected"),
        ({"temperature": math.nan}, "temperature is nan, expected"),
        ({"temperature": math.inf}, "temperature is inf, expected"),
        (
            {"temperature": 1e39},
            "temperature is 1e+39, expected a number from 0 to 1,000,000; leave it out",
        ),
        ({"top_p": 0.0}, "top_p is 0.0, expected a probability above 0, at most 1."),
        ({"top_p": 1.5}, "top_p is 1.5, expected"),
        ({"top_p": math.nan}, "top_p is nan, expected"),
        ({"exact": True, "max_attempts": 0}, "max_attempts is 0, expected a number from 1 to"),
        (
            {"max_attempts": 9, "masked": True},
            "max_attempts is 9, but masked rejects no documents, expected one of",
        ),
        ({"temperature": 0, "exact": True}, "temperature is 0, which leaves nothing to chance"),
        ({"top_k": 1, "exact": True}, "top_k is 1, which leaves nothing to chance"),
        ({"temperature": 0, "unique": True}, "temperature is 0, which samples the same document"),
        ({"top_k": 1, "unique": True, "n": 2}, "top_k is 1, which samples the same document"),
    ],
)
def test_values_without_meaning_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        SampleConfig(**values)
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith(".")
    assert "--" not in str(caught.value)
    assert caught.value.field == message.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"n": 1, "max_length": 1, "text_length": 1, "top_k": 1, "top_p": 1.0, "min_length": 0},
        {"n": 10**7, "max_length": 10**6, "text_length": 10**9, "temperature": 1e6},
        {"seed": 2**32 - 1, "top_p": 1e-300, "temperature": 1e-30},
        {"temperature": 0, "unique": True, "n": 1},
        {"temperature": 0, "new": True, "n": 9},
        {"exact": True, "top_k": 2, "top_p": 0.5, "temperature": 2.0, "max_attempts": 1},
        {"forbid_text": ("a", "ann")},
        {"ignore_case": True, "forbid": "a", "masked": True, "cut_at": 1},
    ],
)
def test_values_at_the_edge_of_their_meaning_are_accepted(values: dict[str, Any]) -> None:
    config = SampleConfig(**values)
    assert {name: getattr(config, name) for name in values} == values


def test_a_seed_is_drawn_where_none_is_given() -> None:
    seeds = [SampleConfig(n=3).seeded() for _ in range(9)]
    assert len({config.seed for config in seeds}) == 9
    assert all(config == SampleConfig(n=3, seed=config.seed) for config in seeds)
    assert SampleConfig(seed=0).seeded() == SampleConfig(seed=0)


@pytest.mark.parametrize(
    ("values", "is_greedy"),
    [({}, False), ({"temperature": 0}, True), ({"top_k": 1}, True), ({"top_k": 2}, False)],
)
def test_greedy_samples_are_those_that_leave_nothing_to_chance(
    values: dict[str, Any], is_greedy: bool
) -> None:
    assert SampleConfig(**values).is_greedy == is_greedy


CHANGED: dict[str, dict[str, Any]] = {
    "max_length": {"max_length": 9},
    "cut_at": {"cut_at": 9},
    "masked": {"masked": True},
    "text_start": {"text_start": True},
    "min_length": {"min_length": 0},
    "pattern": {"pattern": ""},
    "unique": {"unique": True},
    "new": {"new": True},
    "exact": {"exact": True},
    "max_attempts": {"max_attempts": 9, "exact": True},
    "text_length": {"text_length": 9},
}
INSTEAD = {
    "max_length": "or give text_length.",
    "cut_at": "or give text_length.",
    "min_length": "or give text_length.",
    "text_length": "or give max_length.",
}


@pytest.mark.parametrize("name", [*LIST_ONLY, *TEXT_ONLY])
def test_options_for_the_other_kind_of_data_are_refused_by_name(name: str) -> None:
    config, for_lists = SampleConfig(**CHANGED[name]), name in LIST_ONLY
    config.require_kind("list" if for_lists else "text")
    with pytest.raises(InputError) as caught:
        config.require_kind("text" if for_lists else "list")
    field = "exact" if name == "max_attempts" else name  # without exact it is refused anyway
    trained_on = "one text" if for_lists else "a list"
    start = f"{field} is {getattr(config, field)!r}, but the run was trained on {trained_on}, whose"
    assert str(caught.value).startswith(start)
    assert str(caught.value).endswith(INSTEAD.get(name, "leave it out."))
    assert caught.value.field == field


def test_other_options_and_the_defaults_have_a_meaning_for_both_kinds_of_data() -> None:
    both = SampleConfig(
        *(3, 1, "a"),
        allow="abc",
        forbid="b",
        forbid_text=("ca",),
        temperature=0.5,
        top_k=3,
        top_p=0.5,
    )
    for kind in KINDS[:2]:
        both.require_kind(kind)
    for kind in KINDS:
        SampleConfig().require_kind(kind)
    assert {*LIST_ONLY, *TEXT_ONLY, *WORDS_ONLY, *SOUND_ONLY} < {
        field.name for field in fields(SampleConfig)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_seconds_are_of_sound_alone(kind: DataKind) -> None:
    config = SampleConfig(n=2, seed=1, seconds=0.5, temperature=0.9, top_k=9, top_p=0.9)
    if kind == "audio":
        config.require_kind(kind)
    else:
        with pytest.raises(InputError, match=r"seconds is 0.5, but the run was trained on .*; lea"):
            config.require_kind(kind)


@pytest.mark.parametrize("name", [*CHANGED, *WORDS_ONLY])
def test_options_of_words_are_refused_for_sound(name: str) -> None:
    words = {"prefix": "a", "allow": "a", "forbid": "a", "forbid_text": "a", "ignore_case": True}
    config = SampleConfig(**CHANGED.get(name, {name: words.get(name)}))
    with pytest.raises(InputError, match="trained on recordings, which have no characters, expec"):
        config.require_kind("audio")


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e9, math.nan])
def test_seconds_are_positive_and_fit_a_file(seconds: float) -> None:
    with pytest.raises(InputError, match=r"seconds is .*, expected a number above 0, at most 10,0"):
        SampleConfig(seconds=seconds)


def test_a_single_text_stands_for_itself_and_lists_for_tuples() -> None:
    alone = SampleConfig(n=2, forbid_text="ann")  # type: ignore[arg-type]
    assert alone == SampleConfig(n=2, forbid_text=("ann",))
    several = SampleConfig(forbid_text=["ann", "be"])  # type: ignore[arg-type]
    assert several.forbid_text == ("ann", "be")
    assert hash(several) == hash(SampleConfig(forbid_text=("ann", "be")))
