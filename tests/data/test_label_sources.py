"""Labels from the columns of tables, from the paths of files, and from a program."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wavenet_jax.config import DataConfig
from wavenet_jax.data import Dataset, LabelVocab, dataset_from_list, load_dataset
from wavenet_jax.data.labels import found
from wavenet_jax.errors import InputError

TABLE = """name,language,note
anna,German, a b
ben,English,"tab\there, ""quoted"" and
a line"
anna,English,x
cleo,French,x
dan,German,a b
"""
DATA_KINDS = (
    ("language", ("English", "French", "German")),
    ("note", ("a b", 'tab\there, "quoted" and\na line', "x")),
)
BY_PATH = r"(?P<language>\w+)\.txt$"


def labels_of(dataset: Dataset) -> list[tuple[str, dict[str, str]]]:
    """Return each document of each split with its labels, by name."""
    return [
        (document, dataset.labels.decode(ids))
        for documents, part in zip(dataset.split_documents, dataset.numbers, strict=True)
        for document, ids in zip(documents, dataset.label_ids[part], strict=True)
    ]


def read_table(path: Path, content: str = TABLE, **options: Any) -> Dataset:
    path.write_text(content)
    given = {"column": "name", "labels": ("language", "note"), **options}
    return load_dataset(DataConfig(str(path), **given))


def test_columns_are_labels_of_the_documents_beside_them(tmp_path: Path) -> None:
    dataset = read_table(tmp_path / "t.csv")
    assert dataset.labels == LabelVocab(DATA_KINDS)
    assert dataset.documents == ["anna", "ben", "anna", "cleo", "dan"]  # one twice
    meant = {
        ("anna", "German", "a b"),
        ("ben", "English", DATA_KINDS[1][1][1]),
        ("anna", "English", "x"),
        ("cleo", "French", "x"),
        ("dan", "German", "a b"),
    }
    assert {(name, *labels.values()) for name, labels in labels_of(dataset)} == meant
    plain = read_table(tmp_path / "t.csv", labels=())
    assert plain.split_documents == dataset.split_documents
    assert plain.labels == LabelVocab()
    for corpus, other in zip(dataset.splits, plain.splits, strict=True):
        assert corpus.labels is not None
        assert other.labels is None
        np.testing.assert_array_equal(corpus.tokens, other.tokens)
        np.testing.assert_array_equal(corpus.labels.starts, corpus.starts)


def test_labels_stay_with_their_documents_where_others_are_left_out(tmp_path: Path) -> None:
    content = "name,language\nanna,a\n\nb\0en,b\n,c\ncleo,\ndan\nemma,d\n\u00a0 fay ,a\ngus,\0\n"
    with pytest.raises(InputError, match=r"t.csv, line 4: 'b\\x00en' holds"):
        read_table(tmp_path / "t.csv", content, labels=("language",))
    dataset = read_table(
        tmp_path / "t.csv", content, labels=("language",), skip_bad=True, normalize="NFKC"
    )
    assert sorted(labels_of(dataset), key=str) == [
        ("anna", {"language": "a"}),
        ("emma", {"language": "d"}),
        ("fay", {"language": "a"}),
    ]
    assert dataset.notes[-1].startswith("3 documents without a label left out, the first ")
    assert dataset.notes[-1].endswith("t.csv, line 6: label language.")


def test_paths_label_all_lines_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "Czech.txt").write_text("Abl\nAdsit\n")
    (tmp_path / "more" / "Thai.txt").write_text("Ang\nAbl\n")
    dataset = load_dataset(DataConfig(str(tmp_path), label_pattern=BY_PATH))
    assert dataset.labels.kinds == (("language", ("Czech", "Thai")),)
    meant = {("Abl", "Czech"), ("Adsit", "Czech"), ("Ang", "Thai"), ("Abl", "Thai")}
    assert {(name, labels["language"]) for name, labels in labels_of(dataset)} == meant
    assert not any("kind" in note for note in dataset.notes)  # lines of a text have no labels


def test_files_whose_paths_lack_a_label_are_refused_or_left_out(tmp_path: Path) -> None:
    for name in ("a_1.txt", "b_.txt", "b_2.txt", "c.txt"):
        (tmp_path / name).write_text(f"{name}\n{name}\n")
    options: dict[str, Any] = {"label_pattern": r"/(?P<letter>[a-z])_(?P<digit>\d)?"}
    with pytest.raises(InputError, match=r"all labels in 2 of 4 paths, such as '.*b_.txt'") as e:
        load_dataset(DataConfig(str(tmp_path), **options))
    assert f"label_pattern is '{options['label_pattern']}', which" in str(e.value)  # as typed
    dataset = load_dataset(DataConfig(str(tmp_path), skip_bad=True, **options))
    assert dataset.labels.kinds == (("letter", ("a", "b")), ("digit", ("1", "2")))
    assert "2 files without labels in the path left out, the first" in " ".join(dataset.notes)
    with pytest.raises(InputError, match=r"finds no labels in any path, such as '.*a_1.txt'"):
        load_dataset(DataConfig(str(tmp_path), label_pattern="(?P<a>nowhere)", skip_bad=True))


def test_columns_and_paths_add_up(tmp_path: Path) -> None:
    for language in ("Czech", "Thai"):
        (tmp_path / f"{language}.tsv").write_text("sex\tname\nf\tann\nm\tben\n")
    config = DataConfig(
        str(tmp_path), column="name", labels=("sex",), label_pattern=r"(?P<language>\w+)\.tsv"
    )
    found = labels_of(load_dataset(config))
    assert ("ben", {"sex": "m", "language": "Thai"}) in found
    assert len(found) == 4


def test_a_program_labels_its_documents() -> None:
    labels = {"kind": iter("xxyzx"), "n": list("12312")}
    dataset = dataset_from_list(["a", "", "b\n", "c", "a"], DataConfig(skip_bad=True), labels)
    assert sorted(labels_of(dataset), key=str) == [
        ("a", {"kind": "x", "n": "1"}),
        ("a", {"kind": "x", "n": "2"}),
        ("c", {"kind": "z", "n": "1"}),
    ]
    config = DataConfig(skip_bad=True)
    dataset = dataset_from_list(list("abcde"), config, {"kind": ["x", "", "y", "\ud800", "y"]})
    assert dataset.notes == (
        "2 documents without a label left out, the first documents[1]: label kind.",
    )


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ({"a": "xyz"}, "labels holds 'xyz' as 'a', expected a list of strings for each kind"),
        ({1: ["x"]}, r"labels holds \['x'\] as 1, expected"),
        ({"a": ["x", 2, "y"]}, "labels 'a' holds 2, expected strings alone."),
        ({"a": ["x", "y"]}, "labels 'a' are 2, expected 3, one for each document."),
        ({"a": ["x", "", "y"]}, r"documents\[1\]: label a is missing, as the first of 1 document "),
        ({"a": ["x", "x", "x"]}, "labels 'a' are all 'x', expected at least two different ones"),
    ],
)
def test_labels_of_a_program_are_checked(labels: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        dataset_from_list(["ann", "ben", "cleo"], DataConfig(), labels)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (TABLE.replace("language", "langauge"), "labels is 'language', a column that .*t.csv does"),
        (TABLE.replace("language", "langauge"), "did you mean 'langauge'?"),
        (TABLE.replace("French", ""), "line 6: label language is missing, as the first of 1 docu"),
        (TABLE.replace("French", "\udcff"), "line 6: label language is missing"),
        ("name,language,note\na,x\nb,y,n\nc,z,m\n", "line 2: label note is missing"),
        ("name,language,note\na,x,n\nb,y,n\nc,z,n\n", "labels 'note' are all 'n', expected"),
    ],
)
def test_labels_in_tables_are_checked(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "t.csv").write_bytes(content.encode("utf-8", "surrogateescape"))
    config = DataConfig(str(tmp_path / "t.csv"), column="name", labels=("language", "note"))
    with pytest.raises(InputError, match=sentence):
        load_dataset(config)


def test_too_many_labels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "MAX_LABELS", 4)
    labels = {"few": ["x", "y", "x"], "many": ["1", "2", "3"]}
    with pytest.raises(InputError, match="labels 'many' are 3 different ones, expected at most 4"):
        dataset_from_list(["ann", "ben", "cleo"], DataConfig(), labels)


def test_other_data_have_the_labels_of_a_vocabulary(tmp_path: Path) -> None:
    known = read_table(tmp_path / "t.csv").labels
    (tmp_path / "o.csv").write_text("note,name,language\nx,ann,French\nx,ben,German\n")
    config = DataConfig(str(tmp_path / "t.csv"), column="name", labels=("language", "note"))
    whole = config.whole(str(tmp_path / "o.csv"))
    dataset = load_dataset(whole, labels=known)
    assert dataset.labels == known
    assert ("ann", {"language": "French", "note": "x"}) in labels_of(dataset)
    fewer = LabelVocab(known.kinds[1:])
    assert labels_of(load_dataset(whole, labels=fewer))[0][1] == {"note": "x"}
    plain = load_dataset(DataConfig(str(tmp_path / "t.csv"), kind="list"), labels=known)
    assert labels_of(plain)[0][1] == {}
    assert load_dataset(whole, labels=LabelVocab()).splits.train.labels is None
    (tmp_path / "o.csv").write_text("note,name,language\nx,ann,Thai\n")
    with pytest.raises(InputError, match="label language is 'Thai', expected one of English, Fr"):
        load_dataset(whole, labels=known)
