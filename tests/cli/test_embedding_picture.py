"""The axes of the picture of the embedding."""

import numpy as np
import pytest

from wavenet_jax.cli.plots.embedding import principal_components


def test_principal_components_are_the_main_axes_of_the_covariance() -> None:
    rng = np.random.default_rng(0)
    embedding = rng.normal(size=(9, 4)) * [3, 1, 2, 0.1] + 5
    axes, shares = principal_components(embedding)
    variances = np.linalg.eigvalsh(np.cov(embedding.T, bias=True))[::-1]
    np.testing.assert_allclose(axes.var(axis=0), variances[:2])
    np.testing.assert_allclose(shares, variances[:2] / variances.sum())
    assert np.corrcoef(axes.T)[0, 1] == pytest.approx(0, abs=1e-9)
    again, _ = principal_components(-embedding)
    np.testing.assert_allclose(abs(again), abs(axes))
    assert np.all(axes.max(axis=0) == abs(axes).max(axis=0))


def test_one_channel_has_one_principal_component() -> None:
    axes, shares = principal_components(np.array([[1.0], [2.0], [6.0]]))
    np.testing.assert_allclose(axes, [[-2, 0], [-1, 0], [3, 0]], atol=1e-9)
    np.testing.assert_allclose(shares, [1, 0])
