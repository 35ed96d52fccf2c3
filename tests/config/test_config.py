"""Configurations: what they refuse and in which words, and what they compute."""

import dataclasses
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.config import OPTIMIZERS, Config, DataConfig, ModelConfig, OptimConfig, TrainConfig
from wavenet_jax.errors import InputError

POSITIVE = "expected a number above 0; leave it out"
FROM_1 = "expected a number from 1 to "
BOUNDARIES = "expected rising fractions of the run between 0 and 1, such as 0.75."
FRACTION = "from 0 to less than 1"
SEED = "a number from 0 to 4,294,967,295; leave it out"
GATED: dict[str, Any] = {"layer": "gated"}
LINEAR: dict[str, Any] = {"schedule": "linear"}
ADAMW: dict[str, Any] = {"optimizer": "adamw"}
ADAM: dict[str, Any] = {"optimizer": "adam"}
FREE: dict[str, Any] = {"optimizer": "schedule_free_adamw", "schedule": "constant"}
SEQUENCE: dict[str, Any] = {"mode": "sequence"}
TEXT: dict[str, Any] = {"kind": "text"}
REFUSED: list[tuple[Any, dict[str, Any], str, str]] = [
    (ModelConfig, {"layer": "dense"}, "layer is 'dense'", "expected plain or gated."),
    (ModelConfig, {"norm": "layer"}, "norm is 'layer'", "expected batch or none."),
    (ModelConfig, {"activation": ""}, "activation is ''", "expected tanh or relu or gelu or silu."),
    (ModelConfig, {"n_embd": 0}, "n_embd is 0", FROM_1),
    (ModelConfig, {"n_hidden": -1}, "n_hidden is -1", FROM_1),
    (ModelConfig, GATED | {"n_skip": 0}, "n_skip is 0", FROM_1),
    (ModelConfig, {"kernel_size": 1}, "kernel_size is 1", "expected 2 or more"),
    (ModelConfig, {"dilations": ()}, "dilations is (none)", "such as 1 2 4."),
    (ModelConfig, {"dilations": (0,)}, "dilations is 0", "such as 1 2 4."),
    (ModelConfig, {"dilations": (1, -2, 4)}, "dilations is 1 -2 4", "one distance of 1 or more"),
    (ModelConfig, {"dropout": -0.1}, "dropout is -0.1", FRACTION),
    (ModelConfig, {"dropout": 1.0}, "dropout is 1.0", FRACTION),
    (ModelConfig, {"dropout": math.nan}, "dropout is nan", FRACTION),
    (
        ModelConfig,
        {"n_skip": 32},
        "n_skip is 32",
        "no skips, expected the default, 64;",
    ),
    (
        ModelConfig,
        GATED | {"activation": "relu"},
        "activation is relu",
        "the default, tanh;",
    ),
    (
        ModelConfig,
        GATED | {"residual": True},
        "residual is True",
        "the default, False;",
    ),
    (
        ModelConfig,
        {"residual": True, "dilations": (1,)},
        "residual is True",
        "turns 24 channels into 128, expected the default, False; leave it out",
    ),
    (
        DataConfig,
        {"kind": "stream"},
        "kind is 'stream'",
        "expected list or text or audio; leave it out for the default.",
    ),
    (DataConfig, {"data": ()}, "data is (none)", "expected a file, a folder or a known name."),
    (
        DataConfig,
        {"normalize": "nfc"},
        "normalize is 'nfc'",
        "NFC or NFD or NFKC or NFKD; leave it out for the default.",
    ),
    (DataConfig, TEXT | {"column": "1"}, "column is 1", "a text has no columns, expected the def"),
    (DataConfig, {"val_fraction": -0.1}, "val_fraction is -0.1", FRACTION),
    (DataConfig, {"val_fraction": math.nan}, "val_fraction is nan", FRACTION),
    (DataConfig, TEXT | {"val_fraction": 1.0}, "val_fraction is 1.0", FRACTION),
    (DataConfig, {"test_fraction": -0.1}, "test_fraction is -0.1", FRACTION),
    (DataConfig, TEXT | {"test_fraction": math.nan}, "test_fraction is nan", FRACTION),
    (DataConfig, TEXT | {"test_fraction": 1.0}, "test_fraction is 1.0", FRACTION),
    (DataConfig, {"val_fraction": 0.9}, "val_fraction 0.9 and test_fraction 0.1", "less than 1"),
    (DataConfig, {"test_fraction": 0.9}, "val_fraction 0.1 and test_fraction 0.9", "less than 1"),
    (DataConfig, TEXT | {"split_seed": 1}, "split_seed is 1", "by position, expected the default"),
    (DataConfig, {"max_vocab": 0}, "max_vocab is 0", FROM_1),
    (OptimConfig, {"optimizer": "AdamW"}, "optimizer is 'AdamW'", "; did you mean adamw?"),
    (OptimConfig, {"optimizer": "sophia"}, "optimizer is 'sophia'", "expected sgd or rmsprop or"),
    (OptimConfig, {"schedule": "cosin"}, "schedule is 'cosin'", "; did you mean cosine?"),
    (OptimConfig, {"learning_rate": 0}, "learning_rate is 0", POSITIVE),
    (OptimConfig, {"learning_rate": -1}, "learning_rate is -1", POSITIVE),
    (OptimConfig, {"learning_rate": math.nan}, "learning_rate is nan", POSITIVE),
    (
        OptimConfig,
        {"learning_rate": math.inf},
        "learning_rate is inf",
        "above 0, at most 1e+38; leave it out",
    ),
    (OptimConfig, {"decay": 0}, "decay is 0", POSITIVE),
    (OptimConfig, {"boundaries": (0.5, 0.2)}, "boundaries is 0.5 0.2", BOUNDARIES),
    (OptimConfig, {"boundaries": (0.5, 0.5)}, "boundaries is 0.5 0.5", BOUNDARIES),
    (OptimConfig, {"boundaries": (1.0,)}, "boundaries is 1.0", BOUNDARIES),
    (OptimConfig, {"boundaries": (0,)}, "boundaries is 0", BOUNDARIES),
    (OptimConfig, LINEAR | {"warmup": -0.1}, "warmup is -0.1", FRACTION),
    (OptimConfig, LINEAR | {"warmup": 1.0}, "warmup is 1.0", FRACTION),
    (OptimConfig, LINEAR | {"warmup": math.nan}, "warmup is nan", FRACTION),
    (OptimConfig, {"cooldown": 0.1}, "cooldown is 0.1", "the piecewise schedule has none, unlike"),
    (OptimConfig, {"schedule": "wsd", "cooldown": 1}, "cooldown is 1", FRACTION),
    (OptimConfig, {"schedule": "wsd", "cooldown": 0}, "cooldown is 0", "above 0 that leaves room"),
    (
        OptimConfig,
        {"schedule": "wsd", "warmup": 0.7, "cooldown": 0.6},
        "cooldown is 0.6",
        "leaves room for a warmup of 0.7, such as 0.2.",
    ),
    (
        OptimConfig,
        LINEAR | {"boundaries": ()},
        "boundaries is (none)",
        "the default, 0.75;",
    ),
    (OptimConfig, LINEAR | {"decay": 0.5}, "decay is 0.5", "the default, 0.1;"),
    (
        OptimConfig,
        ADAM | {"weight_decay": 0.1},
        "weight_decay is 0.1",
        "adam has none, unlike adamw",
    ),
    (OptimConfig, ADAM | {"momentum": 0.9}, "momentum is 0.9", "but adam has none, expected the"),
    (OptimConfig, {"b1": 0.8}, "b1 is 0.8", "but sgd has none, expected the default, 0.9;"),
    (OptimConfig, ADAMW | {"b2": 1.0}, "b2 is 1.0", FRACTION),
    (OptimConfig, {"momentum": -0.1}, "momentum is -0.1", FRACTION),
    (OptimConfig, {"nesterov": True}, "nesterov is True", "set momentum, such as 0.9,"),
    (OptimConfig, {"clip_norm": 0.0}, "clip_norm is 0.0", POSITIVE),
    (OptimConfig, {"ema": 1.0}, "ema is 1.0", "between 0 and 1, such as 0.999."),
    (OptimConfig, {"ema": 0}, "ema is 0", "between 0 and 1, such as 0.999."),
    (OptimConfig, FREE | {"ema": 0.9}, "ema is 0.9", "schedule_free_adamw averages by itself"),
    (OptimConfig, FREE | {"b1": 0.0}, "b1 is 0", "expected a number above 0."),
    (OptimConfig, FREE | {"schedule": "linear"}, "schedule is linear", "expected constant."),
    (
        OptimConfig,
        ADAMW | {"weight_decay": -0.1},
        "weight_decay is -0.1",
        "from 0 to 1e+38, such as 0.1.",
    ),
    (
        OptimConfig,
        ADAMW | {"weight_decay": math.inf},
        "weight_decay is inf",
        "from 0 to 1e+38, such as 0.1.",
    ),
    (TrainConfig, {"mode": "step"}, "mode is 'step'", "expected window or sequence."),
    (TrainConfig, {"batch_size": 0}, "batch_size is 0", FROM_1),
    (TrainConfig, {"accumulate": 0}, "accumulate is 0", FROM_1),
    (TrainConfig, {"accumulate": 5}, "accumulate is 5", "a divisor of batch_size, 32, such as 1."),
    (TrainConfig, SEQUENCE | {"seq_len": 0}, "seq_len is 0", FROM_1),
    (TrainConfig, SEQUENCE, "seq_len is 1", "in sequence mode, such as 512."),
    (
        TrainConfig,
        {"seq_len": 2},
        "seq_len is 2",
        "one position, expected the default, 1;",
    ),
    (ModelConfig, {"n_hidden": "x"}, "n_hidden is 'x'", "expected a whole number; leave it out"),
    (ModelConfig, {"dilations": 4}, "dilations is 4", "expected a list, each a whole number;"),
    (OptimConfig, {"boundaries": [0.5, "a"]}, "boundaries is [0.5, 'a']", "each a number;"),
    (TrainConfig, {"steps": "5"}, "steps is '5'", "expected a whole number;"),
    (TrainConfig, {"steps": 1e3}, "steps is 1000.0", "expected a whole number;"),
    (TrainConfig, {"seed": True}, "seed is True", "expected a whole number;"),
    (DataConfig, {"data": 5}, "data is 5", "expected a text"),
    (Config, {"data": "a"}, "data is 'a'", "expected a DataConfig; leave it out"),
    (
        Config,
        {"train": TrainConfig(batch_size=8, accumulate=8)},
        "accumulate is 8",
        "expected fewer parts than the 8 windows",
    ),
    (
        Config,
        {"train": TrainConfig(batch_size=1)},
        "batch_size is 1",
        "leaves nothing to learn from, expected 2 or more in window mode; raise it, or set norm to",
    ),
    (TrainConfig, {"epochs": 0}, "epochs is 0", POSITIVE),
    (TrainConfig, {"steps": 0}, "steps is 0", "a number from 1 to 2,147,483,647; leave it out"),
    (
        TrainConfig,
        {"steps": 2**31},
        "steps is 2147483648",
        "a number from 1 to 2,147,483,647; leave it out",
    ),
    (
        TrainConfig,
        {"report_every": 0},
        "report_every is 0",
        "expected a number from 1 to 2,147,483,647; leave it out",
    ),
    (
        TrainConfig,
        {"max_val": 0},
        "max_val is 0",
        "expected a number from 1 to 2,147,483,647; leave it out",
    ),
    (
        TrainConfig,
        {"eval_every": 0},
        "eval_every is 0",
        "expected a number from 1 to 2,147,483,647; leave it out",
    ),
    (
        TrainConfig,
        {"report_every": 1000, "eval_every": 2500},
        "eval_every is 2500",
        "of report_every (1000), such as 3000",
    ),
    (TrainConfig, {"seed": -1}, "seed is -1", SEED),
    (TrainConfig, {"seed": 2**32}, "seed is 4294967296", SEED),
    *[
        (section, {name: 10**400}, f"{name} is 1{'0' * 78}…", "of at most 19 digits; leave it out")
        for section in (DataConfig, ModelConfig, TrainConfig)
        for name, kind in get_type_hints(section).items()
        if int in (kind, *get_args(kind))
    ],
    (ModelConfig, {"n_hidden": 10**5000}, "n_hidden is int of too many digits", "19 digits;"),
    (ModelConfig, {"n_hidden": 2**20 + 1}, "n_hidden is 1048577", "from 1 to 1,048,576;"),
    (ModelConfig, {"dilations": [1] * 10**5}, "dilations has 100,000 layers", "at most 250;"),
    (ModelConfig, {"dilations": [2**31]}, "dilations is 2147483648", "at most 2,147,483,647;"),
    (ModelConfig, {"dilations": [10**400]}, "dilations is [1000", "each a whole number;"),
    (ModelConfig, {"kernel_size": 10**9}, "kernel_size is 1,000,000,000", "at most 256 in each of"),
    (
        ModelConfig,
        {"kernel_size": 6, "dilations": [1] * 200},
        "kernel_size is 6",
        "at most 5 in each of 200 layers",
    ),
    (DataConfig, {"max_vocab": 0x110001}, "max_vocab is 1114113", "from 1 to 1,114,112;"),
    (OptimConfig, {"learning_rate": 1e39}, "learning_rate is 1e+39", "above 0, at most 1e+38;"),
    (OptimConfig, {"decay": 10**400}, "decay is 1000", "expected a number; leave it out"),
    (OptimConfig, ADAMW | {"weight_decay": 1e39}, "weight_decay is 1e+39", "from 0 to 1e+38"),
    (
        OptimConfig,
        {"boundaries": [each / 2_000 for each in range(1, 1_002)]},
        "boundaries has 1,001 fractions",
        "at most 1,000; choose",
    ),
    (TrainConfig, {"epochs": 1e308}, "epochs is 1e+308", "above 0, at most 1e+38;"),
    (
        TrainConfig,
        SEQUENCE | {"batch_size": 2**16, "seq_len": 2**16},
        "batch_size is 65,536",
        "at most 2,147,483,647 in all; lower it, or seq_len.",
    ),
    (
        Config,
        {"model": ModelConfig(kernel_size=2, dilations=(1,) * 200)},
        "dilations is 1 1",
        "32768 65536 131072 262144 524288 … (receptive field",
    ),
    (
        Config,
        {"model": ModelConfig(dilations=(1, 3))},
        "dilations is 1 3 with kernel_size 2",
        "expected the tree 1 2 (receptive field 4), which window mode computes; or choose mode seq",
    ),
    (
        Config,
        {"model": ModelConfig(kernel_size=3)},
        "dilations is 1 2 4 with kernel_size 3",
        "expected the tree 1 3 9 (receptive field 27), which window mode computes; or choose mode",
    ),
]


@pytest.mark.parametrize(("section", "values", "value", "remedy"), REFUSED)
def test_refusal_is_one_sentence_with_the_value_the_remedy_and_the_field(
    section: Any, values: dict[str, Any], value: str, remedy: str
) -> None:
    with pytest.raises(InputError) as caught:
        section(**values)
    message = str(caught.value)
    assert message.startswith(value)
    assert remedy in message
    assert "--" not in message  # flags are the command line's
    assert re.fullmatch(r"([^.?\n]|\.(?=\d))+[.?]", message)  # an end, and no other sentence
    assert caught.value.field == value.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (ModelConfig, {"kernel_size": 2, "dilations": (1,), "dropout": 0.999}),
        (ModelConfig, {"n_embd": 1, "n_hidden": 1, "residual": True, "dilations": (1,)}),
        (ModelConfig, {"n_embd": 1, "n_hidden": 2, "residual": True, "dilations": (1, 1)}),
        (DataConfig, TEXT | {"val_fraction": 0.999, "test_fraction": 0.0}),
        (DataConfig, {"val_fraction": 0.5, "test_fraction": 0.499, "max_vocab": 1}),
        (OptimConfig, {"boundaries": ()}),
        (OptimConfig, {"schedule": "wsd", "warmup": 0.5, "cooldown": 0.5}),
        (OptimConfig, {"momentum": 0.0, "ema": 0.001, "clip_norm": 1e-9, "warmup": 0.5}),
        (OptimConfig, ADAM | {"b1": 0.0, "b2": 0.0}),
        (OptimConfig, {"boundaries": (0.001, 0.999)}),
        (OptimConfig, LINEAR | ADAMW | {"warmup": 0.999, "weight_decay": 0.0}),
        (TrainConfig, SEQUENCE | {"seq_len": 2, "steps": 2**31 - 1, "seed": 2**32 - 1}),
        (TrainConfig, {"report_every": 7, "eval_every": 7, "epochs": 1e-9}),
    ],
)
def test_values_at_the_edge_of_their_meaning_are_accepted(
    section: Any, values: dict[str, Any]
) -> None:
    config = section(**values)
    assert {name: getattr(config, name) for name in values} == values


def test_values_of_numpy_lists_and_paths_are_held_as_plain_values() -> None:
    model = ModelConfig(n_hidden=np.int64(8), dilations=[1, np.int32(2)], dropout=np.float32(0.5))  # type: ignore[arg-type]
    config = Config(DataConfig(data=Path("a.txt")), model)  # type: ignore[arg-type]
    plain = Config(DataConfig(data="a.txt"), ModelConfig(n_hidden=8, dilations=(1, 2), dropout=0.5))
    assert config == plain
    assert repr(config) == repr(plain)
    assert hash(config) == hash(plain)


def test_a_single_window_is_trained_on_where_nothing_is_normalised_by_it() -> None:
    one = TrainConfig(batch_size=1)
    assert Config(model=ModelConfig(norm="none"), train=one).train == one
    several = TrainConfig(mode="sequence", batch_size=1, seq_len=2)
    assert Config(train=several).train == several


@pytest.mark.parametrize("section", [Config, DataConfig, ModelConfig, OptimConfig, TrainConfig])
def test_configurations_cannot_be_changed(section: Any) -> None:
    config = section()
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(config, dataclasses.fields(config)[0].name, None)


DILATIONS = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)


@given(st.integers(2, 4), DILATIONS)
def test_receptive_field_is_as_far_as_the_layers_reach(
    kernel_size: int, dilations: tuple[int, ...]
) -> None:
    seen = {0}
    for dilation in dilations:
        seen = {position + tap * dilation for position in seen for tap in range(kernel_size)}
    assert (
        ModelConfig(kernel_size=kernel_size, dilations=dilations).receptive_field == max(seen) + 1
    )


@pytest.mark.parametrize(
    ("kernel_size", "layers"), [(2, 1), (2, 3), (2, 6), (3, 2), (4, 3), (8, 1)]
)
def test_tree_sees_every_position_of_its_receptive_field_once(
    kernel_size: int, layers: int
) -> None:
    tree = tuple(kernel_size**layer for layer in range(layers))
    seen = [0]
    for dilation in tree:
        seen = [position + tap * dilation for position in seen for tap in range(kernel_size)]
    assert sorted(seen) == list(
        range(ModelConfig(kernel_size=kernel_size, dilations=tree).receptive_field)
    )


@given(st.integers(2, 3), st.one_of(DILATIONS, st.sampled_from([(1,), (1, 2), (1, 3), (1, 2, 4)])))
def test_window_mode_takes_trees_alone_and_sequence_mode_any_dilations(
    kernel_size: int, dilations: tuple[int, ...]
) -> None:
    model = ModelConfig(kernel_size=kernel_size, dilations=dilations)
    assert Config(model=model, train=TrainConfig(mode="sequence", seq_len=8)).model == model
    if all(dilation == kernel_size**layer for layer, dilation in enumerate(dilations)):
        assert Config(model=model).model == model
    else:
        with pytest.raises(InputError, match="expected the tree"):
            Config(model=model)


@pytest.mark.parametrize(
    ("train", "num_predictions", "steps"),
    [
        (TrainConfig(), 182_625, 200_000),
        (TrainConfig(steps=17), 182_625, 17),
        (TrainConfig(), 4, 5),
        (TrainConfig(epochs=1), 32_000, 1_000),
        (TrainConfig(epochs=1), 32_001, 1_010),
        (TrainConfig(epochs=0.5, batch_size=8), 32_000, 2_000),
        (TrainConfig(mode="sequence", seq_len=10, epochs=1), 320_000, 1_000),
        (TrainConfig(mode="sequence", seq_len=10, epochs=1), 320_001, 1_010),
        (TrainConfig(epochs=1, report_every=50, eval_every=50), 32 * 101, 150),
        (TrainConfig(epochs=1.1, batch_size=1, report_every=1), 50, 55),  # 1.1 · 50 exceeds 55
        (TrainConfig(epochs=0.29, batch_size=1, report_every=1), 100, 29),
        (TrainConfig(epochs=1e-9, batch_size=1, report_every=1), 50, 1),
    ],
)
def test_total_steps_are_the_epochs_rounded_up_to_whole_reports(
    train: TrainConfig, num_predictions: int, steps: int
) -> None:
    assert train.count_steps(num_predictions).steps == steps


@given(steps=st.floats(1, 1e8))
def test_a_run_validates_20_to_50_times_and_reports_in_between(steps: float) -> None:
    counts = TrainConfig(epochs=steps / 1_000, batch_size=1).count_steps(1_000)
    assert counts.eval_every % counts.report_every == 0
    assert counts.steps % counts.report_every == 0
    assert counts.eval_every == 1 or 20 <= counts.steps / counts.eval_every <= 51
    assert counts.report_every in (counts.eval_every, counts.eval_every // 5)


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        ({}, (200_000, 1_000, 5_000)),  # the lecture's means of 1,000 steps
        ({"eval_every": 500}, (199_800, 100, 500)),
        ({"eval_every": 512}, (200_192, 512, 512)),
        ({"report_every": 300}, (199_800, 300, 6_000)),
        ({"report_every": 300, "eval_every": 900}, (199_800, 300, 900)),
        ({"steps": 10}, (10, 1, 1)),
        ({"steps": 10, "report_every": 1_000}, (10, 1_000, 1_000)),
    ],
)
def test_intervals_follow_from_each_other_and_from_the_steps(
    given: dict[str, Any], counts: tuple[int, int, int]
) -> None:
    assert TrainConfig(**given).count_steps(182_625) == counts


@given(
    batch_size=st.integers(1, 64),
    seq_len=st.integers(2, 2_048),
    epochs=st.integers(1, 50),
    report_every=st.integers(1, 1_000),
    num_predictions=st.integers(1, 1_000_000),
)
def test_steps_see_the_epochs_and_less_than_a_report_more(
    batch_size: int, seq_len: int, epochs: int, report_every: int, num_predictions: int
) -> None:
    train = TrainConfig(
        mode="sequence",
        batch_size=batch_size,
        seq_len=seq_len,
        epochs=epochs,
        report_every=report_every,
        eval_every=report_every,
    )
    steps, per_step = train.count_steps(num_predictions).steps, batch_size * seq_len
    assert steps % report_every == 0
    assert (steps - report_every) * per_step < epochs * num_predictions <= steps * per_step


@pytest.mark.parametrize(
    ("data", "fraction"),
    [
        (DataConfig(), 0.1),
        (DataConfig(test_fraction=0.2), 0.2),
        (DataConfig(kind="text"), 0.0),
        (DataConfig(kind="text", test_fraction=0.0), 0.0),
        (DataConfig(kind="text", test_fraction=0.2), 0.2),
    ],
)
def test_test_fraction_is_by_default_a_tenth_of_a_list_and_nothing_of_a_text(
    data: DataConfig, fraction: float
) -> None:
    assert data.test_share == fraction


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"labels": "a"},
            "labels is a, but no column has the documents, expected one beside",
        ),
        ({"labels": ("a", "b", "a"), "column": "c"}, "labels 'a' are given twice, expected one"),
        (
            {"labels": "a", "column": "c", "label_pattern": "(?P<b>.)(?P<a>.)"},
            "labels 'a' are given twice, expected one column, or one group of label_pattern",
        ),
        ({"label_pattern": "(.)"}, r"label_pattern is '\(.\)', which names no group, expected one"),
        ({"label_pattern": "(?P<a>"}, r"label_pattern is .*regular expression \(missing \), unt"),
        ({"label_pattern": "a{99999999999}"}, r"regular expression \(the repetition number is too"),
        (
            {"test_pattern": "*"},
            r"test_pattern is '\*', expected a regular expression \(nothing to",
        ),
        (
            {"test_pattern": "a", "test_fraction": 0.2},
            "test_fraction is 0.2, but test_pattern tells",
        ),
        ({"split_by": "\udcff"}, "split_by is .*, expected UTF-8 text"),
        (
            {"kind": "text", "test_pattern": "a"},
            "test_pattern is a, but a text is not made of docum",
        ),
        ({"kind": "text", "split_by": "a"}, "split_by is a, but a text is not made of documents"),
        ({"kind": "text", "peak": 0.5}, "peak is 0.5, but a text has no sound"),
        ({"trim_db": 0.0}, "trim_db is 0.0, expected a number from 1 to 200"),
    ],
)
def test_labels_and_splits_by_them_are_checked(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        DataConfig(**fields)


def test_kinds_of_paths_are_in_the_order_of_their_groups() -> None:
    assert DataConfig(label_pattern="(?P<z>[[a])(x)|(?P<a>)").label_groups == ("z", "a")
    assert DataConfig().label_groups == ()


def test_other_data_are_read_alike_and_whole() -> None:
    config = DataConfig(label_pattern="(?P<a>.)", test_pattern="b", split_by="a", lower=True)
    meant = DataConfig(
        "other", label_pattern="(?P<a>.)", lower=True, val_fraction=0, test_fraction=0
    )
    assert config.whole("other") == meant


def test_import_loads_neither_jax_nor_numpy() -> None:
    code = (
        "import sys, wavenet_jax.config; sys.exit('jax' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("data", "count", "cuts"),
    [
        (DataConfig(), 32_033, (25_626, 28_829)),
        (DataConfig(val_fraction=0.3, test_fraction=0.3), 10, (4, 7)),  # 1 - 0.3 - 0.3 < 0.4
        (DataConfig(kind="text"), 1_115_394, (1_003_854, 1_115_394)),
        (DataConfig(kind="text", test_fraction=0.05), 1_000, (850, 950)),
    ],
)
def test_val_and_test_begin_where_the_fractions_before_them_end(
    data: DataConfig, count: int, cuts: tuple[int, int]
) -> None:
    assert data.cuts(count) == cuts


def test_epochs_of_more_steps_than_32_bits_count_are_refused() -> None:
    with pytest.raises(InputError, match=r"^epochs is 1e\+30, expected fewer.*lower it") as caught:
        TrainConfig(epochs=1e30).count_steps(1_000)
    assert caught.value.field == "epochs"


@pytest.mark.parametrize(
    ("data", "sources", "title"),
    [
        ("a.txt", ("a.txt",), "a.txt"),
        (("a.txt",), ("a.txt",), "a.txt"),
        (["a.txt", "b/", "-"], ("a.txt", "b/", "-"), "a.txt and 2 more"),
        ("-", ("-",), "standard input"),
    ],
)
def test_data_are_one_source_or_several(data: Any, sources: tuple[str, ...], title: str) -> None:
    config = DataConfig(data)
    assert (config.sources, config.title) == (sources, title)
    assert config.data == (sources[0] if len(sources) == 1 else sources)


def test_another_optimizer_has_its_scale_of_the_learning_rate_and_decays_as_much() -> None:
    adamw = OptimConfig(
        optimizer="adamw", learning_rate=0.01, schedule="linear", weight_decay=4.0, b1=0.8
    )
    lion = adamw.with_optimizer("lion")
    assert (lion.learning_rate, lion.weight_decay, lion.b1) == (0.0025, 16.0, 0.8)
    sgd = adamw.with_optimizer("sgd")
    assert (sgd.learning_rate, sgd.weight_decay, sgd.b1) == (0.5, 0.08, 0.9)
    assert sgd.schedule == "linear"
    free = adamw.with_optimizer("schedule_free_adamw")
    assert (free.learning_rate, free.schedule, free.weight_decay) == (0.025, "constant", 1.6)
    assert adamw.with_optimizer("adam").weight_decay == 0.0
    nesterov = OptimConfig(momentum=0.9, nesterov=True).with_optimizer("rmsprop")
    assert (nesterov.momentum, nesterov.nesterov) == (None, False)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_learning_rate_is_the_optimizers_usual_one_unless_it_is_given(name: Any) -> None:
    schedule: Any = "constant"
    config = OptimConfig(optimizer=name, schedule=schedule)
    assert config.learning_rate == OPTIMIZERS[name].learning_rate
    assert OptimConfig(optimizer=name, schedule=schedule, learning_rate=0.3).learning_rate == 0.3
