"""Labels as numbers, and the sentences on those that are not known."""

import numpy as np
import pytest

from wavenet_jax.data import LabelVocab
from wavenet_jax.errors import InputError

VOCAB = LabelVocab((("digit", ("0", "1", "2")), ("speaker", ("ann", "bob"))))


def test_labels_of_all_kinds_are_counted_through() -> None:
    assert (VOCAB.names, VOCAB.num_labels) == (["digit", "speaker"], 5)
    assert [list(VOCAB.ids(kind)) for kind in VOCAB.names] == [[1, 2, 3], [4, 5]]
    assert [VOCAB.place(kind) for kind in VOCAB.names] == [0, 1]


@pytest.mark.parametrize("ids", [[1, 4], [3, 5], [0, 5], [2, 0], [0, 0]])
def test_ids_are_decoded_and_encoded_again(ids: list[int]) -> None:
    found = VOCAB.encode(VOCAB.decode(np.array(ids)))
    assert found.dtype == np.dtype(np.int32)
    assert found.tolist() == ids


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (
            {"speaker": "anne"},
            "label speaker is 'anne', expected one of ann, bob; did you mean 'ann",
        ),
        ({"digit": "x"}, "label digit is 'x', expected one of 0, 1, 2."),
        ({"spaeker": "ann"}, "'spaeker' names no labels .*, expected digit or speaker; did you"),
    ],
)
def test_unknown_labels_are_named(labels: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        VOCAB.encode(labels)


def test_documents_without_labels_are_named() -> None:
    with pytest.raises(
        InputError, match="but the documents of the run have no labels, expected none"
    ):
        LabelVocab().encode({"speaker": "ann"})
