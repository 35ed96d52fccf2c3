"""What is asked of a run: refused where it has no meaning, in one sentence, wherever it is made."""

import math
from dataclasses import fields
from typing import Any

import pytest

from wavenet_jax.errors import InputError
from wavenet_jax.sample_config import LIST_ONLY, TEXT_ONLY, SampleConfig


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"n": 0}, "n is 0, expected at least 1."),
        ({"max_length": 0}, "max_length is 0, expected at least 1."),
        ({"length": -3}, "length is -3, expected at least 1."),
        ({"top_k": 0}, "top_k is 0, expected at least 1."),
        ({"seed": -1}, "seed is -1, expected a whole number from 0 to 4294967295."),
        ({"seed": 2**32}, "seed is 4294967296, expected"),
        ({"min_length": -1}, "min_length is -1, expected 0 or more."),
        ({"temperature": -1.0}, "temperature is -1.0, expected"),
        ({"temperature": math.nan}, "temperature is nan, expected"),
        ({"temperature": math.inf}, "temperature is inf, expected"),
        ({"temperature": 1e39}, "temperature is 1e+39, expected 0 to 1,000,000"),
        ({"n": 10**10}, "n is 10000000000, expected at most 10,000,000."),
        ({"max_length": 3 * 10**9}, "max_length is 3000000000, expected at most 1,000,000."),
        ({"top_p": 0.0}, "top_p is 0.0, expected a probability above 0, at most 1."),
        ({"top_p": 1.5}, "top_p is 1.5, expected"),
        ({"top_p": math.nan}, "top_p is nan, expected"),
        ({"temperature": 0, "exact": True}, "temperature is 0, which leaves nothing to chance"),
        ({"top_k": 1, "exact": True}, "top_k is 1, which leaves nothing to chance"),
        ({"temperature": 0, "unique": True}, "temperature is 0, which draws one and the same"),
        ({"top_k": 1, "unique": True, "n": 2}, "top_k is 1, which draws one and the same"),
    ],
)
def test_values_without_meaning_are_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        SampleConfig(**values)
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"n": 1, "max_length": 1, "length": 1, "top_k": 1, "top_p": 1.0, "min_length": 0},
        {"seed": 2**32 - 1, "top_p": 1e-300, "temperature": 1e-30},
        {"temperature": 0, "unique": True, "n": 1},
        {"temperature": 0, "new": True, "n": 9},
        {"exact": True, "top_k": 2, "top_p": 0.5, "temperature": 2.0},
    ],
)
def test_values_at_the_edge_of_what_has_meaning_are_taken(values: dict[str, Any]) -> None:
    for name, value in values.items():
        assert getattr(SampleConfig(**values), name) == value


@pytest.mark.parametrize(
    ("values", "draws_one"),
    [({}, False), ({"temperature": 0}, True), ({"top_k": 1}, True), ({"top_k": 2}, False)],
)
def test_every_sample_is_the_same_where_nothing_is_left_to_chance(
    values: dict[str, Any], draws_one: bool
) -> None:
    assert SampleConfig(**values).draws_one == draws_one


CHANGED: dict[str, Any] = {
    "max_length": 9,
    "min_length": 0,
    "pattern": "",
    "unique": True,
    "new": True,
    "exact": True,
    "length": 9,
}


@pytest.mark.parametrize("name", [*LIST_ONLY, *TEXT_ONLY])
def test_options_of_the_other_kind_of_run_are_refused_by_name(name: str) -> None:
    config, of_a_list = SampleConfig(**{name: CHANGED[name]}), name in LIST_ONLY
    config.require_for("runs/it", stream=not of_a_list)
    trained_on = "one text" if of_a_list else "a list"
    wanted = rf"^{name} is {CHANGED[name]!r}, but runs/it was trained on {trained_on}.*leave it out"
    with pytest.raises(InputError, match=wanted) as refused:
        config.require_for("runs/it", stream=of_a_list)
    instead = {"max_length": "give length.", "min_length": "give length.", "length": "max_length."}
    assert str(refused.value).endswith(instead.get(name, "leave it out."))


def test_other_options_and_defaults_mean_something_for_both_kinds_of_run() -> None:
    both = SampleConfig(3, 1, "a", allow="abc", forbid="b", temperature=0.5, top_k=3, top_p=0.5)
    for stream in (False, True):
        SampleConfig().require_for("runs/it", stream=stream)
        both.require_for("runs/it", stream=stream)
    assert {*LIST_ONLY, *TEXT_ONLY} < {field.name for field in fields(SampleConfig)}
