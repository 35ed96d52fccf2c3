"""Tables and plain values of losses, scores and documents; colours only on a terminal."""

import io
import math

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from wavenet_jax.cli import process, tables
from wavenet_jax.data import Splits, Vocab
from wavenet_jax.evaluation import Evaluation, Loss, Score
from wavenet_jax.sampling import GeneratedDocument, Sample


def document(
    text: str, origin: str = "new", *, ended: bool = True, attempts: int = 1
) -> GeneratedDocument:
    return GeneratedDocument(Sample(text, ended, 12.5, attempts), origin, {})


def score(nats: list[float], text: str | None = None, end: str = ".", rank: int = 1) -> Score:
    text = "abcdefghijklmnopqrstuvwxyz"[: len(nats) - len(end)] if text is None else text
    return Score(text, text + end, nats, rank)


def scored(score: Score, note: str | None = None) -> tables.Scored:
    return tables.Scored(score.text, score, note)


def test_cells_stand_in_columns_of_their_widest_cell_on_a_terminal() -> None:
    rows = [["", "nats"], ["漢字", "1.5"], ["été", "12.25"], ["e\u0301", "3"]]
    assert tables.table(rows, "<>") == [
        "       nats",
        "漢字    1.5",
        "été   12.25",
        "e\u0301         3",
    ]
    assert tables.table(rows, ">>")[2] == " été  12.25"


def test_lines_of_a_table_end_with_their_last_cell() -> None:
    assert tables.table([["a", "b"], ["cc", "new, cut off"]], "<<") == ["a   b", "cc  new, cut off"]
    assert tables.table([], "<<") == []


def loss(nats: float, predictions: int, documents: int, error: float) -> Loss:
    return Loss(nats, predictions, documents, error)


LIST = Splits(
    Evaluation(loss(2_000.0, 1_000, 125, 0.0034), loss(0.0, 0, 0, math.nan)),
    Evaluation(loss(250.0, 100, 13, 0.0106), loss(24.0, 8, 1, math.nan)),
    Evaluation(loss(0.0, 0, 0, math.nan), loss(0.0, 0, 0, math.nan)),
)
TEXT = Splits(
    Evaluation(loss(2_000_000.0, 1_000_000, 1_000, 0.0034), None),
    Evaluation(loss(250.0, 100, 1, math.nan), None),
    Evaluation(loss(0.0, 0, 0, math.nan), None),
)


def test_losses_of_a_list_have_a_row_per_split_that_is_not_empty() -> None:
    assert tables.losses_table(LIST._asdict()).splitlines() == [
        "       documents  predictions  nats/char  ± s.e.  bits/char  unseen  nats/char  ± s.e.",
        "train        125        1,000     2.0000  0.0034     2.8854       0          –       –",
        "val           13          100     2.5000  0.0106     3.6067       1     3.0000       –",
    ]


def test_losses_of_a_text_count_stretches_and_have_no_unseen() -> None:
    assert tables.losses_table(TEXT._asdict()).splitlines() == [
        "       stretches  predictions  nats/char  ± s.e.  bits/char",
        "train      1,000    1,000,000     2.0000  0.0034     2.8854",
        "val            1          100     2.5000       –     3.6067",
    ]


def test_losses_as_plain_values_have_null_where_undefined() -> None:
    values = tables.losses_json(LIST._asdict())
    assert list(values) == ["train", "val"]
    assert values["val"] == {
        "documents": 13,
        "predictions": 100,
        "nats_per_character": 2.5,
        "standard_error": 0.0106,
        "bits_per_character": 2.5 / math.log(2),
        "unseen": {
            "documents": 1,
            "predictions": 8,
            "nats_per_character": 3.0,
            "standard_error": None,
            "bits_per_character": 3.0 / math.log(2),
        },
    }
    values = tables.losses_json(TEXT._asdict())
    assert values["train"]["stretches"] == 1_000
    assert "unseen" not in values["train"]


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
def test_probability_has_four_digits_however_small(nats: float, shown: str) -> None:
    assert tables._probability(nats) == shown
    if 0 < nats < 700:
        assert float(shown) == pytest.approx(math.exp(-nats), rel=5.1e-4)


def heat(nats: list[float], text: str) -> Text:
    return tables._heat_map(score(nats, text, end=""))


def test_heat_map_shows_each_character_with_its_probability_ten_per_line() -> None:
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
def test_only_a_terminal_gets_colours(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    terminal = Console(
        file=file,
        force_terminal=is_terminal,
        color_system="truecolor" if is_terminal else None,
        highlight=False,
    )
    monkeypatch.setattr(process, "stdout", terminal)
    printed = tables.scores_table([scored(score([1.0, 2.0]))], per_char=True)
    assert not file.getvalue()
    assert ("\x1b[" in printed) == is_terminal
    assert ("48;2;255;" in printed) == is_terminal
    assert Text.from_ansi(printed).plain.strip().endswith("\n  a 0.37  . 0.14")


def test_columns_of_scores_stand_under_each_other_whatever_the_text() -> None:
    texts = ["漢字", "é", "two\nlines", "a" * 30, "[bold]:smile:"]
    scores = [scored(score([1.0] * len(text), text, end="")) for text in texts]
    head, *rows = tables.scores_table(scores, per_char=False).splitlines()
    assert {cell_len(row) for row in rows} == {cell_len(head)}
    assert [row.split()[0] for row in rows] == [
        "漢字",
        "é",
        r"'two\nlines'",
        "a" * 30,
        "[bold]:smile:",
    ]


def test_long_text_is_cut_in_the_table_and_an_empty_one_seen() -> None:
    scores = [scored(score([1.0] * 100, "b" * 99)), scored(score([1.0], ""))]
    _, cut, empty = tables.scores_table(scores, per_char=False).splitlines()
    assert cut.split()[0] == "b" * 60 + "..."
    assert empty.split()[0] == "''"


def test_score_as_plain_values_has_the_characters_with_per_char() -> None:
    each = scored(score([1.0, 0.5, 0.25]))
    values = tables.score_json(each, per_char=False)
    assert values == {
        "text": "ab",
        "characters": 3,
        "nll_nats": 1.75,
        "bits_per_character": pytest.approx(1.75 / 3 / math.log(2)),
        "probability": pytest.approx(math.exp(-1.75)),
        "rank": 1,
    }
    longer = tables.score_json(each, per_char=True)
    assert longer.pop("per_character") == [
        {"character": character, "nll_nats": nats, "probability": math.exp(-nats)}
        for character, nats in zip("ab.", [1.0, 0.5, 0.25], strict=True)
    ]
    assert longer == values


def test_table_of_documents_says_where_the_data_contain_them_and_whether_they_are_cut_off() -> None:
    table = tables.documents_table(
        [document("anna", "train"), document("漢"), document("annalena", "test", ended=False)]
    )
    assert table.splitlines() == [
        "anna       12.50 nats  in train",
        "漢         12.50 nats  new",
        "annalena   12.50 nats  in test, cut off",
    ]


def test_document_as_plain_values_says_the_same() -> None:
    assert tables.document_json(document("anna", "val", ended=False)) == {
        "text": "anna",
        "nll_nats": 12.5,
        "is_new": False,
        "ended": False,
        "origin": "val",
    }


def test_summary_counts_origins_and_the_attempts_where_some_are_rejected() -> None:
    tally = tables.Tally()
    for each in (document("a"), document("b", "train"), document("c")):
        tally.add(each)
    assert tables.summary(tally, is_exact=False, max_length=9) == "2 new, 1 in train"
    accepted = "100% of 3 attempts accepted"
    assert tables.summary(tally, is_exact=True, max_length=9) == f"2 new, 1 in train, {accepted}"
    tally.add(document("d", attempts=1_597))
    accepted = "0.25% of 1,600 attempts accepted"
    assert tables.summary(tally, is_exact=False, max_length=9) == f"3 new, 1 in train, {accepted}"


def test_vocabulary_is_shown_as_far_as_it_fits_a_line() -> None:
    assert tables.vocab_line(Vocab("\0.abc")) == "4 characters '.abc'"
    assert tables.vocab_line(Vocab("\0abc")) == "3 characters 'abc'"
    assert tables.vocab_line(Vocab("\0" + "x" * 101)) == f"101 characters {'x' * 100!r}..."


def test_a_long_cell_runs_over_instead_of_widening_its_column() -> None:
    rows = [["anna", "1"], ["b" * 500, "2"], ["claire", "3"]]
    assert tables.table(rows, "<<") == ["anna    1", "b" * 500 + "  2", "claire  3"]
    assert tables.table([["b" * 500, "2"]], "<<") == ["b" * 500 + "  2"]
    edge = [["b" * tables.MAX_COLUMN, "2"], ["a", "1"]]
    assert {len(line) for line in tables.table(edge, "<<")} == {tables.MAX_COLUMN + 3}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("anna", "anna"),
        ("", "''"),
        ("\x1b[2Janna", r"'\x1b[2Janna'"),
        ("a\tb\x85", r"'a\tb\x85'"),
        ("a\u202eb", r"'a\u202eb'"),
        ("\udce9", r"'\udce9'"),
        ("👩\u200d👩 a\u00a0b नमस्ते", "👩\u200d👩 a\u00a0b नमस्ते"),
    ],
)
def test_control_characters_are_shown_in_tables_and_what_scripts_need_stays(
    text: str, shown: str
) -> None:
    assert tables.visible(text) == shown
    assert tables.documents_table([document(text)]).startswith(f"{shown}   12.50 nats")
    row = tables.scores_table([scored(score([1.0], text), "new")], per_char=False)
    assert row.splitlines()[1].startswith(f"{shown}  ")


def test_runs_stand_side_by_side_with_the_splits_that_they_have() -> None:
    runs = [("runs/a", LIST._asdict()), ("runs/b", TEXT._asdict())]
    assert tables.runs_table(runs).splitlines() == [
        "nats/char   train     val",
        "runs/a     2.0000  2.5000",
        "runs/b     2.0000  2.5000",
    ]


def test_a_text_without_a_score_has_its_reason_in_the_last_column() -> None:
    lines = tables.scores_table(
        [scored(score([1.0, 0.5], "a"), "val"), tables.Scored("b9", None, "unknown: '9'")],
        per_char=True,
    ).splitlines()
    assert lines[0].endswith("probability  data")
    assert lines[1].endswith("2.231e-01  val")
    assert lines[3].endswith("–  error: unknown: '9'")
    assert len(lines) == 4
