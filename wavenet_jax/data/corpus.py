"""Documents as one array of tokens, and the three splits."""

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from wavenet_jax.data.vocab import BOUNDARY_ID, Vocab
from wavenet_jax.errors import pluralize, show_short

T = TypeVar("T")


class Corpus(NamedTuple):
    """Documents laid end to end, a boundary before the first and after each.

        tokens  [N+1]   .  e  m  m  a  .  o  l  i  v  i  a  .

    Prediction i sees tokens[i], tokens[i-1], ... back to the last boundary, where its document
    begins, and endless boundaries before that; its target is tokens[i+1].  A text is a corpus of
    one document without an end: its last token is no boundary.
    """

    tokens: np.ndarray  # [N+1], of the vocabulary's dtype

    def __repr__(self) -> str:
        """Return the sizes in a line."""
        extent = "text" if self.is_text else pluralize(len(self.starts), "document")
        return f"Corpus({extent}, {pluralize(self.num_predictions, 'prediction')})"

    @property
    def num_predictions(self) -> int:
        """Return N."""
        return len(self.tokens) - 1

    @property
    def is_text(self) -> bool:
        """Tell whether this is one document without an end."""
        return bool(self.tokens[-1] != BOUNDARY_ID)

    @property
    def starts(self) -> np.ndarray:
        """Return the first prediction of each of the D documents, `[D]`."""
        return np.flatnonzero(self.tokens[:-1] == BOUNDARY_ID)

    def head(self, num_predictions: int) -> "Corpus":
        """Return the first predictions of a text, or the documents of a list that fit whole.

        A list keeps at least its first document.
        """
        if self.is_text:
            return Corpus(self.tokens[: num_predictions + 1])
        ends = np.append(self.starts[1:], self.num_predictions)
        fitting = int(np.searchsorted(ends, num_predictions, side="right"))
        return Corpus(self.tokens[: ends[max(fitting, 1) - 1] + 1])


class Splits(NamedTuple, Generic[T]):
    """One value for each split: its documents, its corpus, its loss."""

    train: T
    val: T
    test: T

    def __repr__(self) -> str:
        """Return the values in a line, of long lists the beginnings."""
        values = (f"{name}={show_short(value)}" for name, value in self._asdict().items())
        return f"Splits({', '.join(values)})"


def corpus_from_documents(documents: Iterable[str], vocab: Vocab) -> Corpus:
    """Lay documents end to end; raise `InputError` for a character unknown to the vocabulary."""
    return Corpus(vocab.encode(vocab.boundary.join(["", *documents, ""])))
