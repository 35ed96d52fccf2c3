"""Labels of documents: what a name, or a recording, is known to be beside what it says."""

from wavenet_jax.data.labels.known import NO_LABEL, Labels, LabelVocab

__all__ = ["NO_LABEL", "LabelVocab", "Labels"]
