"""Characters and their ids; id 0 is the boundary that starts and ends every document."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from wavenet_jax.config import InputError

BOUNDARY = "."
BOUNDARY_ID = 0


@dataclass(frozen=True)
class Vocab:
    """The characters in order of their ids, the boundary first."""

    characters: str

    def __len__(self) -> int:
        """Return V, the boundary included."""
        return len(self.characters)

    def encode(self, text: str) -> np.ndarray:
        """Return the ids `[len(text)]`, int32; raise `InputError` for an unknown character."""
        ids = {character: index for index, character in enumerate(self.characters)}
        unknown = sorted(set(text) - set(ids))
        if unknown:
            raise InputError(
                f"{text[:60]!r} holds {' '.join(map(repr, unknown))}, unknown to this vocabulary; "
                f"expected characters of {self.characters[1:]!r}."
            )
        return np.array([ids[character] for character in text], np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids, each from 0 to V - 1."""
        return "".join(self.characters[index] for index in ids)


def from_documents(documents: Iterable[str]) -> Vocab:
    """Return the vocabulary of all characters that occur, sorted, behind the boundary."""
    return Vocab(BOUNDARY + "".join(sorted(set().union(*documents))))
