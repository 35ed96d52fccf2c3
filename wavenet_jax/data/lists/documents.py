"""Documents: the lines of files, or one column of tables, and those of a program or a run."""

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from wavenet_jax.config import DataConfig
from wavenet_jax.data.corpus import min_documents
from wavenet_jax.data.files import SourceFile, whole_lines
from wavenet_jax.data.lists.tables import find_table, read_column, table_note
from wavenet_jax.data.vocab import transform_documents
from wavenet_jax.errors import InputError, pluralize, require, show_short
from wavenet_jax.machine import MIB, memory_bytes, read_regular, reason, show_bytes

# What no document holds: NUL, line ends, and what stands for bytes that are not UTF-8.
_BAD = re.compile(r"[\0\n\ud800-\udfff]")
_BAD_IN_FILES = re.compile(r"[\0\n\r\ud800-\udfff]")  # a return within a line is a stray line end
_BAD_IN_LINES = re.compile(r"[\0\r\ud800-\udfff]")
LIST_BYTES = 4  # of memory that a character of a list takes, and more where lines are short
MAX_DOCUMENTS_BYTES = 8_192 * MIB  # of a run's documents; 32 bits count their characters


class Bad(NamedTuple):
    """A line that cannot be a document."""

    place: str
    document: str


def read_list(files: Sequence[SourceFile], config: DataConfig) -> tuple[list[str], list[str]]:
    """Return the documents in files, and what the user should know of them.

    The documents are the lines, or the cells of the column that the configuration names, stripped,
    without the blank ones.  Capitals, accents and repetitions are kept unless the configuration
    says otherwise.  Raises `InputError` for a file that cannot be read, an unknown column, lines
    that are no plain text unless they are to be left out, and too few documents.
    """
    documents, bad, notes = list[str](), list[Bad](), list[str]()
    for file in files:
        text = _read(file, config)
        lines = text.split("\n")
        numbers: Sequence[int] = range(1, len(lines) + 1)
        if config.column is not None:
            lines, numbers = read_column(file.name, lines, config.column, notes)
        elif (table := find_table(file.name, lines)) is not None:
            notes.append(table_note(file.name, table))
        lines = [line.strip() for line in lines]
        if config.column is not None or _BAD_IN_LINES.search(text):
            bad += [
                Bad(f"{file.name}, line {number}", line)
                for number, line in zip(numbers, lines, strict=True)
                if _BAD_IN_FILES.search(line)
            ]
            lines = [line for line in lines if not _BAD_IN_FILES.search(line)]
        documents += [line for line in lines if line]
    notes += _skipped_note(bad, "line", config)
    documents = [line for each in transform_documents(documents, config) if (line := each.strip())]
    _require_enough(documents, config, ", ".join(file.name for file in files[:3]))
    return documents, notes


def documents_in_memory(
    documents: Iterable[str], config: DataConfig
) -> tuple[list[str], list[str]]:
    """Return documents that a program holds, and what the user should know of them.

    They are taken to the letter, without the empty ones.  Raises `InputError` for what is not a
    string, documents that hold NUL, a line end or a lone surrogate, and too few documents.
    """
    require(
        not isinstance(documents, (str, bytes)),
        f"documents is {show_short(documents, 60)}, expected a list of strings; give one text as "
        "text.",
        "documents",
    )
    given = list(documents)
    for index, document in enumerate(given):
        require(
            isinstance(document, str),
            f"documents holds {show_short(document, 60)} at {index:,}, expected strings alone.",
            "documents",
        )
    bad = [Bad(f"documents[{i}]", d) for i, d in enumerate(given) if _BAD.search(d)]
    notes = _skipped_note(bad, "document", config)
    if bad:
        given = [document for document in given if not _BAD.search(document)]
    kept = [document for document in given if document]
    if len(kept) < len(given):
        empty = pluralize(len(given) - len(kept), "empty document")
        notes.append(f"{empty} of {len(given):,} left out.")
    kept = transform_documents(kept, config)
    _require_enough(kept, config, "documents")
    return kept, notes


def load_documents(path: Path) -> list[str]:
    """Return the documents that a run has written to a file, one a line, to the letter."""
    try:
        content = read_regular(path, (memory_bytes() or MAX_DOCUMENTS_BYTES) // LIST_BYTES)
        documents = content.decode("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read ({reason(error)}); restore it or train again."
        ) from error
    require(
        len(documents) > 1 and not documents.pop() and all(documents),
        f"{path} is damaged, expected the documents of the run, one a line; restore it or train "
        "again.",
    )
    return documents


def _read(file: SourceFile, config: DataConfig) -> str:
    """Return the text of a file, a newline alone at the end of its lines.

    It is gone through in pieces first, so that one that cannot be a list is never held.
    """
    size, number, first, count = 0, 1, Bad("", ""), 0
    for piece in whole_lines(file):
        size += len(piece)
        if _BAD_IN_LINES.search(piece):
            lines = enumerate(map(str.strip, piece.split("\n")), number)
            bad = [each for each in lines if _BAD_IN_FILES.search(each[1])]
            if bad and not count:
                first = Bad(f"{file.name}, line {bad[0][0]}", bad[0][1])
            count += len(bad)
        number += piece.count("\n")
    _require_room(file.name, size)
    if config.column is None and not config.skip_bad and count:
        raise _bad_error(first, count, "line")
    return "".join(whole_lines(file))


def _require_room(name: str, size: int) -> None:
    memory = memory_bytes() or math.inf
    require(
        LIST_BYTES * size <= memory,
        f"{name} has {size:,} characters, which would take at least "
        f"{show_bytes(LIST_BYTES * size)} of memory as a list, expected at most the "
        f"{show_bytes(memory)} of this machine; give less, or set kind to text.",
        "data",
    )


def _skipped_note(bad: list[Bad], noun: str, config: DataConfig) -> list[str]:
    """Return a note on what is left out; raise `InputError` where nothing may be."""
    if not bad:
        return []
    if not config.skip_bad:
        raise _bad_error(bad[0], len(bad), noun)
    what, _ = _what_is_bad(bad[0], noun)
    count = pluralize(len(bad), f"bad {noun}")
    return [f"{count} left out, the first {bad[0].place}, with {what}."]


def _bad_error(first: Bad, count: int, noun: str) -> InputError:
    what, shown = _what_is_bad(first, noun)
    remedy = "convert the file, for example with iconv" if "UTF-8" in what else "mend the data"
    return InputError(
        f"{first.place}: {shown} holds {what}, as the first of {pluralize(count, f'bad {noun}')}, "
        f"expected UTF-8 text with one document a line; {remedy}, set kind to text if it is one "
        "text, or skip_bad to leave out what is bad.",
        "data",
    )


def _what_is_bad(bad: Bad, noun: str) -> tuple[str, str]:
    """Return which character cannot be in a document, in words, and what is around it."""
    match = (_BAD_IN_FILES if noun == "line" else _BAD).search(bad.document)
    assert match is not None
    code = ord(match[0])
    what = f"byte 0x{code - 0xDC00:02x}, which is not UTF-8" if 0xDC80 <= code <= 0xDCFF else ""
    around = bad.document[max(match.start() - 30, 0) : match.start() + 30]
    return what or f"the character {match[0]!r}", repr(around)


def _require_enough(documents: list[str], config: DataConfig, place: str) -> None:
    least = min_documents(config)
    wanted = ["train", *["val"] * (config.val_fraction > 0), *["test"] * (config.test_share > 0)]
    needs = f"{' and '.join(filter(None, [', '.join(wanted[:-1]), wanted[-1]]))} need one each"
    require(
        len(documents) >= least,
        f"{place} holds {pluralize(len(documents), 'document')}, expected at least {least}, one a "
        f"line{f': {needs}, unless a fraction is 0' if least > 1 else ''}"
        f"{'; set kind to text if it is one text' if documents else ''}.",
        "data",
    )
