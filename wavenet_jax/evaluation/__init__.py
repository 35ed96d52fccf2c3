"""The exact loss of a corpus, and the log-likelihood of given texts."""

from wavenet_jax.evaluation.distinct import contexts_nll
from wavenet_jax.evaluation.labels import (
    Classification,
    LabelScores,
    classification,
    nats_by_labels,
    score_labels,
)
from wavenet_jax.evaluation.losses import (
    Evaluation,
    IndexedBatch,
    Loss,
    batches_nll,
    corpus_loss,
    document_digests,
    document_nll,
    evaluate_corpus,
    evaluate_splits,
    index_corpus,
    sum_by_document,
    total_loss,
)
from wavenet_jax.evaluation.scores import (
    Score,
    line_start,
    require_scorable,
    score_texts,
    why_unscorable,
)

__all__ = [
    "Classification",
    "Evaluation",
    "IndexedBatch",
    "LabelScores",
    "Loss",
    "Score",
    "batches_nll",
    "classification",
    "contexts_nll",
    "corpus_loss",
    "document_digests",
    "document_nll",
    "evaluate_corpus",
    "evaluate_splits",
    "index_corpus",
    "line_start",
    "nats_by_labels",
    "require_scorable",
    "score_labels",
    "score_texts",
    "sum_by_document",
    "total_loss",
    "why_unscorable",
]
