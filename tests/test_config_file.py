"""The configuration as JSON: its round trip, what it names as damaged, and differences."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import changed

from wavenet_jax.config import Config, DataConfig, ModelConfig, TrainConfig
from wavenet_jax.config_file import differences, from_dict, load, to_dict
from wavenet_jax.errors import InputError
from wavenet_jax.presets import preset

GATED = Config(
    data=DataConfig(data="a.txt", stream=True, test_fraction=0.05),
    model=ModelConfig(layer="gated", norm="none", n_skip=5, dilations=(3, 1), dropout=0.5),
    train=TrainConfig(run="sequence", length=9, steps=7),
)


@pytest.mark.parametrize(
    "config", [Config(), GATED, changed(Config(), steps=7, boundaries=(0.25, 0.5), data="a.txt")]
)
def test_config_survives_json(config: Config, tmp_path: Path) -> None:
    said = json.dumps(to_dict(config))
    assert from_dict(json.loads(said)) == config
    (tmp_path / "config.json").write_text(said)
    assert load(tmp_path / "config.json") == config


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"modell": {}}, "section 'modell' is unknown, expected data, model, optim, train"),
        ({"model": {"width": 1, "n_embd": 2}}, "width in section 'model' is no known field"),
        ({"train": {"seed": -1}}, "seed is -1"),
        ({"model": {"layer": "dense"}}, "layer is 'dense', expected plain or gated"),
        ({"model": {"norm": None}}, "norm is None, expected a value like 'batch'"),
        ({"model": {"activation": "swish"}}, "activation is 'swish', expected tanh or relu"),
        ({"model": {"residual": 1}}, "residual is 1, expected a value like False"),
        ({"model": {"dilations": 4}}, "dilations is 4, expected a value like (1, 2, 4)"),
        ({"model": {"dilations": [1, 3]}}, "dilations 1 3 with 2 taps are no tree"),
        ({"optim": {"optimizer": "lion"}}, "optimizer is 'lion', expected sgd or adamw"),
        ({"train": {"run": "step"}}, "run is 'step', expected window or sequence"),
    ],
)
def test_from_dict_names_what_it_rejects(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        from_dict(sections)


@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_unreadable_config_file_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"{re.escape(str(path))} cannot be read"):
        load(path)


@pytest.mark.parametrize(
    "sections",
    [
        [],
        "data",
        {},
        {"data": {}, "model": {}, "optim": {}},
        {"data": {}, "model": {}, "optim": {}, "train": {}, "plot": {}},
        {"data": {}, "model": {}, "optim": {}, "train": []},
        {"data": {}, "model": {"dropout": "half"}, "optim": {}, "train": {}},
        {"data": {}, "model": {"dilations": ["a"]}, "optim": {}, "train": {}},
        {"data": {}, "model": {}, "optim": {}, "train": {"steps": "9"}},
    ],
)
def test_json_that_is_no_configuration_is_named(sections: Any, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(sections))
    with pytest.raises(InputError, match=f"{re.escape(str(path))} is damaged"):
        load(path)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, []),
        ({"n_embd": 5}, ["n_embd 24 -> 5"]),
        ({"taps": 3, "dilations": (1,)}, ["taps 2 -> 3", "dilations (1, 2, 4) -> (1,)"]),
        ({"data": "makemore", "steps": 9}, ["data names -> makemore", "steps None -> 9"]),
        ({"decay": 0.5, "seed": 1}, ["decay 0.1 -> 0.5", "seed 0 -> 1"]),
        ({"run": "sequence", "length": 9}, ["run window -> sequence", "length 1 -> 9"]),
    ],
)
def test_differences_are_the_changed_fields(values: dict[str, Any], said: list[str]) -> None:
    assert differences(Config(), changed(Config(), **values)) == said


def test_differences_cover_every_section() -> None:
    said = differences(preset("makemore"), preset("wavenet"))
    assert {"data names -> shakespeare", "layer plain -> gated"} < set(said)
    assert {"optimizer sgd -> adamw", "length 1 -> 2048"} < set(said)
