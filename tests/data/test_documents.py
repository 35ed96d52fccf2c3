"""List files to documents, and these to the lecture's splits."""

import random
from pathlib import Path
from typing import Any

import pytest

from wavenet_jax.config import DataConfig
from wavenet_jax.data import Splits, read_documents, split_documents
from wavenet_jax.errors import InputError


@pytest.mark.parametrize(
    ("content", "documents"),
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
        (b"St. Ives\nmr. b...\n.\n", ["St. Ives", "mr. b...", "."]),
    ],
    ids=[
        "plain",
        "unended",
        "crlf",
        "bom",
        "ends",
        "blank",
        "kept",
        "boms",
        "repeated",
        "inner",
        "periods",
    ],
)
def test_documents_are_the_lines(content: bytes, documents: list[str], tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    assert read_documents(path) == documents


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"emma\nava\nm\xffa\n", ", line 3: byte 0xff is not UTF-8"),
        (b"emma\r\n\r\nzo\xeb\r\nmia", ", line 3: byte 0xeb is not UTF-8"),
        ("emma\n".encode("utf-16"), ", line 1: byte 0xff is not UTF-8"),
        (b"\xef\xbb\xbfemma\n\xffva\nmia\n", ", line 2: byte 0xff is not UTF-8"),
        (b"emma\na\tb\0\nmia\n", r", line 2: contains the control character '\x00'"),
        (b"emma\nava\nm\0a\n", r", line 3: contains the control character '\x00'"),
        (b"emma\n\x7fELF\x02\nava", r", line 2: contains the control character '\x7f'"),
        (b"emma\nava\n", " holds 2 documents, expected at least 3"),
        (b"emma\n\n \nava\n", " holds 2 documents, expected at least 3"),
        (b"", " holds 0 documents, expected at least 3"),
        (None, " cannot be read (No such file or directory)"),
    ],
)
def test_unfit_file_is_named_with_the_line_and_the_reason(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_documents(path)
    assert str(caught.value).startswith(f"{path}{message}")
    assert "\n" not in str(caught.value)


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
    splits = split_documents(numbers(32_033), DataConfig())
    assert [len(split) for split in splits] == [25_626, 3_203, 3_204]


@pytest.mark.parametrize("fractions", [(0.1, 0.1), (1e-20, 1e-20), (0.001, 0.99), (0.99, 0.001)])
def test_split_leaves_no_part_empty_and_loses_no_document(fractions: tuple[float, float]) -> None:
    val, test = fractions
    for count in range(3, 100):
        documents = numbers(count)
        splits = split_documents(documents, DataConfig(val_fraction=val, test_fraction=test))
        assert all(splits)
        assert sorted(splits.train + splits.val + splits.test) == sorted(documents)


@pytest.mark.parametrize(
    ("count", "val", "test", "sizes"),
    [
        (1_000, 0.25, 0.125, [625, 250, 125]),
        (10, 0.3, 0.3, [4, 3, 3]),  # 1 - 0.3 - 0.3 is a little less than 0.4
    ],
)
def test_split_has_the_fractions_of_the_configuration(
    count: int, val: float, test: float, sizes: list[int]
) -> None:
    splits = split_documents(numbers(count), DataConfig(val_fraction=val, test_fraction=test))
    assert [len(split) for split in splits] == sizes


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


def test_split_seed_changes_the_split(names: list[str]) -> None:
    assert split_documents(names, DataConfig()) != split_documents(names, DataConfig(split_seed=1))
