"""The exact loss against brute force, and its standard error against hand and bootstrap."""

import math
from functools import partial

import jax
import numpy as np
import pytest
from conftest import NAMES, randomised
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax import distinct, vocab
from wavenet_jax import evaluate as module
from wavenet_jax.config import ModelConfig
from wavenet_jax.corpus import Corpus, Splits, from_documents
from wavenet_jax.evaluate import blocks, by_document, evaluate_splits, nll_nats, score, summarise
from wavenet_jax.model import WaveNet

VOCABULARY = vocab.from_documents(NAMES)
MODEL = WaveNet(ModelConfig(n_embd=3, n_hidden=5, dilations=(1, 2)), len(VOCABULARY))
VARIABLES = randomised(MODEL, seed=0)
logits_of = jax.jit(partial(MODEL.apply, method="window"))


def brute_force(documents: list[str]) -> list[np.ndarray]:
    """Score one window at a time: the nats of every character of every document."""
    scores = []
    for document in documents:
        context, nats = [0] * 4, []
        for target in VOCABULARY.encode(document + "."):
            window = np.array([context], np.int32)
            logits = np.asarray(logits_of(VARIABLES, window)[0, 0], np.float64)
            nats.append(np.log(np.exp(logits).sum()) - logits[target])
            context = [*context[1:], target]
        scores.append(np.array(nats))
    return scores


def nll_of(corpus: Corpus, block: int, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.setattr(distinct, "positions_at_once", lambda *_: block)
    return np.concatenate(list(nll_nats(MODEL, VARIABLES, blocks(MODEL, corpus))))


# Of the 46 predictions: many blocks, whole blocks, a last one in part, one in all, one too large.
@pytest.mark.parametrize("block", [1, 23, 20, 46, 100])
def test_nll_is_that_of_one_window_at_a_time_in_blocks_of_any_size(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = from_documents(NAMES[:7], VOCABULARY)
    assert corpus.predictions == 46
    nll = nll_of(corpus, block, monkeypatch)
    np.testing.assert_allclose(nll, np.concatenate(brute_force(NAMES[:7])), rtol=1e-4)


@pytest.mark.parametrize("block", [1, 7, 100])
def test_nll_of_a_stream_does_not_end_it(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(NAMES[:7])
    stream = Corpus(from_documents([text], VOCABULARY).tokens[:-1])
    assert stream.is_stream
    nll = nll_of(stream, block, monkeypatch)
    np.testing.assert_allclose(nll, brute_force([text])[0][:-1], rtol=1e-4)


def test_nll_of_a_document_does_not_depend_on_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [name for name in NAMES if len(name) == 4]
    together = nll_of(from_documents(documents, VOCABULARY), 16, monkeypatch)
    alone = [nll_of(from_documents([d], VOCABULARY), 16, monkeypatch) for d in documents]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-5)


def test_blocks_keep_within_their_memory() -> None:
    many = from_documents(["ab" * 50_000] * 9, VOCABULARY)
    wide = WaveNet(ModelConfig(n_hidden=300, dilations=(1, 2)), len(VOCABULARY))
    lengths = [len(block.targets) for block in blocks(wide, many)]
    assert sum(lengths) == many.predictions
    assert max(lengths) * (2 * 300 + len(VOCABULARY)) * 4 <= 2**28
    assert len(lengths) > 1


def test_no_predictions_have_no_loss() -> None:
    nothing = Corpus(np.zeros(1, np.uint8))
    assert list(nll_nats(MODEL, VARIABLES, blocks(MODEL, nothing))) == []
    assert summarise(*by_document([], nothing)).predictions == 0


def test_scores_are_those_of_one_window_at_a_time() -> None:
    texts = ["emma", "", "zoe"]
    scores = score(MODEL, VARIABLES, VOCABULARY, texts, stream=False)
    for found, expected in zip(scores, brute_force(texts), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4)
    streams = score(MODEL, VARIABLES, VOCABULARY, ["emma", "zoe"], stream=True)
    for found, expected in zip(streams, brute_force(["emma", "zoe"]), strict=True):
        np.testing.assert_allclose(found, expected[:-1], rtol=1e-4)


def test_by_document_cuts_a_stream_into_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNIT", 4)
    stream = Corpus(np.array([0, *[1] * 10], np.uint8))
    nats, predictions = by_document([np.arange(10, dtype=np.float32)], stream)
    np.testing.assert_array_equal(nats, [0 + 1 + 2 + 3, 4 + 5 + 6 + 7, 8 + 9])
    np.testing.assert_array_equal(predictions, [4, 4, 2])


def test_by_document_sums_and_counts_each_documents_predictions() -> None:
    corpus = from_documents(["emma", "a", "mia"], VOCABULARY)
    nats, predictions = by_document([np.arange(11, dtype=np.float32)], corpus)
    np.testing.assert_array_equal(nats, [0 + 1 + 2 + 3 + 4, 5 + 6, 7 + 8 + 9 + 10])
    np.testing.assert_array_equal(predictions, [5, 2, 4])


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.lists(st.integers(1, 30)))
def test_by_document_does_not_care_how_the_predictions_are_cut(
    lengths: list[int], cuts: list[int]
) -> None:
    corpus = from_documents(["a" * (length - 1) for length in lengths], VOCABULARY)
    nll = np.arange(corpus.predictions, dtype=np.float32) + 1
    whole, predictions = by_document([nll], corpus)
    np.testing.assert_array_equal(whole, [part.sum() for part in np.split(nll, corpus.starts[1:])])
    np.testing.assert_array_equal(predictions, lengths)
    pieces = [piece for piece in np.split(nll, np.unique(cuts).astype(int)) if len(piece)]
    np.testing.assert_array_equal(by_document(pieces, corpus)[0], whole)


def test_by_document_sums_in_double_precision() -> None:
    corpus = from_documents(["ava"], VOCABULARY)
    nats, _ = by_document([np.array([2**24, 1, 1, 1], np.float32)], corpus)
    assert nats == [2**24 + 3]


def test_summary_by_hand() -> None:
    loss = summarise(np.array([1.0, 8.0]), np.array([1, 2]))
    assert (loss.nll_nats, loss.predictions, loss.documents) == (9.0, 3, 2)
    assert loss.nats_per_character == 3.0  # the mean of the documents' means is 2.5
    assert loss.bits_per_character == pytest.approx(3.0 / math.log(2))
    # 1 and 8 nats are 2 less and 2 more than 3 per prediction: √(2/1 · (2² + 2²)) / 3.
    assert loss.standard_error == pytest.approx(4 / 3)


def test_standard_error_is_that_of_a_bootstrap_over_documents() -> None:
    rng = np.random.default_rng(0)
    predictions = rng.integers(3, 15, 500)
    nats = predictions * rng.gamma(5.0, 0.4, 500) + 3.0
    drawn = rng.integers(0, 500, (5_000, 500))
    means = nats[drawn].sum(1) / predictions[drawn].sum(1)
    # The deviation of 5,000 means is itself known to 1 %.
    assert summarise(nats, predictions).standard_error == pytest.approx(means.std(), rel=0.05)


@pytest.mark.parametrize("documents", [0, 1])
def test_standard_error_of_fewer_than_two_documents_is_nan(documents: int) -> None:
    loss = summarise(np.full(documents, 6.0), np.full(documents, 3))
    assert loss.documents == documents
    assert math.isnan(loss.standard_error)


def test_mean_of_no_documents_is_nan() -> None:
    assert math.isnan(summarise(np.zeros(0), np.zeros(0, int)).nats_per_character)


def test_evaluation_scores_every_split_and_its_documents_that_are_not_in_train() -> None:
    documents = Splits(
        train=["emma", "ann", "mia", "ann"],
        val=["anna", "emma", "zoe", "zoe"],  # "anna" begins with a document of train
        test=["mia", "an", "ann"],
    )
    unseen = Splits(train=[], val=["anna", "zoe", "zoe"], test=["an"])
    corpora = Splits(*(from_documents(part, VOCABULARY) for part in documents))
    evaluations = evaluate_splits(MODEL, VARIABLES, corpora)
    for part, new, found in zip(documents, unseen, evaluations, strict=True):
        assert found.unseen is not None
        for chosen, loss in ((part, found.all), (new, found.unseen)):
            scores = brute_force(chosen)
            nats, predictions = [s.sum() for s in scores], [len(s) for s in scores]
            expected = summarise(np.array(nats), np.array(predictions, int))
            np.testing.assert_allclose(loss, expected, rtol=1e-4)
