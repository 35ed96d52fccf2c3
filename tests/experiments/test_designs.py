"""The designs of one network compute the same, and what is asked of them is asked rightly."""

from collections.abc import Iterator
from importlib.util import find_spec

import jax
import numpy as np
import pytest
from design_study import agreement, lines, mistakes, typed
from designs import JAX, Sizes, initial_weights, load_design

from wavenet_jax.config import DataConfig
from wavenet_jax.data import load_dataset

SIZES = Sizes(n_embd=4, n_hidden=6, batch_size=16)
THERE = [name for name in (*JAX, "torch") if name != "torch" or find_spec("torch")]
# Of Equinox the normalisation, and of the package the loss, is another sequence of operations.
EXACT = ("functions", "linen", "nnx")


@pytest.fixture(autouse=True)
def _as_users_have_it() -> Iterator[None]:
    """Let shapes broadcast, as they do by default: so people write."""
    with jax.numpy_rank_promotion("allow"):
        yield


@pytest.fixture(scope="module")
def batches() -> agreement.Batches:
    corpus = load_dataset(DataConfig()).splits.train
    return agreement.draw_batches(corpus, steps=4, batch_size=SIZES.batch_size)


def test_all_designs_take_the_same_steps(batches: agreement.Batches) -> None:
    for name, found in agreement.compare([*THERE, "package"], SIZES, batches).items():
        most = 0.0 if name in EXACT else 2e-6
        numbers = found._replace(logits=0.0) if name == "torch" else found  # its variances are n-1
        assert max(numbers) <= most, name


@pytest.mark.parametrize("name", THERE)
def test_a_design_gives_back_the_weights_that_it_took(name: str) -> None:
    weights = random_weights()
    design = load_design(name)
    found = design.to_weights(design.from_weights(weights))
    assert found.keys() == weights.keys()
    for each, value in weights.items():
        np.testing.assert_array_equal(found[each], value)


def random_weights() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(3)
    shapes = {name: value.shape for name, value in initial_weights(SIZES).items()}
    return {n: draw.uniform(0.5, 2, shape).astype(np.float32) for n, shape in shapes.items()}


def test_statements_are_neither_comments_nor_docstrings_nor_imports() -> None:
    source = [
        *('"""Text."""', "import os", "", "# a comment", "x = (", "    1,  # BN", ")", ""),
        *("def f():", '    """Text."""', "    f()", ""),
    ]
    assert lines.statements("\n".join(source)) == [range(5, 8), range(9, 10), range(11, 12)]


def test_a_mistake_is_judged_by_what_becomes_of_it() -> None:
    def raises() -> str:
        raise ValueError("Bad shape. More words")

    assert mistakes.outcome(raises) == ("raises", "ValueError: Bad shape")
    assert mistakes.outcome(lambda: "two") == ("silent", "two")
    assert mistakes.outcome(lambda: mistakes.Right("one")) == ("right", "one")


@pytest.mark.parametrize("title", typed.SEEDED)
def test_seeded_mistakes_stand_in_the_designs(title: str) -> None:
    for name, edit in typed.SEEDED[title].items():
        source = (typed.FOLDER / f"{name}.py").read_text("utf-8")
        assert typed.edited(source, edit) != source
