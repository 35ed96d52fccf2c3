"""Tables: lines that are columns, and the cells of one of them."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

from wavenet_jax.errors import InputError, escape, nearest, pluralize, require, show_short

_DELIMITERS = {"\t": "tab", ";": "semicolon", ",": "comma"}  # 1,5 may be a number
_SUFFIXES = {".csv": ";,\t", ".tsv": "\t", ".tab": "\t"}  # of tables, and what delimits them
Quoting = Literal[0, 3]  # of `csv`: quotation marks hold a cell together, or are part of it
_MAX_LINES = 1_000  # by which a table is recognised
_MAX_COLUMNS, _MAX_SHOWN = 20, 100  # and characters of their names that a message shows
_TABLE_SHARE = 0.95  # of the lines of a table have equally many columns


class Table(NamedTuple):
    """How the lines of a file are columns."""

    delimiter: str
    quoting: Quoting
    head: list[str]  # the cells of the first line


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


class Cells(NamedTuple):
    """The cells of a column, and what belongs to each."""

    texts: list[str]
    numbers: Sequence[int]  # of the lines that they end in
    labels: list[tuple[str, ...]]  # stripped; empty where a row ends before


def read_column(
    name: str, lines: list[str], column: str, labels: Sequence[str], notes: list[str]
) -> Cells:
    """Return the cells of a column, and those of the columns of labels beside them.

    Notes are added to those given.  Raises `InputError` where the file of that name has no such
    columns, or a cell does not end.
    """
    table = find_table(name, lines, column)
    if table is None:
        raise InputError(
            f"column is {show_short(column)}, but {name} is no table, expected lines whose "
            f"columns a {' or '.join(_DELIMITERS.values())} delimits; leave it out for whole "
            "lines.",
            "column",
        )
    index = _index(name, table, column)
    beside = [_index_of_labels(name, table, each) for each in labels]
    texts, numbers, rows, short = list[str](), list[int](), list[tuple[str, ...]](), 0
    reader = _rows((f"{line}\n" for line in lines), table.delimiter, table.quoting)
    try:
        for row in reader:
            if index < len(row):
                texts.append(row[index])
                numbers.append(reader.line_num)
                rows.append(tuple(each.strip() for each in _at(row, beside)))
            elif any(row):
                short += 1
    except csv.Error as error:
        raise InputError(
            f"{name}, line {reader.line_num}: {error}, expected cells of a few lines; is a "
            "quotation mark left open?",
            "data",
        ) from error
    if short:
        notes.append(f"{name}: {pluralize(short, 'line')} without that column left out.")
    is_named = bool(labels) or table.head[index] == column
    if is_named or _is_header(table, texts[:_MAX_LINES], index, lines):
        notes.append(
            f"{name}: the first line is taken as the names of the columns ({_columns(table)})."
        )
        return Cells(texts[1:], numbers[1:], rows[1:])
    notes.append(
        f"{name}: the first line is taken as data, {show_short(table.head[index])}; set "
        "column to that if it is a name."
    )
    return Cells(texts, numbers, rows)


def _at(row: list[str], indices: list[int]) -> Iterator[str]:
    return (row[index] if index < len(row) else "" for index in indices)


def _index(name: str, table: Table, column: str) -> int:
    """Return the position of a column that is given by its number or its name."""
    if column.isdecimal() and 1 <= int(column) <= len(table.head):
        return int(column) - 1
    require(
        column in table.head,
        f"column is {show_short(column)}, which {name} does not have, expected a number from 1 to "
        f"{len(table.head):,} or one of {_columns(table)}{_did_you_mean(column, table)}",
        "column",
    )
    return table.head.index(column)


def _index_of_labels(name: str, table: Table, column: str) -> int:
    """Return the position of a column that is given by its name, which tells what labels are."""
    require(
        column in table.head,
        f"labels is {show_short(column)}, a column that {name} does not have, expected one of "
        f"{_columns(table)}{_did_you_mean(column, table)}",
        "labels",
    )
    return table.head.index(column)


def _did_you_mean(column: str, table: Table) -> str:
    near = nearest(column, table.head)
    return f"; did you mean {near!r}?" if near else "."


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


def table_note(name: str, table: Table) -> str:
    """Return what a user should know of a table whose whole lines are taken."""
    return (
        f"{name} looks like a table of {len(table.head):,} columns (first line: "
        f"{_columns(table)}), of "
        "which whole lines are taken; set column to a name or a number for one of them."
    )
