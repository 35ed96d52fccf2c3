"""What holds for recordings: each is alone, and a prompt is what the sequence sees."""

from io import BytesIO

import jax.numpy as jnp
import numpy as np
from support.models import randomised

from wavenet_jax.config import ModelConfig
from wavenet_jax.data import BOUNDARY_ID, Corpus, Splits, level_vocab
from wavenet_jax.data.sound import level_ids, write_sounds
from wavenet_jax.evaluation import document_nll, index_corpus
from wavenet_jax.nn import WaveNet
from wavenet_jax.sampling import start_state

MODEL = WaveNet(
    ModelConfig(
        layer="gated", n_embd=5, n_hidden=6, n_skip=7, dilations=(1, 2, 4, 8) * 2, norm="none"
    ),
    len(level_vocab()),
)
VARIABLES = randomised(MODEL, seed=0)


def document_nats(tokens: np.ndarray) -> np.ndarray:
    corpus = Corpus(tokens)
    return document_nll(MODEL, VARIABLES, corpus, index_corpus(MODEL, corpus))[0]


def test_short_recordings_do_not_leak_into_each_other() -> None:
    rng = np.random.default_rng(0)
    recordings = [rng.integers(256, size=n, dtype=np.uint8) for n in rng.integers(1, 60, 100)]
    files = [BytesIO(), BytesIO(), BytesIO()]
    write_sounds(Splits(recordings, [], []), files)
    together = document_nats(np.frombuffer(files[0].getvalue(), level_vocab().dtype))
    alone = [
        document_nats(np.pad(level_ids(levels), 1, constant_values=BOUNDARY_ID))[0]
        for levels in recordings[:10]
    ]
    assert len(together) == 100
    np.testing.assert_allclose(together[:10], alone, rtol=1e-5)


def test_a_prompt_conditions_as_the_sequence_does() -> None:
    prompt = level_ids(np.random.default_rng(1).integers(256, size=3_000, dtype=np.uint8))
    state = start_state(MODEL, VARIABLES, jnp.asarray(prompt, jnp.int32))
    _, after = MODEL.apply(VARIABLES, state.cache, state.input_id, method="decode_step")
    ids = jnp.asarray(np.insert(prompt, 0, BOUNDARY_ID), jnp.int32)
    meant = MODEL.apply(VARIABLES, ids[None])[0, -1]
    scale = float(jnp.abs(meant).max())
    np.testing.assert_allclose(after, meant, atol=1e-5 * scale)
