"""Configurations: what they reject and in which words, and what they compute."""

import math
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.config import Config, DataConfig, ModelConfig, OptimConfig, TrainConfig
from wavenet_jax.errors import InputError

POSITIVE = "expected a number above 0; leave it out"
FRACTIONS = "expected numbers between 0 and 1 such as 0.75"
SHARE = "from 0 to less than 1"
DEFAULT = "which is the default."
GATED: dict[str, Any] = {"layer": "gated"}
LINEAR: dict[str, Any] = {"schedule": "linear"}
SEQUENCE: dict[str, Any] = {"run": "sequence"}
REJECTED: list[tuple[Any, dict[str, Any], str, str]] = [
    (ModelConfig, {"layer": "dense"}, "layer is 'dense'", "expected plain or gated"),
    (ModelConfig, {"norm": "layer"}, "norm is 'layer'", "expected batch or none"),
    (ModelConfig, {"activation": ""}, "activation is ''", "expected tanh or relu or gelu or silu"),
    (ModelConfig, {"n_embd": 0}, "n_embd is 0", POSITIVE),
    (ModelConfig, {"n_hidden": -1}, "n_hidden is -1", POSITIVE),
    (ModelConfig, GATED | {"n_skip": 0}, "n_skip is 0", POSITIVE),
    (ModelConfig, {"taps": 1}, "taps is 1", "expected 2 or more"),
    (ModelConfig, {"dilations": ()}, "dilations is empty", "such as 1 2 4"),
    (ModelConfig, {"dilations": (0,)}, "dilations 0 hold one below 1", "such as 1 2 4"),
    (ModelConfig, {"dilations": (1, -2, 4)}, "dilations 1 -2 4 hold one below 1", "distances"),
    (ModelConfig, {"dropout": -0.1}, "dropout is -0.1", SHARE),
    (ModelConfig, {"dropout": 1.0}, "dropout is 1.0", SHARE),
    (ModelConfig, {"dropout": math.nan}, "dropout is nan", SHARE),
    (
        ModelConfig,
        {"n_skip": 32},
        "n_skip is 32",
        "plain layers have no skips, expected 64, which is",
    ),
    (ModelConfig, GATED | {"activation": "relu"}, "activation is relu", DEFAULT),
    (
        ModelConfig,
        GATED | {"residual": True},
        "residual is True",
        "expected False, which is the default: --no-residual.",
    ),
    (
        ModelConfig,
        {"residual": True, "dilations": (1,)},
        "residual is True",
        "set n_embd to n_hidden",
    ),
    (DataConfig, {"val_fraction": 0}, "val_fraction is 0", POSITIVE),
    (DataConfig, {"val_fraction": math.nan}, "val_fraction is nan", POSITIVE),
    (DataConfig, {"test_fraction": 0.0}, "test_fraction is 0.0", f"{POSITIVE} for 0.1."),
    (
        DataConfig,
        {"test_fraction": -0.1, "stream": True},
        "test_fraction is -0.1",
        "or 0; leave it out",
    ),
    (
        DataConfig,
        {"test_fraction": math.nan, "stream": True},
        "test_fraction is nan",
        "or 0; leave it out",
    ),
    (DataConfig, {"val_fraction": 0.9}, "val_fraction 0.9 and test_fraction 0.1", "less than 1"),
    (DataConfig, {"val_fraction": 1.0, "stream": True}, "val_fraction 1.0 and", "less than 1"),
    (DataConfig, {"split_seed": 1, "stream": True}, "split_seed is 1", DEFAULT),
    (DataConfig, {"max_vocab": 0}, "max_vocab is 0", POSITIVE),
    (OptimConfig, {"optimizer": "adam"}, "optimizer is 'adam'", "expected sgd or adamw"),
    (OptimConfig, {"schedule": "cosine"}, "schedule is 'cosine'", "expected piecewise or linear"),
    (OptimConfig, {"learning_rate": 0}, "learning_rate is 0", POSITIVE),
    (OptimConfig, {"learning_rate": -1}, "learning_rate is -1", POSITIVE),
    (OptimConfig, {"learning_rate": math.nan}, "learning_rate is nan", POSITIVE),
    (OptimConfig, {"learning_rate": math.inf}, "learning_rate is inf", POSITIVE),
    (OptimConfig, {"decay": 0}, "decay is 0", POSITIVE),
    (OptimConfig, {"boundaries": (0.5, 0.2)}, "boundaries 0.5 0.2", FRACTIONS),
    (OptimConfig, {"boundaries": (0.5, 0.5)}, "boundaries 0.5 0.5", FRACTIONS),
    (OptimConfig, {"boundaries": (1.5,)}, "boundaries 1.5", FRACTIONS),
    (OptimConfig, {"boundaries": (0,)}, "boundaries 0", FRACTIONS),
    (OptimConfig, LINEAR | {"warmup": -0.1}, "warmup is -0.1", SHARE),
    (OptimConfig, LINEAR | {"warmup": 1.0}, "warmup is 1.0", SHARE),
    (OptimConfig, LINEAR | {"warmup": math.nan}, "warmup is nan", SHARE),
    (OptimConfig, {"warmup": 0.1}, "warmup is 0.1", DEFAULT),
    (OptimConfig, LINEAR | {"boundaries": (0.5, 0.6)}, "boundaries is 0.5 0.6", DEFAULT),
    (OptimConfig, LINEAR | {"decay": 0.5}, "decay is 0.5", DEFAULT),
    (OptimConfig, {"weight_decay": 0.1}, "weight_decay is 0.1", DEFAULT),
    (
        OptimConfig,
        {"optimizer": "adamw", "weight_decay": -0.1},
        "weight_decay is -0.1",
        "from 0 on",
    ),
    (TrainConfig, {"run": "step"}, "run is 'step'", "expected window or sequence"),
    (TrainConfig, {"batch_size": 0}, "batch_size is 0", POSITIVE),
    (TrainConfig, SEQUENCE | {"length": 0}, "length is 0", POSITIVE),
    (TrainConfig, SEQUENCE, "length is 1", "such as --length 512"),
    (TrainConfig, {"length": 2}, "length is 2", DEFAULT),
    (TrainConfig, {"epochs": 0}, "epochs is 0", POSITIVE),
    (TrainConfig, {"steps": 0}, "steps is 0", POSITIVE),
    (TrainConfig, {"steps": 2**31}, "steps is 2147483648", "fewer than 2,147,483,648"),
    (TrainConfig, {"report_every": 0}, "report_every is 0", POSITIVE),
    (TrainConfig, {"eval_every": 0}, "eval_every is 0", POSITIVE),
    (TrainConfig, {"eval_every": 2500}, "eval_every is 2500", "3 times it, 3000"),
    (TrainConfig, {"seed": -1}, "seed is -1", "from 0 to 4294967295"),
    (TrainConfig, {"seed": 2**32}, "seed is 4294967296", "from 0 to 4294967295"),
    (
        Config,
        {"model": ModelConfig(dilations=(1, 3))},
        "dilations 1 3 with 2 taps are no tree",
        "expected 1 2 (receptive field 4); or train with --run sequence --length 512.",
    ),
    (
        Config,
        {"model": ModelConfig(taps=3)},
        "dilations 1 2 4 with 3 taps are no tree",
        "expected 1 3 9 (receptive field 27); or train with --run sequence",
    ),
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


DILATIONS = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)


@given(st.integers(2, 4), DILATIONS)
def test_receptive_field_is_as_far_as_the_taps_reach(taps: int, dilations: tuple[int, ...]) -> None:
    seen = {0}
    for dilation in dilations:
        seen = {position + tap * dilation for position in seen for tap in range(taps)}
    assert ModelConfig(taps=taps, dilations=dilations).receptive_field == max(seen) + 1


@pytest.mark.parametrize(("taps", "layers"), [(2, 1), (2, 3), (2, 6), (3, 2), (4, 3), (8, 1)])
def test_tree_sees_every_position_of_its_receptive_field_once(taps: int, layers: int) -> None:
    tree = tuple(taps**layer for layer in range(layers))
    seen = [0]
    for dilation in tree:
        seen = [position + tap * dilation for position in seen for tap in range(taps)]
    assert sorted(seen) == list(range(ModelConfig(taps=taps, dilations=tree).receptive_field))


@given(st.integers(2, 3), st.one_of(DILATIONS, st.sampled_from([(1,), (1, 2), (1, 3), (1, 2, 4)])))
def test_window_run_takes_trees_alone_and_the_sequence_run_any_dilations(
    taps: int, dilations: tuple[int, ...]
) -> None:
    model = ModelConfig(taps=taps, dilations=dilations)
    assert Config(model=model, train=TrainConfig(run="sequence", length=8)).model == model
    if all(dilation == taps**layer for layer, dilation in enumerate(dilations)):
        assert Config(model=model).model == model
    else:
        with pytest.raises(InputError, match="are no tree"):
            Config(model=model)


@pytest.mark.parametrize(
    ("train", "predictions", "steps"),
    [
        (TrainConfig(), 182_625, 200_000),
        (TrainConfig(steps=17), 182_625, 17),
        (TrainConfig(), 4, 1_000),
        (TrainConfig(epochs=1), 32_000, 1_000),
        (TrainConfig(epochs=1), 32_001, 2_000),
        (TrainConfig(epochs=0.5, batch_size=8), 32_000, 2_000),
        (TrainConfig(run="sequence", length=10, epochs=1), 320_000, 1_000),
        (TrainConfig(run="sequence", length=10, epochs=1), 320_001, 2_000),
        (TrainConfig(epochs=1, report_every=50, eval_every=50), 32 * 101, 150),
    ],
)
def test_total_steps_are_the_epochs_rounded_up_to_whole_reports(
    train: TrainConfig, predictions: int, steps: int
) -> None:
    assert train.total_steps(predictions) == steps


@given(
    batch_size=st.integers(1, 64),
    length=st.integers(2, 2_048),
    epochs=st.integers(1, 50),
    report_every=st.integers(1, 1_000),
    predictions=st.integers(1, 1_000_000),
)
def test_steps_see_the_epochs_and_less_than_a_report_more(
    batch_size: int, length: int, epochs: int, report_every: int, predictions: int
) -> None:
    train = TrainConfig(
        run="sequence",
        batch_size=batch_size,
        length=length,
        epochs=epochs,
        report_every=report_every,
        eval_every=report_every,
    )
    steps, per_step = train.total_steps(predictions), batch_size * length
    assert steps % report_every == 0
    assert (steps - report_every) * per_step < epochs * predictions <= steps * per_step


@pytest.mark.parametrize(
    ("data", "share"),
    [
        (DataConfig(), 0.1),
        (DataConfig(test_fraction=0.2), 0.2),
        (DataConfig(stream=True), 0.0),
        (DataConfig(stream=True, test_fraction=0.0), 0.0),
        (DataConfig(stream=True, test_fraction=0.2), 0.2),
    ],
)
def test_share_of_the_test_is_a_tenth_of_a_list_and_nothing_of_a_text(
    data: DataConfig, share: float
) -> None:
    assert data.test_share == share


@pytest.mark.parametrize(
    "module",
    [f"wavenet_jax.{name}" for name in ("config", "config_file", "presets", "cli")],
)
def test_import_leaves_jax_alone(module: str) -> None:
    code = f"import sys, {module}; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_epochs_of_more_steps_than_are_counted_are_refused() -> None:
    with pytest.raises(InputError, match=r"^epochs is 1e\+30, expected fewer than 2,147,483,648"):
        TrainConfig(epochs=1e30).total_steps(1_000)
