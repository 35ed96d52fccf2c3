"""The exact loss of a corpus, and the log-likelihood of given texts."""

from wavenet_jax.evaluation.distinct import contexts_nll
from wavenet_jax.evaluation.losses import (
    Evaluation,
    IndexedBatch,
    Loss,
    corpus_loss,
    evaluate_splits,
    index_corpus,
)
from wavenet_jax.evaluation.scores import Score, require_scorable, score_texts

__all__ = [
    "Evaluation",
    "IndexedBatch",
    "Loss",
    "Score",
    "contexts_nll",
    "corpus_loss",
    "evaluate_splits",
    "index_corpus",
    "require_scorable",
    "score_texts",
]
