"""Files to documents or one text, these to splits, splits to the array that everything reads.

Imports no JAX.
"""

from wavenet_jax.data.corpus import Corpus, Splits, corpus_from_documents, split_documents
from wavenet_jax.data.dataset import (
    Dataset,
    dataset_from_documents,
    dataset_from_list,
    dataset_from_text,
    label_dataset,
    label_rows,
    load_dataset,
    map_dataset,
    write_dataset,
)
from wavenet_jax.data.download import SOURCES, download
from wavenet_jax.data.files import find_sources
from wavenet_jax.data.labels import (
    LABEL_FILES,
    NO_LABEL,
    LabelCounts,
    LabelRows,
    Labels,
    LabelVocab,
    count_labels,
    load_label_rows,
    rows_to_tsv,
)
from wavenet_jax.data.lists import load_documents
from wavenet_jax.data.sound import (
    FIRST_LEVEL_ID,
    decode_levels,
    level_ids,
    read_levels,
    wav_writer,
)
from wavenet_jax.data.text import write_known_lines
from wavenet_jax.data.token_files import TOKEN_FILES
from wavenet_jax.data.vocab import (
    BOUNDARY,
    BOUNDARY_ID,
    END_SIGN,
    Vocab,
    level_vocab,
    vocab_from_characters,
    vocab_from_documents,
)

__all__ = [
    "BOUNDARY",
    "BOUNDARY_ID",
    "END_SIGN",
    "FIRST_LEVEL_ID",
    "LABEL_FILES",
    "NO_LABEL",
    "SOURCES",
    "TOKEN_FILES",
    "Corpus",
    "Dataset",
    "LabelCounts",
    "LabelRows",
    "LabelVocab",
    "Labels",
    "Splits",
    "Vocab",
    "corpus_from_documents",
    "count_labels",
    "dataset_from_documents",
    "dataset_from_list",
    "dataset_from_text",
    "decode_levels",
    "download",
    "find_sources",
    "label_dataset",
    "label_rows",
    "level_ids",
    "level_vocab",
    "load_dataset",
    "load_documents",
    "load_label_rows",
    "map_dataset",
    "read_levels",
    "rows_to_tsv",
    "split_documents",
    "vocab_from_characters",
    "vocab_from_documents",
    "wav_writer",
    "write_dataset",
    "write_known_lines",
]
