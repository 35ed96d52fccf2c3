"""The exact loss of a corpus, and the log-likelihood of given texts."""

from wavenet_jax.evaluation.distinct import DistinctContexts, contexts_nll, index_contexts
from wavenet_jax.evaluation.losses import (
    Evaluation,
    IndexedBatch,
    Loss,
    corpus_loss,
    evaluate_splits,
    index_corpus,
    sum_by_document,
    total_loss,
)
from wavenet_jax.evaluation.scores import Score, require_scorable, score_texts

__all__ = [
    "DistinctContexts",
    "Evaluation",
    "IndexedBatch",
    "Loss",
    "Score",
    "contexts_nll",
    "corpus_loss",
    "evaluate_splits",
    "index_contexts",
    "index_corpus",
    "require_scorable",
    "score_texts",
    "sum_by_document",
    "total_loss",
]
