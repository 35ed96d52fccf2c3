"""Characters and their ids; id 0 is the boundary that starts and ends every document."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wavenet_jax.config import DataConfig
from wavenet_jax.errors import InputError, require

BOUNDARY_ID = 0
BOUNDARY = "."  # what stands for it in the vocabulary of a list
STREAM_BOUNDARY = "\0"  # and in that of a stream, in which every other character may occur

CODE_POINTS = 0x110000  # of Unicode
_SHOWN = 100  # characters of an alphabet in a message


@dataclass(frozen=True)
class Vocab:
    """The characters in order of their ids, the boundary first."""

    characters: str

    def __len__(self) -> int:
        """Return V, the boundary included."""
        return len(self.characters)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """Return the smallest unsigned type that holds V - 1."""
        return np.dtype(np.min_scalar_type(len(self) - 1))

    @cached_property
    def _ids(self) -> np.ndarray:
        """Return the id of every code point, V where there is none."""
        ids = np.full(CODE_POINTS, len(self), np.int32)
        ids[code_points(self.characters)] = np.arange(len(self))
        return ids

    @property
    def boundary(self) -> str:
        """Return the character that stands for the boundary."""
        return self.characters[BOUNDARY_ID]

    def encode(self, text: str) -> np.ndarray:
        """Return the ids `[len(text)]`; raise `InputError` for characters that are unknown."""
        ids = self._ids[code_points(text)]
        if len(text) and ids.max() == len(self):
            raise self._unknown(text, self.characters)
        return ids.astype(self.dtype)

    def encode_text(self, text: str) -> np.ndarray:
        """Return the ids of what a document may hold, which is no boundary: `[len(text)]`."""
        if self.boundary in text:
            raise self._unknown(text, self.characters[1:])
        return self.encode(text)

    def _unknown(self, text: str, known: str) -> InputError:
        unknown, alphabet = sorted(set(text) - set(known)), self.characters[1:]
        more = "..." if len(alphabet) > _SHOWN else ""
        return InputError(
            f"{text[:60]!r} holds {' '.join(map(repr, unknown))}, unknown to this vocabulary; "
            f"expected characters of {alphabet[:_SHOWN]!r}{more}."
        )

    def decode(self, ids: np.ndarray) -> str:
        """Return the text of ids `[T]`, each from 0 to V - 1."""
        return code_points(self.characters)[ids].tobytes().decode("utf-32-le", "surrogatepass")


def code_points(text: str) -> np.ndarray:
    """Return the code points of a text, `[len(text)]` uint32."""
    # What a terminal cannot decode arrives as lone surrogates; it is to be named, not to crash.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))


def from_documents(documents: Iterable[str], max_vocab: int = DataConfig.max_vocab) -> Vocab:
    """Return the vocabulary of a list; raise `InputError` where it is larger than `max_vocab`."""
    return from_characters(set().union(*documents), BOUNDARY, max_vocab)


def from_characters(characters: Iterable[str], boundary: str, max_vocab: int) -> Vocab:
    """Return the vocabulary of the characters, sorted, behind the boundary.

    Raises `InputError` where there are more of them than `max_vocab`.
    """
    distinct = sorted(set(characters))
    require(
        len(distinct) <= max_vocab,
        f"the data hold {len(distinct):,} distinct characters, expected at most {max_vocab:,}; "
        "raise --max-vocab if this is text indeed.",
    )
    return Vocab(boundary + "".join(distinct))
