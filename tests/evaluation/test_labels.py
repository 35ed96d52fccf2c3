"""Labels told from documents by Bayes, against sums written out."""

import math

import numpy as np
import pytest
from support.models import randomised

from wavenet_jax.config import ModelConfig
from wavenet_jax.data import LabelCounts, LabelVocab, Vocab, corpus_from_documents
from wavenet_jax.errors import InputError
from wavenet_jax.evaluation import (
    LabelScores,
    classification,
    nats_by_labels,
    score_labels,
    score_texts,
)
from wavenet_jax.nn import WaveNet

VOCAB = Vocab("\0ab")
KINDS = LabelVocab((("colour", ("blue", "red", "green")), ("size", ("large", "small"))))
# Nothing is green, and nothing red is large.
COUNTS = LabelCounts(np.array([[1, 4], [1, 5], [2, 5]], np.int32), np.array([6, 3, 1], np.int32))
MODEL = WaveNet(ModelConfig(n_embd=4, n_hidden=6, n_label=3), len(VOCAB), num_labels=5)
VARIABLES = randomised(MODEL, seed=3)
DOCUMENTS = ["ab", "b", "aaba"]


def likelihood(document: str, colour: int, size: int) -> float:
    labels = np.array([colour, size])
    (score,) = score_texts(MODEL, VARIABLES, VOCAB, [document], is_text=False, labels=labels)
    return math.exp(-score.total_nats)


def test_the_posterior_is_that_of_bayes() -> None:
    corpus = corpus_from_documents(DOCUMENTS, VOCAB)
    nats = list(nats_by_labels(MODEL, VARIABLES, corpus, COUNTS))
    colours, sizes = (score_labels(nats, KINDS, COUNTS, by) for by in ("colour", "size"))
    for number, document in enumerate(DOCUMENTS):
        blue_large, blue_small, red_small = (
            likelihood(document, *labels) for labels in COUNTS.ids.tolist()
        )
        blue, red = 0.6 * blue_large + 0.3 * blue_small, 0.1 * red_small
        expected = np.array([blue, red, 0]) / (blue + red)
        assert np.exp(colours.log_posterior[number]) == pytest.approx(expected, rel=1e-4)
        by_colour = np.exp(colours.log_likelihood[number])
        assert by_colour == pytest.approx([blue / 0.9, red_small, 0], rel=1e-4)
        small = (0.3 * blue_small + 0.1 * red_small) / 0.4
        assert np.exp(sizes.log_likelihood[number]) == pytest.approx([blue_large, small], rel=1e-4)
        assert np.exp(colours.log_evidence[number]) == pytest.approx(blue + red, rel=1e-4)
    np.testing.assert_allclose(colours.log_evidence, sizes.log_evidence)
    assert colours.labels == ("blue", "red", "green")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(
        InputError, match="'shape' names no labels of the documents, expected colour or size"
    ):
        score_labels([np.zeros(1)] * 3, KINDS, COUNTS, "shape")


def test_accuracy_by_document_and_by_label_and_the_log_loss() -> None:
    posterior = np.log([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.5, 0.4], [0.8, 0.1, 0.1]])
    scores = LabelScores(("a", "b", "c"), posterior, posterior, np.zeros(4))
    found = classification(scores, np.array([0, 1, 1, 0]))
    assert found.accuracy == 3 / 4
    assert found.macro_accuracy == pytest.approx((1 + 1 / 2) / 2)
    assert found.log_loss == pytest.approx(-np.mean(np.log([0.7, 0.3, 0.5, 0.8])))
    assert found.num_documents == 4


def test_no_documents_have_no_accuracy() -> None:
    nothing = np.zeros((0, 1))
    found = classification(LabelScores(("a",), nothing, nothing, nothing[:, 0]), np.zeros(0, int))
    assert math.isnan(found.accuracy)
    assert found.num_documents == 0


def test_combinations_are_counted_and_given() -> None:
    given = COUNTS.given(np.array([0, 5]))
    assert given.ids.tolist() == [[1, 5], [2, 5]]
    assert given.counts.tolist() == [3, 1]
    unheard = COUNTS.given(np.array([2, 4]))
    assert (unheard.ids.tolist(), unheard.counts.tolist()) == ([[2, 4]], [10])
    green = COUNTS.given(np.array([3, 0]))
    assert (green.ids.tolist(), green.counts.tolist()) == ([[3, 4], [3, 5]], [6, 4])


def test_a_combination_that_no_document_has_has_a_likelihood() -> None:
    corpus = corpus_from_documents(DOCUMENTS, VOCAB)
    large = COUNTS.given(np.array([0, 4])).with_all(0, np.array([1, 2]))
    assert (large.ids.tolist(), large.counts.tolist()) == ([[1, 4], [2, 4]], [6, 0])
    scores = score_labels(nats_by_labels(MODEL, VARIABLES, corpus, large), KINDS, large, "colour")
    red_large = [likelihood(document, 2, 4) for document in DOCUMENTS]
    assert np.exp(scores.log_likelihood[:, 1]) == pytest.approx(red_large, rel=1e-4)
    assert np.exp(scores.log_posterior[:, 1]).max() < 1e-50
