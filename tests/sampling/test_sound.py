"""Sound from a model of recordings: its length, its end, its likelihood and its prompt."""

from typing import Any

import numpy as np
import pytest
from support.models import randomised

from wavenet_jax.config import DataConfig, ModelConfig, SampleConfig
from wavenet_jax.data import (
    BOUNDARY_ID,
    Corpus,
    Vocab,
    dataset_from_documents,
    level_ids,
    level_vocab,
)
from wavenet_jax.evaluation import document_nll, index_corpus
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.sampling import CHUNK_SIZE, SoundPiece, generate_sounds

MODEL = WaveNet(
    ModelConfig(layer="gated", n_embd=4, n_hidden=5, n_skip=6, dilations=(1, 2, 4), norm="none"),
    len(level_vocab()),
)
RATE = 1_000
DATA = dataset_from_documents(list("abc"), Vocab("\0abc"), DataConfig())._replace(rate=RATE)
PROMPT = np.random.default_rng(0).integers(256, size=100, dtype=np.uint8)


def variables_that_end(bias: float) -> Variables:
    """Return random variables, with this logit more for the boundary."""
    variables = randomised(MODEL, seed=1)
    logits = variables["params"]["head"]["logits"]
    logits["bias"] = logits["bias"].at[BOUNDARY_ID].add(bias)
    return variables


ENDLESS, ENDING = variables_that_end(-30.0), variables_that_end(2.0)


def pieces(variables: Variables, prompt: Any = None, **options: Any) -> list[list[SoundPiece]]:
    config = SampleConfig(seed=0, **options)
    sounds = generate_sounds(MODEL, variables, DATA, config, prompt)
    return [list(sound.pieces) for sound in sounds]


def levels(of: list[SoundPiece]) -> list[int]:
    return np.concatenate([piece.levels for piece in of]).tolist()


def nats(variables: Variables, tokens: list[int]) -> float:
    corpus = Corpus(np.array(tokens, level_vocab().dtype))
    return float(document_nll(MODEL, variables, corpus, index_corpus(MODEL, corpus))[0].sum())


@pytest.mark.parametrize("seconds", [0.0001, 0.064, 0.2])
def test_sound_has_its_seconds_whether_it_would_end_or_not(seconds: float) -> None:
    (found,) = pieces(ENDING, seconds=seconds)
    assert len(levels(found)) == max(1, round(seconds * RATE))
    assert not found[-1].ended
    assert all(len(piece.levels) == CHUNK_SIZE for piece in found[:-1])


def test_recordings_end_by_themselves_and_are_never_empty() -> None:
    found = pieces(ENDING, n=20)
    lengths = [len(levels(each)) for each in found]
    assert all(each[-1].ended for each in found)
    assert 1 <= min(lengths) < max(lengths) < RATE


def test_likelihood_is_that_of_evaluation() -> None:
    for variables, seconds in ((ENDLESS, 0.1), (ENDING, 0.1), (ENDING, None)):
        (found,) = pieces(variables, seconds=seconds)
        assert found[-1].ended == (seconds is None)
        ids = level_ids(np.array(levels(found))).tolist()
        tokens = [BOUNDARY_ID, *ids, *([BOUNDARY_ID] if found[-1].ended else [])]
        assert found[-1].nll_nats == pytest.approx(nats(variables, tokens), rel=1e-4)


def test_likelihood_after_a_prompt_is_of_what_was_sampled() -> None:
    (found,) = pieces(ENDLESS, PROMPT, seconds=0.1)
    before = [BOUNDARY_ID, *level_ids(PROMPT).tolist()]
    tokens = [*before, *level_ids(np.array(levels(found))).tolist()]
    meant = nats(ENDLESS, tokens) - nats(ENDLESS, before)
    assert found[-1].nll_nats == pytest.approx(meant, rel=1e-4)


def test_a_recording_depends_on_its_number_and_the_prompt_alone() -> None:
    three = [levels(each) for each in pieces(ENDLESS, n=3, seconds=0.1)]
    assert [levels(each) for each in pieces(ENDLESS, n=2, seconds=0.1)] == three[:2]
    assert three[0] != three[1]
    assert levels(pieces(ENDLESS, PROMPT, seconds=0.1)[0]) != three[0]
