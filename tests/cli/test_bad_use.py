"""What goes wrong once the arguments are understood: one sentence, exit 2, nothing left behind.

The phrases are tested where they are raised; here, that they arrive, and what a failure leaves.
"""

from pathlib import Path

import pytest
from support.commands import SMALL_TEXT, Says, train_text_command

from wavenet_jax import sampling
from wavenet_jax.runs import Run


@pytest.mark.parametrize(
    ("command", "beginning"),
    [
        ("train --data missing.txt", "--data 'missing.txt' is not there"),
        ("train --kind text --data missing.txt", "--data 'missing.txt' is not there"),
        ("train --data", "--data is (none), expected a file, a folder or a known name."),
        ("train --kind tex", "--kind is 'tex', expected list or text or audio; did you mean text?"),
        ("train --normalize nfc", "--normalize is 'nfc', expected NFC or NFD or NFKC or NFKD"),
        ("train --column 2", "--column is '2', but names is no table, expected"),
        (
            "train --data names --column 1 --labels sex --kind text",
            "--column is 1, but a text has no columns",
        ),
        ("train --labels sex", "--labels is sex, but no column has the documents, expected one be"),
        (
            "train --kind text --label-pattern (?P<a>.)",
            "--label-pattern is (?P<a>.), but a text is",
        ),
        (
            "train --label-pattern (",
            "--label-pattern is '(', expected a regular expression (missing",
        ),
        (
            "train --label-pattern names",
            "--label-pattern is 'names', which names no group, expected",
        ),
        ("train --label-pattern (?P<a>x)", "--label-pattern is '(?P<a>x)', which finds no labels"),
        ("train --label-pattern (?P<a>m)", "--labels 'a' are all 'm', expected at least two"),
        (
            "train --test-pattern names",
            "--test-pattern is 'names', which is found in all of 1 path",
        ),
        (
            "train --test-pattern names --test-fraction 0.2",
            "--test-fraction is 0.2, but --test-pattern tells which files are the test, expected",
        ),
        ("train --split-by sex", "--split-by is 'sex', which is no kind of label, expected docum"),
        ("train --kind list --trim-db 40", "--trim-db is 40.0, but a list has no sound"),
        ("train --kind audio --labels sex", "--labels is sex, but recordings are no table"),
        ("train --peak 2", "--peak is 2.0, expected a number from 0.01 to 1; leave it out"),
        ("train --data strings --split-by nte", "--split-by is 'nte', which is no kind of label, "),
        ("train --data makemore", "--data 'makemore' is not downloaded yet"),
        ("train --kind list --data shakespeare", "--kind is 'list', but --data 'shakespeare' is a"),
        ("train --max-vocab 9", "the data contain 26 distinct characters"),
        ("evaluate nowhere", "'nowhere' holds no run"),
        ("inspect nowhere", "'nowhere' holds no run"),
        ("resume nowhere", "'nowhere' holds no run"),
        ("sample nowhere", "'nowhere' holds no run"),
        ("score nowhere emma", "'nowhere' holds no run"),
        ("data nothing", "data set 'nothing' is unknown"),
    ],
)
def test_bad_use_is_answered_in_one_sentence_and_leaves_nothing(
    command: str, beginning: str, says: Says, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says(command).startswith(f"wavenet-jax: {beginning}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "0 documents"),
        (b"anna\nb\xe9n\ncleo\n", "UTF-8"),
        (b"anna\nst\0john\ncleo\n", "line 2"),
    ],
)
def test_bad_list_is_answered_in_one_sentence(
    content: bytes, part: str, says: Says, tmp_path: Path
) -> None:
    (tmp_path / "bad.txt").write_bytes(content)
    assert part in says(f"train --data {tmp_path / 'bad.txt'} --run-dir {tmp_path / 'run'}")
    assert not (tmp_path / "run").exists()


def test_run_without_checkpoint_is_answered_in_one_sentence(run: Run, says: Says) -> None:
    for command in ("evaluate {}", "inspect {}", "sample {}", "score {} emma", "resume {}"):
        assert "no checkpoint" in says(command.format(run.folder))


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ("--seq-len 5000", "--seq-len is 5,000"),
        ("--dilations 3000000000", "3,000,000,001"),
        ("--dilations 1 2 9999", "receptive field is 10,003"),
        ("--max-vocab 9", "21 distinct characters"),
        ("--learning-rate 1e38", "nothing was saved yet"),
    ],
)
def test_training_on_a_text_that_fails_leaves_nothing(
    options: str,
    part: str,
    says: Says,
    text_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert part in says(f"train --data {text_file} {SMALL_TEXT} {options}")
    assert list(tmp_path.iterdir()) == [text_file]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "0 characters"),
        (b"to be\n" * 5, "--seq-len is 32"),
        (b"to be", "receptive field is 8"),
        (b"to be\xe9" * 9, "UTF-8"),
        (b"to be\0" * 9, "NUL"),
    ],
)
def test_bad_text_is_answered_in_one_sentence(
    content: bytes, part: str, says: Says, text_file: Path, tmp_path: Path
) -> None:
    text_file.write_bytes(content)
    assert part in says(train_text_command(text_file, tmp_path / "run"))
    assert list(tmp_path.iterdir()) == [text_file]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["sample", "--prefix", "be!Z"], "'be!Z' contains '!' 'Z'"),
        (["sample", "--prefix", "b\udcff"], r"contains '\udcff'"),
        (["sample", "--prefix", "to be", "--text-length", "4"], "--prefix is 'to be'"),
        (["sample", "--allow", "Z"], "--allow is 'Z', of which this vocabulary has no"),
        (["sample", "--prefix", "to", "--forbid", "ot"], "prefix 'to' and forbid 'ot'"),
        (["sample", "--max-length", "9"], "--max-length is 9, but the run was trained on one text"),
        (["sample", "--pattern", "t.*"], "--pattern is 't.*', but"),
        (["sample", "--unique"], "--unique is True, but"),
    ],
)
def test_bad_use_of_a_run_on_a_text_is_answered_in_one_sentence(
    words: list[str], part: str, says: Says, trained_text: Path
) -> None:
    assert part in says([words[0], str(trained_text), *words[1:]])


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["sample", "--prefix", "ann!"], "'ann!' contains '!'"),
        (["sample", "--prefix", "an.a"], "'an.a' contains '.'"),
        (["sample", "--prefix", "b\udcff"], r"contains '\udcff'"),
        (["sample", "--prefix", "anna", "--max-length", "3"], "--prefix is 'anna'"),
        (["sample", "--text-length", "9"], "--text-length is 9, but the run was trained on a list"),
        (["score", "anna", "--text-start"], "--text-start is True, but the run was trained on"),
        (["sample", "--text-start"], "--text-start is True, but the run was trained on a list"),
        (["sample", "--cut-at", "9", "--max-length", "9"], "--cut-at is 9, but documents of at"),
        (["sample", "--json", "--plain"], "--json and --plain are both given, expected one"),
        (["sample", "--prefix", "a", "--prefix-file", "x"], "--prefix and --prefix-file are both"),
        (["sample", "--prefix-file", "nowhere"], "--prefix-file 'nowhere' cannot be read (No such"),
        (["sample", "--exact", "--masked"], "--exact and masked are both given, expected one"),
        (["sample", "--allow", "z-a"], "'z-a' has the range z-a, expected its ends in order"),
    ],
)
def test_bad_use_of_a_run_on_a_list_is_answered_in_one_sentence(
    words: list[str], part: str, says: Says, trained: Path
) -> None:
    assert part in says([words[0], str(trained), *words[1:]])


@pytest.mark.parametrize("more", ["", " --json", " --out names.txt"])
@pytest.mark.parametrize(
    ("options", "part"),
    [
        ("--pattern ma(", "'ma('"),
        ("--pattern [a-c]{2} --min-length 3", "pattern '[a-c]{2}'"),
        ("--prefix b --pattern ma.*", "prefix 'b' and pattern 'ma.*'"),
        ("--pattern .*ann.* --forbid-text ann", "pattern '.*ann.*' and forbid_text 'ann'"),
        ("--min-length 9 --max-length 5", "--min-length is 9"),
        ("--unique -n 17 --pattern [a-d]{2}", "16 documents"),
        ("--new --pattern ava|mia|zoe", "0 new documents"),
    ],
)
def test_constraints_that_nothing_meets_are_refused_before_anything_is_sampled(
    options: str,
    part: str,
    more: str,
    trained: Path,
    says: Says,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sampling.DocumentSampler, "run", None)
    assert part in says(f"sample {trained} {options}{more}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("more", ["", "--json"])
def test_attempts_that_find_nothing_are_counted(more: str, trained: Path, says: Says) -> None:
    options = "--exact -n 3 --pattern (.*z){4} --max-attempts 100"
    sentence = says(f"sample {trained} {options} {more}")
    assert sentence.startswith("wavenet-jax: --exact found 0 ")
    assert "in 100 attempts, expected 3" in sentence
