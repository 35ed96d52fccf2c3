"""The files that a configuration names: found, decompressed, listed, spooled, or refused."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.config import DataConfig, DataKind
from wavenet_jax.data import SOURCES, files, find_sources, load_dataset
from wavenet_jax.data.download import Source
from wavenet_jax.data.files import SourceFile
from wavenet_jax.errors import InputError
from wavenet_jax.paths import bundled_names

NAMES = ["emma", "olivia", "ava", "mia"]


def documents(*data: Path | str) -> list[str]:
    return load_dataset(DataConfig(tuple(map(str, data)), kind="list")).documents


@pytest.mark.parametrize("kind", ["list", "text", None])
def test_users_file_is_found_for_either_kind(names_file: Path, kind: DataKind | None) -> None:
    with find_sources(DataConfig(str(names_file), kind=kind)) as (files, notes):
        assert files == [SourceFile(str(names_file), names_file)]
        assert notes == []


def test_names_are_the_bundled_list() -> None:
    with find_sources(DataConfig()) as (files, _):
        assert files == [SourceFile("names", bundled_names(), "list")]


@pytest.mark.parametrize("data", ["nowhere.txt", "a" * 300, "a\0b"])
def test_data_that_are_not_there_are_refused(data: str, tmp_path: Path) -> None:
    name = str(tmp_path / data)
    message = (
        f"data {name!r} is not there, expected a text file or a recording, a folder of such, - for "
        "standard input, names, strings, makemore or shakespeare."
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$") as caught:
        documents(name)
    assert caught.value.field == "data"


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        ("names", "text", "kind is 'text', but data 'names' is a list, expected 'list'."),
        ("makemore", "text", "kind is 'text', but data 'makemore' is a list, expected 'list'."),
        (
            "shakespeare",
            "list",
            "kind is 'list', but data 'shakespeare' is a text, expected 'text'.",
        ),
    ],
)
def test_known_data_of_the_other_kind_are_refused(data: str, kind: DataKind, message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$") as caught:
        load_dataset(DataConfig(data=data, kind=kind))
    assert caught.value.field == "kind"


@pytest.mark.parametrize("data", SOURCES)
def test_data_not_downloaded_name_the_command_and_the_place(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = tmp_path / "wavenet_jax" / "data" / f"{data}.txt"
    message = f"expected the whole file at {place}; run `wavenet-jax data {data}` first."
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        load_dataset(DataConfig(data=data))
    assert caught.value.field == "data"


@pytest.mark.parametrize("kind", ["list", "text"])
def test_downloaded_data_are_found_where_they_are_whole(
    kind: DataKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = tmp_path / "wavenet_jax" / "data" / "anna.txt"
    place.parent.mkdir(parents=True)
    config, digest = DataConfig("anna"), hashlib.sha256(b"anna\n").hexdigest()
    sources = {"anna": Source("https://example.org", digest, 5, kind)}
    for content in (b"anna", b"hanna"):
        place.write_bytes(content)
        with pytest.raises(InputError, match="not downloaded yet"), find_sources(config, sources):
            pass
    place.write_bytes(b"anna\n")
    with find_sources(config, sources) as (files, _):
        assert files == [SourceFile("anna", place, kind)]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["list.txt", "list.txt.gz"])
def test_compressed_files_are_read_whatever_their_name(
    compress: "type[bytes]", name: str, tmp_path: Path
) -> None:
    content = "\n".join(NAMES).encode()
    (tmp_path / name).write_bytes(compress(content))
    assert documents(tmp_path / name) == NAMES
    text = load_dataset(DataConfig(str(tmp_path / name), kind="text"))
    assert text.splits.train.num_predictions + text.splits.val.num_predictions == len(content)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_that_are_cut_off_are_named(
    compress: "type[bytes]", tmp_path: Path
) -> None:
    path = tmp_path / "list.gz"
    path.write_bytes(compress(os.urandom(99) * 99)[:-20])
    with pytest.raises(InputError, match=f"^{re.escape(str(path))} cannot be read .*compressed"):
        documents(path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            "emma\nava\nmia".encode("utf-16"),
            "UTF-16 text, expected UTF-8 text; convert it by iconv",
        ),
        ("\ufeffemma".encode("utf-16-be"), "UTF-16 text, expected UTF-8"),
        (b"%PDF-1.7\n", "a PDF, expected UTF-8 text; export its text."),
        (b"PK\3\4\0", "a zip archive, as .docx"),
        (b"\x7fELF\0", "a program"),
    ],
)
@pytest.mark.parametrize("kind", ["list", "text", None])
def test_files_of_another_kind_are_named_by_it(
    content: bytes, problem: str, kind: DataKind | None, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / 'file'} is {problem}")):
        load_dataset(DataConfig(str(tmp_path / "file"), kind=kind))


def test_several_files_are_read_in_their_order(tmp_path: Path) -> None:
    for index, name in enumerate(NAMES):
        (tmp_path / str(index)).write_text(f"\ufeff{name}")
    assert documents(*(tmp_path / str(index) for index in (2, 0, 1, 3))) == [
        "ava",
        "emma",
        "olivia",
        "mia",
    ]
    assert documents("names", tmp_path / "0")[-1] == "emma"


def folder(path: Path) -> Path:
    (path / "b").mkdir(parents=True)
    (path / ".git").mkdir()
    (path / "c.txt").write_text("mia")
    (path / "a.txt.gz").write_bytes(gzip.compress(b"emma"))
    (path / "b" / "x.txt").write_text("olivia\nava\n")
    (path / "b" / "picture.png").write_bytes(b"\x89PNG\r\n")
    (path / "b" / "zeros").write_bytes(b"ab\0")
    (path / ".git" / "config").write_text("hidden")
    (path / ".hidden").write_text("hidden")
    return path


def test_folder_is_its_text_files_in_order(tmp_path: Path) -> None:
    path = folder(tmp_path / "folder")
    dataset = load_dataset(DataConfig(str(path), kind="list"))
    assert dataset.documents == NAMES
    assert dataset.notes == (
        f"data {path} is a folder: 3 files of text are read in the order of their names, 2 others "
        "left out.",
    )


def test_folder_without_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text("emma")
    with pytest.raises(InputError, match="is a folder without a text file, expected files of"):
        documents(tmp_path)
    sentence = (
        r"without a text file or a recording, expected files of UTF-8 text, or files that end"
    )
    with pytest.raises(InputError, match=sentence):
        load_dataset(DataConfig(str(tmp_path)))


def test_whatever_is_not_read_is_counted(tmp_path: Path) -> None:
    path = folder(tmp_path / "folder")
    (path / "a.wav").mkdir()  # empty
    (path / "link").symlink_to(path / "b")  # not entered
    (path / "broken").symlink_to("nowhere")
    os.mkfifo(path / "pipe")
    dataset = load_dataset(DataConfig(str(path), kind="list"))
    assert dataset.documents == NAMES
    assert dataset.notes[0].endswith("names, 6 others left out.")


@pytest.mark.parametrize("kind", ["list", "text"])
def test_standard_input_is_read(
    kind: DataKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    content = "\n".join(NAMES).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(content))))
    dataset = load_dataset(DataConfig("-", kind=kind))
    assert set(dataset.vocab.characters[1:]) - {"\n"} == set("".join(NAMES))
    assert dataset.documents == (NAMES if kind == "list" else [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_there", [True, False])
def test_standard_input_that_is_a_terminal_is_refused(
    is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal if is_there else None)
    with pytest.raises(InputError, match="data is '-', but nothing is piped in") as caught:
        documents("-")
    assert caught.value.field == "data"


def test_named_pipe_is_read_as_often_as_a_text_needs(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("to be or not to be"))
    writer.start()
    dataset = load_dataset(DataConfig(str(pipe), kind="text"))
    writer.join()
    assert dataset.splits.train.num_predictions == 16


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: path.symlink_to("/dev/zero"), "is a device"),
        (lambda path: path.symlink_to("nowhere"), "is not there"),
        (lambda path: path.symlink_to(path), "is not there"),
    ],
)
def test_what_is_no_file_is_refused_by_its_kind(
    make: Callable[[Path], None], what: str, tmp_path: Path
) -> None:
    make(tmp_path / "data")
    name = str(tmp_path / "data")
    with pytest.raises(InputError, match=f"^{re.escape(f'data {name!r} {what}')}, expected a text"):
        documents(name)


@pytest.mark.parametrize("kind", ["list", "text", None])
def test_gigabytes_of_nothing_are_refused_at_once(kind: DataKind | None, tmp_path: Path) -> None:
    with (tmp_path / "data").open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(InputError, match=r"has a line of more than|bytes or more of no text"):
        load_dataset(DataConfig(str(tmp_path / "data"), kind=kind))


def test_a_pipe_without_an_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_PIPED", 10)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"emma\n" * 3)))
    with pytest.raises(InputError, match=r"^standard input has more than 10 bytes, expected data"):
        documents("-")


@given(
    content=st.lists(st.sampled_from([b"a", b"b", b"\n", b"\r\n", b"\xff", b"\0", "é".encode()])),
    piece=st.integers(1, 9),
)
def test_pieces_are_whole_lines_of_the_file(content: list[bytes], piece: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path, whole = Path(folder, "data"), b"".join(content)
        path.write_bytes(whole)
        patch.setattr(files, "_PIECE", piece)
        pieces = list(files.whole_lines(SourceFile("data", path)))
    assert all(each.endswith("\n") for each in pieces[:-1] if each)
    expected = whole.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    assert "".join(pieces) == expected


def test_notes_show_names_without_codes(tmp_path: Path) -> None:
    (tmp_path / "\x1b[31m.txt").write_text("a,b,c\n" * 9)
    notes = load_dataset(DataConfig(str(tmp_path), kind="list")).notes
    assert any(r"\x1b[31m.txt looks like a table" in note for note in notes)
