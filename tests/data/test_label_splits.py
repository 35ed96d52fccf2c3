"""Splits by the paths of files and by labels, beside those by fractions alone."""

from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.config import DataConfig
from wavenet_jax.data import (
    LabelVocab,
    Splits,
    dataset_from_list,
    label_rows,
    load_dataset,
    split_documents,
)
from wavenet_jax.data.corpus import split_numbers
from wavenet_jax.data.labels import LabelTable, unlabelled
from wavenet_jax.errors import InputError

LETTERS = LabelVocab((("letter", tuple("abcdefghij")),))


def table(groups: list[int], tests: list[bool] | None = None) -> LabelTable:
    ids = np.array(groups, np.int32).reshape(-1, 1) + 1
    return LabelTable(LETTERS, ids, np.array(tests or [False] * len(groups)))


@given(st.integers(3, 200), st.integers(0, 5))
def test_numbers_are_split_as_documents_are(count: int, seed: int) -> None:
    config = DataConfig(split_seed=seed)
    documents = [f"document {number}" for number in range(count)]
    numbers = split_numbers(unlabelled(count), config)
    parts = [[documents[number] for number in part] for part in numbers]
    assert parts == list(split_documents(documents, config))


@given(
    st.lists(st.integers(0, 9), min_size=3, max_size=60).filter(lambda each: len(set(each)) > 2),
    st.integers(0, 5),
)
def test_documents_of_a_label_stay_together(groups: list[int], seed: int) -> None:
    config = DataConfig(split_by="letter", split_seed=seed)
    parts = split_numbers(table(groups), config)
    assert sorted(chain(*parts)) == list(range(len(groups)))
    found = [{groups[number] for number in part} for part in parts]
    assert all(found)
    assert sum(map(len, found)) == len(set(groups))
    known = sorted({group + 1 for group in groups})
    meant = split_documents(known, DataConfig(split_seed=seed))
    assert [sorted(part) for part in meant] == [sorted(each + 1 for each in p) for p in found]


def test_documents_of_a_part_are_shuffled() -> None:
    train, _, _ = split_numbers(table([0, 1, 2, 3] * 20), DataConfig(split_by="letter"))
    assert train != sorted(train)


def test_chosen_documents_alone_are_the_test_and_the_others_may_be_grouped() -> None:
    groups = [0, 1, 2, 3] * 10
    tests = [number < 8 for number in range(40)]
    config = DataConfig(test_pattern="x")
    assert config.test_share == 0
    parts = split_numbers(table(groups, tests), config)
    assert sorted(parts.test) == list(range(8))
    assert list(map(len, parts)) == [28, 4, 8]  # val is a tenth of the others, rounded up
    both = DataConfig(test_pattern="x", split_by="letter", val_fraction=0.25)
    parts = split_numbers(table(groups, tests), both)
    assert sorted(parts.test) == list(range(8))
    assert len({groups[number] for number in parts.val}) == 1
    assert not {groups[n] for n in parts.val} & {groups[n] for n in parts.train}


def test_too_few_labels_are_refused() -> None:
    sentence = "split_by is 'letter', of which the documents have 2 labels, expected at least 3"
    with pytest.raises(InputError, match=sentence):
        split_numbers(table([0, 1, 0, 1]), DataConfig(split_by="letter"))
    parts = split_numbers(table([0, 1, 0, 1]), DataConfig(split_by="letter", test_fraction=0))
    assert list(map(len, parts)) == [2, 2, 0]


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (table([0, 1, 2]), "split_by is 'leter', which is no kind of label, .*did you mean 'lett"),
        (unlabelled(3), "expected documents with labels; leave it out."),
    ],
)
def test_unknown_kind_is_refused(known: LabelTable, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        split_numbers(known, DataConfig(split_by="leter"))


def load(folder: Path, **options: Any) -> Splits[list[str]]:
    for name in "abcd":
        (folder / f"{name}.txt").write_text("".join(f"{name}{n}\n" for n in range(5)))
    return load_dataset(DataConfig(str(folder), **options)).split_documents


def test_files_are_the_test(tmp_path: Path) -> None:
    parts = load(tmp_path, test_pattern=r"[bd]\.txt$", val_fraction=0.2)
    assert sorted(parts.test) == [f"{name}{number}" for name in "bd" for number in range(5)]
    assert (len(parts.train), len(parts.val)) == (8, 2)


@pytest.mark.parametrize(("pattern", "extent"), [("nowhere", "none"), (r"txt$", "all")])
def test_files_of_the_test_are_some(tmp_path: Path, pattern: str, extent: str) -> None:
    sentence = rf"test_pattern is .*found in {extent} of 4 paths, such as '.*a.txt', expected"
    with pytest.raises(InputError, match=sentence):
        load(tmp_path, test_pattern=pattern)


def test_others_than_the_test_must_be_enough(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(f"{name}\n")
    with pytest.raises(InputError, match="holds 1 document beside the test, expected at least 2"):
        load_dataset(DataConfig(str(tmp_path), kind="list", test_pattern="a$"))


def test_a_label_that_no_training_document_has_is_none_to_the_model() -> None:
    documents = [f"a{number}" for number in range(20)]
    config = DataConfig(split_by="who")
    dataset = dataset_from_list(documents, config, {"who": [str(i // 4) for i in range(20)]})
    train, val, test = (corpus.labels for corpus in dataset.splits)
    assert train is not None
    assert train.ids.all()
    assert val is not None
    assert not val.ids.any()
    assert test is not None
    assert not test.ids.any()
    assert (dataset.label_ids > 0).all()
    held_out = dataset.labels.decode(dataset.label_ids[dataset.numbers.val[0]])
    with pytest.raises(InputError, match="which no training document has"):
        dataset.given_labels(held_out)
    assert label_rows(dataset).ids.all()


def test_labels_to_score_with_are_of_all_kinds_or_none() -> None:
    labels = {"who": list("aabbab"), "what": list("xyxyxy")}
    dataset = dataset_from_list(list("pqrstu"), DataConfig(), labels)
    assert dataset.scored_labels({}) is None
    ids = dataset.scored_labels({"who": "a", "what": "y"})
    assert ids is not None
    assert dataset.labels.decode(ids) == {"who": "a", "what": "y"}
    with pytest.raises(InputError, match="label is who alone, expected what too, or no label"):
        dataset.scored_labels({"who": "a"})


def test_labels_to_tell_a_kind_by_have_each_of_its_labels() -> None:
    config = DataConfig(val_fraction=0.0, test_fraction=0.0)
    labels = {"who": list("aab"), "what": list("xyx")}  # never b and y
    dataset = dataset_from_list(list("pqr"), config, labels)
    counts = dataset.counts_by("who", {"what": "y"})
    found = [dataset.labels.decode(ids) for ids in counts.ids]
    assert found == [{"who": "a", "what": "y"}, {"who": "b", "what": "y"}]
    assert counts.counts.tolist() == [1, 0]
    with pytest.raises(InputError, match="by is 'who', of which a label is given too"):
        dataset.counts_by("who", {"who": "a"})
