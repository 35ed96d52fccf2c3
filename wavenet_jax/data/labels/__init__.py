"""Labels of documents: what a name, or a recording, is known to be beside what it says."""

from wavenet_jax.data.labels.known import (
    NO_LABEL,
    LabelCounts,
    Labels,
    LabelVocab,
    count_labels,
)

__all__ = ["NO_LABEL", "LabelCounts", "LabelVocab", "Labels", "count_labels"]
