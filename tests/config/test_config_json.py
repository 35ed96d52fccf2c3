"""The configuration in JSON: its round trip, what is refused by name."""

import json
import math
import os
import re
from pathlib import Path
from typing import Any

import pytest

from wavenet_jax.config import (
    FORMAT,
    Config,
    DataConfig,
    ModelConfig,
    OptimConfig,
    TrainConfig,
    config_from_dict,
    config_to_dict,
    load_config,
    read_json,
    replace_fields,
)
from wavenet_jax.errors import InputError

GATED = Config(
    data=DataConfig(data="a.txt", kind="text", test_fraction=0.05),
    model=ModelConfig(layer="gated", norm="none", n_skip=5, dilations=(3, 1), dropout=0.5),
    train=TrainConfig(mode="sequence", seq_len=9, steps=7),
)
LISTED = Config(
    data=DataConfig(data="a.txt"),
    optim=OptimConfig(boundaries=(0.25, 0.5)),
    train=TrainConfig(steps=7),
)
SECTIONS: dict[str, Any] = {"data": {}, "model": {}, "optim": {}, "train": {}}


@pytest.mark.parametrize("config", [Config(), GATED, LISTED])
def test_config_survives_json(config: Config, tmp_path: Path) -> None:
    text = json.dumps(config_to_dict(config))
    assert config_from_dict(json.loads(text)) == config
    (tmp_path / "config.json").write_text(text)
    assert load_config(tmp_path / "config.json") == config


def test_format_comes_first_and_then_the_sections() -> None:
    values = config_to_dict(Config())
    assert list(values) == ["format", *SECTIONS]
    assert values["format"] == FORMAT == 2


@pytest.mark.parametrize(
    ("written", "shown"),
    [({}, "None"), ({"format": 0}, "0"), ({"format": 1}, "1"), ({"format": "2"}, "'2'")],
)
def test_other_format_is_refused_by_name(
    written: dict[str, Any], shown: str, tmp_path: Path
) -> None:
    message = f"format is {shown}, expected 2: another version of wavenet_jax wrote it; train again"
    with pytest.raises(InputError, match=f"^{re.escape(message)}") as caught:
        config_from_dict(written | SECTIONS)
    assert caught.value.field == "format"
    # The sections of another version may have other fields; its format is what to name.
    path = tmp_path / "config.json"
    path.write_text(json.dumps(written | SECTIONS | {"model": {"taps": 2}}))
    with pytest.raises(InputError, match=re.escape(f"{path} cannot be used: {message}")):
        load_config(path)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"modell": {}}, "section 'modell' is unknown, expected data, model, optim, train"),
        ({"model": {"width": 1, "n_embd": 2}}, "option 'width' is unknown; expected"),
        ({"train": {"seed": -1}}, "seed is -1"),
        ({"model": {"layer": "dense"}}, "layer is 'dense', expected plain or gated"),
        ({"model": {"norm": None}}, "norm is None, expected batch or none."),
        ({"model": {"residual": 1}}, "residual is 1, expected True or False"),
        ({"model": {"n_hidden": True}}, "n_hidden is True, expected a whole number"),
        ({"model": {"kernel_size": 2.0}}, "kernel_size is 2.0, expected a whole number"),
        ({"model": {"dilations": 4}}, "dilations is 4, expected a list, each a whole number"),
        ({"model": {"dilations": [1.0, 2]}}, "dilations is [1.0, 2], expected a list, each"),
        ({"model": {"dilations": [1, 3]}}, "dilations is 1 3 with kernel_size 2, expected the tr"),
        ({"train": {"steps": "9"}}, "steps is '9', expected a whole number"),
        ({"data": {"kind": "stream"}}, "kind is 'stream', expected list or text"),
    ],
)
def test_config_from_dict_names_what_it_refuses(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        config_from_dict({"format": FORMAT} | sections)


def test_whole_number_is_taken_for_a_fraction_or_a_rate() -> None:
    config = config_from_dict({"format": FORMAT, "optim": {"learning_rate": 1}})
    assert config == Config(optim=OptimConfig(learning_rate=1))


@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_unreadable_json_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    for read in (read_json, load_config):
        with pytest.raises(InputError, match=f"^{re.escape(str(path))} cannot be read"):
            read(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[" * 10**5, "it is nested too deeply"),
        ('{"a":' * 10**5, "it is nested too deeply"),
        (f'{{"n": {"1" * 10**5}}}', "a number has 100,000 digits"),
        (" " * (2**23 + 1), "it has 8.39 MB, at most 8.39 MB are read"),
    ],
    ids=["lists", "objects", "digits", "size"],
)
def test_json_that_is_built_to_harm_is_refused_at_once(
    content: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(InputError, match=f"cannot be read \\({why}\\), expected JSON; restore"):
        read_json(tmp_path / "config.json")


def test_named_pipe_in_place_of_json_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(InputError, match=r"cannot be read \(it is a named pipe\)"):
        load_config(tmp_path / "config.json")


@pytest.mark.parametrize("part", ["format", "data", "name"])
def test_long_texts_and_codes_of_a_stranger_are_not_shown(part: str) -> None:
    text = "\x1b[31m" + "x" * 10**6
    values: dict[str, dict[str, Any]] = {
        "format": {"format": text},
        "data": {"format": FORMAT, text: {}},
        "name": {"format": FORMAT, "model": {text: 1}},
    }
    with pytest.raises(InputError) as caught:
        config_from_dict(values[part])
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"data": {"data": "caf\udce9.txt"}}, "data"),
        ({"data": {"data": ["a.txt", "caf\udce9.txt"]}}, "data"),
        ({"data": {"column": "\ud800"}}, "column"),
        ({"train": {"init_from": "caf\udce9"}}, "init_from"),
    ],
)
def test_names_that_cannot_be_kept_are_refused(values: dict[str, Any], name: str) -> None:
    with pytest.raises(InputError, match=f"^{name} is '.*', expected UTF-8 text") as caught:
        config_from_dict({"format": FORMAT} | values)
    assert caught.value.field == name


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([], "is damaged, expected the sections data, model, optim, train"),
        ("data", "is damaged"),
        ({"format": 2}, "is damaged"),
        ({"format": 2, "data": {}, "model": {}, "optim": {}}, "is damaged"),
        ({"format": 2} | SECTIONS | {"plot": {}}, "cannot be used: section 'plot' is unknown"),
        ({"format": 2} | SECTIONS | {"train": []}, "cannot be used: section 'train' is []"),
        (
            {"format": 2} | SECTIONS | {"train": None},
            "cannot be used: section 'train' is None",
        ),
        (
            {"format": 2} | SECTIONS | {"model": {"dropout": "half"}},
            "cannot be used: dropout is",
        ),
        (
            {"format": 2} | SECTIONS | {"model": {"dilations": ["a"]}},
            "cannot be used: dilations",
        ),
        ({"format": 2} | SECTIONS | {"train": {"seed": -1}}, "cannot be used: seed is -1"),
        ({}, "cannot be used: format is None"),
        ({"name": "another project"}, "cannot be used: format is None"),
    ],
)
def test_json_that_is_no_configuration_is_named(values: Any, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=f"^{re.escape(f'{path} {problem}')}"):
        load_config(path)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_number_that_json_cannot_say_is_refused(value: float) -> None:
    values = json.loads(json.dumps({"format": FORMAT, "optim": {"learning_rate": value}}))
    with pytest.raises(InputError, match=f"^learning_rate is {value}"):
        config_from_dict(values)


def test_fields_of_any_section_are_replaced() -> None:
    config = replace_fields(Config(), n_hidden=8, dilations=[1, 2], steps=9, data="a.txt")
    assert config == Config(
        data=DataConfig(data="a.txt"),
        model=ModelConfig(n_hidden=8, dilations=(1, 2)),
        train=TrainConfig(steps=9),
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_hiden": 8}, "option 'n_hiden' is unknown; did you mean 'n_hidden'?"),
        (
            {"n_hidden": "8"},
            "n_hidden is '8', expected a whole number; leave it out for the default.",
        ),
        (
            {"dilations": 2},
            "dilations is 2, expected a list, each a whole number",
        ),
    ],
)
def test_replacing_what_is_no_field_or_has_another_type_is_refused(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        replace_fields(Config(), **values)
    assert str(caught.value).startswith(message)
    assert caught.value.field == next(iter(values))
