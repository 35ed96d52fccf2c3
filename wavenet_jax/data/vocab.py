"""Characters, their forms and their ids; id 0 is the boundary at both ends of every document."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wavenet_jax.config import DataConfig
from wavenet_jax.errors import InputError, pluralize, require

BOUNDARY_ID = 0
BOUNDARY = "\0"  # the boundary's character, the only one that documents and texts cannot hold
END_SIGN = "<end>"  # what is shown for it

NUM_CODE_POINTS = 0x110000  # of Unicode
_MAX_SHOWN = 100  # characters of the vocabulary in a message


@dataclass(frozen=True)
class Vocab:
    """The V characters in order of their ids, the boundary first.

    >>> vocab = Vocab(BOUNDARY + "abc")
    >>> vocab.encode("cab").tolist()
    [3, 1, 2]
    >>> vocab.decode(vocab.encode("cab"))
    'cab'
    """

    characters: str

    def __len__(self) -> int:
        """Return V, which counts the boundary."""
        return len(self.characters)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """Return the smallest unsigned type that holds V - 1."""
        return np.dtype(np.min_scalar_type(len(self) - 1))

    @property
    def boundary(self) -> str:
        """Return the character that stands for the boundary."""
        return self.characters[BOUNDARY_ID]

    def encode(self, text: str) -> np.ndarray:
        """Return the ids of a text, `[T]`; raise `InputError` for an unknown character."""
        ids = self._ids[code_points(text)]
        if len(text) and ids.max() == len(self):
            raise self._unknown(text, self.characters)
        return ids.astype(self.dtype)

    def encode_document(self, text: str) -> np.ndarray:
        """Return the ids of a document, `[T]`; raise `InputError` for a boundary inside it too."""
        if self.boundary in text:
            raise self._unknown(text, self.characters[1:])
        return self.encode(text)

    def decode(self, ids: np.ndarray) -> str:
        """Return the text of ids `[T]`, each from 0 to V - 1."""
        return code_points(self.characters)[ids].tobytes().decode("utf-32-le", "surrogatepass")

    @cached_property
    def _ids(self) -> np.ndarray:
        """Return the id of every code point, V where it has none."""
        ids = np.full(NUM_CODE_POINTS, len(self), np.int32)
        ids[code_points(self.characters)] = np.arange(len(self))
        return ids

    def _unknown(self, text: str, known: str) -> InputError:
        unknown, expected = sorted(set(text) - set(known)), self.characters[1:]
        more = "..." if len(expected) > _MAX_SHOWN else ""
        return InputError(
            f"{text[:60]!r} contains {' '.join(map(repr, unknown))}, unknown to this vocabulary; "
            f"expected characters of {expected[:_MAX_SHOWN]!r}{more}."
        )


def level_vocab() -> Vocab:
    """Return the vocabulary of recordings: ids 1 to 256 are the levels 0 to 255.

    A vocabulary is characters whatever the data are, so that level q is the Braille pattern of the
    eight dots that its bits are, of which Unicode has 256 in order.

    >>> level_vocab().decode(np.array([1, 129, 256]))
    '⠀⢀⣿'
    """
    return Vocab(BOUNDARY + "".join(map(chr, range(0x2800, 0x2900))))


def code_points(text: str) -> np.ndarray:
    """Return the code points of a text, `[T]` uint32."""
    # A terminal hands on what it cannot decode as lone surrogates, which an error has to name.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))


def vocab_from_documents(documents: Iterable[str], max_vocab: int = DataConfig.max_vocab) -> Vocab:
    """Return the vocabulary of a list; raise `InputError` where it exceeds `max_vocab`."""
    return vocab_from_characters(set().union(*documents), max_vocab)


def vocab_from_characters(
    characters: Iterable[str], max_vocab: int = DataConfig.max_vocab
) -> Vocab:
    """Return the vocabulary of the boundary and then the distinct characters, sorted.

    Raises `InputError` where there are more than `max_vocab` of them, the boundary not counted.
    """
    distinct = sorted(set(characters))
    require(
        len(distinct) <= max_vocab,
        f"the data contain {len(distinct):,} distinct characters, expected at most {max_vocab:,}; "
        "raise max_vocab if they are really text.",
        "max_vocab",
    )
    return Vocab(BOUNDARY + "".join(distinct))


def transform_documents(documents: list[str], config: DataConfig) -> list[str]:
    """Return documents in small letters and normalised, as far as the configuration says so."""
    if not (config.lower or config.normalize) or not documents:
        return documents
    # A line end composes with nothing, and what small letters depend on ends there.
    return transform("\n".join(documents), config).split("\n")


def transform(text: str, config: DataConfig) -> str:
    """Return a text in small letters and normalised, as far as the configuration says so."""
    if config.normalize:
        text = unicodedata.normalize(config.normalize, text)
    if config.lower:
        text = text.lower()
        if config.normalize:  # which small letters can undo
            text = unicodedata.normalize(config.normalize, text)
    return text


def forms_note(documents: list[str]) -> list[str]:
    """Return a sentence where letters occur both composed and decomposed."""
    if unicodedata.is_normalized("NFC", "\n".join(documents)):
        return []
    changed = [each for each in documents if not unicodedata.is_normalized("NFC", each)]
    letters = forms_of(changed) & set().union(*documents)
    if not letters:
        return []
    equal = len(set(documents)) - len({unicodedata.normalize("NFC", each) for each in documents})
    return [
        f"letters such as {min(letters)!r} occur composed and decomposed: NFC would change "
        f"{len(changed):,} of {pluralize(len(documents), 'document')}, and {equal:,} of them would "
        "become equal to others; set normalize to NFC."
    ]


def forms_of(decomposed: Iterable[str]) -> set[str]:
    """Return the letters that NFC makes of what these texts hold decomposed."""
    joined = "\n".join(decomposed)
    present = set(joined)
    marks = "".join(c for c in present if unicodedata.combining(c) or "\u1160" <= c <= "\u11ff")
    found = set(re.findall(f".[{re.escape(marks)}]+", joined)) if marks else set[str]()
    return {
        letter
        for text in found | present
        for letter in set(unicodedata.normalize("NFC", text)) - set(text)
    }
