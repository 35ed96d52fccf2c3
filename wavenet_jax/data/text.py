"""A text of any size to the tokens of its splits, never whole in memory.

The files are read twice in chunks: for the vocabulary and the length, and to write the ids, a byte
or two each.  Each split has a file of its own, which training maps and of which it touches only
what it reads.
"""

import codecs
import re
import statistics
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from typing import BinaryIO, NamedTuple

import numpy as np

from wavenet_jax.config import DataConfig, DataKind
from wavenet_jax.data.corpus import Corpus, Splits
from wavenet_jax.data.files import SourceFile, open_source
from wavenet_jax.data.vocab import (
    BOUNDARY_ID,
    NUM_CODE_POINTS,
    Vocab,
    code_points,
    forms_of,
    transform,
    vocab_from_characters,
)
from wavenet_jax.errors import InputError, pluralize, require

CHUNK_BYTES = 2**22
MANY_BAD = 2**20  # bytes of no text after which no more are counted
BEGINNING = 2**19  # characters by which the kind of the data is guessed
_BYTE_ORDER_MARK = "\ufeff"  # which Windows writes at the start; not part of the text
_BAD = re.compile(r"[\0\ud800-\udfff]")  # NUL, and what stands for bytes that are not UTF-8
_WORD = re.compile(r"\s*[\w'’.-]+\s*")
# Up to the last place at which neither small letters nor normal forms depend on both sides.
_SEPARABLE = re.compile(r"(?s).*(?=\s|(?<=[0-9A-Za-z\u4e00-\u9fff])[0-9A-Za-z\u4e00-\u9fff])")


@dataclass
class Tally:
    """How many bytes of a text were left out."""

    skipped: int = 0


class Scan(NamedTuple):
    """What a first reading finds in a text."""

    vocab: Vocab
    length: int  # characters
    notes: list[str]


def read_text(
    file: SourceFile, chunk_bytes: int = CHUNK_BYTES, tally: Tally | None = None
) -> Iterator[str]:
    """Yield the text of a file in chunks.

    Bytes that are no UTF-8 text, and NUL, are left out and counted in the tally.  Without one,
    they raise `InputError` after the last of them is counted, or about a million.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    bad, first = 0, ""
    with open_source(file) as stream:
        while True:
            start = stream.tell() - len(decoder.getstate()[0])
            content = stream.read(chunk_bytes)
            chunk = decoder.decode(content, final=not content)
            if match := _BAD.search(chunk):
                if not bad:
                    before = chunk[: match.start()].encode("utf-8", "surrogateescape")
                    byte = match[0].encode("utf-8", "surrogateescape")[0]
                    first = f"{f'0x{byte:02x}' if byte else 'NUL'} at {start + len(before):,}"
                cleaned = _BAD.sub("", chunk)
                bad += len(chunk) - len(cleaned)
                chunk = cleaned
            if tally is not None or not bad:
                yield chunk.removeprefix(_BYTE_ORDER_MARK) if start == 0 else chunk
            if not content or (tally is None and bad >= MANY_BAD):
                break
    if tally is not None:
        tally.skipped += bad
    elif bad:
        more = " or more" if bad >= MANY_BAD else ""
        raise InputError(
            f"{file.name} holds {pluralize(bad, 'byte')}{more} of no text, the first {first}, "
            "expected UTF-8 text; convert it, for example with iconv, or set skip_bad to leave "
            "them out.",
            "data",
        )


def read_texts(
    files: Sequence[SourceFile], config: DataConfig, tally: Tally | None = None
) -> Iterator[str]:
    """Yield the text of files in chunks, as the configuration wants it; each begins a line."""
    tally = (tally or Tally()) if config.skip_bad else None
    last = "\n"
    for file in files:
        begins = True
        for chunk in transformed_chunks(read_text(file, tally=tally), config):
            if not chunk:
                continue
            if begins and last != "\n":
                yield "\n"
            yield chunk
            begins, last = False, chunk[-1]


def read_beginning(files: Sequence[SourceFile]) -> str:
    """Return the first lines of files, about `BEGINNING` characters."""
    beginning = ""
    for file in files:
        # Of a file of what is no text, little is left of each chunk.
        for chunk in islice(read_text(file, BEGINNING, Tally()), 4):
            beginning += chunk
            if len(beginning) >= BEGINNING:
                whole = beginning.rfind("\n")
                return beginning[:whole] if whole > 0 else beginning
        beginning += "" if beginning.endswith("\n") else "\n"
    return beginning


def drop_bad(text: str, config: DataConfig, tally: Tally) -> str:
    """Return a text that a program holds without NUL and lone surrogates, which are counted.

    Raises `InputError` where they are not to be left out.
    """
    match = _BAD.search(text)
    if not match:
        return text
    tally.skipped = len(_BAD.findall(text))
    require(
        config.skip_bad,
        f"text holds {match[0]!r} at {match.start():,}, as the first of "
        f"{pluralize(tally.skipped, 'bad character')}, expected neither NUL nor lone surrogates; "
        "take them out, or set skip_bad to leave them out.",
        "text",
    )
    return _BAD.sub("", text)


def transformed_chunks(chunks: Iterable[str], config: DataConfig) -> Iterator[str]:
    """Yield chunks in small letters and normalised, as far as the configuration says so."""
    if not (config.lower or config.normalize):
        yield from chunks
        return
    rest = ""
    for chunk in chunks:
        rest += chunk
        if match := _SEPARABLE.match(rest):
            yield transform(rest[: match.end()], config)
            rest = rest[match.end() :]
    yield transform(rest, config)


def scan_text(chunks: Iterable[str], config: DataConfig) -> Scan:
    """Return the vocabulary of a text, its number of characters, and what the user should know.

    Raises `InputError` where the text contains more distinct characters than the configuration
    allows.
    """
    occurs, length = np.zeros(NUM_CODE_POINTS, bool), 0
    letters, num_changed = set[str](), 0
    for chunk in chunks:
        occurs[code_points(chunk)] = True
        length += len(chunk)
        if config.normalize is None and not unicodedata.is_normalized("NFC", chunk):
            changed = [
                line for line in chunk.split("\n") if not unicodedata.is_normalized("NFC", line)
            ]
            letters |= forms_of(changed)
            num_changed += len(changed)
    characters = list(map(chr, np.flatnonzero(occurs).tolist()))
    notes = []
    if letters := letters & set(characters):
        notes.append(
            f"letters such as {min(letters)!r} occur composed and decomposed: NFC would change "
            f"{pluralize(num_changed, 'line')}; set normalize to NFC."
        )
    return Scan(vocab_from_characters(characters, config.max_vocab), length, notes)


def write_tokens(
    chunks: Iterable[str], vocab: Vocab, lengths: Splits[int], files: Sequence[BinaryIO]
) -> None:
    """Write the tokens of each split of a text to its file, the boundary first."""
    for file in files:
        file.write(vocab.dtype.type(BOUNDARY_ID).tobytes())
    bounds = list(pairwise(accumulate(lengths, initial=0)))
    position = 0
    for chunk in chunks:
        for file, (start, end) in zip(files, bounds, strict=True):
            part = chunk[max(start - position, 0) : max(end - position, 0)]
            file.write(vocab.encode(part).tobytes())
        position += len(chunk)


def write_known_lines(text: Corpus, own: Vocab, known: Vocab, file: BinaryIO) -> tuple[int, int]:
    """Write the lines of a text whose characters are all known, as tokens, the boundary first.

    Return how many lines the text has, and how many of them are not written.
    """
    ids = np.array([known.characters.find(character) for character in own.characters])
    unknown, last = [], 0
    for tokens, lines in _numbered_lines(text, own):
        unknown.append(np.unique(lines[ids[tokens] < 0]))
        last = int(lines[-1])
    left_out = np.unique(np.concatenate(unknown))
    file.write(known.dtype.type(BOUNDARY_ID).tobytes())
    for tokens, lines in _numbered_lines(text, own):
        kept = tokens[~np.isin(lines, left_out)]
        file.write(ids[kept].astype(known.dtype).tobytes())
    return last + 1, len(left_out)


def _numbered_lines(text: Corpus, vocab: Vocab) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the tokens of a text in chunks, each with the numbers of the lines that they are in."""
    end, number = vocab.characters.find("\n"), 0
    for start in range(1, len(text.tokens), CHUNK_BYTES):
        tokens = text.tokens[start : start + CHUNK_BYTES]
        is_end = tokens == end
        yield tokens, number + np.cumsum(is_end) - is_end
        number += int(np.count_nonzero(is_end))


def guess_kind(beginning: str) -> tuple[DataKind, str]:
    r"""Return what data are that begin like this, and the reason.

    >>> guess_kind("emma\nolivia\nava\n")
    ('list', 'one document a line')
    """
    unified = beginning.replace("\r\n", "\n")
    unified = unified if "\n" in unified else unified.replace("\r", "\n")  # as old Macs write
    lines = unified.strip("\n").split("\n")
    filled = [line for line in lines if line.strip()]
    if len(filled) <= 2:
        is_text = sum(map(len, filled)) > 200
        return ("text", "it has hardly a line end") if is_text else ("list", "one document a line")
    for is_text, reason in (
        (statistics.median(map(len, filled)) > 1_000, "its lines are very long"),
        (_has_paragraphs(lines), "its lines come in paragraphs"),
        (_is_indented(filled), "its lines are indented"),
        (_is_fasta(filled), "its lines are sequences and their names"),
        (_is_wrapped(filled), "its sentences go on from line to line"),
    ):
        if is_text:
            return "text", reason
    return "list", "one document a line"


def _has_paragraphs(lines: list[str]) -> bool:
    """Tell whether blank lines separate blocks of several lines, or long lines, not of words."""
    blocks = [0]
    for line in lines:
        if line.strip():
            blocks[-1] += 1
        elif blocks[-1]:
            blocks.append(0)
    blocks = [block for block in blocks if block]
    filled = [line for line in lines if line.strip()]
    mean, num_words = len(filled) / len(blocks), sum(map(bool, map(_WORD.fullmatch, filled)))
    are_long = statistics.median(map(len, filled)) >= 80
    return (
        len(blocks) >= 3
        and num_words < 0.8 * len(filled)
        and (1.5 <= mean <= 50 or (mean < 1.5 and are_long))
    )


def _is_indented(filled: list[str]) -> bool:
    """Tell whether some lines begin with blanks, as code does, or all as Chinese paragraphs do."""
    indented = [line for line in filled if line[0] in " \t\u3000"]
    if sum(line[0] == "\u3000" for line in indented) > len(filled) / 2:
        return True
    return len(filled) >= 10 and 0.1 < len(indented) / len(filled) < 0.9


def _is_fasta(filled: list[str]) -> bool:
    names = [line for line in filled if line.startswith(">")]
    return 2 <= len(names) <= len(filled) / 2 and filled[0] == names[0]


def _is_wrapped(filled: list[str]) -> bool:
    """Tell whether lines end within sentences."""
    if statistics.mean(len(line.split()) for line in filled) >= 6:
        small = sum(line.lstrip()[0].islower() for line in filled) / len(filled)
        return 1 / 3 <= small <= 0.95  # sentences one a line may all begin with small letters
    # Without blanks between words, lines are of one length and hold the ends of sentences.
    width, count = statistics.mode(map(len, filled)), 0
    for line in filled:
        count += len(line) == width and any(letter >= "\u3000" for letter in line)
    within = sum(any(mark in line[:-1] for mark in "。！？") for line in filled)
    return width >= 20 and count >= len(filled) / 2 and within >= len(filled) / 10
