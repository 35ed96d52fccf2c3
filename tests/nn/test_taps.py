"""The taps of windows and sequences, and the age of a position, against their definitions."""

import jax.numpy as jnp
import numpy as np
import pytest

from wavenet_jax.nn.taps import age_of, merge_taps, shift_taps


@pytest.mark.parametrize("kernel_size", [2, 3, 4])
def test_merge_concatenates_neighbours_oldest_first(kernel_size: int) -> None:
    nodes = np.arange(kernel_size * 2 * 5).reshape(kernel_size * 2, 5)
    merged = merge_taps(jnp.asarray(nodes), kernel_size)
    first, second = nodes[:kernel_size], nodes[kernel_size:]
    np.testing.assert_array_equal(merged, [np.concatenate(first), np.concatenate(second)])


def shifted(
    nodes: np.ndarray, boundary_state: np.ndarray, age: np.ndarray, kernel_size: int, dilation: int
) -> np.ndarray:
    """Shift nodes `[B, T, C]`, laid time by time after the boundary state of each row."""
    rows, length, channels = nodes.shape
    first = np.broadcast_to(boundary_state, (rows, 1, channels))
    flat = np.concatenate([first, nodes], axis=1).swapaxes(0, 1).reshape(-1, channels)
    flat_age = np.pad(age, ((0, 0), (1, 0))).T.reshape(-1)
    laid, ages = jnp.asarray(flat), jnp.asarray(flat_age)
    taps = shift_taps(laid, laid[:1], ages, kernel_size, dilation, rows)
    return np.asarray(taps).reshape(length + 1, rows, -1).swapaxes(0, 1)[:, 1:]


@pytest.mark.parametrize(("kernel_size", "dilation"), [(2, 1), (2, 4), (3, 2), (4, 3), (2, 50)])
def test_shift_takes_the_boundary_state_where_the_document_is_younger_than_the_tap(
    kernel_size: int, dilation: int
) -> None:
    rng = np.random.default_rng(0)
    nodes, boundary_state = rng.normal(size=(2, 12, 3)), rng.normal(size=(1, 3))
    age = np.array([[0, 1, 2, 3, 0, 1, 2, 3, 4, 0, 1, 0], [*range(12)]])

    def tap(row: int, time: int, back: int) -> np.ndarray:
        return nodes[row, time - back] if back <= age[row, time] else boundary_state[0]

    backs = [j * dilation for j in range(kernel_size - 1, -1, -1)]
    expected = [
        [np.concatenate([tap(row, time, back) for back in backs]) for time in range(12)]
        for row in range(2)
    ]
    taps = shifted(nodes, boundary_state, age, kernel_size, dilation)
    np.testing.assert_allclose(taps, expected, rtol=1e-6)


@pytest.mark.parametrize("boundary_id", [0, 5])
def test_age_counts_from_the_last_boundary_or_from_the_start_of_the_row(boundary_id: int) -> None:
    tokens = np.array([[0, 1, 3, 0, 0, 2], [4, 0, 1, 1, 1, 0], [7, 8, 9, 9, 9, 9]], np.uint8)
    tokens[tokens == 0] = boundary_id
    expected = [[0, 1, 2, 0, 0, 1], [0, 0, 1, 2, 3, 0], [0, 1, 2, 3, 4, 5]]
    np.testing.assert_array_equal(age_of(jnp.asarray(tokens), boundary_id), expected)
