"""Crops of the corpus as a circle, windows as the lecture's loop builds them, uniform draws."""

import re
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.config import TrainConfig
from wavenet_jax.data import Corpus, Vocab, corpus_from_documents, vocab_from_documents
from wavenet_jax.errors import InputError
from wavenet_jax.training import Batch, crop, draw_batch, require_row_fits, windows

jitted = jax.jit(windows, static_argnames="receptive_field")
jitted_crop = jax.jit(crop, static_argnames=("seq_len", "receptive_field"))


def lectures_windows(
    documents: list[str], vocab: Vocab, receptive_field: int
) -> tuple[list[list[int]], list[int]]:
    inputs, targets = [], []
    for document in documents:
        context = [0] * receptive_field
        for character in document + vocab.boundary:
            token = vocab.characters.index(character)
            inputs.append(context)
            targets.append(token)
            context = [*context[1:], token]
    return inputs, targets


def check(documents: list[str], vocab: Vocab, receptive_field: int) -> None:
    corpus = corpus_from_documents(documents, vocab)
    batch = jitted(corpus, np.arange(corpus.num_predictions), receptive_field=receptive_field)
    inputs, targets = lectures_windows(documents, vocab, receptive_field)
    np.testing.assert_array_equal(batch.inputs, inputs)
    np.testing.assert_array_equal(batch.targets[:, 0], targets)
    assert batch.inputs.dtype == batch.targets.dtype == vocab.dtype


# Of one length in all, and so of one shape: dots separate the documents.
@pytest.mark.parametrize("receptive_field", [1, 3, 8, 64])
@given(text=st.text("abc.", min_size=30, max_size=30))
def test_windows_are_the_lectures(receptive_field: int, text: str) -> None:
    check(text.split("."), Vocab(".abc"), receptive_field)


def test_windows_of_a_large_vocabulary_are_the_lectures() -> None:
    documents = ["".join(chr(0x4E00 + index) for index in range(300))]
    check(documents, vocab_from_documents(documents), 3)


def test_windows_of_a_text_are_its_last_characters_after_endless_boundaries() -> None:
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
    vocab = vocab_from_documents(names)
    after = np.arange(sum(len(name) + 1 for name in names[:20]), sum(map(len, names)) + len(names))
    batches = [
        jitted(corpus_from_documents(documents, vocab), after, receptive_field=16)
        for documents in (names, others)
    ]
    np.testing.assert_array_equal(batches[0].inputs, batches[1].inputs)


@pytest.mark.parametrize(("length", "field"), [(1, 1), (1, 4), (5, 4), (29, 2), (3, 70)])
@given(text=st.text("abc.", min_size=28, max_size=28))
def test_crops_are_the_history_and_the_scored_positions_of_documents_laid_in_a_circle(
    length: int, field: int, text: str
) -> None:
    vocab = Vocab(".abc")
    circle = [vocab.characters.index(c) for c in "." + text]  # each document's start and all
    corpus = corpus_from_documents(text.split("."), vocab)
    starts = np.arange(corpus.num_predictions)
    batch = jitted_crop(corpus, starts, seq_len=length, receptive_field=field)
    rows = zip(starts.tolist(), np.asarray(batch.inputs), np.asarray(batch.targets), strict=True)
    for start, inputs, targets in rows:
        positions = [start + offset for offset in range(1 - field, length)]
        np.testing.assert_array_equal(inputs, [circle[p % 29] for p in positions])
        scored = positions[field - 1 :]
        np.testing.assert_array_equal(targets, [circle[(p + 1) % 29] for p in scored])


def test_crops_from_every_start_score_every_prediction_equally_often() -> None:
    letters = "abcdefg"
    corpus = corpus_from_documents(
        [letters], Vocab("." + letters)
    )  # each target tells its prediction
    batch = crop(corpus, jnp.arange(8), seq_len=5, receptive_field=4)
    np.testing.assert_array_equal(np.bincount(np.asarray(batch.targets).ravel()), [5] * 8)


# Seven predictions of seven targets.
SEVEN = jax.device_put(corpus_from_documents(["abcdef"], Vocab(".abcdef")))
SETTINGS = {
    "window": TrainConfig(batch_size=100_000),
    "sequence": TrainConfig(mode="sequence", batch_size=100_000, seq_len=2),
}


def draw_in(mode: str, key: jax.Array) -> Batch:
    return draw_batch(key, SEVEN, SETTINGS[mode], receptive_field=2)


@pytest.fixture(scope="module", params=["window", "sequence"])
def drawn(request: pytest.FixtureRequest) -> tuple[str, np.ndarray]:
    """Return the mode, and the first targets of a million rows."""
    keys = jax.random.split(jax.random.key(0), 10)
    targets = jax.vmap(partial(draw_in, request.param))(keys).targets
    return request.param, np.asarray(targets[:, :, 0])


def test_draw_depends_on_its_key_alone(drawn: tuple[str, np.ndarray]) -> None:
    mode, targets = drawn
    key = jax.random.split(jax.random.key(0), 10)[3]
    np.testing.assert_array_equal(draw_in(mode, key).targets[:, 0], targets[3])


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
        (TrainConfig(mode="sequence", batch_size=3, seq_len=5), ((3, 8), (3, 5))),
    ],
)
def test_batch_has_the_rows_of_its_mode(
    settings: TrainConfig, shapes: tuple[tuple[int, ...], ...]
) -> None:
    corpus = corpus_from_documents(["ab", "cde", "f"], Vocab(".abcdef"))
    batch = draw_batch(jax.random.key(1), corpus, settings, receptive_field=4)
    assert (batch.inputs.shape, batch.targets.shape) == shapes
    start = jax.random.randint(jax.random.key(1), (3,), 0, corpus.num_predictions)
    cut = windows(corpus, start, 4) if settings.mode == "window" else crop(corpus, start, 5, 4)
    jax.tree.map(np.testing.assert_array_equal, batch, cut)


def sequences(seq_len: int) -> TrainConfig:
    return TrainConfig(mode="sequence", seq_len=seq_len)


def test_row_as_long_as_the_corpus_fits_and_one_position_more_does_not() -> None:
    corpus = Corpus(np.arange(101, dtype=np.uint8))
    require_row_fits(corpus, sequences(93), receptive_field=8)
    said = "seq_len is 94, expected at most 93: the training data have 100 positions, of which"
    with pytest.raises(InputError, match=said):
        require_row_fits(corpus, sequences(94), receptive_field=8)


def test_receptive_field_longer_than_the_corpus_is_refused() -> None:
    corpus = Corpus(np.arange(101, dtype=np.uint8))
    said = "the receptive field is 100 positions, expected fewer than the 100 of the training data"
    with pytest.raises(InputError, match=said):
        require_row_fits(corpus, sequences(2), receptive_field=100)


@given(st.integers(2, 20), st.integers(1, 20), st.integers(2, 20))
def test_rows_fit_where_their_history_and_their_scored_positions_do(
    predictions: int, field: int, length: int
) -> None:
    corpus = Corpus(np.arange(predictions + 1, dtype=np.uint8))
    if field - 1 + length <= predictions:
        require_row_fits(corpus, sequences(length), field)
    else:
        with pytest.raises(InputError):
            require_row_fits(corpus, sequences(length), field)


@given(st.integers(2, 20), st.integers(1, 20))
def test_length_that_the_error_offers_fits(predictions: int, field: int) -> None:
    corpus = Corpus(np.arange(predictions + 1, dtype=np.uint8))
    with pytest.raises(InputError) as caught:
        require_row_fits(corpus, sequences(predictions + 1), field)
    for offered in re.findall(r"expected at most (\d+):", str(caught.value)):
        require_row_fits(corpus, sequences(int(offered)), field)


def test_window_fits_any_corpus() -> None:
    require_row_fits(
        corpus_from_documents(["a"], Vocab(".a")), TrainConfig(), receptive_field=1_000
    )


@pytest.mark.parametrize("settings", [TrainConfig(), sequences(2)])
def test_corpus_whose_positions_32_bits_do_not_count_is_refused(settings: TrainConfig) -> None:
    tokens = np.broadcast_to(np.uint8(1), 2**31)
    require_row_fits(Corpus(tokens[:-4]), settings, receptive_field=4)
    with pytest.raises(InputError, match=r"have 2,147,483,644 characters, .* expected fewer than"):
        require_row_fits(Corpus(tokens[:-3]), settings, receptive_field=4)


DOCUMENTS = ["abc", "a", "bb", "cab", "b"]
LABELLED = corpus_from_documents(DOCUMENTS, Vocab(".abc")).with_labels(
    1 + np.arange(2 * len(DOCUMENTS)).reshape(-1, 2)
)


def labels_of(position: int) -> list[int]:
    """Return the labels of the document that a position of the circle is in."""
    assert LABELLED.labels is not None
    number = np.flatnonzero(LABELLED.starts <= position % LABELLED.num_predictions)[-1]
    return LABELLED.labels.ids[number].tolist()


def test_each_position_of_a_crop_has_the_labels_of_its_document() -> None:
    start = np.arange(LABELLED.num_predictions)
    batch = jitted_crop(LABELLED, start, seq_len=4, receptive_field=3)
    expected = [[labels_of(first + offset) for offset in range(-2, 4)] for first in start.tolist()]
    np.testing.assert_array_equal(batch.labels, expected)


def test_positions_of_a_window_before_its_document_have_no_labels() -> None:
    start = np.arange(LABELLED.num_predictions)
    inputs, _, labels = jitted(LABELLED, start, receptive_field=4)
    rows = zip(start.tolist(), np.asarray(inputs), np.asarray(labels), strict=True)
    for first, tokens, of_window in rows:
        boundaries = np.flatnonzero(tokens == 0)
        began = boundaries[-1] if len(boundaries) else 0
        assert not of_window[:began].any()
        np.testing.assert_array_equal(of_window[began:], [labels_of(first)] * (4 - began))


def test_a_share_of_documents_is_drawn_without_its_labels() -> None:
    settings = TrainConfig("sequence", batch_size=4_000, seq_len=8, label_dropout=0.25)
    batch = draw_batch(jax.random.key(0), LABELLED, settings, 3)
    whole = draw_batch(jax.random.key(0), LABELLED, replace(settings, label_dropout=0.0), 3)
    inputs, labels, all_labels = map(np.asarray, (batch.inputs, batch.labels, whole.labels))
    np.testing.assert_array_equal(inputs, whole.inputs)
    assert set(np.unique((labels == all_labels).sum(axis=2))) == {0, 2}  # all of them or none
    is_kept = (labels == all_labels).all(axis=2)
    assert is_kept.mean() == pytest.approx(0.75, abs=0.02)
    same_document = inputs[:, 1:] != 0
    np.testing.assert_array_equal(is_kept[:, 1:][same_document], is_kept[:, :-1][same_document])


def test_minibatches_are_the_same_with_labels_and_without() -> None:
    settings = TrainConfig("sequence", batch_size=3, seq_len=8)
    bare = draw_batch(jax.random.key(1), LABELLED.with_labels(None), settings, 3)
    assert bare.labels is None
    labelled = draw_batch(jax.random.key(1), LABELLED, settings, 3)
    np.testing.assert_array_equal(bare.inputs, labelled.inputs)
