"""Texts of any size: read in chunks, split by position, written as tokens."""

import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.config import DataConfig, Normalization
from wavenet_jax.data import BOUNDARY, Splits, Vocab, dataset_from_text, text, vocab_from_characters
from wavenet_jax.data.corpus import split_lengths
from wavenet_jax.data.files import SourceFile
from wavenet_jax.data.text import (
    Tally,
    read_text,
    read_texts,
    scan_text,
    transformed_chunks,
    write_tokens,
)
from wavenet_jax.errors import InputError

CHUNK_BYTES = st.sampled_from([1, 2, 3, 7, 2**22])
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
LONG_TEXTS = st.text("abé漢😀\r\n ", min_size=20, max_size=60)
FRACTIONS = st.sampled_from(
    [(0.1, None), (0.3, 0.3), (0.25, 0.5), (0.1, 0.05), (0.9, 0.0), (0.0, 0.1), (0.0, 0.0)]
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texts") / "text.txt"


def source(path: Path) -> SourceFile:
    return SourceFile(str(path), path)


def text_config(fractions: tuple[float, float | None] = (0.1, None)) -> DataConfig:
    return DataConfig(kind="text", val_fraction=fractions[0], test_fraction=fractions[1])


@given(TEXTS, CHUNK_BYTES)
def test_chunks_make_up_the_text_of_the_file(path: Path, text: str, chunk_bytes: int) -> None:
    path.write_bytes(text.encode())
    assert "".join(read_text(source(path), chunk_bytes)) == text.removeprefix("\ufeff")


def test_chunks_are_as_long_as_wanted(path: Path) -> None:
    path.write_bytes(b"abcdefgh")
    assert list(read_text(source(path), 3)) == ["abc", "def", "gh", ""]


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 4, 7])
def test_byte_order_mark_is_dropped_at_the_start_alone(chunk_bytes: int, path: Path) -> None:
    path.write_text("\ufeffa\ufeffb\ufeff", "utf-8")
    assert "".join(read_text(source(path), chunk_bytes)) == "a\ufeffb\ufeff"


@pytest.mark.parametrize("text", ["", "\ufeff"])
def test_file_of_no_character_is_read_as_no_text(text: str, path: Path) -> None:
    path.write_text(text, "utf-8")
    assert "".join(read_text(source(path))) == ""


@given(
    LONG_TEXTS, st.sampled_from([b"\xff", b"\xc3", b"\x80", b"\xed\xa0\x80", b"\0"]), CHUNK_BYTES
)
def test_bad_bytes_are_counted_and_the_first_is_named_with_its_place(
    path: Path, text: str, bad: bytes, chunk_bytes: int
) -> None:
    path.write_bytes(text.encode() + bad + b"x" + bad)
    named = f"0x{bad[0]:02x}" if bad[0] else "NUL"
    first = f"the first {named} at {len(text.encode()):,}, expected UTF-8 text; convert it"
    sentence = f"{path} holds {2 * len(bad)} bytes of no text, {first}"
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}"):
        list(read_text(source(path), chunk_bytes))
    tally = Tally()
    assert "".join(read_text(source(path), chunk_bytes, tally)) == text + "x"
    assert tally.skipped == 2 * len(bad)


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7])
def test_character_cut_off_at_the_end_of_the_file_is_named(chunk_bytes: int, path: Path) -> None:
    path.write_bytes("ab漢".encode()[:-1])
    with pytest.raises(InputError, match="2 bytes of no text, the first 0xe6 at 2, expected"):
        list(read_text(source(path), chunk_bytes))


def test_place_of_a_bad_byte_has_separators_of_thousands(path: Path) -> None:
    path.write_bytes(b"a" * 1_234_567 + b"\xff")
    with pytest.raises(InputError, match="1 byte of no text, the first 0xff at 1,234,567, exp"):
        list(read_text(source(path), 1_000))


def test_texts_of_several_files_begin_a_line_each(tmp_path: Path) -> None:
    contents = ["\ufeffto be", "", "or\n", "not\0\n"]
    files = []
    for index, content in enumerate(contents):
        files.append(source(tmp_path / str(index)))
        files[-1].path.write_text(content, "utf-8")
    config, tally = DataConfig(kind="text", skip_bad=True), Tally()
    assert "".join(read_texts(files, config, tally)) == "to be\nor\nnot\n"
    assert tally.skipped == 1
    assert "".join(read_texts(files, config)) == "to be\nor\nnot\n"
    with pytest.raises(InputError, match="skip_bad"):
        list(read_texts(files, DataConfig(kind="text")))


FORMS = st.text("aΣσé\u0301\u0308 e\n.'漢1Kß\u1100\u1161\u11a8\uff76\uff9e", max_size=40)


@given(st.lists(FORMS), st.booleans(), st.sampled_from([None, "NFC", "NFD", "NFKC", "NFKD"]))
def test_small_letters_and_normal_forms_do_not_depend_on_the_chunks(
    chunks: list[str], lower: bool, normalize: Normalization | None
) -> None:
    config, text = DataConfig(kind="text", lower=lower, normalize=normalize), "".join(chunks)
    expected = unicodedata.normalize(normalize, text) if normalize else text
    expected = expected.lower() if lower else expected
    expected = unicodedata.normalize(normalize, expected) if normalize else expected
    assert "".join(transformed_chunks(chunks, config)) == expected


@pytest.mark.parametrize("text", ["ab " * 9, "ab" * 9, "漢字" * 9])
def test_chunks_are_handed_on_as_they_come_when_they_are_normalised(text: str) -> None:
    config, read = DataConfig(kind="text", normalize="NFC"), []

    def chunks() -> Iterator[str]:
        for _ in range(9):
            read.append(text)
            yield text

    handed = transformed_chunks(chunks(), config)
    for count in range(1, 9):
        assert len(next(handed)) > len(text) - 4
        assert len(read) == count


def test_unreadable_text_is_named(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "it is a folder"), (tmp_path / "a", "No such file")):
        with pytest.raises(InputError, match=f"{re.escape(str(path))} cannot be read .{reason}"):
            list(read_text(source(path)))


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")), CHUNK_BYTES)
def test_scan_finds_the_characters_and_counts_them(path: Path, text: str, chunk_bytes: int) -> None:
    path.write_bytes(text.encode())
    expected = text.removeprefix("\ufeff")
    vocab, length, _ = scan_text(read_text(source(path), chunk_bytes), DataConfig())
    assert vocab.characters == "\0" + "".join(sorted(set(expected)))
    assert length == len(expected)


def test_text_of_more_distinct_characters_than_allowed_is_refused() -> None:
    assert len(scan_text(["aébc", "é\n"], DataConfig(max_vocab=5)).vocab) == 6
    with pytest.raises(InputError, match="5 distinct characters, expected at most 4; "):
        scan_text(["aébcé\n"], DataConfig(max_vocab=4))


def test_scan_tells_of_letters_in_two_forms() -> None:
    assert scan_text(["e\u0301t", "e\u0301\n"], DataConfig()).notes == []
    assert scan_text(["été\n"], DataConfig()).notes == []
    assert scan_text(["été\ne\u0301t\n", "e\u0301\nété\n"], DataConfig()).notes == [
        "letters such as 'é' occur composed and decomposed: NFC would change 2 lines; set "
        "normalize to NFC."
    ]


@pytest.mark.parametrize(
    ("length", "fractions", "lengths"),
    [
        (1_115_394, (0.1, None), (1_003_854, 111_540, 0)),  # nanoGPT's of Shakespeare
        (1_000, (0.1, 0.05), (850, 100, 50)),
        (10, (0.3, 0.3), (4, 3, 3)),
        (2, (0.1, None), (1, 1, 0)),
        (4, (0.3, 0.3), (1, 1, 2)),
        (1, (0.0, 0.0), (1, 0, 0)),
        (10, (0.0, 0.2), (8, 0, 2)),
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
    assert lengths.train > 0
    assert (lengths.val > 0) == (config.val_fraction > 0)
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


@pytest.mark.parametrize("end", ["", "\n"])
def test_lines_of_unknown_characters_are_not_written(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["", "anna", "Q", "", "nana", "aQna", "naQ", "an"]
    written = "\n".join(lines) + end
    dataset = dataset_from_text(written, DataConfig(val_fraction=0, test_fraction=0))
    known = Vocab(BOUNDARY + "n\na")
    kept = "".join(line for line in written.splitlines(keepends=True) if "Q" not in line)
    for size in (1, 2, 7, 100):
        monkeypatch.setattr(text, "CHUNK_BYTES", size)
        file = io.BytesIO()
        counts = text.write_known_lines(dataset.splits.train, dataset.vocab, known, file)
        assert counts == (len(lines), 3)
        assert file.getvalue() == known.encode(known.boundary + kept).tobytes()
