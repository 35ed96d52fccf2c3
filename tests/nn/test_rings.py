"""The rings of the decode step: what is read is what was written, and nothing is copied."""

import re
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.models import randomised

from wavenet_jax.config import ModelConfig
from wavenet_jax.nn import CACHE_AXES, DecodeCache, WaveNet, replicate_cache
from wavenet_jax.nn.rings import RingLayout


@pytest.mark.parametrize(
    "layout",
    [RingLayout(2, (1,)), RingLayout(2, (4, 1)), RingLayout(3, (2, 5)), RingLayout(4, (3, 3))],
)
def test_rings_hold_the_older_taps_of_every_layer_at_every_time(layout: RingLayout) -> None:
    rng = np.random.default_rng(1)
    layers, channels, length = len(layout.dilations), 3, 30
    nodes = rng.normal(size=(layers, length, channels)).astype(np.float32)
    boundary_states = rng.normal(size=(layers, channels)).astype(np.float32)
    age = np.append(np.arange(9), np.arange(21))  # two documents
    # What is in the rings before a document is never read.
    rings = jnp.full((layout.sizes.sum(), channels), jnp.nan)
    read, write = jax.jit(layout.read), jax.jit(layout.write)
    for time in range(length):
        taps = read(rings, boundary_states, jnp.array(time), jnp.array(age[time]))  # [L, K-1, C]
        for layer, dilation in enumerate(layout.dilations):
            backs = [j * dilation for j in range(layout.kernel_size - 1, 0, -1)]
            expected = [
                nodes[layer, time - back] if back <= age[time] else boundary_states[layer]
                for back in backs
            ]
            np.testing.assert_array_equal(taps[layer], expected)
        rings = write(rings, nodes[:, time], jnp.array(time))


def test_ring_of_a_layer_has_a_slot_for_each_position_that_its_oldest_tap_is_back() -> None:
    np.testing.assert_array_equal(RingLayout(3, (1, 4, 2)).sizes, [2, 8, 4])


@pytest.mark.parametrize(("layer", "sequences"), [("plain", 1), ("gated", 1), ("gated", 64)])
def test_decode_step_updates_its_cache_in_place(layer: Any, sequences: int) -> None:
    """Within the loop of many steps nothing as large as the cache is copied or rewritten."""
    model = WaveNet(ModelConfig(layer, n_embd=4, n_hidden=4, dilations=(1, 50, 500)), 7)
    variables = randomised(model, seed=0)
    step = partial(model.apply, variables, method="decode_step")
    cache = model.apply(variables, method="init_cache")
    assert cache.rings.shape == (551, 4)
    if sequences > 1:
        step = jax.vmap(step, (CACHE_AXES, 0), (CACHE_AXES, 0))
        cache = replicate_cache(cache, sequences)

    @jax.jit
    def many(cache: DecodeCache, tokens: jax.Array) -> Any:
        return jax.lax.scan(step, cache, tokens)

    tokens = jnp.zeros((100, sequences) if sequences > 1 else 100, jnp.int32)
    program = many.lower(cache, tokens).compile().as_text()
    assert program is not None
    shape = r"(?:64,551,4|551,64,4|551,4,64)" if sequences > 1 else "551,4"
    results = re.findall(rf"= f32\[{shape}\]\S* ([\w-]+)\(", program)
    assert "parameter" in results
    assert results.count("copy") <= 1  # of the argument, before the loop
    moves = {"parameter", "get-tuple-element", "copy", "scatter", "fusion", "bitcast"}
    assert set(results) <= moves
    assert 1 <= results.count("scatter") + results.count("fusion") <= 2  # one, perhaps wrapped
