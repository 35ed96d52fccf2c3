"""Runs on one text."""

from pathlib import Path

import pytest
from support.runs import changed

from wavenet_jax.config import Config, Recipe
from wavenet_jax.runs import Run, create_run, prepare_run


@pytest.fixture
def text(tiny: Config, text_file: Path) -> Config:
    return changed(tiny, data=str(text_file), kind="text", mode="sequence", seq_len=16)


@pytest.fixture
def text_run(tmp_path: Path, text: Config) -> Run:
    with prepare_run(tmp_path / "text", Recipe(text)) as run:
        create_run(run)
    return run
