"""Lists: the lines of files, or one column of tables, as documents."""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

from wavenet_jax.config import DataConfig
from wavenet_jax.data.corpus import min_documents
from wavenet_jax.data.files import SourceFile, whole_lines
from wavenet_jax.data.vocab import transform_documents
from wavenet_jax.errors import InputError, escape, nearest, pluralize, require, show_short
from wavenet_jax.machine import MIB, memory_bytes, read_regular, reason, show_bytes

# What no document holds: NUL, line ends, and what stands for bytes that are not UTF-8.
_BAD = re.compile(r"[\0\n\ud800-\udfff]")
_BAD_IN_FILES = re.compile(r"[\0\n\r\ud800-\udfff]")  # a return within a line is a stray line end
_BAD_IN_LINES = re.compile(r"[\0\r\ud800-\udfff]")
_DELIMITERS = {"\t": "tab", ";": "semicolon", ",": "comma"}  # 1,5 may be a number
_SUFFIXES = {".csv": ";,\t", ".tsv": "\t", ".tab": "\t"}  # of tables, and what delimits them
Quoting = Literal[0, 3]  # of `csv`: quotation marks hold a cell together, or are part of it
LIST_BYTES = 4  # of memory that a character of a list takes, and more where lines are short
MAX_DOCUMENTS_BYTES = 8_192 * MIB  # of a run's documents; 32 bits count their characters
_MAX_LINES = 1_000  # by which a table is recognised
_MAX_COLUMNS, _MAX_SHOWN = 20, 100  # and characters of their names that a message shows
_TABLE_SHARE = 0.95  # of the lines of a table have equally many columns


class Table(NamedTuple):
    """How the lines of a file are columns."""

    delimiter: str
    quoting: Quoting
    head: list[str]  # the cells of the first line


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
            lines, numbers = _read_column(file, lines, config.column, notes)
        elif (table := find_table(file.name, lines)) is not None:
            notes.append(_table_note(file.name, table))
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


def find_table(name: str, lines: Sequence[str], column: str | None = None) -> Table | None:
    """Tell how lines are columns, by the file's name or as nearly all have the same number.

    Two columns are enough where they are delimited by tabs, where the name says that the file is a
    table, or where a column is wanted; else it takes three.
    """
    suffix = next((each for each in _SUFFIXES if each in Path(name).suffixes[-2:]), None)
    is_wanted = suffix is not None or column is not None
    sample = [line for line in lines[:_MAX_LINES] if line.strip()]
    best, table = (0.0, 0), None
    for delimiter in _SUFFIXES.get(suffix or "", _DELIMITERS):
        if not is_wanted and not _is_like_table(lines, sample, delimiter):
            continue
        quoting = _quoting(delimiter, sample)
        rows = list[list[str]]()
        with suppress(csv.Error):  # of a cell that is too long
            rows.extend(_rows(sample, delimiter, quoting))
        (width, count), *_ = Counter(map(len, rows)).most_common(1) or [(0, 0)]
        share = count / max(len(sample), 1)
        enough = 2 if is_wanted or delimiter == "\t" else 3
        if width >= enough and (is_wanted or share >= _TABLE_SHARE) and (share, width) > best:
            best, table = (share, width), Table(delimiter, quoting, [c.strip() for c in rows[0]])
    if table is None and suffix is not None and column is not None and sample:
        return Table(_SUFFIXES[suffix][0], csv.QUOTE_MINIMAL, [sample[0].strip()])  # one column
    return table


def _is_like_table(lines: Sequence[str], sample: list[str], delimiter: str) -> bool:
    """Tell whether lines may be a table: no JSON, no prose with blank lines or after commas."""
    whole = len(sample) >= 3 and len(sample) >= len(lines[:_MAX_LINES]) - 1  # the last may be blank
    joined = "".join(sample)
    after = joined.count(f"{delimiter} ") / max(joined.count(delimiter), 1)
    return whole and sample[0][0] not in "{[" and (delimiter == "\t" or after < 0.5)


def _quoting(delimiter: str, sample: list[str]) -> Quoting:
    """Tell whether quotation marks hold cells together, or are part of a column split by tabs."""
    is_plain = delimiter == "\t" and any(line.count('"') % 2 for line in sample)
    return csv.QUOTE_NONE if is_plain else csv.QUOTE_MINIMAL


def _rows(lines: Iterable[str], delimiter: str, quoting: Quoting) -> Any:
    return csv.reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=True)


def _read_column(
    file: SourceFile, lines: list[str], column: str, notes: list[str]
) -> tuple[list[str], list[int]]:
    """Return the cells of a column, and the numbers of the lines that they end in."""
    table = find_table(file.name, lines, column)
    if table is None:
        raise InputError(
            f"column is {show_short(column)}, but {file.name} is no table, expected lines whose "
            f"columns a {' or '.join(_DELIMITERS.values())} delimits; leave it out for whole "
            "lines.",
            "column",
        )
    index = _index(file.name, table, column)
    cells, numbers, short = list[str](), list[int](), 0
    reader = _rows((f"{line}\n" for line in lines), table.delimiter, table.quoting)
    try:
        for row in reader:
            if index < len(row):
                cells.append(row[index])
                numbers.append(reader.line_num)
            elif any(row):
                short += 1
    except csv.Error as error:
        raise InputError(
            f"{file.name}, line {reader.line_num}: {error}, expected cells of a few lines; is a "
            "quotation mark left open?",
            "data",
        ) from error
    if short:
        notes.append(f"{file.name}: {pluralize(short, 'line')} without that column left out.")
    if table.head[index] == column or _is_header(table, cells[:_MAX_LINES], index, lines):
        notes.append(
            f"{file.name}: the first line is taken as the names of the columns ({_columns(table)})."
        )
        return cells[1:], numbers[1:]
    notes.append(
        f"{file.name}: the first line is taken as data, {show_short(table.head[index])}; set "
        "column to that if it is a name."
    )
    return cells, numbers


def _index(name: str, table: Table, column: str) -> int:
    """Return the position of a column that is given by its number or its name."""
    if column.isdecimal() and 1 <= int(column) <= len(table.head):
        return int(column) - 1
    near = nearest(column, table.head)
    require(
        column in table.head,
        f"column is {show_short(column)}, which {name} does not have, expected a number from 1 to "
        f"{len(table.head):,} or one of {_columns(table)}"
        f"{f'; did you mean {near!r}?' if near else '.'}",
        "column",
    )
    return table.head.index(column)


def _is_header(table: Table, cells: list[str], index: int, lines: list[str]) -> bool:
    """Tell whether the first line names the columns: one of numbers has no number there."""
    rows = list(_rows(lines[:_MAX_LINES], table.delimiter, table.quoting))[1:]
    rows = [row for row in rows if len(row) == len(table.head)]
    columns = list(zip(*rows, strict=True))
    return table.head[index] not in cells[1:] and any(
        not _is_number(name) and all(map(_is_number, filter(None, column))) and any(column)
        for name, column in zip(table.head, columns, strict=False)
    )


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[-+]?[\d.,]*\d[\d.,]*(e[-+]?\d+)?\s*%?\s*", cell, re.I) is not None


def _columns(table: Table) -> str:
    """Return the names of the columns, as far as they fit a line."""
    shown = escape(", ".join(each[:_MAX_SHOWN] for each in table.head[:_MAX_COLUMNS]))
    is_cut = len(shown) > _MAX_SHOWN or len(table.head) > _MAX_COLUMNS
    return shown[:_MAX_SHOWN] + (", ..." if is_cut else "")


def _table_note(name: str, table: Table) -> str:
    return (
        f"{name} looks like a table of {len(table.head):,} columns (first line: "
        f"{_columns(table)}), of "
        "which whole lines are taken; set column to a name or a number for one of them."
    )


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
