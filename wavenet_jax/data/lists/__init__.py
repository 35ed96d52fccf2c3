"""Lists: files or tables to documents, one a line or a cell."""

from wavenet_jax.data.lists.documents import Listed, documents_in_memory, load_documents, read_list
from wavenet_jax.data.lists.tables import find_table

__all__ = ["Listed", "documents_in_memory", "find_table", "load_documents", "read_list"]
