"""Texts of any size: read in pieces, cut into parts, written as numbers, mapped into memory."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax import corpus, streams
from wavenet_jax.config import DataConfig
from wavenet_jax.errors import InputError
from wavenet_jax.vocab import STREAM_BOUNDARY, Vocab, from_characters

PIECES = st.sampled_from([1, 2, 3, 7, 2**22])  # bytes
TEXTS = st.text(st.characters(codec="utf-8"))
WORDS = st.text("abé漢😀\r\n ", min_size=20, max_size=60)
SHARES = st.sampled_from([(0.1, None), (0.3, 0.3), (0.25, 0.5), (0.1, 0.05), (0.9, 0.0)])


@contextmanager
def reading(piece: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "_PIECE", piece)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("streams") / "text.txt"


@given(TEXTS, PIECES)
def test_read_gives_the_text_of_the_file(place: Path, text: str, piece: int) -> None:
    place.write_bytes(text.encode())
    with reading(piece):
        assert "".join(streams.read(place)) == text.removeprefix("\ufeff")


@pytest.mark.parametrize("piece", [1, 2, 3, 4, 7])
def test_byte_order_mark_is_dropped_at_the_start_alone(piece: int, place: Path) -> None:
    place.write_text("\ufeffa\ufeffb\ufeff", "utf-8")
    with reading(piece):
        assert "".join(streams.read(place)) == "a\ufeffb\ufeff"


@pytest.mark.parametrize("text", ["", "\ufeff"])
def test_file_of_no_character_is_read_as_no_text(text: str, place: Path) -> None:
    place.write_text(text, "utf-8")
    assert "".join(streams.read(place)) == ""


@given(TEXTS, st.sampled_from([b"\xff", b"\xc3", b"\x80", b"\xed\xa0\x80"]), TEXTS, PIECES)
def test_bad_byte_is_named_with_its_place_in_the_file(
    place: Path, before: str, bad: bytes, after: str, piece: int
) -> None:
    place.write_bytes(before.encode() + bad + after.encode())
    said = f"{place}: byte 0x{bad[0]:02x} at {len(before.encode()):,} is not UTF-8, expected"
    with reading(piece), pytest.raises(InputError, match=f"^{re.escape(said)}"):
        list(streams.read(place))


@pytest.mark.parametrize("piece", [1, 2, 3, 7])
def test_character_cut_off_at_the_end_of_the_file_is_named(piece: int, place: Path) -> None:
    place.write_bytes("ab漢".encode()[:-1])
    with reading(piece), pytest.raises(InputError, match="byte 0xe6 at 2 is not UTF-8"):
        list(streams.read(place))


def test_place_of_a_bad_byte_is_told_with_thousands(place: Path) -> None:
    place.write_bytes(b"a" * 1_234_567 + b"\xff")
    with reading(1_000), pytest.raises(InputError, match="byte 0xff at 1,234,567 is"):
        list(streams.read(place))


def test_unreadable_text_is_named(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "Is a directory"), (tmp_path / "a", "No such file")):
        with pytest.raises(InputError, match=f"{re.escape(str(path))} cannot be read .{said}"):
            list(streams.read(path))


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")), PIECES)
def test_survey_counts_the_characters_and_finds_which_occur(
    place: Path, text: str, piece: int
) -> None:
    place.write_bytes(text.encode())
    seen = text.removeprefix("\ufeff")
    with reading(piece):
        vocab, length = streams.survey(place, max_vocab=1_000)
    assert vocab.characters == "\0" + "".join(sorted(set(seen)))
    assert length == len(seen)


def test_text_with_nul_is_refused(place: Path) -> None:
    place.write_bytes(b"abc\0def")
    with pytest.raises(InputError, match=r"text\.txt holds the character NUL.*binary file\?$"):
        streams.survey(place, max_vocab=10)


def test_text_of_more_characters_than_allowed_is_refused(place: Path) -> None:
    place.write_text("aébcé\n", "utf-8")
    assert len(streams.survey(place, max_vocab=5)[0]) == 6
    with pytest.raises(InputError, match="5 distinct characters, expected at most 4; "):
        streams.survey(place, max_vocab=4)


@pytest.mark.parametrize(
    ("length", "data", "lengths"),
    [
        (1_115_394, DataConfig(stream=True), [1_003_854, 111_540, 0]),  # nanoGPT's of Shakespeare
        (1_000, DataConfig(stream=True, test_fraction=0.05), [850, 100, 50]),
        (10, DataConfig(stream=True, val_fraction=0.3, test_fraction=0.3), [4, 3, 3]),
        (2, DataConfig(stream=True), [1, 1, 0]),
        (4, DataConfig(stream=True, val_fraction=0.3, test_fraction=0.3), [1, 1, 2]),
    ],
)
def test_parts_have_their_shares_of_the_text(
    length: int, data: DataConfig, lengths: list[int]
) -> None:
    assert streams.part_lengths(length, data) == lengths


@pytest.mark.parametrize(
    ("length", "test_fraction", "lengths"),
    [(0, 0.0, "0 / 0 / 0"), (1, 0.0, "0 / 1 / 0"), (5, 0.1, "4 / 0 / 1"), (2, 0.1, "1 / 0 / 1")],
)
def test_text_that_leaves_a_part_empty_is_refused_with_the_parts(
    length: int, test_fraction: float, lengths: str
) -> None:
    data = DataConfig(stream=True, test_fraction=test_fraction)
    said = f"the text holds {length} characters, of which {lengths} would .*; give a longer text"
    with pytest.raises(InputError, match=said):
        streams.part_lengths(length, data)


@given(st.integers(20, 300), SHARES)
def test_parts_are_never_empty_and_make_up_the_text(
    length: int, shares: tuple[float, float | None]
) -> None:
    data = DataConfig(stream=True, val_fraction=shares[0], test_fraction=shares[1])
    lengths = streams.part_lengths(length, data)
    assert sum(lengths) == length
    assert min(lengths[:2]) > 0
    assert (lengths[2] > 0) == (data.test_share > 0)
    assert abs(lengths[1] - data.val_fraction * length) <= 1 + 1e-6


@given(WORDS, st.integers(1, 9), SHARES)
def test_each_part_of_the_text_comes_back_behind_its_boundary(
    text: str, piece: int, shares: tuple[float, float | None]
) -> None:
    data = DataConfig(stream=True, val_fraction=shares[0], test_fraction=shares[1])
    vocab = from_characters(text, STREAM_BOUNDARY, max_vocab=10)
    lengths = streams.part_lengths(len(text), data)
    pieces = [text[start : start + piece] for start in range(0, len(text), piece)]
    written = np.concatenate(list(streams.tokens(pieces, vocab, lengths)))
    assert written.dtype == vocab.dtype
    assert len(written) == len(text) + sum(length > 0 for length in lengths) + 1  # at the end
    parts = streams.cut(written, lengths)
    assert [vocab.decode(part) for part in parts] == [
        "\0" + text[: lengths[0]],
        "\0" + text[lengths[0] : lengths[0] + lengths[1]],
        "\0" + text[lengths[0] + lengths[1] :],
    ]


def test_boundary_before_a_part_stands_between_two_pieces_once() -> None:
    vocab = Vocab("\0abcd")
    for pieces in (["abcd"], ["ab", "cd"], ["abc", "d"], ["", "ab", "", "c", "d", ""]):
        written = np.concatenate(list(streams.tokens(pieces, vocab, [2, 2, 0])))
        np.testing.assert_array_equal(written, [0, 1, 2, 0, 3, 4, 0])


def load(text: str, place: Path, **options: float) -> tuple[corpus.Dataset, corpus.Dataset]:
    """Load a text in memory and mapped."""
    place.write_bytes(text.encode())
    data = DataConfig(data=str(place), stream=True, **options)  # type: ignore[arg-type]
    return corpus.load(data), corpus.load(data, place.with_name("deep") / "tokens.bin")


@given(WORDS, st.sampled_from([0.0, 0.25]), PIECES)
def test_stream_in_memory_is_that_mapped_from_its_file(
    place: Path, text: str, test_fraction: float, piece: int
) -> None:
    with reading(piece):
        inside, mapped = load(text, place, test_fraction=test_fraction)
    assert inside.vocab == mapped.vocab
    for one, other in zip(inside.splits, mapped.splits, strict=True):
        assert one.tokens.dtype == other.tokens.dtype == "uint8"
        np.testing.assert_array_equal(one.tokens, other.tokens)
    assert "".join(mapped.vocab.decode(part.tokens[1:]) for part in mapped.splits) == text


def test_stream_has_no_documents_and_says_that_it_is_one(place: Path) -> None:
    for data in load("to be or not to be", place):
        assert data.is_stream
        assert data.documents == []
        assert data.parts == ([], [], [])
        assert [part.predictions for part in data.splits] == [16, 2, 0]
        assert data.splits.train.is_stream
        assert data.splits.val.is_stream
        assert data.splits.train.first(3).is_stream


def test_mapped_stream_stays_in_its_file(place: Path) -> None:
    inside, mapped = load("to be or not to be", place)
    assert not isinstance(inside.splits.train.tokens, np.memmap)
    assert isinstance(mapped.splits.train.tokens, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        mapped.splits.train.tokens[0] = 1


@pytest.mark.parametrize(("count", "dtype"), [(255, "uint8"), (256, "uint16")])
def test_stream_takes_a_byte_a_character_or_two_where_there_are_more_than_256(
    count: int, dtype: str, place: Path
) -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + count))) * 2
    _, mapped = load(text, place)
    assert mapped.splits.train.tokens.dtype == dtype
    written = place.with_name("deep") / "tokens.bin"
    assert written.stat().st_size == (2 * count + 3) * np.dtype(dtype).itemsize
    assert mapped.vocab.decode(mapped.splits.train.tokens[1 : count + 1]) == text[:count]


@pytest.mark.parametrize("text", ["", "a", "\ufeffa"])
def test_text_too_short_for_its_parts_is_refused(text: str, place: Path) -> None:
    with pytest.raises(InputError, match=r"holds [01] characters, .* give a longer text"):
        load(text, place)


def test_tokens_that_cannot_be_written_are_named(place: Path, tmp_path: Path) -> None:
    place.write_text("to be or not to be")
    (tmp_path / "file").touch()
    where = tmp_path / "file" / "tokens.bin"
    with pytest.raises(InputError, match=f"{re.escape(str(where))} cannot be written"):
        corpus.load(DataConfig(data=str(place), stream=True), where)


def assert_damage_is_named(place: Path, mapped: corpus.Dataset, data: DataConfig) -> None:
    path = place.with_name("deep") / "tokens.bin"
    with pytest.raises(InputError, match=re.escape(str(path))):
        corpus.map_stream(path, mapped.vocab, data)


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 9, -3, -2, -1])
@pytest.mark.parametrize("count", [20, 300])
@pytest.mark.parametrize("test_fraction", [0.0, 0.2])
def test_tokens_cut_short_are_named(
    kept: int, count: int, test_fraction: float, place: Path
) -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + count))) * 2
    _, mapped = load(text, place, test_fraction=test_fraction)
    path = place.with_name("deep") / "tokens.bin"
    path.write_bytes(path.read_bytes()[:kept])
    assert_damage_is_named(place, mapped, DataConfig(stream=True, test_fraction=test_fraction))


@pytest.mark.parametrize("length", range(100, 111))
def test_one_token_too_few_or_too_many_is_named(length: int, place: Path) -> None:
    _, mapped = load(("ab" * length)[:length], place)
    path = place.with_name("deep") / "tokens.bin"
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole + b"\1"):
        path.write_bytes(damaged)
        assert_damage_is_named(place, mapped, DataConfig(stream=True))


def test_missing_tokens_are_named(place: Path) -> None:
    _, mapped = load("to be or not to be", place)
    (place.with_name("deep") / "tokens.bin").unlink()
    assert_damage_is_named(place, mapped, DataConfig(stream=True))
