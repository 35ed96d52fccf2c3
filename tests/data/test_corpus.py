"""The corpus: documents laid end to end, and its head."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.data import Corpus, Vocab, corpus_from_documents, vocab_from_documents
from wavenet_jax.errors import InputError

DOCUMENTS = st.lists(st.text("abcé漢", min_size=1), min_size=1)


@given(DOCUMENTS)
def test_tokens_are_those_of_a_loop(documents: list[str]) -> None:
    vocab = vocab_from_documents(documents)
    tokens, starts = [0], []
    for document in documents:
        starts.append(len(tokens) - 1)
        tokens += [vocab.characters.index(character) for character in document + "\0"]
    corpus = corpus_from_documents(documents, vocab)
    np.testing.assert_array_equal(corpus.tokens, tokens)
    np.testing.assert_array_equal(corpus.starts, starts)
    assert corpus.num_predictions == sum(len(document) + 1 for document in documents)
    assert not corpus.is_text


def test_corpus_of_no_documents_has_no_predictions() -> None:
    corpus = corpus_from_documents([], Vocab("\0a"))
    assert (corpus.tokens.tolist(), corpus.starts.tolist(), corpus.num_predictions) == ([0], [], 0)


def test_character_unknown_to_the_vocabulary_is_refused() -> None:
    with pytest.raises(InputError, match="contains 'x', unknown to this vocabulary"):
        corpus_from_documents(["ab", "ax"], Vocab("\0ab"))


@given(DOCUMENTS, st.integers(1, 60))
def test_head_of_a_list_is_the_documents_that_fit_whole(documents: list[str], count: int) -> None:
    corpus = corpus_from_documents(documents, vocab_from_documents(documents))
    head = corpus.head(count)
    np.testing.assert_array_equal(head.tokens, corpus.tokens[: len(head.tokens)])
    lengths = [len(document) + 1 for document in documents]
    fitting = [n for n in range(len(lengths) + 1) if sum(lengths[:n]) <= count]
    is_cut = fitting[-1] == 0  # the first document is longer
    assert head.num_predictions == (count if is_cut else sum(lengths[: fitting[-1]]))
    assert head.is_text == is_cut


def test_head_keeps_the_labels_of_its_documents() -> None:
    corpus = corpus_from_documents(["ab", "b"], Vocab("\0ab")).with_labels(np.array([[1], [2]]))
    for count, ids in ((1, [[1]]), (3, [[1]]), (4, [[1]]), (5, [[1], [2]])):
        labels = corpus.head(count).labels
        assert labels is not None
        assert labels.ids.tolist() == ids
        assert len(labels.starts) == len(ids)


@pytest.mark.parametrize(("count", "length"), [(1, 1), (3, 3), (5, 5), (6, 5)])
def test_head_of_a_text_has_the_predictions_that_are_wanted(count: int, length: int) -> None:
    corpus = Corpus(np.array([0, 1, 2, 1, 2, 3], np.uint8))
    head = corpus.head(count)
    assert head.num_predictions == length
    np.testing.assert_array_equal(head.tokens, corpus.tokens[: length + 1])
    assert corpus.is_text
    assert head.is_text


@pytest.mark.parametrize(("size", "dtype"), [(2, "uint8"), (256, "uint8"), (257, "uint16")])
def test_tokens_have_the_smallest_type_that_holds_them(size: int, dtype: str) -> None:
    document = "".join(chr(0x4E00 + index) for index in range(1, size))
    corpus = corpus_from_documents([document], Vocab("\0" + document))
    np.testing.assert_array_equal(corpus.tokens, [*range(size), 0])
    assert corpus.tokens.dtype == dtype
