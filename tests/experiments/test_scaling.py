"""What devices tell each other is counted as XLA compiles it, and as it is on paper."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from scaling_study import machine, pod, worker
from scaling_study.presets import CONFIGS

from wavenet_jax.config import Config, replace_fields
from wavenet_jax.data import Dataset

SCRIPT = Path(__file__).parents[2] / "experiments" / "scaling.py"
PROGRAM = """
  %all-reduce.1 = f32[128]{0} all-reduce(%add), channel_id=1, replica_groups={{0,1}}
  ROOT %all-reduce = (f32[27,24]{1,0}, /*index=5*/bf16[8]{0}, f32[]) all-reduce(%a, %b, %c)
  %get-tuple-element.7 = f32[8]{0} get-tuple-element(%all-reduce), index=1
"""


def test_an_accelerator_is_measured_for_a_moment(
    names_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = f"--gpu --quick --names {names_file} --text {names_file}"
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *options.split()])
    with pytest.raises(SystemExit) as leaves:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert leaves.value.code == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    trained = [row[0] for row in rows if row[1:2] == ["float32"]]
    assert trained == ["makemore-fast", "shakespeare"]
    assert ["4", "8"] in [row[:2] for row in rows]  # slots, names
    assert float(rows[-1][1].replace(",", "")) > 0  # characters per second


def test_messages_and_their_bytes_are_read_in_a_program() -> None:
    assert worker.count_messages(PROGRAM) == (2, 4 * 128 + 4 * 27 * 24 + 2 * 8 + 4)


@pytest.mark.parametrize(
    ("name", "vocab_size", "messages", "size"),
    [  # that XLA compiles for two devices
        ("makemore", 27, 13, 312_464),
        ("makemore-fast", 27, 21, 287_472),
        ("shakespeare", 66, 49, 2_108_428),
    ],
)
def test_messages_on_paper_are_those_that_are_compiled(
    name: str, vocab_size: int, messages: int, size: int
) -> None:
    assert pod.traffic(CONFIGS[name], vocab_size) == (messages, size)


def test_a_tenth_of_a_step_is_communication_at_the_positions_on_paper() -> None:
    link = pod.Link(bandwidth=1e9, latency=0.5)
    time = pod.seconds(pod.Traffic(messages=4, bytes=3 * 10**9), link, devices=4)
    assert time == pytest.approx(1.5 * 3 + 4 * 0.5)
    computing = 6 * 1_000 * pod.positions(1_000, time) / (pod.SHARE * pod.PEAK)
    assert time / (time + computing) == pytest.approx(0.1)


def test_one_device_is_timed_and_sends_nothing(data: Dataset, tiny: Config) -> None:
    step = worker.measure(replace_fields(tiny, steps=2), data, 2)
    assert step.milliseconds > 0
    assert (step.messages, step.bytes) == (0, 0)


def test_table_compares_with_one_device() -> None:
    alone, two = worker.Step(2.0, 0, 0), worker.Step(8.0, 13, 1_500)
    rounds = [dict.fromkeys(CONFIGS, two._replace(milliseconds=time)) for time in (7.0, 8.0, 90.0)]
    found = {"one device": dict.fromkeys(CONFIGS, alone), "two": machine.medians(rounds)}
    row = machine.table(found).splitlines()[3]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["makemore", "two", "125.0", "0.25", "8.000", "+6.000", "13", "1.5"]


def test_a_worker_that_fails_ends_the_experiment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = subprocess.Popen
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda _, **options: started([sys.executable, "-c", "raise SystemExit(3)"], **options),
    )
    with pytest.raises(SystemExit) as leaves:
        machine.measure("names", "text", rounds=1)
    assert leaves.value.code == 3
