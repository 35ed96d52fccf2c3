import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wavenet_jax.taps import merge, push, shift


@pytest.mark.parametrize("taps", [2, 3, 4])
def test_merge_lays_neighbours_side_by_side_oldest_first(taps: int) -> None:
    nodes = np.arange(taps * 2 * 5).reshape(taps * 2, 5)
    merged = merge(jnp.asarray(nodes), taps)
    first, second = nodes[:taps], nodes[taps:]
    np.testing.assert_array_equal(merged, [np.concatenate(first), np.concatenate(second)])


@pytest.mark.parametrize(("taps", "dilation"), [(2, 1), (2, 4), (3, 2), (4, 3)])
def test_shift_takes_the_rest_where_the_document_is_younger_than_the_tap(
    taps: int, dilation: int
) -> None:
    rng = np.random.default_rng(0)
    nodes, rest = rng.normal(size=(2, 12, 3)), rng.normal(size=(1, 3))
    age = np.array([[5, 6, 7, 8, 0, 1, 2, 3, 4, 0, 1, 0], [*range(12)]])

    def tap(row: int, time: int, back: int) -> np.ndarray:
        return nodes[row, time - back] if back <= min(age[row, time], time) else rest[0]

    backs = [j * dilation for j in range(taps - 1, -1, -1)]
    expected = [
        [np.concatenate([tap(row, time, back) for back in backs]) for time in range(12)]
        for row in range(2)
    ]
    shifted = shift(jnp.asarray(nodes), jnp.asarray(rest), jnp.asarray(age), taps, dilation)
    np.testing.assert_allclose(shifted, expected, rtol=1e-6)


@pytest.mark.parametrize(("taps", "dilation"), [(2, 1), (2, 4), (3, 2), (4, 3)])
def test_push_gives_what_shift_gives_one_node_at_a_time(taps: int, dilation: int) -> None:
    rng = np.random.default_rng(1)
    nodes = jnp.asarray(rng.normal(size=(1, 30, 3)))
    rest = jnp.asarray(rng.normal(size=(1, 3)))
    ring = jnp.tile(rest, ((taps - 1) * dilation, 1))
    step = jax.jit(push, static_argnums=(3, 4))
    pushed = []
    for time in range(30):
        laid, ring = step(ring, nodes[:, time], jnp.array(time), taps, dilation)
        pushed.append(laid[0])
    age = jnp.arange(30)[None]
    np.testing.assert_array_equal(jnp.stack(pushed), shift(nodes, rest, age, taps, dilation)[0])
