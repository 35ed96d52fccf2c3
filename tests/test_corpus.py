"""From files to documents, splits and tokens."""

import hashlib
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax import corpus, download, vocab
from wavenet_jax.config import DataConfig
from wavenet_jax.corpus import Splits, bundled_names, find, read_documents, split_documents
from wavenet_jax.errors import InputError
from wavenet_jax.vocab import Vocab

DOCUMENTS = st.lists(st.text("abcé漢", min_size=1), min_size=1)


@given(DOCUMENTS)
def test_tokens_are_those_of_a_loop(documents: list[str]) -> None:
    vocabulary = vocab.from_documents(documents)
    tokens, starts = [0], []
    for document in documents:
        starts.append(len(tokens) - 1)
        tokens += [vocabulary.characters.index(character) for character in document + "."]
    laid = corpus.from_documents(documents, vocabulary)
    np.testing.assert_array_equal(laid.tokens, tokens)
    np.testing.assert_array_equal(laid.starts, starts)
    assert laid.predictions == sum(len(document) + 1 for document in documents)
    assert not laid.is_stream


def test_corpus_of_no_documents_has_no_predictions() -> None:
    laid = corpus.from_documents([], Vocab(".a"))
    assert (laid.tokens.tolist(), laid.starts.tolist(), laid.predictions) == ([0], [], 0)


@given(DOCUMENTS, st.integers(1, 60))
def test_first_predictions_are_whole_documents(documents: list[str], count: int) -> None:
    whole = corpus.from_documents(documents, vocab.from_documents(documents))
    first = whole.first(count)
    np.testing.assert_array_equal(first.tokens, whole.tokens[: len(first.tokens)])
    lengths = [len(document) + 1 for document in documents]
    fitting = [n for n in range(len(lengths) + 1) if sum(lengths[:n]) <= count]
    assert first.predictions == sum(lengths[: max(1, fitting[-1])])  # whole documents, one at least


@given(DOCUMENTS, st.integers(1, 60))
def test_beginning_of_a_list_is_no_stream(documents: list[str], count: int) -> None:
    whole = corpus.from_documents(documents, vocab.from_documents(documents))
    assert not whole.first(count).is_stream


@pytest.mark.parametrize(("size", "dtype"), [(2, "uint8"), (256, "uint8"), (257, "uint16")])
def test_tokens_have_the_smallest_type_that_holds_them(size: int, dtype: str) -> None:
    document = "".join(chr(0x4E00 + index) for index in range(1, size))
    laid = corpus.from_documents([document], Vocab("." + document))
    np.testing.assert_array_equal(laid.tokens, [*range(size), 0])
    assert laid.tokens.dtype == dtype


@pytest.mark.parametrize(
    ("raw", "documents"),
    [
        (b"emma\nava\nmia\n", ["emma", "ava", "mia"]),
        (b"emma\nava\nmia", ["emma", "ava", "mia"]),
        (b"emma\r\nava\r\nmia\r\n", ["emma", "ava", "mia"]),
        (b"\xef\xbb\xbfemma\nava\nmia\n", ["emma", "ava", "mia"]),
        (b"emma \nava\t \n mia\n", ["emma", "ava", "mia"]),
        (b"\nemma\n\n \t\nava\nmia\n\n", ["emma", "ava", "mia"]),
        ("EMMA\nZoë\nİpek\n".encode(), ["EMMA", "Zoë", "İpek"]),
        ("\ufeff\ufeffemma\nava\nmia\n".encode(), ["emma", "ava", "mia"]),
        (b"emma\nava\nemma\nemma\n", ["emma", "ava", "emma", "emma"]),
        (b"mary ann\na\tb\nmia\n", ["mary ann", "a\tb", "mia"]),
    ],
    ids=["plain", "unended", "crlf", "bom", "ends", "blank", "kept", "boms", "repeated", "inner"],
)
def test_documents_are_the_lines(raw: bytes, documents: list[str], tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(raw)
    assert read_documents(path) == documents


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"emma\nava\nm\xffa\n", ", line 3: byte 0xff is not UTF-8"),
        (b"emma\r\n\r\nzo\xeb\r\nmia", ", line 3: byte 0xeb is not UTF-8"),
        ("emma\n".encode("utf-16"), ", line 1: byte 0xff is not UTF-8"),
        (b"\xef\xbb\xbfemma\n\xffva\nmia\n", ", line 2: byte 0xff is not UTF-8"),
        (b"emma\na\tb\0\nmia\n", r", line 2: holds the control character '\x00'"),
        (b"emma\nava\nm\0a\n", r", line 3: holds the control character '\x00'"),
        (b"emma\n\x7fELF\x02\nava", r", line 2: holds the control character '\x7f'"),
        (b"emma\n\nst. john\nava\n", ", line 3: 'st. john' holds '.'"),
        (b"emma\nava\n", " holds 2 documents, expected at least 3"),
        (b"emma\n\n \nava\n", " holds 2 documents, expected at least 3"),
        (b"", " holds 0 documents, expected at least 3"),
        (None, " cannot be read (No such file or directory)"),
    ],
)
def test_unfit_file_is_named_with_the_line_and_the_reason(
    raw: bytes | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "list.txt"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(InputError) as caught:
        read_documents(path)
    assert str(caught.value).startswith(f"{path}{said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stream", [False, True])
def test_find_returns_the_users_file(names_file: Path, stream: bool) -> None:
    assert find(DataConfig(data=str(names_file), stream=stream)) == names_file


def test_names_are_the_bundled_list() -> None:
    assert find(DataConfig(data="names")) == bundled_names()


@pytest.mark.parametrize(
    ("data", "said"), [("nowhere.txt", "not there"), ("", "a folder"), ("a" * 300, "not there")]
)
@pytest.mark.parametrize(
    ("stream", "expected"),
    [(False, "a text file with one document a line,"), (True, "a text file,")],
)
def test_data_that_is_no_file_is_rejected(
    data: str, said: str, stream: bool, expected: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=f"{data}' is {said}, expected {expected}"):
        find(DataConfig(data=str(tmp_path / data), stream=stream))


@pytest.mark.parametrize(
    ("data", "stream", "said"),
    [
        ("names", True, "data 'names' is a list, but stream is True, expected False: --no-stream."),
        (
            "makemore",
            True,
            "data 'makemore' is a list, but stream is True, expected False: --no-stream.",
        ),
        (
            "shakespeare",
            False,
            "data 'shakespeare' is one text, but stream is False, expected True: --stream.",
        ),
    ],
)
def test_list_taken_for_a_text_and_a_text_for_a_list_are_rejected(
    data: str, stream: bool, said: str
) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(said)}$"):
        find(DataConfig(data=data, stream=stream))


DOWNLOADED = [("makemore", False), ("shakespeare", True)]


@pytest.mark.parametrize(("data", "stream"), DOWNLOADED)
def test_data_not_downloaded_yet_names_the_command_and_the_place(
    data: str, stream: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = tmp_path / "wavenet_jax" / "data" / f"{data}.txt"
    said = f"expected the whole file at {place}; run `wavenet-jax data {data}` first."
    with pytest.raises(InputError, match=re.escape(said)):
        find(DataConfig(data=data, stream=stream))


@pytest.mark.parametrize(("data", "stream"), DOWNLOADED)
def test_downloaded_data_are_found_where_they_are_whole(
    data: str, stream: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = tmp_path / "wavenet_jax" / "data" / f"{data}.txt"
    place.parent.mkdir(parents=True)
    place.write_text("anna\n")
    with pytest.raises(InputError, match="not downloaded yet"):
        find(DataConfig(data=data, stream=stream))
    whole = download.Source("https://example.org", hashlib.sha256(b"anna\n").hexdigest(), 5, stream)
    monkeypatch.setitem(download.SOURCES, data, whole)
    assert find(DataConfig(data=data, stream=stream)) == place


def test_list_is_loaded_as_its_documents_split_and_laid_end_to_end(names_file: Path) -> None:
    data = corpus.load(DataConfig(data=str(names_file)), names_file.with_name("unused"))
    assert not data.is_stream
    assert data.documents == names_file.read_text().splitlines()
    assert data.parts == split_documents(data.documents, DataConfig())
    for part, laid in zip(data.parts, data.splits, strict=True):
        assert data.vocab.decode(laid.tokens) == "." + ".".join(part) + "."
    assert not names_file.with_name("unused").exists()


def test_list_of_more_characters_than_allowed_is_rejected(names_file: Path) -> None:
    with pytest.raises(InputError, match=r"expected at most 5; .*--max-vocab"):
        corpus.load(DataConfig(data=str(names_file), max_vocab=5))


def numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def lectures_split(words: list[str]) -> tuple[list[str], list[str], list[str]]:
    before = random.getstate()
    random.seed(42)
    random.shuffle(words)
    random.setstate(before)
    n1 = int(0.8 * len(words))
    n2 = int(0.9 * len(words))
    return words[:n1], words[n1:n2], words[n2:]


@pytest.mark.parametrize("counts", [range(10, 400), range(400, 4_001, 30), [32_033]])
def test_split_is_the_lectures(counts: Any) -> None:
    for count in counts:
        assert split_documents(numbers(count), DataConfig()) == lectures_split(numbers(count))


def test_split_of_the_lectures_names_has_the_lectures_sizes() -> None:
    parts = split_documents(numbers(32_033), DataConfig())
    assert [len(part) for part in parts] == [25_626, 3_203, 3_204]


@pytest.mark.parametrize("fractions", [(0.1, 0.1), (1e-20, 1e-20), (0.001, 0.99), (0.99, 0.001)])
def test_split_leaves_no_part_empty_and_loses_no_document(fractions: tuple[float, float]) -> None:
    val, test = fractions
    for count in range(3, 100):
        documents = numbers(count)
        parts = split_documents(documents, DataConfig(val_fraction=val, test_fraction=test))
        assert all(parts)
        assert sorted(parts.train + parts.val + parts.test) == sorted(documents)


def test_fractions_are_those_of_val_and_test() -> None:
    parts = split_documents(numbers(1_000), DataConfig(val_fraction=0.25, test_fraction=0.125))
    assert [len(part) for part in parts] == [625, 250, 125]


def test_split_leaves_its_input_alone(names: list[str]) -> None:
    before = list(names)
    split_documents(names, DataConfig())
    assert names == before


def test_split_neither_reads_nor_moves_the_global_random_state(names: list[str]) -> None:
    splits: list[Splits[list[str]]] = []
    for seed in (1, 2):
        random.seed(seed)
        before = random.getstate()
        splits.append(split_documents(names, DataConfig()))
        assert random.getstate() == before
    assert splits[0] == splits[1]


def test_split_seed_moves_the_split(names: list[str]) -> None:
    assert split_documents(names, DataConfig()) != split_documents(names, DataConfig(split_seed=1))


def test_bundled_names_are_many_plain_sorted_and_distinct() -> None:
    lines = bundled_names().read_text("utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch("[a-z]{2,15}", line)] == []
    assert lines == sorted(set(lines))
    assert len(lines) >= 8_000


def test_split_shares_are_exact_where_floats_are_a_hair_less() -> None:
    config = DataConfig(val_fraction=0.3, test_fraction=0.3)  # 1 - 0.3 - 0.3 < 0.4
    assert [len(part) for part in split_documents(numbers(10), config)] == [4, 3, 3]
