"""List files to documents, and these to the lecture's splits."""

import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wavenet_jax.config import DataConfig
from wavenet_jax.data import Splits, load_dataset, load_documents, split_documents
from wavenet_jax.data.files import SourceFile
from wavenet_jax.data.lists import read_list
from wavenet_jax.data.vocab import forms_note
from wavenet_jax.errors import InputError
from wavenet_jax.runs.disk import write_whole


def read(path: Path, **options: Any) -> tuple[list[str], list[str]]:
    documents, _, notes = read_list(
        [SourceFile(str(path), path)], DataConfig(kind="list", **options)
    )
    return documents, notes


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
        (b"emma\rava\rmia", ["emma", "ava", "mia"]),
        (b"St. Ives\nmr. b...\n.\n", ["St. Ives", "mr. b...", "."]),
    ],
    ids="plain unended crlf bom ends blank kept boms repeated inner mac periods".split(),
)
def test_documents_are_the_lines(content: bytes, documents: list[str], tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    assert read(path) == (documents, [])


SKIP = "or skip_bad to leave out what is bad."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"emma\nava\nm\xffa\n\xe9\nmia\n",
            r", line 3: 'm\udcffa' holds byte 0xff, which is not UTF-8, as the first of 2 b",
        ),
        (b"emma\r\n\r\nzo\xeb\r\nmia", r", line 3: 'zo\udceb' holds byte 0xeb, which is not UTF-8"),
        (b"\xef\xbb\xbfemma\n\xffva\nmia\n", r", line 2: '\udcffva' holds byte 0xff"),
        (b"emma\na\tb\0\nmia\n", r", line 2: 'a\tb\x00' holds the character '\x00', as the first"),
        (b"emma\nava\nm\0a\n\0\n\x01", r", line 3: 'm\x00a' holds the character '\x00', as the"),
        (b"emma\nav\ra\nmia\n", r", line 2: 'av\ra' holds the character '\r'"),
        (b"emma\n" + b"a" * 99 + b"\0\n", rf", line 2: '{'a' * 30}\x00' holds"),
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
        read(path)
    assert str(caught.value).startswith(f"{path}{message}")
    assert "\n" not in str(caught.value)
    assert str(caught.value).encode()
    assert str(caught.value).endswith(SKIP) == ("skip_bad" in str(caught.value))


def test_bad_lines_can_be_left_out_and_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"emma\na\xe9\nmia\n\0\nava\n")
    documents, notes = read(path, skip_bad=True)
    assert documents == ["emma", "mia", "ava"]
    assert notes == [
        f"2 bad lines left out, the first {path}, line 2, with byte 0xe9, which is not UTF-8."
    ]


def test_capitals_and_forms_are_changed_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("ZOE\u0308\n\u212bngstrom\n\u00a8\n\ufb01ne\nΟΔΟΣ\n", "utf-8")
    assert read(path, lower=True)[0] == ["zoe\u0308", "ångstrom", "\u00a8", "\ufb01ne", "οδος"]
    assert read(path, normalize="NFC")[0][:2] == ["ZOË", "Ångstrom"]
    assert read(path, normalize="NFKC")[0][2:4] == ["\u0308", "fine"]
    assert read(path, normalize="NFD", lower=True)[0][0] == "zoe\u0308"


@pytest.mark.parametrize(
    ("documents", "note"),
    [
        (["José", "Jose\u0301", "Zoe\u0301", "Ana"], "2 of 4 documents, and 1 of them would"),
        (["\u1112\u1161\u11ab", "한", "국"], "1 of 3 documents, and 1 of them would"),
        (["5 \u212b", "Åse"], "1 of 2 documents, and 0 of them would"),
        (["Jose\u0301", "Zoe\u0301"], None),
        (["José", "Zoë"], None),
        (["नि", "\u095c"], None),  # whose composed form NFC takes apart
        (["emma"], None),
        ([], None),
    ],
)
def test_letters_in_two_forms_are_told(documents: list[str], note: str | None) -> None:
    notes = forms_note(documents)
    assert len(notes) == (note is not None)
    assert all(note in each and "set normalize to NFC" in each for each in notes if note)


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0\n"), min_size=1), min_size=1
    )
)
@example(["a\u2028b", "\x85", "\x0b \x0c", "\ufeffa", "b\r", " c "])
def test_documents_of_a_run_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, documents: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "documents.txt"
    write_whole(path, "".join(f"{document}\n" for document in documents))
    assert load_documents(path) == documents


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", b"a\n\nb\n", b"\xff\n", None])
def test_damaged_documents_of_a_run_are_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "documents.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"documents\.txt .*restore it or train again\.$"):
        load_documents(path)


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


def test_control_characters_other_than_nul_and_line_ends_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"St.\x01 Ives\n\x1b[31mred\n\x7f\n")
    documents = load_dataset(DataConfig(str(path))).documents
    assert documents == ["St.\x01 Ives", "\x1b[31mred", "\x7f"]


def test_a_list_that_does_not_fit_the_memory_is_refused_before_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("emma\n" * 1_000)
    monkeypatch.setattr("wavenet_jax.data.lists.documents.memory_bytes", lambda: 19_999)
    sentence = "has 5,000 characters, which would take at least 20 kB of memory as a list, expected"
    with pytest.raises(InputError, match=sentence):
        read(tmp_path / "a")


def test_documents_of_a_run_that_are_no_file_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "documents.txt")
    with pytest.raises(InputError, match=r"cannot be read \(it is a named pipe\); restore it"):
        load_documents(tmp_path / "documents.txt")
