"""Datasets: found, loaded, written, mapped, and refused where they are damaged."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.config import DataConfig, DataKind
from wavenet_jax.data import (
    BOUNDARY,
    TOKEN_FILES,
    Dataset,
    dataset_from_list,
    dataset_from_text,
    load_dataset,
    map_dataset,
    split_documents,
    write_dataset,
)
from wavenet_jax.errors import InputError

TEXTS = st.text("abé漢😀\r\n ", min_size=20, max_size=60)
HAMLET = "to be or not to be"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("datasets") / "text.txt"


def test_import_loads_no_jax() -> None:
    code = "import sys, wavenet_jax.data; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_list_is_loaded_as_its_documents_split_and_laid_end_to_end(names_file: Path) -> None:
    dataset = load_dataset(DataConfig(data=str(names_file)), names_file.with_name("unused"))
    assert not dataset.is_text
    assert dataset.documents == names_file.read_text().splitlines()
    assert dataset.split_documents == split_documents(dataset.documents, DataConfig())
    for documents, corpus in zip(dataset.split_documents, dataset.splits, strict=True):
        assert dataset.vocab.decode(corpus.tokens) == BOUNDARY + BOUNDARY.join([*documents, ""])
    assert not names_file.with_name("unused").exists()


@pytest.mark.parametrize("kind", ["list", "text"])
def test_data_of_more_distinct_characters_than_allowed_are_refused(
    names_file: Path, kind: DataKind
) -> None:
    with pytest.raises(InputError, match="expected at most 5; raise max_vocab"):
        load_dataset(DataConfig(data=str(names_file), kind=kind, max_vocab=5))


def text_config(path: Path, test_fraction: float = 0.0) -> DataConfig:
    return DataConfig(data=str(path), kind="text", test_fraction=test_fraction)


@pytest.mark.parametrize(("val", "test"), [(0.0, 0.0), (0.0, 0.3), (0.3, 0.0)])
def test_fractions_of_0_leave_splits_empty(
    val: float, test: float, names_file: Path, tmp_path: Path
) -> None:
    kinds: list[DataKind] = ["list", "text"]
    for kind in kinds:
        config = DataConfig(str(names_file), kind=kind, val_fraction=val, test_fraction=test)
        for dataset in (load_dataset(config), load_dataset(config, tmp_path / "tokens")):
            sizes = [corpus.num_predictions for corpus in dataset.splits]
            assert [size > 0 for size in sizes] == [True, val > 0, test > 0]
            assert sum(sizes) == names_file.stat().st_size
            assert dataset.splits.train.is_text == dataset.is_text == (kind == "text")
            if kind == "list":
                assert list(map(bool, dataset.split_documents)) == [True, val > 0, test > 0]


def test_one_document_and_one_character_are_enough_for_train_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    for kind in ("list", "text"):
        config = DataConfig(str(tmp_path / "a"), kind=kind, val_fraction=0, test_fraction=0)
        assert load_dataset(config).splits.train.num_predictions == (2 if kind == "list" else 1)
    with pytest.raises(
        InputError, match=r"holds 1 document, expected at least 2.*train and val need"
    ):
        load_dataset(DataConfig(str(tmp_path / "a"), kind="list", test_fraction=0))


def test_kind_is_guessed_and_the_guess_is_told(names_file: Path, tmp_path: Path) -> None:
    dataset = load_dataset(DataConfig(str(names_file)))
    assert dataset.kind == "list"
    assert dataset.notes == (
        f"data {names_file} is taken as a list (one document a line); set kind to text for one "
        "text.",
    )
    book = tmp_path / "book.txt"
    book.write_text("To be, or not\nto be:\n\n" * 20)
    dataset = load_dataset(DataConfig(str(book)), tmp_path / "tokens")
    assert dataset.kind == "text"
    assert dataset.notes == (
        f"data {book} is taken as one text (its lines come in paragraphs); set kind to list for "
        "one document a line.",
    )
    assert load_dataset(DataConfig(str(book), kind="list")).notes == ()
    with pytest.raises(InputError, match="split_seed is 3, but a text is split by position"):
        load_dataset(DataConfig(str(book), split_seed=3))


def test_known_data_have_their_kind_without_a_note() -> None:
    dataset = load_dataset(DataConfig())
    assert (dataset.kind, dataset.notes) == ("list", ())


def test_list_in_memory_is_taken_to_the_letter() -> None:
    documents = [" St. Ives ", "a\u2028b", "", "\x85", "\x0bx\x0c", "\ufeffa", "b\r", "É"]
    dataset = dataset_from_list(iter(documents), DataConfig())
    assert dataset.documents == [each for each in documents if each]
    assert (dataset.kind, dataset.notes) == ("list", ("1 empty document of 8 left out.",))
    config = DataConfig(lower=True, normalize="NFD")
    assert dataset_from_list(documents, config).documents[-1] == "e\u0301"


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("emma", "documents is 'emma', expected a list of strings"),
        (["a", 5, "b"], "documents holds 5 at 1, expected strings alone"),
        (["a", "b\nc", "d\0"], r"documents[1]: 'b\nc' holds the character '\n', as the first of 2"),
        (["a", "b\ud800", "c"], r"documents[1]: 'b\ud800' holds the character '\ud800'"),
        (["a", "b"], "documents holds 2 documents, expected at least 3"),
    ],
)
def test_documents_in_memory_that_cannot_be_are_refused(documents: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        dataset_from_list(documents, DataConfig())
    assert str(caught.value).encode()
    assert "\n" not in str(caught.value)


def test_bad_documents_in_memory_can_be_left_out() -> None:
    dataset = dataset_from_list(["a", "b\nc", "d", "e"], DataConfig(skip_bad=True))
    assert dataset.documents == ["a", "d", "e"]
    (note,) = dataset.notes
    assert note == r"1 bad document left out, the first documents[1], with the character '\n'."


def test_text_in_memory_is_the_text_of_a_file(path: Path) -> None:
    inside, _ = load_text(HAMLET, path)
    dataset = dataset_from_text(HAMLET, DataConfig())
    assert_same_tokens(dataset, inside)
    assert dataset.kind == "text"
    config = DataConfig(kind="text", lower=True, skip_bad=True, val_fraction=0.5)
    dataset = dataset_from_text("TO\0 BE\ud800", config)
    assert dataset.vocab.characters == "\0 beot"
    assert dataset.notes == ("2 bad bytes left out.",)
    write_dataset(dataset, path.with_name("written"))
    assert_same_tokens(map_dataset(path.with_name("written"), dataset.vocab, config), dataset)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (["to", "be"], "text is ['to', 'be'], expected one string."),
        ("to\0be\0", r"text holds '\x00' at 2, as the first of 2 bad characters"),
        ("to\ud800", r"text holds '\ud800' at 2, as the first of 1 bad character"),
        ("t", "the text has 1 characters"),
    ],
)
def test_text_in_memory_that_cannot_be_is_refused(text: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        dataset_from_text(text, DataConfig())


def test_data_in_memory_of_the_other_kind_are_refused() -> None:
    with pytest.raises(InputError, match="kind is 'text', but documents is given, expected 'list'"):
        dataset_from_list(["a"], DataConfig(kind="text"))
    with pytest.raises(InputError, match="kind is 'list', but text is given, expected 'text'"):
        dataset_from_text("a", DataConfig(kind="list"))
    with pytest.raises(InputError, match="column is 2, but documents are given"):
        dataset_from_list(["a"], DataConfig(column="2"))


def load_text(text: str, path: Path, test_fraction: float = 0.0) -> tuple[Dataset, Dataset]:
    """Load a text in memory and mapped."""
    path.write_bytes(text.encode())
    config = text_config(path, test_fraction)
    return load_dataset(config), load_dataset(config, path.with_name("deep") / "tokens")


def assert_same_tokens(a: Dataset, b: Dataset) -> None:
    assert a.vocab == b.vocab
    for one, other in zip(a.splits, b.splits, strict=True):
        assert one.tokens.dtype == other.tokens.dtype == a.vocab.dtype
        np.testing.assert_array_equal(one.tokens, other.tokens)


@given(TEXTS, st.sampled_from([0.0, 0.25]))
def test_text_in_memory_is_the_one_mapped_from_its_files(
    path: Path, text: str, test_fraction: float
) -> None:
    inside, mapped = load_text(text, path, test_fraction)
    assert_same_tokens(inside, mapped)
    assert "".join(mapped.vocab.decode(split.tokens[1:]) for split in mapped.splits) == text
    write_dataset(inside, path.with_name("copy"))
    assert_same_tokens(
        map_dataset(path.with_name("copy"), inside.vocab, text_config(path, test_fraction)),
        inside,
    )


def test_text_has_no_documents(path: Path) -> None:
    for dataset in load_text(HAMLET, path):
        assert dataset.is_text
        assert dataset.documents == []
        assert dataset.split_documents == ([], [], [])
        assert [split.num_predictions for split in dataset.splits] == [16, 2, 0]
        assert dataset.splits.train.is_text
        assert dataset.splits.val.is_text


def test_mapped_text_stays_in_its_files(path: Path) -> None:
    inside, mapped = load_text(HAMLET, path)
    assert not isinstance(inside.splits.train.tokens, np.memmap)
    assert all(isinstance(split.tokens, np.memmap) for split in mapped.splits)
    with pytest.raises(ValueError, match="read-only"):
        mapped.splits.train.tokens[0] = 1


@pytest.mark.parametrize(("count", "dtype"), [(255, "uint8"), (256, "uint16")])
def test_file_holds_the_tokens_of_a_split_in_the_smallest_type(
    count: int, dtype: str, path: Path
) -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + count))) * 2
    _, mapped = load_text(text, path)
    folder = path.with_name("deep") / "tokens"
    assert sorted(each.name for each in folder.iterdir()) == sorted(TOKEN_FILES)
    for name, split in zip(TOKEN_FILES, mapped.splits, strict=True):
        np.testing.assert_array_equal(np.fromfile(folder / name, dtype), split.tokens)
    assert mapped.vocab.decode(mapped.splits.train.tokens[1 : count + 1]) == text[:count]


@pytest.mark.parametrize("text", ["", "a", "\ufeffa"])
def test_text_too_short_for_its_splits_is_refused(text: str, path: Path) -> None:
    with pytest.raises(InputError, match=r"has [01] characters, .* provide a longer text"):
        load_text(text, path)


def test_tokens_that_cannot_be_written_are_named(path: Path, tmp_path: Path) -> None:
    dataset, _ = load_text(HAMLET, path)
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "tokens"
    message = f"^{re.escape(str(folder))} cannot be written .Not a directory., expected"
    with pytest.raises(InputError, match=message):
        load_dataset(text_config(path), folder)
    with pytest.raises(InputError, match=message):
        write_dataset(dataset, folder)


def damage(path: Path, name: str, content: bytes | None, test_fraction: float = 0.2) -> str:
    """Return the message about a text of 120 characters with this content in one of its files."""
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 60))) * 2
    _, mapped = load_text(text, path, test_fraction)
    folder = path.with_name("deep") / "tokens"
    file = folder / name
    before = file.read_bytes()
    file.unlink()
    if content is not None:
        file.write_bytes(content.replace(b"WHOLE", before))
    with pytest.raises(InputError) as caught:
        map_dataset(folder, mapped.vocab, text_config(path, test_fraction))
    assert str(caught.value).endswith(
        ("restore it or train again.", "restore them or train again.")
    )
    return str(caught.value)


@pytest.mark.parametrize("name", TOKEN_FILES)
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file"),
        (b"", "empty file"),
        (b"{}", "damaged, expected a boundary"),
        (b"WHOLE\0", "damaged, expected a boundary"),  # as of a file with room but no content
        (b"\0WHOLE\0\0", "damaged, expected a boundary"),
    ],
)
def test_damaged_file_is_named(name: str, content: bytes | None, problem: str, path: Path) -> None:
    message = damage(path, name, content)
    assert message.startswith(str(path.with_name("deep") / "tokens" / name))
    assert problem in message


@pytest.mark.parametrize(
    ("name", "test_fraction"),
    [*((name, 0.2) for name in TOKEN_FILES), ("train.bin", 0.0), ("val.bin", 0.0)],
)
@pytest.mark.parametrize(
    "content", [b"\0", b"\0\1", b"\0\1\1\1\1", b"WHOLE" + b"\1" * 40], ids=["0", "1", "4", "long"]
)
def test_file_of_another_length_is_named(
    name: str, test_fraction: float, content: bytes, path: Path
) -> None:
    assert "train.bin, val.bin, test.bin hold" in damage(path, name, content, test_fraction)


def test_files_in_the_place_of_each_other_are_named(path: Path) -> None:
    _, mapped = load_text("ab" * 60, path, test_fraction=0.2)
    folder = path.with_name("deep") / "tokens"
    (folder / "val.bin").rename(folder / "spare")
    (folder / "test.bin").rename(folder / "val.bin")
    (folder / "spare").rename(folder / "test.bin")
    with pytest.raises(InputError, match="hold 84 / 24 / 12 characters, expected the fractions"):
        map_dataset(folder, mapped.vocab, text_config(path, test_fraction=0.2))


def test_files_without_a_character_are_named(path: Path) -> None:
    _, mapped = load_text("ab" * 60, path)
    folder = path.with_name("deep") / "tokens"
    for name in TOKEN_FILES:
        (folder / name).write_bytes(b"\0")
    with pytest.raises(InputError, match="hold 0 / 0 / 0 characters, expected the fractions"):
        map_dataset(folder, mapped.vocab, text_config(path))


def test_file_of_half_a_token_is_named(path: Path) -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 300))) * 2
    _, mapped = load_text(text, path)
    file = path.with_name("deep") / "tokens" / "val.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InputError, match=f"^{re.escape(str(file))} cannot be read"):
        map_dataset(file.parent, mapped.vocab, text_config(path))


def test_tokens_that_are_no_file_are_refused_at_once(path: Path, tmp_path: Path) -> None:
    dataset = load_dataset(DataConfig(str(path), kind="text"), tmp_path / "tokens")
    (tmp_path / "tokens" / "val.bin").unlink()
    os.mkfifo(tmp_path / "tokens" / "val.bin")
    with pytest.raises(InputError, match=r"val\.bin cannot be read \(it is a named pipe\)"):
        map_dataset(tmp_path / "tokens", dataset.vocab, DataConfig(kind="text"))
