import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wavenet_jax.taps import age, merge, pull, push, ring_slots, shift


@pytest.mark.parametrize("taps", [2, 3, 4])
def test_merge_lays_neighbours_side_by_side_oldest_first(taps: int) -> None:
    nodes = np.arange(taps * 2 * 5).reshape(taps * 2, 5)
    merged = merge(jnp.asarray(nodes), taps)
    first, second = nodes[:taps], nodes[taps:]
    np.testing.assert_array_equal(merged, [np.concatenate(first), np.concatenate(second)])


def shifted(
    nodes: np.ndarray, rest: np.ndarray, ages: np.ndarray, taps: int, dilation: int
) -> np.ndarray:
    """Shift nodes [B, T, C] in the layout of `shift`: time by time, behind the rest of each row."""
    rows, length, channels = nodes.shape
    behind = np.concatenate([np.broadcast_to(rest, (rows, 1, channels)), nodes], axis=1)
    flat = jnp.asarray(behind.swapaxes(0, 1).reshape(-1, channels))
    flat_ages = jnp.asarray(np.pad(ages, ((0, 0), (1, 0))).T.reshape(-1))
    laid = np.asarray(shift(flat, flat_ages, taps, dilation, rows))
    return laid.reshape(length + 1, rows, -1).swapaxes(0, 1)[:, 1:]


@pytest.mark.parametrize(("taps", "dilation"), [(2, 1), (2, 4), (3, 2), (4, 3), (2, 50)])
def test_shift_takes_the_rest_where_the_document_is_younger_than_the_tap(
    taps: int, dilation: int
) -> None:
    rng = np.random.default_rng(0)
    nodes, rest = rng.normal(size=(2, 12, 3)), rng.normal(size=(1, 3))
    ages = np.array([[0, 1, 2, 3, 0, 1, 2, 3, 4, 0, 1, 0], [*range(12)]])

    def tap(row: int, time: int, back: int) -> np.ndarray:
        return nodes[row, time - back] if back <= ages[row, time] else rest[0]

    backs = [j * dilation for j in range(taps - 1, -1, -1)]
    expected = [
        [np.concatenate([tap(row, time, back) for back in backs]) for time in range(12)]
        for row in range(2)
    ]
    np.testing.assert_allclose(shifted(nodes, rest, ages, taps, dilation), expected, rtol=1e-6)


def test_age_counts_from_the_last_boundary_or_from_the_start_of_the_row() -> None:
    tokens = jnp.asarray([[0, 5, 3, 0, 0, 2], [4, 0, 1, 1, 1, 0], [7, 8, 9, 9, 9, 9]], jnp.uint8)
    expected = [[0, 1, 2, 0, 0, 1], [0, 0, 1, 2, 3, 0], [0, 1, 2, 3, 4, 5]]
    np.testing.assert_array_equal(age(tokens), expected)


@pytest.mark.parametrize(("taps", "dilations"), [(2, (1,)), (2, (4, 1)), (3, (2, 5)), (4, (3, 3))])
def test_pull_and_push_give_what_shift_gives_one_node_at_a_time(
    taps: int, dilations: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(1)
    layers, channels = len(dilations), 3
    nodes = rng.normal(size=(layers, 30, channels)).astype(np.float32)
    rests = rng.normal(size=(layers, channels)).astype(np.float32)
    # What is in the rings before a document is never read.
    rings = jnp.full((ring_slots(taps, dilations).sum(), channels), jnp.nan)
    ages = np.append(np.arange(9), np.arange(21))
    pulls = jax.jit(pull, static_argnums=(4, 5))
    pushes = jax.jit(push, static_argnums=(3, 4))
    pulled = []
    for time in range(30):
        older = pulls(rings, rests, jnp.array(time), ages[time], taps, dilations)
        pulled.append(jnp.concatenate([older, nodes[:, None, time]], axis=1))  # [L, K, C]
        rings = pushes(rings, nodes[:, time], jnp.array(time), taps, dilations)
    for layer, dilation in enumerate(dilations):
        expected = shifted(nodes[layer][None], rests[layer][None], ages[None], taps, dilation)[0]
        np.testing.assert_array_equal(jnp.stack(pulled)[:, layer].reshape(30, -1), expected)
