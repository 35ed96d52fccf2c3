"""The codec, beside the paper's formula and by all its levels."""

import math

import numpy as np
import pytest

from wavenet_jax.data.sound import NUM_LEVELS, SILENCE, decode_levels, encode_levels

LEVELS = np.arange(NUM_LEVELS)


def level_by_the_paper(sample: float) -> int:
    """Quantise f(x), from -1 to 1, to the nearest of 256 values 2q/255 - 1."""
    sample = max(-1.0, min(1.0, sample))
    companded = math.copysign(math.log(1 + 255 * abs(sample)) / math.log(256), sample)
    return min(range(256), key=lambda level: (abs(2 * level / 255 - 1 - companded), -level))


def test_levels_are_those_of_the_paper() -> None:
    samples = [0.0, *np.random.default_rng(0).uniform(-1.2, 1.2, 500), *np.geomspace(1e-6, 1, 50)]
    assert encode_levels(np.array(samples)).tolist() == list(map(level_by_the_paper, samples))


def test_every_level_is_the_level_of_its_sample() -> None:
    assert encode_levels(decode_levels(LEVELS)).tolist() == LEVELS.tolist()


def test_levels_rise_with_the_samples_from_end_to_end() -> None:
    samples = decode_levels(LEVELS)
    assert (np.diff(samples) > 0).all()
    assert [samples[0], samples[-1]] == pytest.approx([-1, 1])


def test_silence_is_the_level_128() -> None:
    assert encode_levels(np.zeros(3, np.float32)).tolist() == [SILENCE] * 3 == [128] * 3


@pytest.mark.parametrize(("sample", "level"), [(-1.5, 0), (1.5, 255), (-np.inf, 0), (np.inf, 255)])
def test_what_is_too_loud_is_clipped(sample: float, level: int) -> None:
    assert encode_levels(np.array([sample])).tolist() == [level]
