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
from wavenet_jax.data.lists import load_documents
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
    "SOURCES",
    "TOKEN_FILES",
    "Corpus",
    "Dataset",
    "Splits",
    "Vocab",
    "corpus_from_documents",
    "dataset_from_documents",
    "dataset_from_list",
    "dataset_from_text",
    "download",
    "find_sources",
    "level_vocab",
    "load_dataset",
    "load_documents",
    "map_dataset",
    "split_documents",
    "vocab_from_characters",
    "vocab_from_documents",
    "write_dataset",
    "write_known_lines",
]
