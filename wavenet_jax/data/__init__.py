"""Files to documents or one text, these to splits, splits to the array that everything reads.

Imports no JAX.
"""

from wavenet_jax.data.corpus import Corpus, Splits, corpus_from_documents, split_documents
from wavenet_jax.data.dataset import (
    Dataset,
    dataset_from_documents,
    dataset_from_list,
    dataset_from_text,
    load_dataset,
    map_dataset,
    write_dataset,
)
from wavenet_jax.data.download import SOURCES, download
from wavenet_jax.data.files import find_sources
from wavenet_jax.data.labels import NO_LABEL, LabelCounts, Labels, LabelVocab, count_labels
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
    "NO_LABEL",
    "SOURCES",
    "TOKEN_FILES",
    "Corpus",
    "Dataset",
    "LabelCounts",
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
    "level_ids",
    "level_vocab",
    "load_dataset",
    "load_documents",
    "map_dataset",
    "read_levels",
    "split_documents",
    "vocab_from_characters",
    "vocab_from_documents",
    "wav_writer",
    "write_dataset",
    "write_known_lines",
]
