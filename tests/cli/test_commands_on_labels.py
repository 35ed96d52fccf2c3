"""A run on labelled names by the command line: sampled and scored by label, told from documents."""

import json
from pathlib import Path

import pytest
from support.commands import Prints, Says, call, train_command
from support.sounds import TONES, train_sound_command, write_tones

import wavenet_jax as wn

ROWS = [("aab", "fr"), ("aba", "fr"), ("baa", "fr"), ("aaba", "fr")] * 8 + [
    ("bbc", "it"),
    ("cbb", "it"),
] * 8


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "names.tsv"
    path.write_text("name\tlanguage\n" + "".join(f"{name}\t{label}\n" for name, label in ROWS))
    return path


@pytest.fixture(scope="module")
def labelled(table: Path) -> Path:
    run = table.with_name("run")
    more = "--column name --labels language --learning-rate 0.3"
    assert call(train_command(table, run, more)) == 0
    return run


def test_samples_are_of_the_label_given_and_say_which(labelled: Path, prints: Prints) -> None:
    words = ["sample", str(labelled), "-n", "30", "--seed", "0", "--json"]
    drawn = [json.loads(line) for line in prints(*words).splitlines()]
    assert {line["labels"]["language"] for line in drawn} == {"fr", "it"}
    assert "language as frequent as in train" in prints.err
    given = [json.loads(line) for line in prints(*words, "--label", "language=it").splitlines()]
    assert {line["labels"]["language"] for line in given} == {"it"}
    assert "as frequent" not in prints.err
    assert "language it" in prints("sample", labelled, "--label", "language=it")


def test_scores_are_with_labels_and_by_label(labelled: Path, prints: Prints) -> None:
    nats = {
        label: json.loads(prints("score", labelled, "bbc", "--json", *label))["nll_nats"]
        for label in ((), ("--label", "language=it"), ("--label", "language=fr"))
    }
    assert len(set(nats.values())) == 3
    by = json.loads(prints("score", labelled, "bbc", "--by", "language", "--json"))
    likelihoods = [-nats["--label", f"language={label}"] for label in ("fr", "it")]
    assert list(by["log_likelihood"].values()) == pytest.approx(likelihoods, rel=1e-4)
    assert sum(by["posterior"].values()) == pytest.approx(1)
    assert by["label"] == max(by["posterior"], key=by["posterior"].__getitem__) == "it"
    (found,) = wn.load(labelled).classify(["bbc"], by="language")
    assert found == pytest.approx(by["posterior"], rel=1e-5)
    head, *rows = prints("score", labelled, "bbc", "--by", "language").splitlines()
    assert head.split() == ["language", "log-likelihood", "posterior"]
    assert rows[0].split()[0] == by["label"]
    assert len(prints("score", labelled, "bbc", "aab", "--by", "language").splitlines()) == 2


def test_texts_that_cannot_be_scored_by_label_are_marked(
    labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert call(f"score {labelled} aab xyz bbc --by language --json") == 1
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["label"], third["label"]) == ("fr", "it")
    assert second == {"text": "xyz", "error": "unknown: 'x' 'y' 'z'"}
    assert call(f"score {labelled} xyz --by language") == 1
    assert capsys.readouterr().out == "xyz  error: unknown: 'x' 'y' 'z'\n"


def test_losses_are_with_labels_unless_they_are_left_out(labelled: Path, prints: Prints) -> None:
    def losses(*more: str) -> list[float]:
        splits = json.loads(prints("evaluate", labelled, "--json", *more))["splits"]
        return [splits[name]["nats_per_character"] for name in ("train", "val", "test")]

    assert all(a != b for a, b in zip(losses(), losses("--without-labels"), strict=True))
    assert "as if they had no labels" in prints.err


def test_labels_are_told_from_the_documents_of_val_and_test(labelled: Path, prints: Prints) -> None:
    head, *rows = prints("evaluate", labelled, "--by", "language").splitlines()
    assert head.split()[:5] == ["documents", "accuracy", "by", "label", "log-loss"]
    assert head.split()[5:] == ["nats/char", "±", "s.e."]
    assert [row.split()[0] for row in rows] == ["val", "test"]
    found = json.loads(prints("evaluate", labelled, "--by", "language", "--json"))
    assert found["by"] == "language"
    assert found["splits"]["val"]["accuracy"] == 1  # no letter is in both languages but one
    assert found["splits"]["val"]["log_loss"] < 0.1


def test_other_data_are_evaluated_with_their_labels(
    labelled: Path, table: Path, tmp_path: Path, prints: Prints, says: Says
) -> None:
    everything = json.loads(prints("evaluate", labelled, "--data", table, "--json"))["splits"]
    splits = json.loads(prints("evaluate", labelled, "--json"))["splits"].values()
    nats = sum(each["nats_per_character"] * each["predictions"] for each in splits)
    (whole,) = everything.values()
    assert whole["nats_per_character"] * whole["predictions"] == pytest.approx(nats, rel=1e-5)
    _, row = prints("evaluate", labelled, "--data", table, "--by", "language").splitlines()
    assert row.split()[1:3] == [str(len(ROWS)), "100.00%"]
    other = tmp_path / "other.tsv"
    other.write_text("name\tlanguage\naab\tde\nbbc\tit\n")
    said = says(f"evaluate {labelled} --data {other}")
    assert "a label that the run does not know: label language is 'de', expected one of" in said
    prints("evaluate", labelled, "--data", other, "--without-labels")
    bare = tmp_path / "bare.txt"
    bare.write_text("aab\nbbc\n")
    prints("evaluate", labelled, "--data", bare)
    assert "its lines are taken whole" in prints.err


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("sample RUN --label language=de", "--label language is 'de', expected one of fr, it"),
        (
            "sample RUN --label tongue=it",
            "'tongue' names no labels of the documents, expected lang",
        ),
        ("sample RUN --label it", "--label is 'it', expected a kind and a label"),
        ("sample RUN --label language=it --label language=fr", "'language' is given twice"),
        ("score RUN aab --by tongue", "'tongue' names no labels of the documents"),
        ("score RUN aab --by language --label language=it", "of which a label is given too"),
        ("score RUN aab --by language --sort", "--sort, --per-char and --text-start are of scores"),
        ("evaluate RUN --by tongue", "'tongue' names no labels of the documents"),
        ("evaluate RUN RUN --by language", "--by is 'language' beside several runs"),
        ("evaluate RUN --by language --without-labels", "are both given, expected one of them"),
    ],
)
def test_bad_labels_are_answered_in_a_sentence(
    labelled: Path, says: Says, command: str, sentence: str
) -> None:
    assert sentence in says(command.replace("RUN", str(labelled)))


def test_labels_of_a_run_without_any_are_refused(trained: Path, says: Says) -> None:
    said = says(f"evaluate {trained} --without-labels")
    assert "--without-labels is given, but the documents of" in said
    for command in ("sample RUN --label a=b", "score RUN anna --by a", "evaluate RUN --by a"):
        assert "'a' is to be a label, but the documents of the run have no labels" in says(
            command.replace("RUN", str(trained))
        )


def test_recordings_are_told_by_label_and_say_theirs(
    tmp_path: Path, prints: Prints, says: Says
) -> None:
    folder = write_tones(tmp_path / "tones")
    for path in sorted(folder.rglob("*.wav")):
        kind = "low" if int(path.stem) < len(TONES) // 2 else "high"
        path.rename(folder / f"{kind}_{path.stem}.wav")
    pattern = ["--label-pattern", r"(?P<pitch>low|high)_\d\.wav$"]
    run = tmp_path / "run"
    assert call([*train_sound_command(folder, run).split(), *pattern]) == 0
    takes = ["sample", str(run), "--seconds", "0.05", "--out", str(tmp_path / "takes"), "--json"]
    assert json.loads(prints(*takes, "--label", "pitch=low"))["labels"] == {"pitch": "low"}
    recording = folder / "low_0.wav"
    found = json.loads(prints("score", run, recording, "--by", "pitch", "--json"))
    assert list(found["log_likelihood"]) == ["high", "low"]
    assert sum(found["posterior"].values()) == pytest.approx(1)
    losses = json.loads(prints("evaluate", run, "--data", recording, "--json"))["splits"]
    (loss,) = losses.values()
    nats = loss["nats_per_sample"] * loss["predictions"]
    assert found["log_likelihood"]["low"] == pytest.approx(-nats, rel=1e-5)
    assert "nothing.wav cannot be read" in says(f"score {run} nothing.wav --by pitch")


def test_documents_whose_label_train_lacks_count_for_the_loss_alone(
    tmp_path: Path, prints: Prints, says: Says
) -> None:
    rows = [*ROWS, *[("cab", "de")] * 4]
    table = tmp_path / "names.tsv"
    table.write_text("name\tlanguage\n" + "".join(f"{name}\t{label}\n" for name, label in rows))
    run = tmp_path / "run"
    more = "--column name --labels language --split-by language --val-fraction 0.3 --split-seed 1"
    assert call(train_command(table, run, f"{more} --test-fraction 0")) == 0
    assert "val has no document with a language that train has" in says(
        f"evaluate {run} --by language"
    )
    _, row = prints("evaluate", run, "--data", table, "--by", "language").splitlines()
    assert "count for the loss alone: train has no document with their language" in prints.err
    assert int(row.split()[1]) < len(rows)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("--label-dropout 0.2", "--label-dropout is 0.2, but the documents have no labels"),
        ("--n-label 8", "--n-label is 8, but the documents have no labels"),
        ("--column name --labels name", "of which 'name' has the documents themselves"),
        ("--column name --labels a=b", "labels 'a=b' have an equals sign in their name"),
    ],
)
def test_options_of_labels_that_cannot_be_meant_are_refused(
    tmp_path: Path, says: Says, more: str, sentence: str
) -> None:
    table = tmp_path / "names.tsv"
    table.write_text("name\ta=b\n" + "".join(f"{name}\t{label}\n" for name, label in ROWS))
    assert sentence in says(train_command(table, tmp_path / "run", more))


def test_what_has_no_path_has_no_labels_in_it(tmp_path: Path, says: Says) -> None:
    said = says(f"train --data strings --label-pattern (?P<x>s) --run-dir {tmp_path / 'run'}")
    assert "label-pattern is '(?P<x>s)', but strings has no path to search" in said


def test_a_run_that_learns_labels_begins_as_the_one_that_knew_none(
    table: Path, tmp_path: Path, prints: Prints
) -> None:
    plain, more = tmp_path / "plain", "--column name --learning-rate 0.3"
    assert call(train_command(table, plain, more)) == 0
    told = tmp_path / "told"
    still = f"--init-from {plain} --labels language --learning-rate 1e-20"
    prints(*train_command(table, told, f"--column name {still}").split())
    assert "2 labels fresh, 0 kept, 0 dropped" in prints.err
    for each in ((), ("--without-labels",)):
        losses = [
            json.loads(prints("evaluate", run, "--json", *more))["splits"]["val"]
            for run, more in ((plain, ()), (told, each))
        ]
        assert losses[1]["nats_per_character"] == pytest.approx(
            losses[0]["nats_per_character"],
            rel=1e-2,  # BatchNorm's statistics have moved
        )
    untold = tmp_path / "untold"
    prints(*train_command(table, untold, f"--column name --init-from {told}").split())
    assert "Its labels are dropped" in prints.err
