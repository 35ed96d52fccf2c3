"""What `sample` prints, for a run on a list and for a run on one text."""

import importlib
import io
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.commands import Prints, Says, call
from support.corpora import NAMES, TEXT

from wavenet_jax.cli import process, tables
from wavenet_jax.cli.commands.sample import _shown
from wavenet_jax.runs import load_run
from wavenet_jax.sampling import GeneratedDocument, Sample, generate

# Its package has a function of that name.
sample_module = importlib.import_module("wavenet_jax.cli.commands.sample")
SEED = ["--seed", "0"]
CONSTRAINTS = (
    "--prefix ma --pattern .*[aeiou] --forbid qx --min-length 5 --max-length 8 --new --unique"
)


class Samples:
    """Returns what `sample --json` prints."""

    def __init__(self, prints: Prints) -> None:
        self._prints = prints

    def __call__(self, run: Path, *options: str) -> list[dict[str, Any]]:
        words = [word for option in options for word in option.split(" ")]
        words += [] if "--seed" in words else SEED
        return list(map(json.loads, self._prints("sample", run, "--json", *words).splitlines()))


@pytest.fixture
def samples(prints: Prints) -> Samples:
    return Samples(prints)


def test_names_meet_all_constraints_at_once(trained: Path, prints: Prints) -> None:
    lines = prints("sample", trained, *SEED, "-n", "50", *CONSTRAINTS.split()).splitlines()
    names = {line.split()[0] for line in lines}
    assert len(lines) == len(names) == 50
    assert not names & set(NAMES)
    for line in lines:
        assert re.fullmatch(r"ma[a-pr-wyz]{2,5}[aeiou] +\d+\.\d\d nats  new", line)
    head, summary = prints.err.splitlines()
    assert head == f"50 samples of {trained} at step 60 (best checkpoint), seed 0, exact"
    assert re.fullmatch(r"50 new, \S+% of [\d,]+ attempts accepted", summary)


def test_training_leaves_the_samples_of_the_command(trained: Path, prints: Prints) -> None:
    assert prints("sample", trained, *SEED) == (trained / "samples.txt").read_text()


def test_number_has_a_short_and_a_long_option(trained: Path, prints: Prints) -> None:
    assert prints("sample", trained, *SEED, "-n", "3") == prints(
        "sample", trained, *SEED, "--n", "3"
    )
    assert len(prints("sample", trained, *SEED, "-n", "1").splitlines()) == 1
    assert prints.err.startswith("1 sample of ")


def test_lines_and_json_say_the_same(trained: Path, prints: Prints, samples: Samples) -> None:
    lines = prints("sample", trained, *"-n 30 --seed 3 --cut-at 5".split()).splitlines()
    drawn = samples(trained, "-n 30 --seed 3 --cut-at 5")
    assert len(lines) == len(drawn) == 30
    assert len({one["text"] for one in drawn}) > 20
    assert {one["ended"] for one in drawn} == {True, False}
    for line, one in zip(lines, drawn, strict=True):
        assert list(one) == ["text", "nll_nats", "is_new", "ended", "origin"]
        assert 1 <= len(one["text"]) <= 5
        mark = one["origin"] if one["is_new"] else f"in {one['origin']}"
        cut_off = "" if one["ended"] else ", cut off"
        assert line == f"{one['text']:5}  {one['nll_nats']:6.2f} nats  {mark}{cut_off}"


def test_table_and_summary_mark_what_each_split_of_the_data_contains(
    trained: Path, prints: Prints
) -> None:
    parts = load_run(trained).data.split_documents
    held = {part[0]: f"in {split}" for split, part in parts._asdict().items()}
    marks = held | {"annalena": "new"}
    options = ["-n", "400", "--pattern", "|".join(marks), "--max-length", "12"]
    lines = [
        re.split("  +", line) for line in prints("sample", trained, *SEED, *options).splitlines()
    ]
    assert {text for text, _, _ in lines} == set(marks)
    assert all(mark == marks[text] for text, _, mark in lines)
    found = Counter(mark for _, _, mark in lines)
    assert prints.err.splitlines()[1] == ", ".join(
        f"{number} {mark}" for mark, number in found.most_common()
    )


def test_loss_of_a_sample_is_its_score_without_the_end_that_a_cut_off_sample_lacks(
    trained: Path, prints: Prints, samples: Samples
) -> None:
    drawn = samples(trained, "-n 40 --cut-at 4 --forbid l --masked --temperature 1.5")
    assert 5 < sum(one["ended"] for one in drawn) < 35
    texts = [one["text"] for one in drawn]
    lines = prints("score", trained, "--json", "--per-char", *texts).splitlines()
    for one, score in zip(drawn, map(json.loads, lines), strict=True):
        nats = [character["nll_nats"] for character in score["per_character"]]
        expected = sum(nats if one["ended"] else nats[:-1])
        assert one["nll_nats"] == pytest.approx(expected, rel=1e-5)


def test_prefix_stays_even_where_nothing_can_follow(trained: Path, samples: Samples) -> None:
    drawn = samples(trained, "-n 30 --prefix ann --max-length 6")
    assert all(one["text"].startswith("ann") for one in drawn)
    assert len({one["text"] for one in drawn}) > 5
    drawn = samples(trained, "-n 2 --prefix ann --max-length 3")
    assert [one["text"] for one in drawn] == ["ann"] * 2


def test_unlikely_constraints_are_met(trained: Path, samples: Samples) -> None:
    drawn = samples(
        trained, "-n 50 --prefix l --pattern .*[aeiou] --forbid vz --min-length 4 --max-length 7"
    )
    assert len(drawn) == 50
    assert all(re.fullmatch("l[^vz]{2,5}[aeiou]", one["text"]) for one in drawn)
    drawn = samples(trained, "-n 10 --allow az --unique --max-length 4")
    assert all(re.fullmatch("[az]{1,4}", one["text"]) for one in drawn)
    drawn = samples(trained, "-n 2", "--min-length 0", "--pattern ")
    assert [(one["text"], one["ended"]) for one in drawn] == [("", True)] * 2


def test_exact_says_how_many_were_accepted_and_cuts_none_off(
    trained: Path, prints: Prints, samples: Samples
) -> None:
    drawn = samples(trained, "-n 60 --exact --max-length 4 --forbid l")
    assert all(one["ended"] and len(one["text"]) <= 4 and "l" not in one["text"] for one in drawn)
    said = re.search(r", (\S+)% of ([\d,]+) attempts accepted\n$", prints.err)
    assert said
    attempts = int(said[2].replace(",", ""))
    assert attempts > 120
    assert said[1] == f"{6000 / attempts:.3g}"


def test_seed_and_checkpoint_change_what_is_drawn(trained: Path, samples: Samples) -> None:
    drawn = samples(trained, "-n 9")
    assert samples(trained, "-n 9 --seed 0 --checkpoint best") == drawn
    assert samples(trained, "-n 9 --seed 4294967295") != drawn


@pytest.mark.parametrize("option", ["--temperature 0", "--top-k 1", "--top-p 1e-9"])
def test_likeliest_document_is_drawn_again_and_again(
    option: str, trained: Path, samples: Samples
) -> None:
    drawn = samples(trained, f"-n 4 --seed 8 {option}")
    assert drawn == samples(trained, "-n 1 --temperature 0") * 4


def test_lines_reach_a_file_though_a_terminal_shows_how_many_are_drawn(
    trained: Path, prints: Prints, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = prints("sample", trained, *SEED, "-n", "5"), samples(trained, "-n 5")
    terminal = Console(file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr(process, "stderr", terminal)
    assert (prints("sample", trained, *SEED, "-n", "5"), samples(trained, "-n 5")) == plain


def test_text_meets_all_constraints_at_once(trained_text: Path, prints: Prints) -> None:
    options = ["--text-length", "150", "--forbid", "e\n", "--prefix", "to b"]
    text = prints("sample", trained_text, *SEED, *options, "--temperature", "1.5")
    assert len(text) == 151
    assert text.startswith("to b")
    assert not set(text[:-1]) & set("e\n")
    assert set(text[:-1]) <= set(TEXT)
    letters = prints("sample", trained_text, *SEED, "--text-length", "150", "--allow", "tobe ")
    assert set(letters) == set("tobe \n")


def test_text_as_json_has_its_loss(trained_text: Path, prints: Prints, samples: Samples) -> None:
    texts = samples(trained_text, "-n 2 --text-length 90 --seed 3")
    assert [list(one) for one in texts] == [["text", "nll_nats", "ended"]] * 2
    assert [len(one["text"]) for one in texts] == [90, 90]
    assert texts[0] != texts[1]
    for one in texts:
        assert not one["ended"]
        score = json.loads(prints("score", trained_text, "--json", one["text"]))
        assert one["nll_nats"] == pytest.approx(score["nll_nats"], rel=1e-5)
    assert (
        prints("sample", trained_text, *"--text-length 90 --seed 3".split())
        == texts[0]["text"] + "\n"
    )


def test_text_is_the_likelier_the_lower_the_temperature(
    trained_text: Path, samples: Samples
) -> None:
    losses = []
    for temperature in ("0", "0.4", "1", "4"):
        (one,) = samples(trained_text, f"--text-length 200 --temperature {temperature}")
        losses.append(one["nll_nats"])
    assert losses == sorted(losses)
    cold = samples(trained_text, "--text-length 200 --temperature 0 --seed 1")
    assert cold == samples(trained_text, "--text-length 200 --temperature 0 --seed 2")
    (likely,) = samples(trained_text, "--text-length 200 --top-p 0.4")
    assert likely["nll_nats"] < losses[2]


def test_texts_that_are_forbidden_occur_in_no_sample(trained: Path, samples: Samples) -> None:
    free = [one["text"] for one in samples(trained, "-n 300 --seed 4")]
    drawn = samples(trained, "-n 300 --seed 4 --forbid-text a --forbid-text el")
    for forbidden in ("a", "el"):
        assert any(forbidden in text for text in free)
        assert not any(forbidden in one["text"] for one in drawn)


SCARCE = "--exact --forbid l -n 400 --max-attempts 90 --seed 2"


@pytest.mark.parametrize("more", ["", " --json"])
def test_documents_found_before_the_attempts_are_used_up_are_printed(
    more: str, trained: Path, prints: Prints, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = prints("sample", trained, *f"{SCARCE}{more}".replace("90", "9000").split())
    assert call(f"sample {trained} {SCARCE}{more}") == 2
    printed = capsys.readouterr()
    number = re.search(r": --exact found (\d+) .*in \d+ attempts, expected 400", printed.err)
    assert number
    assert 5 < int(number[1]) < 90
    texts = [line.split()[:2] for line in printed.out.splitlines()]
    assert len(texts) == int(number[1])
    rest = iter([line.split()[:2] for line in whole.splitlines()])
    assert all(text in rest for text in texts)  # in the same order, with gaps


@pytest.mark.parametrize(
    "options", ["-n 5", "-n 5 --json", "--exact -n 5", "-n 400 --unique --max-length 9"]
)
def test_out_writes_to_a_file_what_standard_output_shows(
    options: str, trained: Path, tmp_path: Path, prints: Prints
) -> None:
    shown = prints("sample", trained, *SEED, *options.split())
    (tmp_path / "names.txt").write_text("old")
    words = ["sample", str(trained), *SEED, *options.split(), "--out", str(tmp_path / "names.txt")]
    assert prints(*words) == ""
    assert (tmp_path / "names.txt").read_text("utf-8") == shown
    assert list(tmp_path.iterdir()) == [tmp_path / "names.txt"]


def test_out_takes_text_too_and_a_new_file_in_the_working_folder(
    trained_text: Path, tmp_path: Path, prints: Prints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--text-length", "200", "-n", "2"]
    assert prints("sample", trained_text, *SEED, *options, "--out", "text.txt") == ""
    assert Path("text.txt").read_text("utf-8") == prints("sample", trained_text, *SEED, *options)


def test_out_through_a_link_replaces_the_file_and_keeps_the_link(
    trained: Path, tmp_path: Path, prints: Prints
) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    prints("sample", trained, *SEED, "-n", "1", "--out", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert "nats" in (tmp_path / "file").read_text()


def test_samples_that_fail_leave_the_file_alone_and_go_to_standard_output(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(f"sample {trained} {SCARCE}") == 2
    shown = capsys.readouterr().out
    (tmp_path / "names.txt").write_text("old")
    assert call(f"sample {trained} {SCARCE} --out {tmp_path / 'names.txt'}") == 2
    assert capsys.readouterr().out == shown != ""
    assert (tmp_path / "names.txt").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "names.txt"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_leaves_no_half_written_file(
    number: signal.Signals, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: Any) -> dict[str, Any]:
        signal.raise_signal(number)
        raise AssertionError

    monkeypatch.setattr(tables, "document_json", interrupt)
    assert call(f"sample {trained} --json --out {tmp_path / 'names.txt'}") == 128 + number
    assert not list(tmp_path.iterdir())


def test_out_is_no_folder_where_samples_are_words(
    trained: Path, trained_text: Path, says: Says, tmp_path: Path
) -> None:
    for run in (trained, trained_text):
        sentence = says(f"sample {run} --out {tmp_path}")
        assert f"--out is {str(tmp_path)!r}, expected a new or plain file" in sentence


def test_options_of_sound_are_refused_where_samples_are_words(
    trained: Path, trained_text: Path, says: Says
) -> None:
    for run in (trained, trained_text):
        assert "--seconds is 1.0, but the run was trained on" in says(f"sample {run} --seconds 1")
        sentence = says(f"sample {run} --prompt ma")
        assert "--prompt is 'ma', but the run was trained on words" in sentence
        assert sentence.endswith("leave it out or give --prefix.")


@pytest.mark.parametrize("path", ["missing/names.txt", "/dev/null"])
def test_out_is_refused_before_anything_is_read_where_no_file_can_be(
    path: str, says: Says, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sentence = says(f"sample nowhere --out {path}")
    assert sentence.startswith(f"wavenet-jax: --out is {path!r}, expected a new or plain file")


def test_plain_samples_are_the_texts_alone_a_line_each(
    trained: Path, trained_text: Path, prints: Prints, samples: Samples, tmp_path: Path
) -> None:
    texts = [one["text"] for one in samples(trained, "-n 30 --new")]
    assert prints("sample", trained, *SEED, *"-n 30 --new --plain".split()).split("\n") == [
        *texts,
        "",
    ]
    assert prints.err.splitlines()[0].startswith("30 samples of ")
    prints("sample", trained, *SEED, *"-n 30 --new --plain --out".split(), tmp_path / "names.txt")
    assert (tmp_path / "names.txt").read_text().splitlines() == texts
    options = "--text-length 70 -n 2".split()
    parts = [one["text"] + "\n" for one in samples(trained_text, " ".join(options))]
    assert prints("sample", trained_text, *SEED, *options, "--plain") == "".join(parts)


def test_a_seed_is_drawn_and_said_and_repeats_the_samples(
    trained: Path, trained_text: Path, prints: Prints
) -> None:
    for run, options in ((trained, ["-n", "5"]), (trained_text, ["--text-length", "70"])):
        drawn, seeds = [], []
        for _ in range(2):
            drawn.append(prints("sample", run, *options))
            said = re.search(r", seed (\d+)$", prints.err.splitlines()[0])
            assert said
            seeds.append(said[1])
        assert drawn[0] != drawn[1]
        assert prints("sample", run, *options, "--seed", seeds[0]) == drawn[0]


def test_each_prefix_of_a_file_has_the_samples_that_it_has_alone(
    trained: Path, trained_text: Path, prints: Prints, samples: Samples, tmp_path: Path
) -> None:
    file = tmp_path / "prefixes.txt"
    file.write_text("\ufeffma\r\n\nel\nma\n", "utf-8")
    drawn = samples(trained, f"-n 4 --pattern .*[aeiou] --prefix-file {file}")
    assert prints.err.startswith("4 samples for each of 3 prefixes of ")
    assert [one["prefix"] for one in drawn] == ["ma"] * 4 + ["el"] * 4 + ["ma"] * 4
    for start, prefix in ((0, "ma"), (4, "el"), (8, "ma")):
        alone = samples(trained, f"-n 4 --pattern .*[aeiou] --prefix {prefix}")
        assert [{"prefix": prefix, **one} for one in alone] == drawn[start : start + 4]
    options = ["-n", "4", "--pattern", ".*[aeiou]", "--prefix-file", str(file), "--plain"]
    texts = "".join(one["text"] + "\n" for one in drawn)
    assert prints("sample", trained, *SEED, *options) == texts
    assert len(prints("sample", trained, *SEED, *options[:-1]).splitlines()) == 12
    reader, writer = os.pipe()  # as from a process substitution of a shell
    os.write(writer, file.read_bytes())
    os.close(writer)
    options[options.index(str(file))] = f"/dev/fd/{reader}"
    assert prints("sample", trained, *SEED, *options) == texts
    os.close(reader)
    file.write_text("to\nbe ")
    (to, be) = samples(trained_text, f"--text-length 40 --prefix-file {file}")
    assert (to["prefix"], be["prefix"]) == ("to", "be ")
    assert be["text"].startswith("be ")
    assert to["text"] == samples(trained_text, "--text-length 40 --prefix to")[0]["text"]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"ma\nQ\n", "'Q' contains 'Q', unknown"),
        (b"\n\n", "is empty, expected a prefix a line"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_prefix_file_that_cannot_be_used_is_refused_before_anything_is_drawn(
    content: bytes, part: str, trained: Path, says: Says, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(content)
    assert part in says(f"sample {trained} --json --prefix-file {tmp_path / 'file'}")


def test_what_is_done_with_constraints_is_said(trained: Path, prints: Prints) -> None:
    for options, method in (
        ("", ""),
        ("--prefix ma", ""),
        ("--exact", ", exact"),
        ("--forbid l", ", exact"),
        ("--forbid l --masked", ", masked"),
        ("--forbid l --temperature 0", ", masked"),
        ("--pattern (.*z){4}", ", masked"),
    ):
        prints("sample", trained, *SEED, "-n", "9", *options.split())
        assert prints.err.splitlines()[0].endswith(f", seed 0{method}")
        assert ("accepted" in prints.err) == (method == ", exact")


def test_exact_is_named_where_many_samples_are_cut_off(trained: Path, prints: Prints) -> None:
    prints("sample", trained, *SEED, "-n", "50", "--cut-at", "4")
    assert re.search(r", \d+ cut off at 4 characters; --exact draws", prints.err.splitlines()[-1])
    prints("sample", trained, *SEED, "-n", "50", "--cut-at", "40")
    assert "--exact" not in prints.err


def test_documents_found_before_there_are_too_few_are_printed(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "MAX_SAMPLED", 100)
    monkeypatch.setattr(generate, "MAX_SAMPLED_EACH", 0)
    options = "--new --unique --pattern [aeiln]{2} --masked -n 25 --seed 0"
    assert call(f"sample {trained} {options}") == 2
    printed = capsys.readouterr()
    rows = printed.out.splitlines()
    assert 1 < len(rows) < 25
    sentence = f"wavenet-jax: {len(rows)} of 100 sampled documents are unique and new, expected 25;"
    assert printed.err.splitlines()[-1].startswith(sentence)


def test_control_characters_are_obeyed_nowhere_on_a_terminal_but_for_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "a\x1b[31m\tb\r\n\x9b\u202ec‍é"
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert _shown(text, "\n\t") == text
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert _shown(text, "\n\t") == "a\\x1b[31m\tb\\r\n\\x9b\\u202ec‍é"


class Bar:
    """Records by how much a bar advances."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    @contextmanager
    def __call__(self, *_: Any) -> Iterator[Callable[[int], None]]:
        yield self.steps.append


def test_the_bar_moves_while_documents_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    bar, clock = Bar(), iter([0.0, 0.05, 0.2, 0.2, 0.25, 9.0, 9.0])
    monkeypatch.setattr(process, "_bar", bar)
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    documents = [GeneratedDocument(Sample("a", True, 1.0, 1), "new", {})] * 4
    assert list(process.track_documents(iter(documents), 9)) == documents
    assert bar.steps == [2, 2]


def test_results_beside_a_bar_go_to_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, out = io.StringIO(), io.StringIO()
    monkeypatch.setattr(process, "stderr", Console(file=terminal, force_terminal=True))
    monkeypatch.setattr(sys, "stdout", out)
    documents = [GeneratedDocument(Sample("anna", True, 1.0, 1), "new", {})] * 2
    for document in process.track_documents(iter(documents), 2):
        print(document.sample.text)
    assert out.getvalue() == "anna\nanna\n"
    assert "sampling" in terminal.getvalue()


def test_a_long_table_is_printed_some_rows_at_a_time(
    trained: Path, prints: Prints, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("sample", trained, "-n", "7", "--seed", "0")
    whole = prints(*words).splitlines()
    held, make = list[int](), tables.documents_table

    def note(documents: list[GeneratedDocument]) -> str:
        held.append(len(documents))
        return make(documents)

    monkeypatch.setattr(tables, "documents_table", note)
    monkeypatch.setattr(sample_module, "MAX_ROWS", 3)
    parts = prints(*words).splitlines()
    assert held == [3, 3, 1]
    assert [row.split() for row in parts] == [row.split() for row in whole]
