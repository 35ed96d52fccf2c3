"""What is said before the first step of the devices that share it."""

from dataclasses import replace

import jax
import pytest

from wavenet_jax.cli.commands.announce import announce
from wavenet_jax.data import LabelVocab
from wavenet_jax.runs import Run


def test_labels_are_said(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    announce(run, done=0)
    assert "Labels" not in capsys.readouterr().err
    labels = LabelVocab((("digit", ("0", "1")), ("a\x1b", tuple(map(chr, range(65, 91))))))
    announce(run._replace(data=run.data._replace(labels=labels)), done=0)
    assert "\nLabels: digit (2), 'a\\x1b' (26)\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("devices", "accumulate", "expected"),
    [
        (1, 1, None),
        (4, 1, "On 4 devices, with 2 rows of a step each"),
        (3, 1, "On 2 of 3 devices, since a step has 8 rows: a --batch-size of 9, or another"),
        (3, 2, "On 2 of 3 devices, since a step has 4 rows: a --batch-size of 12, or another"),
    ],
)
def test_devices_that_share_a_step_are_said(
    devices: int,
    accumulate: int,
    expected: str | None,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(jax, "device_count", lambda: devices)
    parted = replace(run.config.train, accumulate=accumulate)  # of 8 rows
    announce(run._replace(config=replace(run.config, train=parted)), done=0)
    said = capsys.readouterr().err
    assert expected in said if expected else "\nOn " not in said


@pytest.mark.parametrize("max_val", [17, 1_000_000])
def test_share_of_val_that_validation_scores_is_said(
    max_val: int, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    limited = replace(run.config.train, max_val=max_val)
    announce(run._replace(config=replace(run.config, train=limited)), done=0)
    said = ", validated on the first 17 characters of val"
    assert (said in capsys.readouterr().err) == (max_val == 17)
