"""Bad use and bad data: one sentence, exit code 2, and nothing left behind."""

from pathlib import Path

import pytest
from conftest import SMALL_STREAM, Says, call, stream_command

from wavenet_jax import generate, sample
from wavenet_jax.runs import Run


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("train --data missing.txt", ["'missing.txt'", "not there"]),
        ("train --preset makemor", ["'makemor'", "did you mean makemore?"]),
        ("train --steps 0", ["steps is 0", "above 0"]),
        ("train --steps 3000000000", ["steps is 3000000000", "2,147,483,648"]),
        ("train --batch-size -4", ["batch_size is -4"]),
        ("train --learning-rate 0", ["learning_rate is 0"]),
        ("train --learning-rate nan", ["learning_rate is nan"]),
        ("train --dilations 1 2 3", ["dilations 1 2 3", "no tree", "1 2 4", "--run sequence"]),
        ("train --taps 3", ["dilations 1 2 4 with 3 taps", "1 3 9"]),
        ("train --data shakespeare", ["'shakespeare'", "one text", "--stream"]),
        ("train --data makemore --stream", ["'makemore'", "a list", "--no-stream"]),
        ("train --stream", ["'names'", "a list", "--no-stream"]),
        ("train --stream --data missing.txt", ["'missing.txt'", "not there"]),
        ("train --dilations 1 0", ["dilations 1 0", "below 1"]),
        ("train --taps 1", ["taps is 1", "2 or more"]),
        ("train --run sequence", ["length is 1", "--length 512"]),
        ("train --length 8", ["length is 8", "expected 1, "]),
        ("train --n-skip 8", ["n_skip is 8", "expected 64, "]),
        ("train --weight-decay 0.1", ["weight_decay is 0.1", "expected 0.0, "]),
        ("train --max-vocab 9", ["26 distinct characters", "at most 9", "--max-vocab"]),
        ("train --steps 50 --epochs 3", ["steps 50 and epochs 3", "expected one"]),
        ("train --resume", ["--run-dir"]),
        ("train --resume --overwrite --run-dir nowhere", ["both given"]),
        ("train --resume --run-dir nowhere", ["'nowhere'", "holds no run"]),
        ("evaluate nowhere", ["'nowhere'", "holds no run"]),
        ("sample nowhere", ["'nowhere'", "holds no run"]),
        ("score nowhere emma", ["'nowhere'", "holds no run"]),
        ("sample nowhere --length 0", ["length is 0"]),
        ("sample nowhere -n 0", ["n is 0"]),
        ("sample nowhere --max-length 0", ["max_length is 0"]),
        ("sample nowhere --seed -1", ["seed is -1"]),
        ("sample nowhere --min-length -1", ["min_length is -1", "0 or more"]),
        ("sample nowhere --temperature -1", ["temperature is -1.0", "0 to 1,000,000"]),
        ("sample nowhere --temperature nan", ["temperature is nan"]),
        ("sample nowhere --top-k 0", ["top_k is 0", "at least 1"]),
        ("sample nowhere --top-p 0", ["top_p is 0.0", "above 0, at most 1"]),
        ("sample nowhere --top-p 1.5", ["top_p is 1.5"]),
        ("sample nowhere --top-p nan", ["top_p is nan"]),
        (
            "sample nowhere --exact --temperature 0",
            ["temperature is 0.0", "exact", "leave one out"],
        ),
        ("sample nowhere --exact --top-k 1", ["top_k is 1", "exact"]),
        ("sample nowhere --unique --temperature 0", ["temperature is 0.0", "unique"]),
        ("sample nowhere --unique --top-k 1 -n 2", ["top_k is 1", "unique"]),
        ("data nothing", ["'nothing'", "makemore", "shakespeare"]),
    ],
)
def test_bad_use_is_answered_in_one_sentence(
    command: str, parts: list[str], says: Says, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sentence = says(command)
    for part in parts:
        assert part in sentence
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["0 documents", "at least 3"]),
        (b"anna\nben\n", ["2 documents"]),
        (b"anna\nb\xe9n\ncleo\n", ["line 2", "UTF-8"]),
        (b"anna\nben\ncl\x00eo\n", ["line 3", "binary"]),
        (b"anna\nst. john\ncleo\n", ["line 2", "'st. john'", "boundary"]),
    ],
)
def test_bad_data_are_answered_in_one_sentence(
    content: bytes, parts: list[str], says: Says, tmp_path: Path
) -> None:
    (tmp_path / "bad.txt").write_bytes(content)
    sentence = says(f"train --data {tmp_path / 'bad.txt'} --run-dir {tmp_path / 'run'}")
    for part in parts:
        assert part in sentence
    assert not (tmp_path / "run").exists()


def test_run_without_checkpoint_is_answered_in_one_sentence(run: Run, says: Says) -> None:
    for command in ("evaluate {}", "sample {}", "score {} emma", "train --resume --run-dir {}"):
        assert "no checkpoint" in says(command.format(run.folder))


def test_unknown_options_and_values_leave_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("train --stepz 3") == 2
    assert "--steps" in capsys.readouterr().err
    assert call("train --steps many") == 2
    assert call("train --resume=yes") == 2
    assert call("train --preset") == 2
    assert call("fly") == 2
    assert call("") == 2


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ("--dilations 0 2", ["dilations 0 2", "below 1"]),
        ("--taps 1", ["taps is 1", "2 or more"]),
        ("--length 1", ["length is 1", "--length 512"]),
        ("--length 5000", ["length is 5,000", "takes 7 more as history", "lower --length"]),
        ("--dilations 3000000000", ["sees 3,000,000,001", "smaller dilations"]),
        ("--dilations 1 2 9999", ["receptive field is 10,003", "smaller dilations"]),
        ("--run window --length 1 --dilations 1 3", ["no tree", "expected 1 2 ", "--run sequence"]),
        ("--run window", ["length is 32", "expected 1, "]),
        ("--max-vocab 9", ["21 distinct characters", "at most 9", "--max-vocab"]),
        ("--split-seed 1", ["split_seed is 1", "split by position"]),
        ("--epochs 3", ["steps 60 and epochs 3", "expected one"]),
        ("--learning-rate 1e38", ["the loss is", "nothing was saved yet", "lower learning_rate"]),
    ],
)
def test_bad_use_with_a_text_is_answered_in_one_sentence_and_leaves_nothing(
    options: str,
    parts: list[str],
    says: Says,
    text_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    sentence = says(f"train --data {text_file} {SMALL_STREAM} {options}")
    for part in parts:
        assert part in sentence
    assert list(tmp_path.iterdir()) == [text_file]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["0 characters", "longer text"]),
        (b"a", ["1 characters", "longer text"]),
        (b"to be\n" * 5, ["length is 32", "at most 20", "the training data have 27"]),
        (b"to be", ["receptive field is 8", "the 4 of the training data", "give more data"]),
        (b"to be\xe9" * 9, ["byte 0xe9 at 5", "UTF-8"]),
        (b"to be\0" * 9, ["NUL", "binary"]),
    ],
)
def test_bad_text_is_answered_in_one_sentence(
    content: bytes, parts: list[str], says: Says, text_file: Path, tmp_path: Path
) -> None:
    text_file.write_bytes(content)
    sentence = says(stream_command(text_file, tmp_path / "run"))
    for part in parts:
        assert part in sentence
    assert list(tmp_path.iterdir()) == [text_file]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["sample", "--prefix", "be!Z"], ["'be!Z' holds '!' 'Z'", "characters of '\\n abd"]),
        (["sample", "--prefix", "b\udcff"], [r"holds '\udcff'", "unknown"]),
        (["sample", "--prefix", "b\0"], [r"holds '\x00'", "unknown"]),
        (["sample", "--prefix", "to be", "--length", "4"], ["5 characters", "at most the 4"]),
        (["sample", "--allow", "Z"], ["'Z' holds 'Z'", "unknown"]),
        (["sample", "--allow", ""], ["allow ''", "at least one"]),
        (["sample", "--prefix", "to", "--forbid", "ot"], ["prefix 'to' and forbid 'ot' together"]),
        (["sample", "--max-length", "9"], ["max_length is 9", "one text", "give length"]),
        (["sample", "--min-length", "9"], ["min_length is 9", "one text", "give length"]),
        (["sample", "--pattern", "t.*"], ["pattern is 't.*'", "one text", "leave it out"]),
        (["sample", "--unique"], ["unique is True", "one text", "leave it out"]),
        (["sample", "--new"], ["new is True", "one text", "leave it out"]),
        (["sample", "--exact"], ["exact is True", "one text", "leave it out"]),
        (["score", ""], ["text '' is empty", "at least one character"]),
        (["score", "to be", ""], ["text '' is empty"]),
        (["score", "to be", "BE"], ["'BE' holds 'B' 'E'", "unknown"]),
    ],
)
def test_bad_use_of_a_run_on_a_text_is_answered_in_one_sentence(
    words: list[str], parts: list[str], says: Says, streamed: Path
) -> None:
    sentence = says([words[0], str(streamed), *words[1:]])
    for part in parts:
        assert part in sentence


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["sample", "--prefix", "ann!"], ["'ann!' holds '!'", "characters of 'abcd"]),
        (["sample", "--prefix", "an.a"], ["'an.a' holds '.'", "unknown"]),
        (["sample", "--prefix", "b\udcff"], [r"holds '\udcff'", "unknown"]),
        (["sample", "--prefix", "anna", "--max-length", "3"], ["4 characters", "at most the 3"]),
        (["sample", "--allow", "an!"], ["'an!' holds '!'", "unknown"]),
        (["sample", "--length", "9"], ["length is 9", "a list", "give max_length"]),
        (["score", "anna", "Anna"], ["'Anna' holds 'A'", "unknown"]),
        (["score", "anna.ben"], ["'anna.ben' holds '.'", "unknown"]),
    ],
)
def test_bad_use_of_a_run_on_a_list_is_answered_in_one_sentence(
    words: list[str], parts: list[str], says: Says, trained: Path
) -> None:
    sentence = says([words[0], str(trained), *words[1:]])
    for part in parts:
        assert part in sentence


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ("--pattern ma(", ["pattern 'ma(' is invalid", "position 2"]),
        ("--pattern ^ma", ["an anchor at position 0"]),
        (r"--pattern (m)a\1", ["a back-reference at position 4", "expected literals"]),
        ("--pattern m1", ["'1' at position 1", "expected characters of 'abc"]),
        ("--pattern [a-c]{2} --min-length 3", ["pattern '[a-c]{2}' allows no document of 3 to"]),
        ("--prefix b --pattern ma.*", ["prefix 'b' and pattern 'ma.*' together allow no document"]),
        ("--forbid aeiou --allow aei", ["allow 'aei' and forbid 'aeiou' together", "at least one"]),
        ("--min-length 9 --max-length 5", ["min_length is 9 and max_length 5"]),
        ("--min-length 19", ["min_length is 19 and max_length 18"]),
        ("--unique -n 17 --pattern [a-d]{2}", ["16 documents", "expected at least 17", "fewer"]),
        ("--unique --max-length 1 --forbid abc", ["19 documents", "at least 20"]),
        ("--new --pattern ava|mia|zoe", ["0 new documents", "can be had"]),
        ("--new --unique -n 3 --pattern ava|lee|ann", ["2 new documents", "at least 3"]),
    ],
)
def test_order_that_cannot_be_is_refused_before_anything_is_drawn(
    options: str, parts: list[str], trained: Path, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "draw_samples", None)
    for more in ("", " --json"):
        sentence = says(f"sample {trained} {options}{more}")
        for part in parts:
            assert part in sentence


@pytest.mark.parametrize("more", ["", "--json"])
def test_order_that_takes_too_long_is_given_up_in_one_sentence(
    more: str, trained: Path, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "_MAX_DRAWN", 100)
    monkeypatch.setattr(generate, "_MAX_DRAWN_EACH", 10)
    monkeypatch.setattr(sample, "_ATTEMPTS", 100)
    sentence = says(f"sample {trained} --unique -n 36 --pattern [aeilnz]{{2}} {more}")
    assert " of 460 documents drawn are unique, expected 36" in sentence
    sentence = says(f"sample {trained} --new -n 3 --pattern ava|zoeava --temperature 0 {more}")
    assert "0 of 3 documents drawn are new, expected 3; ask for fewer, raise" in sentence
    sentence = says(f"sample {trained} --exact -n 3 --pattern (.*z){{4}} {more}")
    assert "exact rejected 100 documents for one that keeps the rules" in sentence
