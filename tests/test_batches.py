"""Windows as the lecture's loop builds them, and uniform draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax import vocab
from wavenet_jax.batches import crop, draw, windows
from wavenet_jax.corpus import Corpus, from_documents
from wavenet_jax.vocab import Vocab

jitted = jax.jit(windows, static_argnames="receptive_field")


def lectures_windows(
    documents: list[str], vocabulary: Vocab, receptive_field: int
) -> tuple[list[list[int]], list[int]]:
    inputs, targets = [], []
    for document in documents:
        context = [0] * receptive_field
        for character in document + ".":
            token = vocabulary.characters.index(character)
            inputs.append(context)
            targets.append(token)
            context = [*context[1:], token]
    return inputs, targets


def check(documents: list[str], vocabulary: Vocab, receptive_field: int) -> None:
    corpus = from_documents(documents, vocabulary)
    batch = jitted(corpus, np.arange(corpus.predictions), receptive_field=receptive_field)
    inputs, targets = lectures_windows(documents, vocabulary, receptive_field)
    np.testing.assert_array_equal(batch.inputs, inputs)
    np.testing.assert_array_equal(batch.targets, targets)


# Of one length in all, and so of one shape: dots separate the documents.
@pytest.mark.parametrize("receptive_field", [1, 3, 8, 64])
@given(text=st.text("abc.", min_size=30, max_size=30))
def test_windows_are_the_lectures(receptive_field: int, text: str) -> None:
    check(text.split("."), Vocab(".abc"), receptive_field)


def test_windows_of_a_large_vocabulary_are_the_lectures() -> None:
    documents = ["".join(chr(0x4E00 + index) for index in range(300))]
    check(documents, vocab.from_documents(documents), 3)


def test_windows_are_the_same_outside_jit(splits: tuple[Corpus, ...]) -> None:
    index = jnp.asarray([0, 7, 3, 3])
    inside, outside = jitted(splits[0], index, receptive_field=8), windows(splits[0], index, 8)
    np.testing.assert_array_equal(inside.inputs, outside.inputs)
    np.testing.assert_array_equal(inside.targets, outside.targets)


def test_no_document_leaks_into_the_next(names: list[str]) -> None:
    others = ["z" * len(name) for name in names[:20]] + names[20:]
    vocabulary = vocab.from_documents(names)
    after = np.arange(sum(len(name) + 1 for name in names[:20]), sum(map(len, names)) + len(names))
    batches = [
        jitted(from_documents(documents, vocabulary), after, receptive_field=16)
        for documents in (names, others)
    ]
    np.testing.assert_array_equal(batches[0].inputs, batches[1].inputs)


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    """A million draws of seven."""
    keys = jax.random.split(jax.random.key(0), 10)
    return np.stack([draw(key, predictions=7, batch_size=100_000) for key in keys])


def test_draw_depends_on_its_key_alone(drawn: np.ndarray) -> None:
    key = jax.random.split(jax.random.key(0), 10)[3]
    np.testing.assert_array_equal(draw(key, 7, 100_000), drawn[3])


def test_draws_of_different_keys_are_independent(drawn: np.ndarray) -> None:
    # Rows agree in one of seven; 0.006 is over five standard deviations of the share of equals.
    assert abs((drawn[0] == drawn[1]).mean() - 1 / 7) < 0.006


def test_draws_hit_every_prediction_equally_often(drawn: np.ndarray) -> None:
    values, counts = np.unique(drawn, return_counts=True)
    np.testing.assert_array_equal(values, range(7))
    expected = drawn.size / 7
    chi_square = np.square(counts - expected).sum() / expected
    assert jax.scipy.stats.chi2.sf(chi_square, df=6) > 1e-6  # the rate of false alarms


@pytest.mark.parametrize("start", [0, 3, 11, 16])
def test_crop_is_history_and_scored_positions_of_the_corpus_as_a_circle(start: int) -> None:
    corpus = from_documents(["abc", "de", "a", "bcdefa"], Vocab(".abcdef"))
    assert corpus.predictions == 16
    length, field = 5, 4
    row = jax.jit(crop, static_argnums=(2, 3))(corpus, jnp.array([start]), length, field)
    positions = [(start + offset) % 16 for offset in range(1 - field, length)]
    np.testing.assert_array_equal(row.tokens[0], [corpus.tokens[p] for p in positions])
    np.testing.assert_array_equal(row.age[0], [corpus.age[p] for p in positions])
    scored = positions[field - 1 :]
    np.testing.assert_array_equal(row.targets[0], [corpus.tokens[p + 1] for p in scored])
