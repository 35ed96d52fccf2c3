"""Tables as lists: how they are recognised, and the cells of one column."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.config import DataConfig
from wavenet_jax.data.files import SourceFile
from wavenet_jax.data.lists import read_list
from wavenet_jax.errors import InputError

TAB = "\t"


def read(path: Path, **options: Any) -> tuple[list[str], list[str]]:
    documents, _, notes = read_list(
        [SourceFile(str(path), path)], DataConfig(kind="list", **options)
    )
    return documents, notes


TABLE = 'name,year,count\n"Anna, B.",1999,3\nBen,2000,"4"\n"Cleo ""C""",2001,5\n'


@pytest.mark.parametrize(
    ("name", "content", "column", "documents"),
    [
        ("a.csv", TABLE, "name", ["Anna, B.", "Ben", 'Cleo "C"']),
        ("a.csv", TABLE, "1", ["Anna, B.", "Ben", 'Cleo "C"']),
        ("a.csv", TABLE, "3", ["3", "4", "5"]),
        ("a.csv", TABLE.replace("\n", "\r\n"), "year", ["1999", "2000", "2001"]),
        ("a.csv", TABLE.replace("\n", "\r"), "year", ["1999", "2000", "2001"]),
        ("a.txt", "Anna\tx y\nBen\tz\nCleo\t\nDora\tw\n", "2", ["x y", "z", "w"]),
        ("a.csv", "Anna;1,5\nBen;2,5\nCleo;3,5\n", "1", ["Anna", "Ben", "Cleo"]),
        ("a.tsv", 'Anna\t1"\nBen\t"2\nCleo\t3,3\n', "2", ['1"', '"2', "3,3"]),
        ("a.tsv", '"Anna"\t1\n"B\tC"\t2\nCleo\t3\n', "1", ["Anna", "B\tC", "Cleo"]),
        ("a", "2019,2020\nx,a\ny,b\nz,c\n", "2020", ["a", "b", "c"]),
        ("a", "x, a\ny, b\nz, c\n", "2", ["a", "b", "c"]),
    ],
)
def test_a_column_is_read_by_name_or_number(
    name: str, content: str, column: str, documents: list[str], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())
    found, notes = read(path, column=column)
    assert found == documents
    is_header = content.startswith(("name", "2019"))
    assert f"the first line is taken as {'the names' if is_header else 'data'}" in notes[-1]


CELLS = st.lists(
    st.tuples(st.text("ab ,;\t\"'é.", max_size=5), st.text('xy," ', max_size=5)),
    min_size=3,
    max_size=9,
)


@given(CELLS, st.sampled_from(",;\t"))
def test_columns_are_those_that_were_written(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]], delimiter: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"table.{'tsv' if delimiter == TAB else 'csv'}"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([("first", "second"), *[(f"{a}.", f"{b}.") for a, b in cells]])
    expected = [f"{a}.".strip() for a, _ in cells]
    assert read(path, column="first")[0] == expected


@pytest.mark.parametrize(
    ("name", "content", "column", "message"),
    [
        (
            "a.csv",
            TABLE,
            "nam",
            "expected a number from 1 to 3 or one of name, year, count; did you",
        ),
        (
            "a.csv",
            TABLE,
            "4",
            "column is '4', which {path} does not have, expected a number from 1",
        ),
        ("a.csv", TABLE, "0", "column is '0', which {path} does not have"),
        (
            "a.txt",
            "Anna\nBen\nCleo\n",
            "1",
            "column is '1', but {path} is no table, expected lines",
        ),
        ("a.csv", 'a,b\n"c\nd",2\ne,3\n', "1", "line 3: 'c\\nd' holds the character '\\n'"),
        ("a.csv", 'a,b\nc,"' + "x" * 140_000 + '"\n', "1", "is a quotation mark left open?"),
        ("a.csv", "", "1", "is no table"),
    ],
)
def test_a_column_that_cannot_be_read_is_refused(
    name: str, content: str, column: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=re.escape(message.format(path=path))):
        read(path, column=column)


def test_lines_without_the_column_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,1\ny,2\nz\nw,4\n\n")
    documents, notes = read(path, column="2")
    assert documents == ["1", "2", "4"]
    assert notes[0] == f"{path}: 1 line without that column left out."


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("a.csv", TABLE, "3 columns (first line: name, year, count)"),
        ("a.csv.gz", TABLE, "3 columns"),
        ("a.csv", "Anna,1\nBen,2\nCleo,3\n", "2 columns (first line: Anna, 1)"),
        ("a.txt", "Anna\t1\nBen\t2\nCleo\t3\n", "2 columns"),
        ("a.txt", "a;b;c\nd;e;f\ng;h;i\n", "3 columns"),
        ("a.txt", "Paris, France\nRome, Italy\nBonn, Germany\n", ""),
        ("a.txt", "Paris, France, Europe\nRome, Italy, Europe\nBonn, Germany, Europe\n", ""),
        ("a.csv", "a, b\n\nc, d\ne, f\n", "2 columns"),
        ("a.txt", "Yes, well, no.\nOh!\nA, b, c, d.\nx\n", ""),
        ("a.jsonl", '{"a": 1, "b": 2, "c": 3}\n' * 5, ""),
        ("a.txt", "Anna\nBen\nCleo\n", ""),
    ],
)
def test_a_table_whose_lines_are_taken_whole_is_told(
    name: str, content: str, columns: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content)
    documents, notes = read(path)
    assert documents == [line for line in content.split("\n") if line]
    assert len(notes) == (columns != "")
    for note in notes:
        assert note.startswith(f"{path} looks like a table of {columns}")
        assert note.endswith("set column to a name or a number for one of them.")


def test_a_table_of_one_column_has_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name\nada\nbea\ncia\n")
    documents, _ = read(path, column="name")
    assert documents == ["ada", "bea", "cia"]


def test_names_of_columns_are_cut_and_shown_without_codes(tmp_path: Path) -> None:
    head = ",".join(["\x1b[31m" + "x" * 10_000] * 30)
    (tmp_path / "a.csv").write_text("\n".join([head] + [",".join(["1"] * 30)] * 9))
    _, (note,) = read(tmp_path / "a.csv")
    assert len(note) < 500
    assert "\x1b" not in note
    assert r"first line: \x1b[31mxxx" in note
