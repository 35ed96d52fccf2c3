"""The presets: their sizes, their form in JSON, and the nearest to a misspelt name."""

import json
import math
from functools import partial
from typing import Any

import jax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.config import (
    AUTO,
    PRESETS,
    Config,
    Extent,
    Recipe,
    config_from_dict,
    config_to_dict,
    plan,
    preset,
)
from wavenet_jax.errors import InputError
from wavenet_jax.nn import WaveNet, count_parameters, init_variables


def num_parameters(name: str, vocab_size: int) -> int:
    model = WaveNet(preset(name).model, vocab_size)
    variables = jax.eval_shape(partial(init_variables, model), jax.random.key(0))
    return count_parameters(variables["params"])


@pytest.mark.parametrize(
    ("name", "count"),
    [("makemore", 76_579), ("makemore-22k", 22_397), ("mlp-8", 22_097), ("mlp-3", 12_097)],
)
def test_presets_have_the_parameters_of_the_lectures_log(name: str, count: int) -> None:
    assert num_parameters(name, vocab_size=27) == count


def test_fast_preset_has_no_more_parameters_than_the_lectures_and_its_receptive_field() -> None:
    assert num_parameters("makemore-fast", vocab_size=27) <= 76_579
    assert preset("makemore-fast").model.receptive_field == 8


def test_wavenet_preset_is_two_blocks_of_gated_layers_that_see_2047_positions() -> None:
    model = preset("wavenet").model
    assert model.layer == "gated"
    assert model.dilations == (1, 2, 4, 8, 16, 32, 64, 128, 256, 512) * 2
    assert model.receptive_field == 2_047


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_survives_json(name: str) -> None:
    assert config_from_dict(json.loads(json.dumps(config_to_dict(preset(name))))) == preset(name)


def test_the_lecture_is_a_configuration_without_options() -> None:
    assert preset("makemore") == Config()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("makmore", "makemore"), ("makemore22k", "makemore-22k"), ("wavnet", "wavenet")],
)
def test_misspelt_preset_suggests_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(InputError, match=rf"^preset is '{name}'.*did you mean {nearest}\?$"):
        preset(name)


def test_preset_unlike_any_lists_them_all() -> None:
    listed = f"expected {', '.join(PRESETS)}; choose one of these, or the folder of a run"
    message = f"^preset is 'xyz', {listed}.$"
    with pytest.raises(InputError, match=message) as caught:
        preset("xyz")
    assert caught.value.field == "preset"


EXTENTS = st.builds(
    Extent,
    kind=st.sampled_from(["list", "text"]),
    num_predictions=st.integers(2, 10**9),
    document_length=st.integers(0, 10_000),
    rate=st.none(),
)


@given(extent=EXTENTS)
def test_every_extent_gets_a_run_that_fits_it(extent: Extent) -> None:
    config = Recipe(AUTO).config(extent)
    settings, field = config.train, config.model.receptive_field
    assert config.data.kind == extent.kind
    if settings.mode == "sequence":
        assert settings.seq_len + field <= extent.num_predictions + 1
    assert settings.steps is not None
    assert settings.eval_every is not None
    assert settings.steps // settings.eval_every >= min(20, settings.steps)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_recordings_get_the_preset_for_sound_at_their_own_rate(rate: int) -> None:
    config = Recipe(AUTO).config(Extent("audio", 10**6, 4_000, rate))
    speech = Recipe("speech").config(Extent("audio", 10**6, 4_000, 8_000))
    assert (config.data.kind, config.data.rate) == ("audio", rate)
    assert (config.model, config.optim, config.train) == (speech.model, speech.optim, speech.train)
    assert 0.1 < speech.model.receptive_field / 8_000 < 0.5
    short = Recipe(AUTO).config(Extent("audio", 3_000, 300, rate)).train
    assert short.seq_len + config.model.receptive_field <= 3_000


@pytest.mark.parametrize(
    ("length", "receptive_field"), [(3, 8), (9, 8), (14, 15), (42, 63), (36, 31), (500, 127)]
)
def test_the_plan_sees_most_of_most_documents(length: int, receptive_field: int) -> None:
    assert plan(Extent("list", 10**6, length), {}).model.receptive_field == receptive_field


def test_small_data_get_more_weight_decay_and_less_width() -> None:
    small, large = (plan(Extent("list", n, 8), {}) for n in (3_000, 10**6))
    assert small.optim.weight_decay > large.optim.weight_decay
    assert small.model.n_hidden < large.model.n_hidden


def test_a_long_run_is_cut_to_minutes() -> None:
    ten, hundred = (Recipe(AUTO).config(Extent("list", n, 8)).train for n in (10**8, 10**9))
    assert ten.steps is not None
    assert hundred.steps is not None
    assert math.isclose(ten.steps, hundred.steps, rel_tol=0.1)
    assert ten.steps < 200_000


@pytest.mark.parametrize("base", [AUTO, *PRESETS])
@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "sgd"},
        {"optimizer": "lion", "learning_rate": 0.001},
        {"optimizer": "schedule_free_adamw"},
        {"schedule": "wsd", "cooldown": 0.5},
        {"layer": "gated"},
        {"layer": "plain"},
        {"schedule": "piecewise"},
        {"schedule": "linear"},
        {"residual": False},
        {"mode": "window", "dilations": (1, 2), "kernel_size": 2, "batch_size": 8},
        {"mode": "sequence", "seq_len": 32},
        {"n_hidden": 16, "dropout": 0.1, "steps": 100},
    ],
)
def test_any_option_stands_beside_any_preset(base: str, options: dict[str, Any]) -> None:
    config = Recipe(base, options).config(Extent("list", 100_000, 8))
    values = {**vars(config.model), **vars(config.optim), **vars(config.train)}
    assert {name: values[name] for name in options} == options


def test_a_window_is_planned_as_in_the_lecture() -> None:
    config = plan(Extent("list", 100_000, 8), {"mode": "window"})
    assert config == Config()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"optimizer": "adam", "weight_decay": 0.1}, "weight_decay is 0.1, but adam has none"),
        ({"steps": 10, "epochs": 1.0}, "steps is 10 and epochs is 1.0, expected one of them"),
        ({"n_hiden": 8}, "option 'n_hiden' is unknown; did you mean 'n_hidden'?"),
    ],
)
def test_options_against_each_other_are_refused(options: dict[str, Any], sentence: str) -> None:
    recipe = Recipe(AUTO, options)
    with pytest.raises(InputError) as caught:
        recipe.data_config()
    assert str(caught.value).startswith(sentence)
