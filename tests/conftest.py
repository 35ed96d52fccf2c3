"""What every test runs under, and the small runs that several files share."""

import os
import tempfile
from pathlib import Path

# Before JAX starts: no test reaches for a GPU unless told to (JAX_PLATFORMS=cuda, for the laws), or
# reads or fills the user's caches.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()
# Compiling takes most of the time, so that workers share their programs, and a later run has them.
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(Path(__file__).parents[1] / ".pytest_cache" / "jax")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

import jax
import pytest
from hypothesis import settings
from support.commands import Prints, Says, call, train_command, train_text_command
from support.corpora import NAMES, TEXT

from wavenet_jax.config import Config, DataConfig, ModelConfig, TrainConfig
from wavenet_jax.data import Corpus, Dataset, Splits, dataset_from_documents, vocab_from_documents
from wavenet_jax.runs import Run, create_run

jax.config.update("jax_numpy_rank_promotion", "raise")
settings.register_profile("house", deadline=None, max_examples=50, print_blob=True)
settings.load_profile("house")


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
    return dataset_from_documents(names, vocab_from_documents(names), DataConfig())


@pytest.fixture
def run(tmp_path: Path, tiny: Config, data: Dataset) -> Run:
    run = Run(tmp_path / "run", tiny, data)
    create_run(run)
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
def trained_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run trained on a text by the command."""
    folder = tmp_path_factory.mktemp("trained_text")
    (folder / "text.txt").write_text(TEXT, "utf-8")
    assert call(train_text_command(folder / "text.txt", folder / "run")) == 0
    return folder / "run"


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Says:
    return Says(capsys)


@pytest.fixture
def prints(capsys: pytest.CaptureFixture[str]) -> Prints:
    return Prints(capsys)
