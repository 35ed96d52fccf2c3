"""What `sample` prints, of a run on a list and of one on a text."""

import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import NAMES, TEXT, Prints
from rich.console import Console

from wavenet_jax import console, runs

ORDER = "--prefix ma --pattern .*[aeiou] --forbid qx --min-length 5 --max-length 8 --new --unique"


class Samples:
    """Gives what `sample --json` prints, and what it says besides."""

    def __init__(self, prints: Prints) -> None:
        self._prints = prints

    def __call__(self, run: Path, *options: str) -> list[dict[str, Any]]:
        words = [word for option in options for word in option.split(" ")]
        return list(map(json.loads, self._prints("sample", run, "--json", *words).splitlines()))


@pytest.fixture
def samples(prints: Prints) -> Samples:
    return Samples(prints)


def test_names_to_order_are_all_that_is_asked_of_them(trained: Path, prints: Prints) -> None:
    lines = prints("sample", trained, "-n", "50", *ORDER.split()).splitlines()
    names = {line.split()[0] for line in lines}
    assert len(lines) == len(names) == 50
    assert not names & set(NAMES)
    for line in lines:
        assert re.fullmatch(r"ma[a-pr-wyz]{2,5}[aeiou] +\d+\.\d\d nats  new(, cut off)?", line)
    head, summary = prints.err.splitlines()
    assert head == f"50 samples of {trained} at step 60 (best), seed 0"
    assert summary == "50 new"


def test_training_leaves_the_samples_of_the_command(trained: Path, prints: Prints) -> None:
    assert prints("sample", trained) == (trained / "samples.txt").read_text()


def test_number_is_asked_for_by_either_name(trained: Path, prints: Prints) -> None:
    assert prints("sample", trained, "-n", "3") == prints("sample", trained, "--n", "3")
    assert len(prints("sample", trained, "-n", "1").splitlines()) == 1
    assert prints.err.startswith("1 sample of ")


def test_lines_and_json_tell_the_same(trained: Path, prints: Prints, samples: Samples) -> None:
    lines = prints("sample", trained, *"-n 30 --seed 3 --max-length 5".split()).splitlines()
    drawn = samples(trained, "-n 30 --seed 3 --max-length 5")
    assert len(lines) == len(drawn) == 30
    assert len({one["text"] for one in drawn}) > 20
    assert {one["ended"] for one in drawn} == {True, False}
    for line, one in zip(lines, drawn, strict=True):
        assert list(one) == ["text", "nll_nats", "is_new", "ended", "origin"]
        assert 1 <= len(one["text"]) <= 5
        mark = one["origin"] if one["is_new"] else f"in {one['origin']}"
        cut_off = "" if one["ended"] else ", cut off"
        assert line == f"{one['text']:5}  {one['nll_nats']:6.2f} nats  {mark}{cut_off}"


def test_table_and_summary_mark_what_each_split_of_the_data_holds(
    trained: Path, prints: Prints
) -> None:
    parts = runs.load(trained).data.parts
    held = {part[0]: f"in {split}" for split, part in parts._asdict().items()}
    marks = held | {"annalena": "new"}
    order = ["-n", "400", "--pattern", "|".join(marks), "--max-length", "12"]
    lines = [re.split("  +", line) for line in prints("sample", trained, *order).splitlines()]
    assert {text for text, _, _ in lines} == set(marks)
    assert all(mark == marks[text] for text, _, mark in lines)
    found = Counter(mark for _, _, mark in lines)
    assert prints.err.splitlines()[1] == ", ".join(
        f"{number} {mark}" for mark, number in found.most_common()
    )


def test_loss_of_a_sample_is_its_score_without_an_end_where_it_is_cut_off(
    trained: Path, prints: Prints, samples: Samples
) -> None:
    drawn = samples(trained, "-n 40 --max-length 4 --forbid l --temperature 1.5")
    assert 5 < sum(one["ended"] for one in drawn) < 35
    texts = [one["text"] for one in drawn]
    lines = prints("score", trained, "--json", "--per-char", *texts).splitlines()
    for one, score in zip(drawn, map(json.loads, lines), strict=True):
        nats = [character["nll_nats"] for character in score["per_character"]]
        expected = sum(nats if one["ended"] else nats[:-1])
        assert one["nll_nats"] == pytest.approx(expected, rel=1e-5)


def test_prefix_stands_even_where_nothing_may_follow(trained: Path, samples: Samples) -> None:
    drawn = samples(trained, "-n 30 --prefix ann --max-length 6")
    assert all(one["text"].startswith("ann") for one in drawn)
    assert len({one["text"] for one in drawn}) > 5
    drawn = samples(trained, "-n 2 --prefix ann --max-length 3")
    assert [one["text"] for one in drawn] == ["ann"] * 2


def test_unlikely_order_is_kept(trained: Path, samples: Samples) -> None:
    drawn = samples(
        trained, "-n 50 --prefix l --pattern .*[aeiou] --forbid vz --min-length 4 --max-length 7"
    )
    assert len(drawn) == 50
    assert all(re.fullmatch("l[^vz]{2,5}[aeiou]", one["text"]) for one in drawn)
    drawn = samples(trained, "-n 20 --allow az --unique --max-length 4")
    assert all(re.fullmatch("[az]{1,4}", one["text"]) for one in drawn)
    drawn = samples(trained, "-n 2", "--min-length 0", "--pattern ")
    assert [(one["text"], one["ended"]) for one in drawn] == [("", True)] * 2


def test_exact_tells_how_many_were_accepted_and_cuts_none_off(
    trained: Path, prints: Prints, samples: Samples
) -> None:
    drawn = samples(trained, "-n 60 --exact --max-length 4 --forbid l")
    assert all(one["ended"] and len(one["text"]) <= 4 and "l" not in one["text"] for one in drawn)
    said = re.search(r", (\S+)% of the ([\d,]+) drawn for them accepted\n$", prints.err)
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
    plain = prints("sample", trained, "-n", "5"), samples(trained, "-n 5")
    terminal = Console(file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr(console, "stderr", terminal)
    assert (prints("sample", trained, "-n", "5"), samples(trained, "-n 5")) == plain


def test_text_is_all_that_is_asked_of_it(streamed: Path, prints: Prints) -> None:
    order = ["--length", "150", "--forbid", "e\n", "--prefix", "to b", "--temperature", "1.5"]
    text = prints("sample", streamed, *order)
    assert len(text) == 151
    assert text.startswith("to b")
    assert not set(text[:-1]) & set("e\n")
    assert set(text[:-1]) <= set(TEXT)
    letters = prints("sample", streamed, "--length", "150", "--allow", "tobe ")
    assert set(letters) == set("tobe \n")


def test_text_as_json_tells_its_loss(streamed: Path, prints: Prints, samples: Samples) -> None:
    texts = samples(streamed, "-n 2 --length 90 --seed 3")
    assert [list(one) for one in texts] == [["text", "nll_nats", "ended"]] * 2
    assert [len(one["text"]) for one in texts] == [90, 90]
    assert texts[0] != texts[1]
    for one in texts:
        assert not one["ended"]
        score = json.loads(prints("score", streamed, "--json", one["text"]))
        assert one["nll_nats"] == pytest.approx(score["nll_nats"], rel=1e-5)
    assert prints("sample", streamed, *"--length 90 --seed 3".split()) == texts[0]["text"] + "\n"


def test_text_is_the_likelier_the_lower_the_temperature(streamed: Path, samples: Samples) -> None:
    losses = []
    for temperature in ("0", "0.4", "1", "4"):
        (one,) = samples(streamed, f"--length 200 --temperature {temperature}")
        losses.append(one["nll_nats"])
    assert losses == sorted(losses)
    cold = samples(streamed, "--length 200 --temperature 0 --seed 1")
    assert cold == samples(streamed, "--length 200 --temperature 0 --seed 2")
    (likely,) = samples(streamed, "--length 200 --top-p 0.4")
    assert likely["nll_nats"] < losses[2]
