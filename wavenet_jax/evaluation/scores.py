"""The log-likelihood of given texts, character by character."""

import math
from bisect import bisect_left
from typing import NamedTuple

import numpy as np

from wavenet_jax.data import BOUNDARY_ID, Corpus, Vocab, corpus_from_documents
from wavenet_jax.errors import require, show_short
from wavenet_jax.evaluation.losses import batches_nll, index_corpus
from wavenet_jax.nn import Variables, WaveNet


class Score(NamedTuple):
    """The negative log-likelihood of a text."""

    text: str
    characters: str  # the scored characters; a document's boundary is the last of them
    nll_nats: list[float]  # of each character
    rank: int  # among the texts scored together, 1 for the likeliest

    def __repr__(self) -> str:
        """Return the text and its totals in a line."""
        return (
            f"Score({show_short(self.text)}, {self.total_nats:.4f} nats, "
            f"{self.bits_per_character:.4f} bits per character, rank {self.rank})"
        )

    @property
    def total_nats(self) -> float:
        """Return the sum over the characters."""
        return math.fsum(self.nll_nats)

    @property
    def bits_per_character(self) -> float:
        """Return the mean over the characters in bits."""
        return self.total_nats / len(self.characters) / math.log(2)


def score_texts(
    model: WaveNet, variables: Variables, vocab: Vocab, texts: list[str], *, is_text: bool
) -> list[Score]:
    """Return the score of each text, given a model of a list or, with `is_text`, of one text.

    A document's boundary at its end is scored too; the beginning of a text has no end.  Raises
    `InputError` as `require_scorable` does.
    """
    require_scorable(vocab, texts, is_text=is_text)
    end = "" if is_text else vocab.boundary
    nats = [each.tolist() for each in _nats(model, variables, vocab, texts, is_text=is_text)]
    totals = sorted(map(math.fsum, nats))
    return [
        Score(text, text + end, each, rank=1 + bisect_left(totals, math.fsum(each)))
        for text, each in zip(texts, nats, strict=True)
    ]


def require_scorable(vocab: Vocab, texts: list[str], *, is_text: bool) -> None:
    """Raise `InputError` for no texts, empty beginnings of a text, and unknown characters."""
    require(len(texts) > 0, "no text is given, expected at least one to score.")
    require(
        not is_text or all(texts),
        "text is '', expected at least one character: a text has no end to be scored.",
    )
    for text in texts:
        vocab.encode_document(text)


def _nats(
    model: WaveNet, variables: Variables, vocab: Vocab, texts: list[str], *, is_text: bool
) -> list[np.ndarray]:
    """Return the negative log-likelihood of every character of each text."""

    def score(corpus: Corpus) -> np.ndarray:
        return np.concatenate(list(batches_nll(model, variables, index_corpus(model, corpus))))

    if is_text:
        ids = map(vocab.encode_document, texts)
        return [score(Corpus(np.insert(each, 0, BOUNDARY_ID))) for each in ids]
    together = corpus_from_documents(texts, vocab)
    return np.split(score(together), together.starts[1:])
