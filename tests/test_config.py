"""Configurations: what they reject and in which words, what they compute, and JSON."""

import json
import math
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import jax
import pytest
from conftest import changed

from wavenet_jax.config import (
    PRESETS,
    Config,
    DataConfig,
    InputError,
    ModelConfig,
    OptimConfig,
    TrainConfig,
    differences,
    from_dict,
    load,
    preset,
    to_dict,
)
from wavenet_jax.model import WaveNet, count_parameters, init

POSITIVE = "expected a number above 0; leave it out"
FRACTIONS = "expected numbers between 0 and 1 such as 0.75"
REJECTED: list[tuple[Any, dict[str, Any], str, str]] = [
    (ModelConfig, {"n_embd": 0}, "n_embd is 0", POSITIVE),
    (ModelConfig, {"n_hidden": -1}, "n_hidden is -1", POSITIVE),
    (ModelConfig, {"taps": 1}, "taps is 1", "expected 2 or more"),
    (ModelConfig, {"dilations": ()}, "dilations is empty", "such as 1 2 4"),
    (ModelConfig, {"dilations": (0,)}, "dilations 0 with 2 taps", "need dilations 1 "),
    (ModelConfig, {"dilations": (1, 3)}, "dilations 1 3 with 2 taps", "need dilations 1 2 "),
    (ModelConfig, {"taps": 3}, "dilations 1 2 4 with 3 taps", "need dilations 1 3 9 "),
    (DataConfig, {"val_fraction": 0}, "val_fraction is 0", POSITIVE),
    (DataConfig, {"test_fraction": 0.0}, "test_fraction is 0.0", POSITIVE),
    (DataConfig, {"val_fraction": 0.9}, "val_fraction 0.9 and test_fraction 0.1", "less than 1"),
    (OptimConfig, {"learning_rate": 0}, "learning_rate is 0", POSITIVE),
    (OptimConfig, {"learning_rate": -1}, "learning_rate is -1", POSITIVE),
    (OptimConfig, {"learning_rate": math.nan}, "learning_rate is nan", POSITIVE),
    (OptimConfig, {"learning_rate": math.inf}, "learning_rate is inf", POSITIVE),
    (OptimConfig, {"decay": 0}, "decay is 0", POSITIVE),
    (OptimConfig, {"boundaries": (0.5, 0.2)}, "boundaries 0.5 0.2", FRACTIONS),
    (OptimConfig, {"boundaries": (0.5, 0.5)}, "boundaries 0.5 0.5", FRACTIONS),
    (OptimConfig, {"boundaries": (1.5,)}, "boundaries 1.5", FRACTIONS),
    (OptimConfig, {"boundaries": (0,)}, "boundaries 0", FRACTIONS),
    (TrainConfig, {"batch_size": 0}, "batch_size is 0", POSITIVE),
    (TrainConfig, {"epochs": 0}, "epochs is 0", POSITIVE),
    (TrainConfig, {"steps": 0}, "steps is 0", POSITIVE),
    (TrainConfig, {"report_every": 0}, "report_every is 0", POSITIVE),
    (TrainConfig, {"eval_every": 0}, "eval_every is 0", POSITIVE),
    (TrainConfig, {"eval_every": 2500}, "eval_every is 2500", "3 times it, 3000"),
    (TrainConfig, {"seed": -1}, "seed is -1", "from 0 to 4294967295"),
    (TrainConfig, {"seed": 2**32}, "seed is 4294967296", "from 0 to 4294967295"),
]


@pytest.mark.parametrize(("section", "values", "value", "remedy"), REJECTED)
def test_rejection_is_one_sentence_with_the_value_and_the_remedy(
    section: Any, values: dict[str, Any], value: str, remedy: str
) -> None:
    with pytest.raises(InputError) as caught:
        section(**values)
    message = str(caught.value)
    assert message.startswith(value)
    assert remedy in message
    assert re.fullmatch(r"([^.\n]|\.(?=\d))+\.", message)  # a full stop at the end and nowhere else


@pytest.mark.parametrize(("taps", "layers"), [(2, 1), (2, 3), (2, 6), (3, 2), (4, 3), (8, 1)])
def test_receptive_field_counts_the_positions_below_the_tree(taps: int, layers: int) -> None:
    dilations = tuple(taps**layer for layer in range(layers))
    seen = {0}
    for dilation in dilations:
        seen = {position + tap * dilation for position in seen for tap in range(taps)}
    field = ModelConfig(taps=taps, dilations=dilations).receptive_field
    assert field == len(seen) == max(seen) + 1 == 1 + (taps - 1) * sum(dilations) == taps**layers


@pytest.mark.parametrize(
    ("train", "predictions", "steps"),
    [
        (TrainConfig(), 182_625, 200_000),
        (TrainConfig(steps=17), 182_625, 17),
        (TrainConfig(), 4, 1_000),
        (TrainConfig(epochs=1), 32_000, 1_000),
        (TrainConfig(epochs=1), 32_001, 2_000),
        (TrainConfig(epochs=0.5, batch_size=8), 32_000, 2_000),
    ],
)
def test_total_steps_are_the_epochs_rounded_up_to_thousands(
    train: TrainConfig, predictions: int, steps: int
) -> None:
    assert train.total_steps(predictions) == steps


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("makemore", 76_579), ("makemore-22k", 22_397), ("mlp-8", 22_097), ("mlp-3", 12_097)],
)
def test_presets_have_the_parameters_of_the_lectures_log(name: str, parameters: int) -> None:
    model = WaveNet(preset(name).model, vocab_size=27)
    variables = jax.eval_shape(partial(init, model), jax.random.key(0))
    assert count_parameters(variables["params"]) == parameters


def test_misspelt_preset_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match=r"'makmore' is unknown.*did you mean makemore\?"):
        preset("makmore")


def test_preset_unlike_any_lists_them_all() -> None:
    with pytest.raises(InputError, match=f"'xyz' is unknown, expected {', '.join(PRESETS)}; "):
        preset("xyz")


@pytest.mark.parametrize(
    "config", [*PRESETS.values(), changed(Config(), steps=7, boundaries=(0.25, 0.5), data="a.txt")]
)
def test_config_survives_json(config: Config) -> None:
    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"modell": {}}, "section 'modell' is unknown, expected data, model, optim, train"),
        ({"model": {"width": 1, "n_embd": 2}}, "width in section 'model' is no known field"),
        ({"train": {"seed": -1}}, "seed is -1"),
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
    ("values", "said"),
    [
        ({}, []),
        ({"n_embd": 5}, ["n_embd 24 -> 5"]),
        ({"taps": 3, "dilations": (1,)}, ["taps 2 -> 3", "dilations (1, 2, 4) -> (1,)"]),
        ({"data": "makemore", "steps": 9}, ["data names -> makemore", "steps None -> 9"]),
        ({"decay": 0.5, "seed": 1}, ["decay 0.1 -> 0.5", "seed 0 -> 1"]),
    ],
)
def test_differences_are_the_changed_fields(values: dict[str, Any], said: list[str]) -> None:
    assert differences(Config(), changed(Config(), **values)) == said


@pytest.mark.parametrize("module", ["wavenet_jax.config", "wavenet_jax.cli"])
def test_import_leaves_jax_alone(module: str) -> None:
    code = f"import sys, {module}; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
