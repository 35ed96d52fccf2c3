"""The exact loss against brute force, and its standard error against hand and bootstrap."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.brute_force import MODEL, VARIABLES, VOCAB, brute_force
from support.corpora import NAMES

from wavenet_jax.config import ModelConfig
from wavenet_jax.data import Corpus, Splits, corpus_from_documents
from wavenet_jax.evaluation import Evaluation, Loss, corpus_loss, evaluate_splits, index_corpus
from wavenet_jax.evaluation.losses import STRETCH, batches_nll, sum_by_document, total_loss
from wavenet_jax.nn import WaveNet


def nll_of(corpus: Corpus, batch_size: int) -> np.ndarray:
    batches = index_corpus(MODEL, corpus, batch_size)
    return np.concatenate(list(batches_nll(MODEL, VARIABLES, batches)))


# Of the 46 predictions: many batches, whole batches, a last part, all, more than there are.
@pytest.mark.parametrize("batch_size", [1, 23, 20, 46, 100])
def test_nll_is_that_of_one_window_at_a_time_in_batches_of_any_size(batch_size: int) -> None:
    corpus = corpus_from_documents(NAMES[:7], VOCAB)
    assert corpus.num_predictions == 46
    nll = nll_of(corpus, batch_size)
    np.testing.assert_allclose(nll, np.concatenate(brute_force(NAMES[:7])), rtol=1e-4)


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_nll_of_a_text_does_not_end_it(batch_size: int) -> None:
    joined = "".join(NAMES[:7])
    text = Corpus(corpus_from_documents([joined], VOCAB).tokens[:-1])
    assert text.is_text
    np.testing.assert_allclose(nll_of(text, batch_size), brute_force([joined])[0][:-1], rtol=1e-4)


def test_nll_of_a_document_does_not_depend_on_the_others() -> None:
    documents = [name for name in NAMES if len(name) == 4]
    together = nll_of(corpus_from_documents(documents, VOCAB), 16)
    alone = [nll_of(corpus_from_documents([each], VOCAB), 16) for each in documents]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-5)


def test_batches_keep_within_their_memory() -> None:
    many = corpus_from_documents(["ab" * 50_000] * 9, VOCAB)
    wide = WaveNet(ModelConfig(n_hidden=300, dilations=(1, 2)), len(VOCAB))
    lengths = [len(batch.targets) for batch in index_corpus(wide, many)]
    assert sum(lengths) == many.num_predictions
    assert max(lengths) * (2 * 300 + len(VOCAB)) * 4 <= 2**28
    assert len(lengths) > 1


def test_no_predictions_have_no_loss() -> None:
    empty = Corpus(np.zeros(1, np.uint8))
    loss = corpus_loss(MODEL, VARIABLES, empty, index_corpus(MODEL, empty))
    assert (loss.nll_nats, loss.num_predictions, loss.num_documents) == (0, 0, 0)


def test_text_is_summed_by_stretches() -> None:
    text = Corpus(np.array([0, *[1] * 10], np.uint8))
    nats, predictions = sum_by_document([np.arange(10, dtype=np.float32)], text, stretch=4)
    np.testing.assert_array_equal(nats, [0 + 1 + 2 + 3, 4 + 5 + 6 + 7, 8 + 9])
    np.testing.assert_array_equal(predictions, [4, 4, 2])


def test_loss_of_a_text_counts_its_stretches_as_documents() -> None:
    text = Corpus(np.array([0, *[1] * (2 * STRETCH + 1)], np.uint8))
    loss = corpus_loss(MODEL, VARIABLES, text, index_corpus(MODEL, text))
    assert (loss.num_predictions, loss.num_documents) == (2 * STRETCH + 1, 3)


def test_each_documents_predictions_are_summed_and_counted() -> None:
    corpus = corpus_from_documents(["emma", "a", "mia"], VOCAB)
    nats, predictions = sum_by_document([np.arange(11, dtype=np.float32)], corpus)
    np.testing.assert_array_equal(nats, [0 + 1 + 2 + 3 + 4, 5 + 6, 7 + 8 + 9 + 10])
    np.testing.assert_array_equal(predictions, [5, 2, 4])


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.lists(st.integers(1, 30)))
def test_sums_do_not_depend_on_how_the_predictions_are_cut(
    lengths: list[int], cuts: list[int]
) -> None:
    corpus = corpus_from_documents(["a" * (length - 1) for length in lengths], VOCAB)
    nll = np.arange(corpus.num_predictions, dtype=np.float32) + 1
    whole, predictions = sum_by_document([nll], corpus)
    np.testing.assert_array_equal(whole, [part.sum() for part in np.split(nll, corpus.starts[1:])])
    np.testing.assert_array_equal(predictions, lengths)
    pieces = [piece for piece in np.split(nll, np.unique(cuts).astype(int)) if len(piece)]
    np.testing.assert_array_equal(sum_by_document(pieces, corpus)[0], whole)


def test_sums_are_in_double_precision() -> None:
    corpus = corpus_from_documents(["ava"], VOCAB)
    nats, _ = sum_by_document([np.array([2**24, 1, 1, 1], np.float32)], corpus)
    assert nats == [2**24 + 3]


def test_total_by_hand() -> None:
    loss = total_loss(np.array([1.0, 8.0]), np.array([1, 2]))
    assert (loss.nll_nats, loss.num_predictions, loss.num_documents) == (9.0, 3, 2)
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
    assert total_loss(nats, predictions).standard_error == pytest.approx(means.std(), rel=0.05)


@pytest.mark.parametrize("documents", [0, 1])
def test_standard_error_of_fewer_than_two_documents_is_nan(documents: int) -> None:
    loss = total_loss(np.full(documents, 6.0), np.full(documents, 3))
    assert loss.num_documents == documents
    assert math.isnan(loss.standard_error)


def test_mean_of_no_documents_is_nan() -> None:
    assert math.isnan(total_loss(np.zeros(0), np.zeros(0, int)).nats_per_character)


def expected_loss(documents: list[str]) -> Loss:
    scores = brute_force(documents)
    nats, predictions = [score.sum() for score in scores], [len(score) for score in scores]
    return total_loss(np.array(nats), np.array(predictions, int))


def test_evaluation_scores_every_split_and_its_documents_that_are_not_in_train() -> None:
    documents = Splits(
        train=["emma", "ann", "mia", "ann"],
        val=["anna", "emma", "zoe", "zoe"],  # "anna" begins with a document of train
        test=["mia", "an", "ann"],
    )
    unseen = Splits(train=[], val=["anna", "zoe", "zoe"], test=["an"])
    splits = Splits(*(corpus_from_documents(part, VOCAB) for part in documents))
    evaluations = evaluate_splits(MODEL, VARIABLES, splits)
    for part, new, evaluation in zip(documents, unseen, evaluations, strict=True):
        assert evaluation.unseen is not None
        np.testing.assert_allclose(evaluation.all[:4], expected_loss(part)[:4], rtol=1e-4)
        np.testing.assert_allclose(evaluation.unseen[:4], expected_loss(new)[:4], rtol=1e-4)


def test_evaluation_of_a_text_has_no_unseen_documents() -> None:
    parts = Splits(*(corpus_from_documents([name], VOCAB).tokens[:-1] for name in NAMES[:3]))
    splits = Splits(*map(Corpus, parts))
    for evaluation, name in zip(evaluate_splits(MODEL, VARIABLES, splits), NAMES, strict=False):
        assert evaluation.unseen is None
        assert evaluation.all.nll_nats == pytest.approx(brute_force([name])[0][:-1].sum(), rel=1e-4)


def test_a_split_without_documents_has_no_loss() -> None:
    corpora = (corpus_from_documents(documents, VOCAB) for documents in (NAMES[:5], [], []))
    losses = evaluate_splits(MODEL, VARIABLES, Splits(*corpora))
    assert losses.train.all.num_documents == 5
    for evaluation in (losses.val, losses.test):
        assert evaluation.all.num_predictions == 0
        assert math.isnan(evaluation.all.nats_per_character)


def test_losses_say_what_a_prediction_is_of() -> None:
    evaluation = Evaluation(Loss(6.0, 4, 2, 0.5), Loss(3.0, 4, 2, 0.25))
    said = "1.5000 ± 0.5000 nats per character, "
    assert repr(evaluation) == f"Evaluation({said}unseen 0.7500 ± 0.2500)"
    assert repr(evaluation.all) == f"Loss({said}4 predictions)"
    of_sound = evaluation.per("sample")
    assert repr(of_sound) == "Evaluation(1.5000 ± 0.5000 nats per sample, unseen 0.7500 ± 0.2500)"
    assert repr(of_sound.unseen) == "Loss(0.7500 ± 0.2500 nats per sample, 4 predictions)"
    assert repr(Evaluation(evaluation.all, None).per("sample").all).count("sample") == 1
