"""What every test runs under, and the small run that several files share."""

import os
import tempfile

# Before JAX starts: no test reaches for a GPU, or reads or fills the user's caches.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import settings

from wavenet_jax import corpus, runs, vocab
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


def randomised(model: WaveNet, seed: int) -> Variables:
    """Return variables in which every number is random, the running variances positive."""
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(lambda: init(model, jax.random.key(0)))

    def fill(path: Any, leaf: jax.ShapeDtypeStruct) -> jax.Array:
        values = rng.normal(size=leaf.shape).astype(np.float32)
        is_variance = jax.tree_util.keystr(path).endswith("['var']")
        return jnp.asarray(np.exp(values) if is_variance else values)

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
