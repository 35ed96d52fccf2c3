"""The law: any number of devices train the same run, within rounding, and draw the same samples."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import device_runs

Results = dict[str, np.ndarray]
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def on_eight(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return the results of a process of eight devices, which share the cores of this machine."""
    path = tmp_path_factory.mktemp("eight") / "results.npz"
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
    variables = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    variables["PYTHONPATH"] = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    command = [sys.executable, "-m", "support.device_runs", str(path)]
    subprocess.run(command, env=variables, check=True, timeout=300)
    with np.load(path) as results:
        return dict(results)


@pytest.fixture(scope="module")
def on_one() -> Results:
    return device_runs.results()


@pytest.mark.parametrize("name", device_runs.RUNS)
def test_eight_devices_train_the_run_of_one(name: str, on_eight: Results, on_one: Results) -> None:
    np.testing.assert_allclose(on_eight[f"{name}: loss"], on_one[f"{name}: loss"], rtol=1e-5)
    np.testing.assert_allclose(on_eight[name], on_one[name], rtol=0, atol=1e-5)
    assert len(np.unique(on_one[name])) > 100


def test_rows_do_not_depend_on_the_device_that_gathers_them(
    on_eight: Results, on_one: Results
) -> None:
    np.testing.assert_array_equal(on_eight["rows"], on_one["rows"])


def test_eight_devices_draw_the_samples_of_one(on_eight: Results, on_one: Results) -> None:
    assert on_eight["samples"].tolist() == on_one["samples"].tolist()
    np.testing.assert_allclose(on_eight["evaluation"], on_one["evaluation"], rtol=1e-6)
