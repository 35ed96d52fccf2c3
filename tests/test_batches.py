"""Crops of the corpus as a circle, windows as the lecture's loop builds them, uniform draws."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax import vocab
from wavenet_jax.batches import Batch, crop, draw, require_room, windows
from wavenet_jax.config import TrainConfig
from wavenet_jax.corpus import Corpus, from_documents
from wavenet_jax.errors import InputError
from wavenet_jax.vocab import Vocab

jitted = jax.jit(windows, static_argnames="receptive_field")
jitted_crop = jax.jit(crop, static_argnames=("length", "receptive_field"))


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
    np.testing.assert_array_equal(batch.targets[:, 0], targets)
    assert batch.inputs.dtype == batch.targets.dtype == vocabulary.dtype


# Of one length in all, and so of one shape: dots separate the documents.
@pytest.mark.parametrize("receptive_field", [1, 3, 8, 64])
@given(text=st.text("abc.", min_size=30, max_size=30))
def test_windows_are_the_lectures(receptive_field: int, text: str) -> None:
    check(text.split("."), Vocab(".abc"), receptive_field)


def test_windows_of_a_large_vocabulary_are_the_lectures() -> None:
    documents = ["".join(chr(0x4E00 + index) for index in range(300))]
    check(documents, vocab.from_documents(documents), 3)


def test_windows_of_a_stream_are_its_last_characters_after_endless_boundaries() -> None:
    corpus = Corpus(np.array([0, 1, 2, 3, 4, 5], np.uint8))
    batch = jitted(corpus, jnp.arange(5), receptive_field=4)
    np.testing.assert_array_equal(
        batch.inputs, [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 4]]
    )
    np.testing.assert_array_equal(batch.targets, [[1], [2], [3], [4], [5]])


def test_windows_are_the_same_outside_jit(splits: tuple[Corpus, ...]) -> None:
    index = jnp.asarray([0, 7, 3, 3])
    inside, outside = jitted(splits[0], index, receptive_field=8), windows(splits[0], index, 8)
    jax.tree.map(np.testing.assert_array_equal, inside, outside)


def test_no_document_leaks_into_the_next(names: list[str]) -> None:
    others = ["z" * len(name) for name in names[:20]] + names[20:]
    vocabulary = vocab.from_documents(names)
    after = np.arange(sum(len(name) + 1 for name in names[:20]), sum(map(len, names)) + len(names))
    batches = [
        jitted(from_documents(documents, vocabulary), after, receptive_field=16)
        for documents in (names, others)
    ]
    np.testing.assert_array_equal(batches[0].inputs, batches[1].inputs)


@pytest.mark.parametrize(("length", "field"), [(1, 1), (1, 4), (5, 4), (29, 2), (3, 70)])
@given(text=st.text("abc.", min_size=28, max_size=28))
def test_crops_are_the_history_and_the_scored_positions_of_documents_laid_in_a_circle(
    length: int, field: int, text: str
) -> None:
    vocabulary = Vocab(".abc")
    circle = [vocabulary.characters.index(c) for c in "." + text]  # each document's start and all
    corpus = from_documents(text.split("."), vocabulary)
    starts = np.arange(corpus.predictions)
    batch = jitted_crop(corpus, starts, length=length, receptive_field=field)
    for start, inputs, targets in zip(starts, batch.inputs, batch.targets, strict=True):
        positions = [start + offset for offset in range(1 - field, length)]
        np.testing.assert_array_equal(inputs, [circle[p % 29] for p in positions])
        scored = positions[field - 1 :]
        np.testing.assert_array_equal(targets, [circle[(p + 1) % 29] for p in scored])


def test_crops_from_every_start_score_every_prediction_equally_often() -> None:
    letters = "abcdefg"
    corpus = from_documents([letters], Vocab("." + letters))  # each target tells its prediction
    batch = crop(corpus, jnp.arange(8), length=5, receptive_field=4)
    np.testing.assert_array_equal(np.bincount(np.asarray(batch.targets).ravel()), [5] * 8)


# Seven predictions of seven targets.
SEVEN = jax.device_put(from_documents(["abcdef"], Vocab(".abcdef")))
SETTINGS = {
    "window": TrainConfig(batch_size=100_000),
    "sequence": TrainConfig(run="sequence", batch_size=100_000, length=2),
}


def draw_of(run: str, key: jax.Array) -> Batch:
    return draw(key, SEVEN, SETTINGS[run], receptive_field=2)


@pytest.fixture(scope="module", params=["window", "sequence"])
def drawn(request: pytest.FixtureRequest) -> tuple[str, np.ndarray]:
    """The run, and the first targets of a million rows."""
    keys = jax.random.split(jax.random.key(0), 10)
    targets = jax.vmap(partial(draw_of, request.param))(keys).targets
    return request.param, np.asarray(targets[:, :, 0])


def test_draw_depends_on_its_key_alone(drawn: tuple[str, np.ndarray]) -> None:
    run, targets = drawn
    key = jax.random.split(jax.random.key(0), 10)[3]
    np.testing.assert_array_equal(draw_of(run, key).targets[:, 0], targets[3])


def test_draws_of_different_keys_are_independent(drawn: tuple[str, np.ndarray]) -> None:
    _, targets = drawn
    # Rows agree in one of seven; 0.006 is over five standard deviations of the share of equals.
    assert abs((targets[0] == targets[1]).mean() - 1 / 7) < 0.006


def test_draws_hit_every_prediction_equally_often(drawn: tuple[str, np.ndarray]) -> None:
    _, targets = drawn
    values, counts = np.unique(targets, return_counts=True)
    np.testing.assert_array_equal(values, range(7))
    expected = targets.size / 7
    chi_square = np.square(counts - expected).sum() / expected
    assert jax.scipy.stats.chi2.sf(chi_square, df=6) > 1e-6  # the rate of false alarms


@pytest.mark.parametrize(
    ("settings", "shapes"),
    [
        (TrainConfig(batch_size=3), ((3, 4), (3, 1))),
        (TrainConfig(run="sequence", batch_size=3, length=5), ((3, 8), (3, 5))),
    ],
)
def test_draw_gives_the_rows_that_the_run_asks_for(
    settings: TrainConfig, shapes: tuple[tuple[int, ...], ...]
) -> None:
    corpus = from_documents(["ab", "cde", "f"], Vocab(".abcdef"))
    batch = draw(jax.random.key(1), corpus, settings, receptive_field=4)
    assert (batch.inputs.shape, batch.targets.shape) == shapes
    start = jax.random.randint(jax.random.key(1), (3,), 0, corpus.predictions)
    cut = windows(corpus, start, 4) if settings.run == "window" else crop(corpus, start, 5, 4)
    jax.tree.map(np.testing.assert_array_equal, batch, cut)


def sequences(length: int) -> TrainConfig:
    return TrainConfig(run="sequence", length=length)


def test_row_as_long_as_the_corpus_has_room_and_one_position_more_has_not() -> None:
    corpus = Corpus(np.arange(101, dtype=np.uint8))
    require_room(corpus, sequences(93), receptive_field=8)
    said = "length is 94, expected at most 93: the training data have 100 positions, of which"
    with pytest.raises(InputError, match=said):
        require_room(corpus, sequences(94), receptive_field=8)


def test_receptive_field_longer_than_the_corpus_is_refused() -> None:
    corpus = Corpus(np.arange(101, dtype=np.uint8))
    said = "the receptive field is 100 positions, expected fewer than the 100 of the training data"
    with pytest.raises(InputError, match=said):
        require_room(corpus, sequences(2), receptive_field=100)


@given(st.integers(2, 20), st.integers(1, 20), st.integers(2, 20))
def test_rows_have_room_where_history_and_length_fit(
    predictions: int, field: int, length: int
) -> None:
    corpus = Corpus(np.arange(predictions + 1, dtype=np.uint8))
    if field - 1 + length <= predictions:
        require_room(corpus, sequences(length), field)
    else:
        with pytest.raises(InputError):
            require_room(corpus, sequences(length), field)


@given(st.integers(2, 20), st.integers(1, 20))
def test_length_that_is_offered_has_room(predictions: int, field: int) -> None:
    corpus = Corpus(np.arange(predictions + 1, dtype=np.uint8))
    with pytest.raises(InputError) as caught:
        require_room(corpus, sequences(predictions + 1), field)
    for offered in re.findall(r"expected at most (\d+):", str(caught.value)):
        require_room(corpus, sequences(int(offered)), field)


def test_window_has_room_in_any_corpus() -> None:
    require_room(from_documents(["a"], Vocab(".a")), TrainConfig(), receptive_field=1_000)
