"""Labels of documents: what a name, or a recording, is known to be beside what it says."""

from wavenet_jax.data.labels.found import (
    Found,
    LabelTable,
    found_in_memory,
    lacking_note,
    number_labels,
    unlabelled,
)
from wavenet_jax.data.labels.known import (
    NO_LABEL,
    LabelCounts,
    Labels,
    LabelVocab,
    count_labels,
    learned_labels,
)
from wavenet_jax.data.labels.paths import label_files
from wavenet_jax.data.labels.rows import LABEL_FILES, LabelRows, load_label_rows, rows_to_tsv

__all__ = [
    "LABEL_FILES",
    "NO_LABEL",
    "Found",
    "LabelCounts",
    "LabelRows",
    "LabelTable",
    "LabelVocab",
    "Labels",
    "count_labels",
    "found_in_memory",
    "label_files",
    "lacking_note",
    "learned_labels",
    "load_label_rows",
    "number_labels",
    "rows_to_tsv",
    "unlabelled",
]
