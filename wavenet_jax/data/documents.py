"""Lists: the lines of files, or one column of tables, as documents."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

from wavenet_jax.config import DataConfig
from wavenet_jax.data.corpus import min_documents
from wavenet_jax.data.files import SourceFile, open_source
from wavenet_jax.data.vocab import transform_documents
from wavenet_jax.errors import InputError, nearest, pluralize, require

# What no document holds: NUL, line ends, and what stands for bytes that are not UTF-8.
_BAD = re.compile(r"[\0\n\ud800-\udfff]")
_BAD_IN_FILES = re.compile(r"[\0\n\r\ud800-\udfff]")  # a return within a line is a stray line end
_BAD_IN_LINES = re.compile(r"[\0\r\ud800-\udfff]")
_DELIMITERS = {"\t": "tab", ";": "semicolon", ",": "comma"}  # 1,5 may be a number
_SUFFIXES = {".csv": ";,\t", ".tsv": "\t", ".tab": "\t"}  # of tables, and what delimits them
Quoting = Literal[0, 3]  # of `csv`: quotation marks hold a cell together, or are part of it
_MAX_LINES = 1_000  # by which a table is recognised
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
        text = _read(file)
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
        f"documents is {documents!r:.60}, expected a list of strings; give one text as text.",
        "documents",
    )
    given = list(documents)
    for index, document in enumerate(given):
        require(
            isinstance(document, str),
            f"documents holds {document!r:.60} at {index:,}, expected strings alone.",
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
        documents = path.read_bytes().decode("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); restore it or train again.") from error
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
            f"column is {column!r}, but {file.name} is no table, expected lines whose columns a "
            f"{' or '.join(_DELIMITERS.values())} delimits; leave it out for whole lines.",
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
            f"{file.name}: the first line is taken as the names of the columns "
            f"({', '.join(table.head)})."
        )
        return cells[1:], numbers[1:]
    notes.append(
        f"{file.name}: the first line is taken as data, {table.head[index]!r}; set column to that "
        "if it is a name."
    )
    return cells, numbers


def _index(name: str, table: Table, column: str) -> int:
    """Return the position of a column that is given by its number or its name."""
    if column.isdecimal() and 1 <= int(column) <= len(table.head):
        return int(column) - 1
    near = nearest(column, table.head)
    require(
        column in table.head,
        f"column is {column!r}, which {name} does not have, expected a number from 1 to "
        f"{len(table.head)} or one of {', '.join(table.head)}"
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


def _table_note(name: str, table: Table) -> str:
    shown = ", ".join(table.head[:8]) + (", ..." if len(table.head) > 8 else "")
    return (
        f"{name} looks like a table of {len(table.head)} columns (first line: {shown:.100}), of "
        "which whole lines are taken; set column to a name or a number for one of them."
    )


def _read(file: SourceFile) -> str:
    """Return the text of a file, a newline alone at the end of its lines."""
    with open_source(file) as stream:
        content = stream.read()
    # Byte-order marks, which Windows writes at the start, are not part of the text.
    text = content.decode("utf-8", "surrogateescape").replace("\ufeff", "").replace("\r\n", "\n")
    return text if "\n" in text else text.replace("\r", "\n")  # as old Macs write


def _skipped_note(bad: list[Bad], noun: str, config: DataConfig) -> list[str]:
    """Return a note on what is left out; raise `InputError` where nothing may be."""
    if not bad:
        return []
    place, document = bad[0]
    match = (_BAD_IN_FILES if noun == "line" else _BAD).search(document)
    assert match is not None
    code = ord(match[0])
    what = f"byte 0x{code - 0xDC00:02x}, which is not UTF-8" if 0xDC80 <= code <= 0xDCFF else ""
    what = what or f"the character {match[0]!r}"
    shown = repr(document[max(match.start() - 30, 0) : match.start() + 30])
    if config.skip_bad:
        return [f"{pluralize(len(bad), f'bad {noun}')} left out, the first {place}, with {what}."]
    remedy = "convert the file, for example with iconv" if "UTF-8" in what else "mend the data"
    raise InputError(
        f"{place}: {shown} holds {what}, as the first of {pluralize(len(bad), f'bad {noun}')}, "
        f"expected UTF-8 text with one document a line; {remedy}, set kind to text if it is one "
        "text, or skip_bad to leave out what is bad.",
        "data",
    )


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
