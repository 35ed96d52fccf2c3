"""`wavenet-jax verify`: what is whole, what is damaged, and what can be done."""

import re
import shutil
from pathlib import Path

import pytest
from support.commands import Prints, Says, call


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def test_a_copy_of_a_run_is_whole(copied: Path, prints: Prints) -> None:
    lines = prints("verify", copied).splitlines()
    assert lines[0].split() == ["config.json", "whole"]
    assert lines[-1].split()[:3] == ["checkpoint", "60", "whole"]
    assert all("whole" in line for line in lines)
    assert prints.err == f"{copied} is whole.\n"


def test_a_damaged_checkpoint_is_named_and_sampling_takes_another(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = copied / "checkpoints" / "60" / "_CHECKPOINT_METADATA"
    damaged.write_text("{")
    assert call(f"verify {copied}") == 1
    printed = capsys.readouterr()
    assert f"{damaged} is damaged\n" in printed.out
    found = re.search(r"resume goes on from step (\d+), ", printed.err)
    assert found is not None  # how often a run is saved depends on its speed
    assert call(f"sample {copied} -n 1 --checkpoint latest") == 0
    note = f"Note: {damaged} is damaged; step {found[1]} is taken instead.\n"
    assert note in capsys.readouterr().err


def test_a_changed_file_is_refused_until_it_is_accepted(
    copied: Path, says: Says, prints: Prints
) -> None:
    path = copied / "documents.txt"
    path.write_text(path.read_text().replace("emma", "ella", 1))
    assert says(f"sample {copied}").startswith(f"wavenet-jax: {path} is damaged, expected ")
    assert call(f"verify {copied}") == 1
    assert prints("verify", copied, "--accept").count("whole") > 5
    assert prints("sample", copied, "-n", "1")


def test_a_folder_that_is_no_run_is_refused(says: Says, tmp_path: Path) -> None:
    assert "holds no run" in says(f"verify {tmp_path}")
    assert "holds no run" in says(f"verify {tmp_path} --accept")
