"""What `evaluate` prints of other data, and of several runs."""

import json
from pathlib import Path

import pytest
from support.commands import Prints, Says, call, call_in, train_command
from support.corpora import NAMES, TEXT

from wavenet_jax.runs import load_run


def test_runs_are_compared_in_the_order_given(trained: Path, prints: Prints) -> None:
    alone = json.loads(prints("evaluate", trained, "--json"))
    head, *rows = prints("evaluate", trained, trained, trained).splitlines()
    assert head.split() == ["nats/char", "train", "val", "test"]
    means = [f"{alone['splits'][split]['nats_per_character']:.4f}" for split in head.split()[1:]]
    assert [row.split() for row in rows] == [[str(trained), *means]] * 3
    assert len(prints.err.splitlines()) == 3
    assert json.loads(prints("evaluate", trained, trained, "--json")) == [alone, alone]


def test_a_share_of_the_predictions_is_scored_and_said(
    trained: Path, trained_text: Path, prints: Prints
) -> None:
    split = load_run(trained_text).data.splits.train
    values = json.loads(prints("evaluate", trained_text, "--first", "40", "--json"))
    loss = values["splits"]["train"]
    assert loss["predictions"] == 40
    assert values["shares"]["train"] == 40 / split.num_predictions
    assert prints.err.splitlines()[-1].startswith(
        f"Only the first predictions are scored: {4_000 / split.num_predictions:.3g}% of train, "
    )
    text = load_run(trained_text).data.vocab.decode(split.tokens[1:41])
    score = json.loads(prints("score", trained_text, "--text-start", "--json", text))
    assert loss["nats_per_character"] * 40 == pytest.approx(score["nll_nats"], rel=1e-5)
    whole = json.loads(prints("evaluate", trained, "--json"))
    more = json.loads(prints("evaluate", trained, "--first", "1000000", "--json"))
    assert set(more.pop("shares").values()) == {1.0}
    assert more == whole
    cut = json.loads(prints("evaluate", trained, "--first", "2", "--json"))["splits"]
    assert [each["predictions"] for each in cut.values()] == [2, 2, 2]  # of a longer document
    assert all("–" in row for row in prints("evaluate", trained, "--first", "2").splitlines()[1:])


def test_no_predictions_are_refused(trained: Path, says: Says) -> None:
    assert "--first is 0, expected at least 1" in says(f"evaluate {trained} --first 0")


def test_other_data_of_a_list_lose_the_documents_that_have_no_score(
    trained: Path, prints: Prints, tmp_path: Path
) -> None:
    known = load_run(trained).data.split_documents.train[:5]
    new = ["lazella", "annana", "emmanel"]
    (tmp_path / "other.txt").write_text("\n".join([*known, "Quentin", *new, "jürgen", "xx-xx"]))
    words = ["evaluate", str(trained), "--data", str(tmp_path / "other.txt")]
    values = json.loads(prints(*words, "--json"))
    assert prints.err.splitlines()[1] == (
        f"3 of 11 documents are left out, for characters that {trained} does not know: "
        "'-' 'Q' 'j' 'x' 'ü'"
    )
    assert values["left_out"] == 3
    (loss,) = values["splits"].values()
    assert loss["documents"] == 8
    assert loss["unseen"]["documents"] == 3
    scores = prints("score", trained, "--json", *known, *new).splitlines()
    nats = sum(json.loads(line)["nll_nats"] for line in scores)
    assert loss["nats_per_character"] * loss["predictions"] == pytest.approx(nats, rel=1e-5)
    head, row = prints(*words).splitlines()
    assert row.split()[:2] == [str(tmp_path / "other.txt"), "8"]
    head, *rows = prints("evaluate", trained, trained, *words[2:]).splitlines()
    assert head.split() == ["nats/char", str(tmp_path / "other.txt")]
    assert [row.split()[1] for row in rows] == [f"{loss['nats_per_character']:.4f}"] * 2


def test_other_data_of_a_text_lose_lines(
    trained_text: Path, prints: Prints, tmp_path: Path
) -> None:
    good = [TEXT[:300] + "\n", "to be\n", "or not"]
    (tmp_path / "other.txt").write_text("".join([good[0], "XYZ\n", *good[1:]]), "utf-8")
    words = ["evaluate", str(trained_text), "--data", str(tmp_path / "other.txt"), "--json"]
    values = json.loads(prints(*words))
    assert values["left_out"] == 1
    (loss,) = values["splits"].values()
    assert loss["predictions"] == len("".join(good))
    score = json.loads(prints("score", trained_text, "--text-start", "--json", "".join(good)))
    nats = loss["nats_per_character"] * loss["predictions"]
    assert nats == pytest.approx(score["nll_nats"], rel=1e-5)


def test_other_data_that_share_no_character_are_refused(
    trained: Path, says: Says, tmp_path: Path
) -> None:
    (tmp_path / "other.txt").write_text("ЯБЛОКО\nГРУША\nСЛИВА\n", "utf-8")
    sentence = says(f"evaluate {trained} --data {tmp_path / 'other.txt'}")
    assert "has no document of the characters that the run knows" in sentence


@pytest.fixture(scope="module")
def far_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run on names that no code page has, in a folder of such a name."""
    folder = tmp_path_factory.mktemp("far")
    (folder / "list.txt").write_text("\n".join(f"{name}é😀" for name in NAMES), "utf-8")
    assert call(train_command(folder / "list.txt", folder / "run-😀")) == 0
    return folder / "run-😀"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_json_is_json_whatever_the_encoding_of_standard_output(
    encoding: str, far_run: Path
) -> None:
    code, out = call_in(encoding, "evaluate", far_run, "--json")
    assert (code, json.loads(out)["run"]) == (0, str(far_run))
    assert out.isascii() == (encoding != "utf-8")
    code, out = call_in(encoding, "sample", far_run, "-n", "9", "--seed", "0", "--json")
    texts = [json.loads(line)["text"] for line in out.decode("utf-8").splitlines()]
    assert (code, len(texts)) == (0, 9)
    assert set("".join(texts)) <= {*"".join(NAMES), *"é😀"}
    assert out.isascii() == (encoding != "utf-8")


def test_help_shows_no_code(prints: Prints) -> None:
    for command in ("train", "evaluate", "inspect", "sample", "score", "resume", "data"):
        assert "type: ignore" not in prints(command, "--help")
