"""Documents: the lines of files, or one column of tables, and those of a program or a run."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import NamedTuple

from wavenet_jax.config import DataConfig
from wavenet_jax.data.corpus import min_documents
from wavenet_jax.data.files import SourceFile, whole_lines
from wavenet_jax.data.labels import Found, found_in_memory, lacking_note
from wavenet_jax.data.lists.tables import Cells, find_table, read_column, table_note
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


class Listed(NamedTuple):
    """Documents, what is known of each beside what it says, and notes for the user."""

    documents: list[str]
    found: Found
    notes: list[str]


def read_list(files: Sequence[SourceFile], config: DataConfig) -> Listed:
    """Return the documents in files, their labels, and what the user should know of them.

    The documents are the lines, or the cells of the column that the configuration names, stripped,
    without the blank ones.  Capitals, accents and repetitions are kept unless the configuration
    says otherwise.  Raises `InputError` for a file that cannot be read, an unknown column, lines
    that are no plain text or lack a label unless they are to be left out, and too few documents.
    """
    documents, bad, lacking, notes = list[str](), list[Bad](), list[str](), list[str]()
    found = Found((*config.labels, *config.label_groups))
    for file in files:
        text = _read(file, config)
        cells = _read_cells(file, text, config, notes)
        kept = list(map(bool, cells.texts))
        if config.column is not None or _BAD_IN_LINES.search(text):
            for row, (line, number, labels) in enumerate(zip(*cells, strict=True)):
                place = f"{file.name}, line {number}"
                if _BAD_IN_FILES.search(line):
                    bad.append(Bad(place, line))
                    kept[row] = False
                elif line and (kind := found.missing(labels)):
                    lacking.append(f"{place}: label {kind}")
                    kept[row] = False
        documents += compress(cells.texts, kept)
        found.add(list(compress(cells.labels, kept)), is_test=file.is_test)
    notes += _skipped_note(bad, "line", config) + lacking_note(lacking, config)
    return _transformed(documents, found, notes, config, ", ".join(f.name for f in files[:3]))


def _read_cells(file: SourceFile, text: str, config: DataConfig, notes: list[str]) -> Cells:
    """Return the lines of a text, or the cells of a column, stripped, with the file's labels too.

    Notes are added to those given.
    """
    lines = text.split("\n")
    cells = Cells(lines, range(1, len(lines) + 1), [()] * len(lines))
    if config.column is not None:
        cells = read_column(file.name, lines, config.column, config.labels, notes)
    elif (table := find_table(file.name, lines)) is not None:
        notes.append(table_note(file.name, table))
    return cells._replace(
        texts=[line.strip() for line in cells.texts],
        labels=[(*labels, *file.labels) for labels in cells.labels]
        if file.labels
        else cells.labels,
    )


def documents_in_memory(
    documents: Iterable[str], config: DataConfig, labels: Mapping[str, Iterable[str]] | None = None
) -> Listed:
    """Return documents that a program holds, and what the user should know of them.

    They are taken to the letter, without the empty ones; labels are a list for each kind, with one
    for each document.  Raises `InputError` for what is not a string, documents that hold NUL, a
    line end or a lone surrogate, or lack a label, and too few documents.
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
    found = found_in_memory(labels or {}, len(given))
    bad = [Bad(f"documents[{i}]", d) for i, d in enumerate(given) if _BAD.search(d)]
    notes = _skipped_note(bad, "document", config)
    if empty := given.count(""):
        notes.append(f"{pluralize(empty, 'empty document')} of {len(given) - len(bad):,} left out.")
    kept = [bool(document) and not _BAD.search(document) for document in given]
    lacking = list[str]()
    for index, each in enumerate(found.labels):
        if kept[index] and (kind := found.missing(each)):
            lacking.append(f"documents[{index}]: label {kind}")
            kept[index] = False
    notes += lacking_note(lacking, config)
    found.keep(kept)
    return _transformed(list(compress(given, kept)), found, notes, config, None)


def _transformed(
    documents: list[str], found: Found, notes: list[str], config: DataConfig, place: str | None
) -> Listed:
    """Return documents in small letters and normalised, as far as that is wanted, if enough.

    Those of the files in a place are stripped again, of what normal forms bring.
    """
    documents = transform_documents(documents, config)
    if place is not None:
        documents = [line.strip() for line in documents]
        found.keep(list(map(bool, documents)))
        documents = [line for line in documents if line]
    _require_enough(documents, found, config, place or "documents")
    return Listed(documents, found, notes)


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


def _require_enough(documents: list[str], found: Found, config: DataConfig, place: str) -> None:
    """Raise `InputError` where documents do not reach for the splits that are cut from them."""
    least = min_documents(config)
    wanted = ["train", *["val"] * (config.val_fraction > 0), *["test"] * (config.test_share > 0)]
    needs = f"{' and '.join(filter(None, [', '.join(wanted[:-1]), wanted[-1]]))} need one each"
    require(
        found.num_untested >= least,
        f"{place} holds {pluralize(found.num_untested, 'document')}"
        f"{' beside the test' if any(found.tests) else ''}, expected at least {least}, one a "
        f"line{f': {needs}, unless a fraction is 0' if least > 1 else ''}"
        f"{'; set kind to text if it is one text' if documents else ''}.",
        "data",
    )
