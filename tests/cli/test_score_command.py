"""What `score` prints of texts, given or piped in, by a run on a list and by a run on one text."""

import importlib
import io
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.commands import Prints, Says, call, call_in

from wavenet_jax.data import corpus_from_documents
from wavenet_jax.evaluation import corpus_loss, index_corpus
from wavenet_jax.runs import load_run, open_checkpoints

# Its package has a function of that name.
score_module = importlib.import_module("wavenet_jax.cli.commands.score")


class Scores:
    """Returns what `score --json` prints."""

    def __init__(self, prints: Prints) -> None:
        self._prints = prints

    def __call__(self, run: Path, *words: str) -> list[dict[str, Any]]:
        return list(map(json.loads, self._prints("score", run, "--json", *words).splitlines()))


@pytest.fixture
def scores(prints: Prints) -> Scores:
    return Scores(prints)


class Closed(io.StringIO):
    """Standard input that nothing may read."""

    def read(self, size: int | None = -1, /) -> str:
        raise AssertionError(size)

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        raise AssertionError(size)


def pipe(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_scores_of_names_are_the_models(trained: Path, scores: Scores) -> None:
    run = load_run(trained)
    with open_checkpoints(run) as checkpoints:
        _, variables = checkpoints.restore_variables("best")
    texts = ["emma", "", "lazella", "emma"]
    for text, found in zip(texts, scores(trained, *texts), strict=True):
        corpus = corpus_from_documents([text], run.data.vocab)
        batches = index_corpus(run.model, corpus)
        loss = corpus_loss(run.model, variables, corpus, batches)
        assert found["text"] == text
        assert found["characters"] == len(text) + 1
        assert found["nll_nats"] == pytest.approx(loss.nll_nats, rel=1e-5)


def test_scores_of_a_split_add_up_to_its_loss(
    trained: Path, prints: Prints, scores: Scores
) -> None:
    loss = json.loads(prints("evaluate", trained, "--json"))["splits"]["val"]
    each = scores(trained, *load_run(trained).data.split_documents.val)
    assert sum(one["characters"] for one in each) == loss["predictions"]
    nats = sum(one["nll_nats"] for one in each)
    assert nats / loss["predictions"] == pytest.approx(loss["nats_per_character"], rel=1e-5)


def test_table_and_json_say_the_same(trained: Path, prints: Prints, scores: Scores) -> None:
    texts = ["emma", "lazella", "zzzz"]
    words = ["--checkpoint", "latest", *texts]
    head, *rows = prints("score", trained, *words).splitlines()
    assert head.split() == "text rank characters nats nats/char bits/char probability data".split()
    for row, one in zip(rows, scores(trained, *words), strict=True):
        text, rank, characters, nats, mean, bits, probability, *mark = row.split()
        assert (text, int(characters)) == (one["text"], one["characters"])
        assert int(rank) == one["rank"]
        assert mark == [one["origin"]]
        assert float(nats) == pytest.approx(one["nll_nats"], abs=1e-3)
        assert float(mean) == pytest.approx(one["nll_nats"] / int(characters), abs=1e-4)
        assert float(bits) == pytest.approx(float(mean) / math.log(2), abs=2e-4)
        assert float(bits) == pytest.approx(one["bits_per_character"], abs=1e-4)
        assert float(probability) == pytest.approx(math.exp(-one["nll_nats"]), rel=1e-3)
        assert one["probability"] == pytest.approx(math.exp(-one["nll_nats"]))


def test_ranks_go_from_the_likeliest_down_in_the_order_given(
    trained: Path, prints: Prints, scores: Scores
) -> None:
    texts = ["zzzzzz", "emma", "a", "emma", "charlotte", "a"]
    each = scores(trained, *texts)
    assert [one["text"] for one in each] == texts
    nats = {one["text"]: one["nll_nats"] for one in each}
    for one in each:
        assert one["rank"] == 1 + sum(nats[text] < one["nll_nats"] for text in texts)
    assert prints.err == (
        f"6 scores by {trained} at step 60 (best checkpoint), from the start of the document, "
        "whose end counts as a character\n"
    )


def test_documents_are_piped_in_a_line_each(
    trained: Path, scores: Scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = scores(trained, "emma", "lazella", "ann")
    pipe("\ufeff  emma \n\tlazella\r\nann\n  \n\n", monkeypatch)
    assert scores(trained) == given


def test_many_documents_are_scored_a_piece_at_a_time_and_without_ranks(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "\nemma\n\nlazella\n\n\nann\nQ\ncharlotte\n \n\n"
    pipe(text, monkeypatch)
    assert call(f"score {trained} --json") == 1
    whole = capsys.readouterr()
    given = list(map(json.loads, whole.out.splitlines()))
    assert [one["text"] for one in given] == text.rstrip().split("\n")
    monkeypatch.setattr(score_module, "PIECE", 6)
    pipe(text, monkeypatch)
    assert call(f"score {trained} --json") == 1
    parts = capsys.readouterr()
    for expected, line in zip(given, parts.out.splitlines(), strict=True):
        one = json.loads(line)
        expected.pop("rank", None)
        assert list(one) == list(expected)
        for key, value in expected.items():
            assert one[key] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-5))
    assert "Scores by" in parts.err
    assert parts.err.splitlines()[-1] == whole.err.splitlines()[-1]
    pipe(text, monkeypatch)
    assert call(f"score {trained}") == 1
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["text", "characters"]
    assert len(rows) == len(given)


def test_documents_are_printed_before_all_are_read(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, printed = ["emma\n", "ann\n", "lazella\n", "zoe\n"], list[int]()
    stream = io.StringIO()

    def readline(_: int) -> str:
        printed.append(capsys.readouterr().out.count("\n"))
        return lines.pop(0) if lines else ""

    monkeypatch.setattr(stream, "readline", readline)
    monkeypatch.setattr(sys, "stdin", stream)
    monkeypatch.setattr(score_module, "PIECE", 1)
    assert call(f"score {trained} --json") == 0
    assert printed == [0, 0, 2, 1, 1]


def test_what_must_be_held_whole_has_a_limit(
    trained: Path, trained_text: Path, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_module, "MAX_PIPED", 12)
    monkeypatch.setattr(score_module, "MAX_LINE", 20)
    pipe("to be or not to be", monkeypatch)
    assert "more than 12 characters, expected fewer to score" in says(f"score {trained_text}")
    pipe("emma\nlazella\nann\n", monkeypatch)
    assert "expected fewer to sort; leave --sort out" in says(f"score {trained} --sort")
    pipe("emma\n" + "a" * 20 + "\n", monkeypatch)
    assert "line 2 of standard input has more than 20 char" in says(f"score {trained}")


def test_text_is_piped_in_as_a_whole(
    trained_text: Path, scores: Scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = scores(trained_text, " to be\n\nor not \n")
    assert given[0]["characters"] == 16
    pipe(" to be\n\nor not \n", monkeypatch)
    assert scores(trained_text) == given


def test_nothing_is_read_where_texts_are_given(
    trained: Path, trained_text: Path, scores: Scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Closed())
    assert [one["text"] for one in scores(trained, "emma", "")] == ["emma", ""]
    assert [one["text"] for one in scores(trained_text, "to be")] == ["to be"]


def test_text_too_unlikely_for_a_float_has_a_probability_too(
    trained: Path, prints: Prints, scores: Scores
) -> None:
    (one,) = scores(trained, "zv" * 300)
    assert one["nll_nats"] > 1_000
    assert one["probability"] == 0
    *_, shown, _ = prints("score", trained, "zv" * 300).split()
    mantissa, exponent = shown.split("e")
    assert 1 <= float(mantissa) < 10
    power = math.log10(float(mantissa)) + int(exponent)
    assert power == pytest.approx(-one["nll_nats"] / math.log(10), abs=1e-3)


def test_characters_are_shown_one_by_one(trained: Path, prints: Prints, scores: Scores) -> None:
    texts = ["emma", "charlottevictoria"]
    head, emma, short, long, *charlotte = prints("score", trained, "--per-char", *texts).split("\n")
    assert prints("score", trained, *texts) == f"{head}\n{emma}\n{long}\n"
    assert [len(line.split("  ")) - 1 for line in (short, *charlotte)] == [5, 10, 8, 0]
    shown = " ".join([short, *charlotte]).split()
    each = scores(trained, "--per-char", *texts)
    characters = [one for score in each for one in score["per_character"]]
    assert [one["character"] for one in characters] == [
        *"emma",
        "<end>",
        *"charlottevictoria",
        "<end>",
    ]
    assert shown[::2] == [one["character"] for one in characters]
    for number, one in zip(shown[1::2], characters, strict=True):
        assert float(number) == pytest.approx(one["probability"], rel=0.06)
        assert one["probability"] == pytest.approx(math.exp(-one["nll_nats"]))
    for score, plain in zip(each, scores(trained, *texts), strict=True):
        nats = [one["nll_nats"] for one in score.pop("per_character")]
        assert math.fsum(nats) == score["nll_nats"]
        assert score == plain


def test_characters_of_a_text_have_no_end_among_them(
    trained_text: Path, prints: Prints, scores: Scores
) -> None:
    (score,) = scores(trained_text, "--per-char", "to be\nété 漢")
    assert "".join(one["character"] for one in score["per_character"]) == "to be\nété 漢"
    assert score["characters"] == 11
    head, row, *lines = prints("score", trained_text, "--per-char", "to be\nété 漢").splitlines()
    assert row.startswith(r"'to be\nété 漢'  ")
    assert len(lines) == 2
    assert re.match(r"  t [\d.e-]+  o [\d.e-]+  ", lines[0])
    assert r"  '\n' " in lines[0]
    assert "\x1b" not in head + row + "".join(lines)


@pytest.mark.parametrize("piped", ["", "\n", " \n\t\r\n"])
def test_nothing_piped_in_is_answered_in_one_sentence(
    piped: str, trained: Path, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(piped, monkeypatch)
    assert "no text is given, expected at least one" in says(f"score {trained}")


def test_empty_text_piped_in_is_answered_in_one_sentence(
    trained_text: Path, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe("", monkeypatch)
    assert "no text is given" in says(f"score {trained_text}")


@pytest.mark.parametrize("is_closed", [False, True])
def test_terminal_is_not_waited_for(
    is_closed: bool, trained: Path, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Closed()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", None if is_closed else terminal)
    assert "no text is given" in says(f"score {trained}")


def test_what_cannot_be_scored_is_marked_and_the_rest_goes_on(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["emma", "Emma", "", "an na", "ann", "an\0na", "b\udce9n", "zzz" * 99 + "Q"]
    reasons = [None, "'E'", "is empty", "' '", None, r"'\x00'", "is not UTF-8", "'Q'"]
    pipe("\n".join(lines), monkeypatch)
    assert call(f"score {trained}") == 1
    printed = capsys.readouterr()
    _, *rows = printed.out.splitlines()
    for row, reason in zip(rows, reasons, strict=True):
        assert ("error: " in row) == (reason is not None)
        assert reason is None or row.endswith(reason)
    assert printed.err.splitlines()[-1].startswith("6 of 8 texts cannot be scored; expected char")
    pipe("\n".join(lines), monkeypatch)
    assert call(f"score {trained} --json") == 1
    found = list(map(json.loads, capsys.readouterr().out.splitlines()))
    assert [each["text"] for each in found] == lines
    for one, reason in zip(found, reasons, strict=True):
        assert list(one) == ["text", "error"] if reason else "nll_nats" in one
        assert not reason or one["error"].endswith(reason)
    scored = [one for one in found if "rank" in one]
    assert sorted(one["rank"] for one in scored) == [1, 2]
    assert call(f"score {trained} --per-char Q") == 1


def test_an_empty_part_of_a_text_is_marked(
    trained_text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["score", str(trained_text), "to be", ""]) == 1
    assert capsys.readouterr().out.splitlines()[2].endswith("error: is empty")


def test_the_likeliest_come_first_where_that_is_wanted(
    trained: Path, scores: Scores, prints: Prints, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["zzzzzz", "emma", "a", "charlotte"]
    given = scores(trained, *texts)
    assert scores(trained, "--sort", *texts) == sorted(given, key=lambda one: one["rank"])
    rows = prints("score", trained, "--sort", *texts).splitlines()[1:]
    assert [row.split()[1] for row in rows] == ["1", "2", "3", "4"]
    capsys.readouterr()
    assert call(["score", str(trained), "--sort", "Q", *texts]) == 1
    assert "'Q'" in capsys.readouterr().out.splitlines()[-1]


def test_each_score_says_which_part_of_the_data_contains_the_text(
    trained: Path, trained_text: Path, scores: Scores
) -> None:
    parts = load_run(trained).data.split_documents
    for split, part in parts._asdict().items():
        assert scores(trained, part[0])[0]["origin"] == split
    assert scores(trained, "lazella")[0]["origin"] == "new"
    assert "origin" not in scores(trained_text, "to be")[0]


def test_a_text_is_scored_at_the_beginning_of_a_line_or_of_the_whole(
    trained_text: Path, scores: Scores, prints: Prints
) -> None:
    (line,) = scores(trained_text, "--per-char", "to be")
    assert prints.err.endswith("from the start of a line\n")
    (after,) = scores(trained_text, "--per-char", "\nto be", "--text-start")
    assert prints.err.endswith("from the start of the text\n")
    assert [one["character"] for one in line["per_character"]] == list("to be")
    nats = [one["nll_nats"] for one in after["per_character"][1:]]
    assert [one["nll_nats"] for one in line["per_character"]] == pytest.approx(nats, rel=1e-5)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "latin-1"])
def test_json_is_json_whatever_the_encoding_of_standard_output(
    encoding: str, trained: Path, trained_text: Path
) -> None:
    for run, words in ((trained, ["emma", "😀é", "b\udce9"]), (trained_text, ["é漢", "to be"])):
        _, out = call_in(encoding, "score", run, "--json", *words)
        lines = out.decode("utf-8").splitlines()
        assert [json.loads(line)["text"] for line in lines] == words
        assert out.isascii() == (encoding != "utf-8")


def test_a_process_of_another_encoding_prints_the_same_json(trained: Path) -> None:
    words = ["score", str(trained), "--json", "emma", "😀é", "b\udce9"]
    process = subprocess.run(
        [sys.executable, "-m", "wavenet_jax", *words],
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
    )
    assert (process.returncode, process.stdout) == call_in("cp1252", *words)


def test_bytes_that_are_no_text_are_marked(trained: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "wavenet_jax", "score", str(trained)],
        input=b"emma\nb\xe9n\n",
        capture_output=True,
        check=False,
    )
    assert process.returncode == 1
    _, emma, ben = process.stdout.decode().splitlines()
    assert emma.startswith("emma ")
    assert ben.startswith(r"'b\udce9n' ")
    assert ben.endswith("error: is not UTF-8")
