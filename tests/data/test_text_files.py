"""Texts of any size: read in chunks, split by position, written as tokens."""

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.config import DataConfig
from wavenet_jax.data import Splits, Vocab, vocab_from_characters
from wavenet_jax.data.text import read_text, scan_text, split_lengths, write_tokens
from wavenet_jax.errors import InputError

CHUNK_BYTES = st.sampled_from([1, 2, 3, 7, 2**22])
TEXTS = st.text(st.characters(codec="utf-8"))
LONG_TEXTS = st.text("abé漢😀\r\n ", min_size=20, max_size=60)
FRACTIONS = st.sampled_from([(0.1, None), (0.3, 0.3), (0.25, 0.5), (0.1, 0.05), (0.9, 0.0)])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texts") / "text.txt"


def text_config(fractions: tuple[float, float | None] = (0.1, None)) -> DataConfig:
    return DataConfig(kind="text", val_fraction=fractions[0], test_fraction=fractions[1])


@given(TEXTS, CHUNK_BYTES)
def test_chunks_make_up_the_text_of_the_file(path: Path, text: str, chunk_bytes: int) -> None:
    path.write_bytes(text.encode())
    assert "".join(read_text(path, chunk_bytes)) == text.removeprefix("\ufeff")


def test_chunks_are_as_long_as_wanted(path: Path) -> None:
    path.write_bytes(b"abcdefgh")
    assert list(read_text(path, 3)) == ["abc", "def", "gh", ""]


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 4, 7])
def test_byte_order_mark_is_dropped_at_the_start_alone(chunk_bytes: int, path: Path) -> None:
    path.write_text("\ufeffa\ufeffb\ufeff", "utf-8")
    assert "".join(read_text(path, chunk_bytes)) == "a\ufeffb\ufeff"


@pytest.mark.parametrize("text", ["", "\ufeff"])
def test_file_of_no_character_is_read_as_no_text(text: str, path: Path) -> None:
    path.write_text(text, "utf-8")
    assert "".join(read_text(path)) == ""


@given(TEXTS, st.sampled_from([b"\xff", b"\xc3", b"\x80", b"\xed\xa0\x80"]), TEXTS, CHUNK_BYTES)
def test_bad_byte_is_named_with_its_place_in_the_file(
    path: Path, before: str, bad: bytes, after: str, chunk_bytes: int
) -> None:
    path.write_bytes(before.encode() + bad + after.encode())
    place = f"{path}: byte 0x{bad[0]:02x} at {len(before.encode()):,} is not UTF-8, expected"
    with pytest.raises(InputError, match=f"^{re.escape(place)}"):
        list(read_text(path, chunk_bytes))


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7])
def test_character_cut_off_at_the_end_of_the_file_is_named(chunk_bytes: int, path: Path) -> None:
    path.write_bytes("ab漢".encode()[:-1])
    with pytest.raises(InputError, match="byte 0xe6 at 2 is not UTF-8"):
        list(read_text(path, chunk_bytes))


def test_place_of_a_bad_byte_has_separators_of_thousands(path: Path) -> None:
    path.write_bytes(b"a" * 1_234_567 + b"\xff")
    with pytest.raises(InputError, match="byte 0xff at 1,234,567 is"):
        list(read_text(path, 1_000))


def test_unreadable_text_is_named(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "a", "No such file")):
        with pytest.raises(InputError, match=f"{re.escape(str(path))} cannot be read .{reason}"):
            list(read_text(path))


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")), CHUNK_BYTES)
def test_scan_finds_the_characters_and_counts_them(path: Path, text: str, chunk_bytes: int) -> None:
    path.write_bytes(text.encode())
    expected = text.removeprefix("\ufeff")
    vocab, length = scan_text(path, chunk_bytes=chunk_bytes)
    assert vocab.characters == "\0" + "".join(sorted(set(expected)))
    assert length == len(expected)


def test_text_with_nul_is_refused(path: Path) -> None:
    path.write_bytes(b"abc\0def")
    with pytest.raises(InputError, match=r"text\.txt contains the character NUL.*binary file\?$"):
        scan_text(path)


def test_text_of_more_distinct_characters_than_allowed_is_refused(path: Path) -> None:
    path.write_text("aébcé\n", "utf-8")
    assert len(scan_text(path, max_vocab=5)[0]) == 6
    with pytest.raises(InputError, match="5 distinct characters, expected at most 4; "):
        scan_text(path, max_vocab=4)


@pytest.mark.parametrize(
    ("length", "fractions", "lengths"),
    [
        (1_115_394, (0.1, None), (1_003_854, 111_540, 0)),  # nanoGPT's of Shakespeare
        (1_000, (0.1, 0.05), (850, 100, 50)),
        (10, (0.3, 0.3), (4, 3, 3)),
        (2, (0.1, None), (1, 1, 0)),
        (4, (0.3, 0.3), (1, 1, 2)),
    ],
)
def test_splits_have_their_fractions_of_the_text(
    length: int, fractions: tuple[float, float | None], lengths: tuple[int, int, int]
) -> None:
    assert split_lengths(length, text_config(fractions)) == lengths


@pytest.mark.parametrize(
    ("length", "test_fraction", "lengths"),
    [
        (0, 0.0, "0 / 0 / 0"),
        (1, 0.0, "0 / 1 / 0"),
        (5, 0.1, "4 / 0 / 1"),
        (2, 0.1, "1 / 0 / 1"),
        (20, 1e-9, "18 / 2 / 0"),
    ],
)
def test_text_that_leaves_a_split_empty_is_refused_with_the_lengths(
    length: int, test_fraction: float, lengths: str
) -> None:
    message = f"the text has {length} characters, which leaves {lengths} for .*; provide a longer"
    with pytest.raises(InputError, match=message):
        split_lengths(length, text_config((0.1, test_fraction)))


@given(st.integers(20, 300), FRACTIONS)
def test_splits_are_never_empty_and_make_up_the_text(
    length: int, fractions: tuple[float, float | None]
) -> None:
    config = text_config(fractions)
    lengths = split_lengths(length, config)
    assert sum(lengths) == length
    assert min(lengths[:2]) > 0
    assert (lengths.test > 0) == (config.test_share > 0)
    assert abs(lengths.val - config.val_fraction * length) <= 1 + 1e-6


def written(chunks: Iterable[str], vocab: Vocab, lengths: Splits[int]) -> list[np.ndarray]:
    files = [io.BytesIO() for _ in lengths]
    write_tokens(chunks, vocab, lengths, files)
    return [np.frombuffer(file.getvalue(), vocab.dtype) for file in files]


@given(LONG_TEXTS, st.integers(1, 9), FRACTIONS)
def test_each_split_of_the_text_is_written_behind_its_boundary(
    text: str, chunk_length: int, fractions: tuple[float, float | None]
) -> None:
    vocab = vocab_from_characters(text)
    lengths = split_lengths(len(text), text_config(fractions))
    chunks = [text[start : start + chunk_length] for start in range(0, len(text), chunk_length)]
    assert [vocab.decode(tokens) for tokens in written(chunks, vocab, lengths)] == [
        "\0" + text[: lengths.train],
        "\0" + text[lengths.train : lengths.train + lengths.val],
        "\0" + text[lengths.train + lengths.val :],
    ]


@pytest.mark.parametrize(
    "chunks",
    [["abcd"], ["ab", "cd"], ["abc", "d"], ["", "ab", "", "c", "d", ""]],
)
def test_splits_are_the_same_however_the_text_is_cut_into_chunks(chunks: list[str]) -> None:
    tokens = written(chunks, Vocab("\0abcd"), Splits(2, 2, 0))
    assert [each.tolist() for each in tokens] == [[0, 1, 2], [0, 3, 4], [0]]


def test_each_chunk_is_written_before_the_next_is_read() -> None:
    files = [io.BytesIO() for _ in range(3)]

    def chunks() -> Iterator[str]:
        for count in range(3):
            assert sum(file.tell() for file in files) == 3 + 2 * count
            yield "ab"

    write_tokens(chunks(), Vocab("\0ab"), Splits(4, 2, 0), files)
