"""The presets: their sizes, their form in JSON, and the nearest to a misspelt name."""

import json
from functools import partial

import jax
import pytest

from wavenet_jax.config import PRESETS, Config, config_from_dict, config_to_dict, preset
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
    message = f"^preset is 'xyz', expected auto, {', '.join(PRESETS)}; choose one of these.$"
    with pytest.raises(InputError, match=message) as caught:
        preset("xyz")
    assert caught.value.field == "preset"
