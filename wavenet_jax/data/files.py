"""The files that a configuration names: plain, compressed, in a folder, or from standard input."""

import bz2
import gzip
import lzma
import os
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple

from wavenet_jax.config import DataConfig, DataKind
from wavenet_jax.data.download import SOURCES, Source, download_path, is_whole
from wavenet_jax.errors import InputError, pluralize, require
from wavenet_jax.machine import MIB, kind_of, open_regular, reason, show_bytes
from wavenet_jax.paths import bundled_names

STANDARD_INPUT = "-"
PIPED = "standard input"  # its name
MAX_LINE = 64 * MIB  # bytes of a document in a file
MAX_PIPED = 8_192 * MIB  # bytes; a text has at most two billion characters
STRINGS = "strings"  # computed, not read
BUILT_IN: dict[str, DataKind] = {"names": "list", STRINGS: "audio"}
RECORDINGS = (".wav", ".flac", ".ogg")  # by these endings a file is known as one
_PIECE = 4 * MIB
_HEAD = 8_192  # bytes by which a text file is recognised
_COMPRESSED: dict[bytes, Any] = {
    b"\x1f\x8b\x08": gzip.open,
    **{b"BZh%d1AY&SY" % level: bz2.open for level in range(1, 10)},
    b"\xfd7zXZ\0": lzma.open,
}
_COMPRESSED_ENDINGS = (".gz", ".bz2", ".xz")
_NO_TEXT = {
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"%PDF": "a PDF",
    b"PK\3\4": "a zip archive, as .docx, .xlsx and .epub are",
    b"PAR1": "a Parquet table",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x7fELF": "a program",
    b"SQLite format 3": "a database",
    b"\xd0\xcf\x11\xe0": "an Office document",
}


class SourceFile(NamedTuple):
    """A file of the data, under the name that the user knows."""

    name: str
    path: Path
    kind: DataKind | None = None  # of a known data set, or by its ending
    labels: tuple[str, ...] = ()  # of its documents, as far as its path tells them
    is_test: bool = False


class Sources(NamedTuple):
    """The files that a configuration names, in order, and what the user should know of them."""

    files: list[SourceFile]
    notes: list[str]


@contextmanager
def find_sources(config: DataConfig, sources: Mapping[str, Source] = SOURCES) -> Iterator[Sources]:
    """Find the files that the configuration names; they may be read until the end.

    Raises `InputError` where one is not there, and for a known data set of the other kind.
    """
    found = Sources([], [])
    with ExitStack() as stack:
        for name in config.sources:
            if name in BUILT_IN or name in sources:
                found.files.append(_find_known(name, config, sources))
            elif name == STANDARD_INPUT or _is_pipe(Path(name)):
                found.files.append(_spooled(name, stack))
            elif os.path.isdir(name):
                _add_folder(name, config, found)
            else:
                what = _what_is_wrong(name)
                require(
                    what is None,
                    f"data {name!r} {what}, expected a text file or a recording, a folder of such, "
                    f"- for standard input, {', '.join(BUILT_IN)}, {' or '.join(sources)}.",
                    "data",
                )
                found.files.append(SourceFile(name, Path(name), _kind_by_ending(Path(name))))
        yield found


@contextmanager
def open_source(file: SourceFile) -> Iterator[IO[bytes]]:
    """Open a file, decompressed where it is compressed.

    Raises `InputError` where it cannot be read, also later, or is known not to be UTF-8 text.
    """
    try:
        with _opened(file.path) as stream:
            head = stream.read(_HEAD)
            found = next((what for magic, what in _NO_TEXT.items() if head.startswith(magic)), None)
            is_utf_16 = found == "UTF-16 text"
            remedy = "convert it by iconv -f UTF-16 -t UTF-8" if is_utf_16 else "export its text"
            require(
                found is None, f"{file.name} is {found}, expected UTF-8 text; {remedy}.", "data"
            )
            stream.seek(0)
            yield stream
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise InputError(
            f"{file.name} cannot be read ({reason(error)}), expected a text file, also one "
            "compressed by gzip, bzip2 or xz.",
            "data",
        ) from error


def whole_lines(file: SourceFile) -> Iterator[str]:
    """Yield the text of a file in pieces of whole lines, a newline alone at the end of each.

    What is not UTF-8 becomes lone surrogates.  Raises `InputError` as `open_source` does, and for
    a line that is too long to be a document.
    """
    with open_source(file) as stream:
        rest, end = b"", b""
        while content := stream.read(_PIECE):
            rest += content
            is_old_mac = b"\r" in rest[:-1] and b"\n" not in rest
            end = end or (b"\r" if is_old_mac else b"\n")
            cut = rest.rfind(end) + 1
            require(
                cut > 0 or len(rest) <= MAX_LINE,
                f"{file.name} has a line of more than {show_bytes(MAX_LINE)}, expected one "
                "document a line; set kind to text if it is one text.",
                "data",
            )
            yield _decoded(rest[:cut], end)
            rest = rest[cut:]
        yield _decoded(rest, end)


def _decoded(content: bytes, end: bytes) -> str:
    # Byte-order marks, which Windows writes at the start, are not part of the text.
    text = content.decode("utf-8", "surrogateescape").replace("\ufeff", "").replace("\r\n", "\n")
    return text.replace("\r", "\n") if end == b"\r" else text


def _opened(path: Path) -> IO[bytes]:
    file = open_regular(path)
    if (decompress := decompressor(file)) is not None:
        file.close()
        return decompress(path)
    return file


def decompressor(file: IO[bytes]) -> Any:
    """Return what opens a file decompressed, None unless it is compressed as a text may be."""
    head = file.read(max(map(len, _COMPRESSED)))
    file.seek(0)
    return next((each for magic, each in _COMPRESSED.items() if head.startswith(magic)), None)


def _find_known(name: str, config: DataConfig, sources: Mapping[str, Source]) -> SourceFile:
    kind = BUILT_IN.get(name) or sources[name].kind
    what = kind if kind == "audio" else f"a {kind}"
    require(
        config.kind in (kind, None),
        f"kind is {config.kind!r}, but data {name!r} is {what}, expected {kind!r}.",
        "kind",
    )
    if name == STRINGS:
        return SourceFile(name, Path(name), kind)  # of which there is no file
    if name == "names":
        return SourceFile(name, bundled_names(), kind)
    path = download_path(name)
    require(
        is_whole(path, sources[name]),
        f"data {name!r} is not downloaded yet, expected the whole file at {path}; run "
        f"`wavenet-jax data {name}` first.",
        "data",
    )
    return SourceFile(name, path, kind)


def _is_pipe(path: Path) -> bool:
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _what_is_wrong(name: str) -> str | None:
    """Return why a path is no file, None where it is one."""
    try:
        what = kind_of(os.stat(name).st_mode)  # Path.is_file raises where a name is too long
    except (OSError, ValueError):
        return "is not there"
    return what and what.removeprefix("it ")


def _spooled(name: str, stack: ExitStack) -> SourceFile:
    """Keep what can be read once, such as standard input, in a file, as texts are read twice."""
    shown = PIPED if name == STANDARD_INPUT else name
    if name == STANDARD_INPUT:
        require(
            sys.stdin is not None and not sys.stdin.isatty(),
            "data is '-', but nothing is piped in, expected text on standard input, such as from "
            "`cat names.txt`.",
            "data",
        )
    path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "spooled"
    try:
        is_stdin = name == STANDARD_INPUT
        source = nullcontext(sys.stdin.buffer) if is_stdin else Path(name).open("rb")  # noqa: SIM115
        with source as pipe, path.open("wb") as file:
            _copy(pipe, file, shown)
    except OSError as error:
        raise InputError(
            f"{shown} cannot be kept in {path.parent} ({error.strerror}), expected room for it; "
            "set TMPDIR to a folder with room.",
            "data",
        ) from error
    return SourceFile(shown, path)


def _copy(pipe: IO[bytes], file: IO[bytes], shown: str) -> None:
    while content := pipe.read(_PIECE):
        file.write(content)
        require(
            file.tell() <= MAX_PIPED,
            f"{shown} has more than {show_bytes(MAX_PIPED)}, expected data that end; give less.",
            "data",
        )


def _kind_by_ending(path: Path) -> DataKind | None:
    """Return the kind of recordings, also of compressed ones, which are refused as such."""
    inner = path.with_suffix("") if path.suffix.lower() in _COMPRESSED_ENDINGS else path
    return "audio" if inner.suffix.lower() in RECORDINGS else None


def _add_folder(name: str, config: DataConfig, found: Sources) -> None:
    """Add the text files in a folder and the folders in it, in order; hidden ones are left out.

    Instead of them, the recordings are added where they are wanted, or are more than the others.
    """
    there = _list_folder(name)
    paths = [path for path in there if path.is_file()]
    recordings = [path for path in paths if _kind_by_ending(path) == "audio"]
    is_sound = config.kind == "audio" or (config.kind is None and 2 * len(recordings) > len(paths))
    chosen = recordings if is_sound else list(filter(_holds_text, paths))
    sound = f"files that end in {', '.join(RECORDINGS)}"
    what, expected = {
        "audio": ("a recording", sound),
        None: ("a text file or a recording", f"files of UTF-8 text, or {sound},"),
    }.get(config.kind, ("a text file", "files of UTF-8 text"))
    require(
        len(chosen) > 0,
        f"data {name!r} is a folder without {what}, expected {expected} in it, whose names do not "
        "begin with a period.",
        "data",
    )
    found.files.extend(SourceFile(str(p), p, "audio" if is_sound else None) for p in chosen)
    count = pluralize(len(chosen), "recording" if is_sound else "file")
    left_out = f"{pluralize(len(there) - len(chosen), 'other')} left out"
    found.notes.append(
        f"data {name} is a folder: {count}{'' if is_sound else ' of text'} are read in the order "
        f"of their names{f', {left_out}' if len(chosen) < len(there) else ''}."
    )


def _list_folder(name: str) -> list[Path]:
    """Return what is in a folder and the folders in it, but for hidden ones, in order.

    Of folders those that are not entered, or empty, since nothing in them stands for them.
    """
    found = []
    for folder, folders, names in os.walk(name):
        folders[:] = [each for each in folders if not each.startswith(".")]
        inside = [Path(folder, each) for each in [*folders, *names] if not each.startswith(".")]
        found += [path for path in inside if path.is_symlink() or not path.is_dir()]
        if not inside:
            found.append(Path(folder))
    return sorted(found)


def _holds_text(path: Path) -> bool:
    try:
        with open_source(SourceFile(str(path), path)) as stream:
            return b"\0" not in stream.read(_HEAD)
    except InputError:
        return False
