"""A small model of names, and its log-likelihoods one window at a time."""

from functools import partial

import jax
import numpy as np

from support.corpora import NAMES
from support.models import randomised
from wavenet_jax.config import ModelConfig
from wavenet_jax.data import BOUNDARY, vocab_from_documents
from wavenet_jax.nn import WaveNet

VOCAB = vocab_from_documents(NAMES)
MODEL = WaveNet(ModelConfig(n_embd=3, n_hidden=5, dilations=(1, 2)), len(VOCAB))
VARIABLES = randomised(MODEL, seed=0)
_logits = jax.jit(partial(MODEL.apply, method="window"))


def brute_force(documents: list[str]) -> list[np.ndarray]:
    """Return the nats of every character of each document, its boundary at the end included."""
    scores = []
    for document in documents:
        context, nats = [0] * MODEL.config.receptive_field, []
        for target in VOCAB.encode(document + BOUNDARY):
            window = np.array([context], np.int32)
            logits = np.asarray(_logits(VARIABLES, window)[0, 0], np.float64)
            nats.append(np.log(np.exp(logits).sum()) - logits[target])
            context = [*context[1:], target]
        scores.append(np.array(nats))
    return scores
