"""From files to documents, splits, tokens and ages."""

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
from wavenet_jax.config import DataConfig, InputError
from wavenet_jax.corpus import Splits, bundled_names, find, read_documents, split_documents
from wavenet_jax.vocab import Vocab


@given(st.lists(st.text("abcé漢", min_size=1), min_size=1))
def test_tokens_and_ages_are_those_of_a_loop(documents: list[str]) -> None:
    vocabulary = vocab.from_documents(documents)
    tokens, ages = [0], []
    for document in documents:
        for age, character in enumerate(document + "."):
            ages.append(age)
            tokens.append(vocabulary.characters.index(character))
    laid = corpus.from_documents(documents, vocabulary)
    np.testing.assert_array_equal(laid.tokens, tokens)
    np.testing.assert_array_equal(laid.age, ages)
    assert laid.predictions == len(ages)


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


def test_find_returns_the_users_file(names_file: Path) -> None:
    assert find(str(names_file)) == names_file


def test_names_are_the_bundled_list() -> None:
    assert find("names") == bundled_names()


@pytest.mark.parametrize(
    ("data", "said"), [("nowhere.txt", "not there"), ("", "a folder"), ("a" * 300, "not there")]
)
def test_data_that_is_no_file_is_rejected(data: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{data}' is {said}, expected a text file"):
        find(str(tmp_path / data))


def test_data_not_downloaded_yet_names_the_command_and_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = tmp_path / "wavenet_jax" / "data" / "makemore.txt"
    said = f"expected the whole file at {place}; run `wavenet-jax data makemore` first."
    with pytest.raises(InputError, match=re.escape(said)):
        find("makemore")


def test_downloaded_data_are_found_where_they_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = tmp_path / "wavenet_jax" / "data" / "makemore.txt"
    place.parent.mkdir(parents=True)
    place.write_text("anna\n")
    with pytest.raises(InputError, match="not downloaded yet"):
        find("makemore")
    whole = download.Source("https://example.org", hashlib.sha256(b"anna\n").hexdigest(), 5)
    monkeypatch.setitem(download.SOURCES, "makemore", whole)
    assert find("makemore") == place


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
