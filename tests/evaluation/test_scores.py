"""The scores of texts against brute force."""

import math
import re

import numpy as np
import pytest
from support.brute_force import MODEL, VARIABLES, VOCAB, brute_force

from wavenet_jax.errors import InputError
from wavenet_jax.evaluation import score_texts

TEXTS = ["emma", "", "zoe", "emma"]


def test_scores_of_documents_are_those_of_one_window_at_a_time_their_end_included() -> None:
    scores = score_texts(MODEL, VARIABLES, VOCAB, TEXTS, is_text=False)
    assert [score.text for score in scores] == TEXTS
    assert [score.characters for score in scores] == ["emma\0", "\0", "zoe\0", "emma\0"]
    for score, expected in zip(scores, brute_force(TEXTS), strict=True):
        np.testing.assert_allclose(score.nll_nats, expected, rtol=1e-4)
        assert score.total_nats == pytest.approx(expected.sum(), rel=1e-4)
        assert score.bits_per_character == pytest.approx(expected.mean() / math.log(2), rel=1e-4)


def test_scores_of_beginnings_of_a_text_have_no_end() -> None:
    scores = score_texts(MODEL, VARIABLES, VOCAB, ["emma", "zoe"], is_text=True)
    assert [score.characters for score in scores] == ["emma", "zoe"]
    for score, expected in zip(scores, brute_force(["emma", "zoe"]), strict=True):
        np.testing.assert_allclose(score.nll_nats, expected[:-1], rtol=1e-4)


def test_ranks_begin_with_the_likeliest_and_equal_texts_share_theirs() -> None:
    scores = score_texts(MODEL, VARIABLES, VOCAB, TEXTS, is_text=False)
    totals = [nats.sum() for nats in brute_force(TEXTS)]
    assert [score.rank for score in scores] == [
        1 + sum(other < total - 1e-6 for other in totals) for total in totals
    ]
    assert scores[0].rank == scores[3].rank


@pytest.mark.parametrize("is_text", [False, True])
@pytest.mark.parametrize("text", ["b9", "b.", "b\0"])
def test_unknown_character_or_boundary_inside_a_text_is_refused(text: str, is_text: bool) -> None:
    with pytest.raises(InputError, match=re.escape(f"{text!r} contains {text[1]!r}, unknown")):
        score_texts(MODEL, VARIABLES, VOCAB, ["emma", text], is_text=is_text)


@pytest.mark.parametrize(
    ("texts", "message"), [([], "no text is given"), (["a", ""], "text is '', expected at least")]
)
def test_texts_without_a_score_are_refused(texts: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        score_texts(MODEL, VARIABLES, VOCAB, texts, is_text=True)
