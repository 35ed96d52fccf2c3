import jax.numpy as jnp
import numpy as np
import pytest

from wavenet_jax.taps import merge


@pytest.mark.parametrize("taps", [2, 3, 4])
def test_merge_lays_neighbours_side_by_side_oldest_first(taps: int) -> None:
    nodes = np.arange(taps * 2 * 5).reshape(taps * 2, 5)
    merged = merge(jnp.asarray(nodes), taps)
    first, second = nodes[:taps], nodes[taps:]
    np.testing.assert_array_equal(merged, [np.concatenate(first), np.concatenate(second)])
