"""What every test runs under, the small runs that several files share, commands as typed."""

import os
import tempfile

# Before JAX starts: no test reaches for a GPU, or reads or fills the user's caches.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()

import dataclasses
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import settings

from wavenet_jax import checkpoint, corpus, runs, vocab
from wavenet_jax.cli import main
from wavenet_jax.config import Config, DataConfig, ModelConfig, TrainConfig
from wavenet_jax.corpus import Corpus, Dataset, Splits
from wavenet_jax.model import Variables, WaveNet, init
from wavenet_jax.runs import Run
from wavenet_jax.train import TrainState

jax.config.update("jax_numpy_rank_promotion", "raise")
settings.register_profile("house", deadline=None, max_examples=50, print_blob=True)
settings.load_profile("house")

NAMES = [
    *"emma olivia ava isabella sophia charlotte mia amelia harper evelyn abigail emily".split(),
    *"elizabeth mila ella avery sofia camila aria scarlett victoria madison luna grace".split(),
    *"chloe penelope layla riley zoey nora lily eleanor hannah lillian addison aubrey".split(),
    *"ellie stella natalie zoe leah hazel violet aurora savannah audrey brooklyn".split(),
    *"bella claire skylar".split(),
]

# The learning rate is such that validation at step 30, which is not on schedule, would be the best.
SMALL = (
    "--n-embd 4 --n-hidden 8 --steps 60 --batch-size 8 --report-every 10 --eval-every 20 "
    "--learning-rate 3 --seed 3"
)
SMALL_STREAM = (
    "--stream --run sequence --length 32 --n-embd 4 --n-hidden 8 --steps 60 --batch-size 2 "
    "--report-every 10 --eval-every 20 --learning-rate 0.5 --seed 3"
)
WORDS = "to be or not that is the question whether tis nobler in the mind to suffer été 漢".split()
TEXT = " ".join(random.Random(0).choices(WORDS, k=700)) + "\n"


@pytest.fixture
def names() -> list[str]:
    return list(NAMES)


@pytest.fixture
def tiny() -> Config:
    """A run of a second: the lecture's tree, narrow and short."""
    return Config(
        data=DataConfig(),
        model=ModelConfig(n_embd=4, n_hidden=8),
        train=TrainConfig(steps=60, batch_size=8, report_every=10, eval_every=20),
    )


@pytest.fixture
def data(names: list[str]) -> Dataset:
    return corpus.prepare(names, vocab.from_documents(names), DataConfig())


@pytest.fixture
def run(tmp_path: Path, tiny: Config, data: Dataset) -> Run:
    run = Run(tmp_path / "run", tiny, data)
    runs.create(run)
    return run


@pytest.fixture
def splits(data: Dataset) -> Splits[Corpus]:
    return data.splits


@pytest.fixture
def names_file(tmp_path: Path, names: list[str]) -> Path:
    path = tmp_path / "list.txt"
    path.write_text("\n".join(names) + "\n")
    return path


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, "utf-8")
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run trained on a list by the command."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "list.txt").write_text("\n".join(NAMES))
    assert call(train_command(folder / "list.txt", folder / "run")) == 0
    return folder / "run"


@pytest.fixture(scope="session")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run trained on a text by the command."""
    folder = tmp_path_factory.mktemp("streamed")
    (folder / "text.txt").write_text(TEXT, "utf-8")
    assert call(stream_command(folder / "text.txt", folder / "run")) == 0
    return folder / "run"


Says = Callable[[str | list[str]], str]


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Says:
    """Give what a bad command says, after checking that it is one sentence and the exit is 2."""

    def run(command: str | list[str]) -> str:
        capsys.readouterr()
        assert call(command) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "Traceback" not in printed.err
        last = printed.err.strip().splitlines()[-1]
        assert last.startswith("wavenet-jax: ")
        assert last.endswith((".", "?"))
        assert not re.search(r"[.?!] +[A-Z]", last)
        return last

    return run


def randomised(model: WaveNet, seed: int) -> Variables:
    """Return variables in which every number is random, the running variances positive.

    Products keep the size of what they multiply, as initial ones do: else a deep stack magnifies
    the rounding of its first layers.
    """
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(lambda: init(model, jax.random.key(0)))

    def fill(path: Any, leaf: jax.ShapeDtypeStruct) -> jax.Array:
        values = rng.normal(size=leaf.shape).astype(np.float32)
        name = path[-1].key
        if name == "kernel":
            values /= np.sqrt(leaf.shape[0], dtype=np.float32)
        return jnp.asarray(np.exp(values) if name == "var" else values)

    return jax.tree_util.tree_map_with_path(fill, shapes)


def assert_same(a: TrainState, b: TrainState) -> None:
    """Compare two states to the bit."""
    a, b = (state._replace(key=jax.random.key_data(state.key)) for state in (a, b))
    jax.tree.map(np.testing.assert_array_equal, a, b)


def changed(config: Config, **values: Any) -> Config:
    """Return the configuration with fields of any section replaced."""
    sections = {
        section.name: dataclasses.replace(
            getattr(config, section.name),
            **{
                name: value
                for name, value in values.items()
                if name in {field.name for field in dataclasses.fields(section.type)}  # type: ignore[arg-type]
            },
        )
        for section in dataclasses.fields(config)
    }
    return Config(**sections)


def call(command: str | list[str]) -> int:
    """Run a command as typed, its words parted by blanks or listed; return its exit code."""
    try:
        return main(command.split() if isinstance(command, str) else command)
    except SystemExit as leave:  # how the argument parser leaves
        return int(leave.code or 0)


def train_command(names_file: Path, run: Path, more: str = "") -> str:
    return f"train --data {names_file} --run-dir {run} {SMALL} {more}"


def stream_command(text_file: Path, run: Path, more: str = "") -> str:
    return f"train --data {text_file} --run-dir {run} {SMALL_STREAM} {more}"


def final_state(run: Path) -> TrainState:
    with checkpoint.checkpoints(runs.load(run)) as states:
        return states.restore_state()


def losses(run: Path) -> list[dict[str, Any]]:
    """Return what the metrics say but for the speed."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "steps_per_second"} for line in lines]


def modified(run: Path) -> dict[Path, int]:
    """Return when each file of the run was last changed."""
    return {path: path.stat().st_mtime_ns for path in run.rglob("*")}


def assert_same_run(a: Path, b: Path) -> None:
    """Compare the last state, the best one, which states are kept, and the losses on the way."""
    assert_same(final_state(a), final_state(b))
    kept = [sorted(path.name for path in (run / "checkpoints").iterdir()) for run in (a, b)]
    assert kept[0] == kept[1]
    best = []
    for run in (a, b):
        with checkpoint.checkpoints(runs.load(run)) as states:
            best.append(states.restore_variables("best"))
    jax.tree.map(np.testing.assert_array_equal, *best)
    assert losses(a) == losses(b)
    assert (a / "samples.txt").read_text() == (b / "samples.txt").read_text()


class Prints:
    """Gives what a good command prints on standard output."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.err = ""  # what the last one said on standard error

    def __call__(self, *words: str | Path) -> str:
        self._capsys.readouterr()
        assert call(list(map(str, words))) == 0
        out, self.err = self._capsys.readouterr()
        return out


@pytest.fixture
def prints(capsys: pytest.CaptureFixture[str]) -> Prints:
    return Prints(capsys)
