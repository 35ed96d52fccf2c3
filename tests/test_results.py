"""What is shown of scores and samples: plain text, plain values, colours on a terminal alone."""

import io
import math

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from wavenet_jax import console, results
from wavenet_jax.generate import Found
from wavenet_jax.sample import Sample


def found(text: str, origin: str = "new", *, ended: bool = True, attempts: int = 1) -> Found:
    return Found(Sample(text, ended, 12.5, attempts), origin)


def nats_of(numbers: list[float]) -> np.ndarray:
    return np.array(numbers, np.float32)


def scores(*nats: list[float]) -> list[results.Score]:
    texts = ["abcdefghijklmnopqrstuvwxyz"[: len(each) - 1] for each in nats]
    return results.scores(texts, list(map(nats_of, nats)), end=".")


def test_ranks_go_from_the_likeliest_down_and_equal_texts_share_one() -> None:
    ranked = scores([3.0, 1.0], [0.5], [4.0], [0.5, 0.5], [2.0, 2.0])
    assert [score.rank for score in ranked] == [3, 1, 3, 2, 3]
    assert [score.text for score in ranked] == ["a", "", "", "a", "a"]


def test_score_is_the_sum_over_characters_in_double_precision() -> None:
    nats = [float(np.float32(0.1))] * 1_000
    (score,) = results.scores(["b" * 999], [nats_of(nats)], end=".")
    assert score.total_nats == math.fsum(nats)
    assert score.bits_per_character == pytest.approx(0.1 / math.log(2), rel=1e-7)
    assert score.characters == "b" * 999 + "."


@pytest.mark.parametrize(
    ("nats", "shown"),
    [
        (0.0, "1.000e+00"),
        (math.log(2), "5.000e-01"),
        (-math.log(1.2346e-7), "1.235e-07"),
        (1_000.0, "5.076e-435"),
        (1_000_000.0, "3.297e-434295"),
        (1e-6, "1.000e+00"),
        (-math.log(9.9997e-5), "1.000e-04"),
    ],
)
def test_probability_is_told_however_small(nats: float, shown: str) -> None:
    assert results._probability(nats) == shown
    if 0 < nats < 700:
        assert float(shown) == pytest.approx(math.exp(-nats), rel=5.1e-4)


def heat(nats: list[float], text: str) -> Text:
    (score,) = results.scores([text], [nats_of(nats)], end="")
    return results._heat_map(score)


def test_heat_map_tells_each_character_with_its_probability_a_few_a_line() -> None:
    map_ = heat([math.log(2)] * 23, "to be or\nnot to be that")
    lines = map_.plain.split("\n")
    assert [line.count("0.5") for line in lines] == [10, 10, 3]
    assert lines[0].startswith("  t 0.5  o 0.5  ")
    assert r"'\n' 0.5" in lines[0]
    assert all(line == line.rstrip() for line in lines)


def test_heat_map_is_the_darker_the_less_likely_a_character_is() -> None:
    map_ = heat([0.0, 0.5, 1.0, 3.0, 9.0, 99.0], "abcdef")
    styles = [map_.get_style_at_offset(Console(), map_.plain.index(c)) for c in "abcdef"]
    colours = [style.bgcolor.triplet for style in styles if style.bgcolor and style.bgcolor.triplet]
    assert [colour.red for colour in colours] == [255] * 6
    lights = [colour.green for colour in colours]
    assert lights == [colour.blue for colour in colours]
    assert lights == sorted(lights, reverse=True)
    assert (lights[0], lights[-1]) == (255, 0)
    inks = [style.color.name for style in styles if style.color]
    assert inks == ["black"] * 3 + ["white"] * 3


@pytest.mark.parametrize("is_terminal", [True, False])
def test_colours_are_for_a_terminal_alone(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.StringIO()
    terminal = Console(
        file=file,
        force_terminal=is_terminal,
        color_system="truecolor" if is_terminal else None,
        highlight=False,
    )
    monkeypatch.setattr(console, "stdout", terminal)
    printed = results.scores_table(scores([1.0, 2.0]), per_char=True)
    assert not file.getvalue()
    assert ("\x1b[" in printed) == is_terminal
    assert ("48;2;255;" in printed) == is_terminal
    assert Text.from_ansi(printed).plain.strip().endswith("\n  a 0.37  . 0.14")


def test_columns_of_scores_stand_under_each_other_whatever_the_text() -> None:
    texts = ["漢字", "é", "two\nlines", "a" * 30, "[bold]:smile:"]
    each = results.scores(texts, [nats_of([1.0] * len(text)) for text in texts], end="")
    head, *rows = results.scores_table(each, per_char=False).splitlines()
    assert {cell_len(row) for row in rows} == {cell_len(head)}
    assert [row.split()[0] for row in rows] == [
        "漢字",
        "é",
        r"'two\nlines'",
        "a" * 30,
        "[bold]:smile:",
    ]


def test_long_text_is_cut_in_the_table_and_an_empty_one_seen() -> None:
    each = results.scores(["b" * 99, ""], [nats_of([1.0] * 100), nats_of([1.0])], end=".")
    _, cut, empty = results.scores_table(each, per_char=False).splitlines()
    assert cut.split()[0] == "b" * results.LONG + "..."
    assert empty.split()[0] == "''"


def test_score_as_plain_values_has_the_characters_where_asked() -> None:
    (score,) = scores([1.0, 0.5, 0.25])
    values = results.score_json(score, per_char=False)
    assert values == {
        "text": "ab",
        "characters": 3,
        "nll_nats": 1.75,
        "bits_per_character": pytest.approx(1.75 / 3 / math.log(2)),
        "probability": pytest.approx(math.exp(-1.75)),
        "rank": 1,
    }
    longer = results.score_json(score, per_char=True)
    assert longer.pop("per_character") == [
        {"character": character, "nll_nats": nats, "probability": math.exp(-nats)}
        for character, nats in zip("ab.", [1.0, 0.5, 0.25], strict=True)
    ]
    assert longer == values


def test_table_of_samples_tells_where_the_data_hold_them_and_whether_they_are_cut_off() -> None:
    table = results.found_table(
        [found("anna", "train"), found("漢"), found("annalena", "test", ended=False)]
    )
    assert table.splitlines() == [
        "anna       12.50 nats  in train",
        "漢         12.50 nats  new",
        "annalena   12.50 nats  in test, cut off",
    ]


def test_sample_as_plain_values_tells_the_same() -> None:
    assert results.found_json(found("anna", "val", ended=False)) == {
        "text": "anna",
        "nll_nats": 12.5,
        "is_new": False,
        "ended": False,
        "origin": "val",
    }


def test_summary_counts_origins_and_what_was_thrown_away_where_exact() -> None:
    drawn = [found("a", attempts=1_000), found("b", "train", attempts=2), found("c", attempts=198)]
    assert results.summary(drawn, exact=False) == "2 new, 1 in train"
    accepted = "0.25% of the 1,200 drawn for them accepted"
    assert results.summary(drawn, exact=True) == f"2 new, 1 in train, {accepted}"
