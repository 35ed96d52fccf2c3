"""The log-likelihood of given texts, character by character."""

import math
from bisect import bisect_left
from typing import NamedTuple

import numpy as np

from wavenet_jax.data import BOUNDARY_ID, Corpus, Vocab, corpus_from_documents
from wavenet_jax.errors import require, show_short
from wavenet_jax.evaluation.losses import batches_nll, index_corpus
from wavenet_jax.nn import Variables, WaveNet

_MAX_UNKNOWN = 5  # characters that the reason shows


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


def score_texts(  # noqa: PLR0913  by name alone
    model: WaveNet,
    variables: Variables,
    vocab: Vocab,
    texts: list[str],
    *,
    is_text: bool,
    text_start: bool = False,
    labels: np.ndarray | None = None,
) -> list[Score]:
    """Return the score of each text, given a model of a list or, with `is_text`, of one text.

    A document's boundary at its end is scored too; a part of a text has no end.  It is scored as
    if it stood at the beginning of a line or, with `text_start`, of the whole text.  Documents
    are scored with labels `[J]`, if these are given.  Raises `InputError` as `require_scorable`
    does.
    """
    require_scorable(vocab, texts, is_text=is_text)
    end = "" if is_text else vocab.boundary
    if is_text:
        context = "" if text_start else line_start(vocab)
        nats = [_text_nats(model, variables, vocab, context, text) for text in texts]
    else:
        nats = _document_nats(model, variables, vocab, texts, labels)
    totals = sorted(map(math.fsum, nats))
    return [
        Score(text, text + end, each, rank=1 + bisect_left(totals, math.fsum(each)))
        for text, each in zip(texts, nats, strict=True)
    ]


def line_start(vocab: Vocab) -> str:
    """Return what a text follows at the beginning of a line: a line's end, if there are lines."""
    return "\n" if "\n" in vocab.characters[1:] else ""


def require_scorable(vocab: Vocab, texts: list[str], *, is_text: bool) -> None:
    """Raise `InputError` for no texts, empty parts of a text, and unknown characters."""
    require(len(texts) > 0, "no text is given, expected at least one to score.")
    require(
        not is_text or all(texts),
        "text is '', expected at least one character: a text has no end to be scored.",
    )
    for text in texts:
        vocab.encode_document(text)


def why_unscorable(vocab: Vocab, text: str, *, is_text: bool) -> str | None:
    """Return in some words why a text cannot be scored; None if it can."""
    unknown = sorted(set(text) - set(vocab.characters[1:]))
    if any("\udc80" <= character <= "\udcff" for character in unknown):
        return "is not UTF-8"  # bytes that standard input could not decode
    if unknown:
        return f"unknown: {' '.join(map(repr, unknown[:_MAX_UNKNOWN]))}" + (
            " ..." if len(unknown) > _MAX_UNKNOWN else ""
        )
    return "is empty" if is_text and not text else None


def _text_nats(
    model: WaveNet, variables: Variables, vocab: Vocab, context: str, text: str
) -> list[float]:
    """Return the negative log-likelihood of every character of a text after its context."""
    ids = vocab.encode_document(context + text)
    nats = _nats(model, variables, Corpus(np.insert(ids, 0, BOUNDARY_ID)))
    return nats[len(context) :].tolist()


def _document_nats(
    model: WaveNet,
    variables: Variables,
    vocab: Vocab,
    texts: list[str],
    labels: np.ndarray | None,
) -> list[list[float]]:
    """Return those of every character of each document, and of its boundary."""
    together = corpus_from_documents(texts, vocab)
    if labels is not None:
        together = together.with_labels(np.tile(labels, (len(texts), 1)))
    nats = _nats(model, variables, together)
    return [each.tolist() for each in np.split(nats, together.starts[1:])]


def _nats(model: WaveNet, variables: Variables, corpus: Corpus) -> np.ndarray:
    return np.concatenate(list(batches_nll(model, variables, index_corpus(model, corpus))))
