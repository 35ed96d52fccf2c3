"""Arguments that spell no command: one sentence with the nearest remedy, and nothing else."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.commands import call

from wavenet_jax.cli.arguments import COMMANDS, Resume, Sample, Score, Train
from wavenet_jax.cli.main import answer, parse_command
from wavenet_jax.config import PRESETS, Recipe
from wavenet_jax.errors import InputError

KNOWN = "train, resume, evaluate, inspect, score, sample, verify, data"
SENTENCES = {
    # Commands.
    "trian": f"command 'trian' is unknown, expected {KNOWN}; did you mean train?",
    "eval runs/demo": f"command 'eval' is unknown, expected {KNOWN}; did you mean evaluate?",
    "fly": f"command 'fly' is unknown, expected {KNOWN}.",
    "--seed 3 train": f"command '--seed' is unknown, expected {KNOWN}.",
    # Options.
    "train --learing-rate 0.1": "option --learing-rate is unknown; did you mean --learning-rate?",
    "train --stepz=3": "option --stepz is unknown; did you mean --steps?",
    "train --learning_rat 1": "option --learning-rat is unknown; did you mean --learning-rate?",
    "train --no-resid": "option --no-resid is unknown; did you mean --no-residual?",
    "train --wings 3": "option --wings is unknown; see `wavenet-jax train --help`.",
    "train --resume": "option --resume is unknown; did you mean `wavenet-jax resume RUN`?",
    "resume runs/demo --seed 3": "option --seed is unknown; see `wavenet-jax resume --help`.",
    "evaluate --jsn": "option --jsn is unknown; did you mean --json?",
    "evaluate runs/demo --no-json": "option --no-json is unknown; did you mean --json?",
    "sample runs/demo --temp 1": "option --temp is unknown; did you mean --temperature?",
    "sample runs/demo -s 3": "option -s is unknown; did you mean --seed?",
    "sample runs/demo -x 3": "option -x is unknown; see `wavenet-jax sample --help`.",
    "score runs/demo -anna": "option -anna is unknown; see `wavenet-jax score --help`.",
    # Habits of others.
    "generate runs/demo": f"command 'generate' is unknown, expected {KNOWN}; did you mean sample?",
    "fit": f"command 'fit' is unknown, expected {KNOWN}; did you mean train?",
    "train --lr 1": "option --lr is unknown; did you mean --learning-rate?",
    "train --max-steps 9": "option --max-steps is unknown; did you mean --steps?",
    "train --max_iters 9": "option --max-iters is unknown; did you mean --steps?",
    "train -i names.txt": "option -i is unknown; did you mean --data?",
    "train --input-file names.txt": "option --input-file is unknown; did you mean --data?",
    "train --out-dir runs": "option --out-dir is unknown; did you mean --run-dir?",
    "sample runs/demo -o names.txt": "option -o is unknown; did you mean --out?",
    "sample runs/demo --start ma": "option --start is unknown; did you mean --prefix?",
    "sample runs/demo --num-samples 9": "option --num-samples is unknown; did you mean -n?",
    "sample runs/demo --max-len=9": "option --max-len is unknown; did you mean --max-length or "
    "--text-length?",
    "train --bs 9": "option --bs is unknown; did you mean --batch-size?",
    "train --block-size 9": "option --block-size is unknown; did you mean --dilations or "
    "--seq-len?",
    "evaluate runs/demo --lr 1": "option --lr is unknown; see `wavenet-jax evaluate --help`.",
    "train --gpu": "option --gpu is unknown; did you mean --device?",
    # Values.
    "train --device cuda": "--device is 'cuda', expected cpu or gpu or tpu.",
    "train --steps ten": "--steps is 'ten', expected a whole number.",
    "train --steps=1.5": "--steps is '1.5', expected a whole number.",
    "train --learning-rate fast": "--learning-rate is 'fast', expected a number.",
    "train --dilations 1 two 4": "--dilations is 'two', expected a whole number.",
    "train --test-fraction none": "--test-fraction is 'none', expected a number.",
    "train --layer gatd": "--layer is 'gatd', expected plain or gated; did you mean gated?",
    "evaluate runs/demo --checkpoint 60": "--checkpoint is '60', expected best or latest.",
    "train --kind stream": "--kind is 'stream', expected list or text or audio.",
    "evaluate runs/demo --checkpoint last": "--checkpoint is 'last', expected best or latest; did "
    "you mean latest?",
    "evaluate runs/demo --json=yes": "--json is 'yes', expected no value; leave it out.",
    "score runs/demo anna --json=1": "--json is '1', expected no value; leave it out.",
    "sample runs/demo -nx": "-n is 'x', expected a whole number.",
    "sample runs/demo -n=x": "-n is 'x', expected a whole number.",
    "sample runs/demo --n x": "--n is 'x', expected a whole number.",
    # Missing or too many.
    "train --steps": "--steps has no value, expected a whole number.",
    "train --steps --seed 3": "--steps has no value, expected a whole number.",
    "train --preset": "--preset has no value, expected a value.",
    "train --layer --seed 3": "--layer has no value, expected plain or gated.",
    "sample runs/demo --forbid-text": "--forbid-text has no value, expected a value.",
    "sample runs/demo --prefix --new": "--prefix has no value, expected a value.",
    "evaluate": "RUN is missing, expected as in `wavenet-jax evaluate RUN`.",
    "resume": "RUN is missing, expected as in `wavenet-jax resume RUN`.",
    "score --json": "RUN is missing, expected as in `wavenet-jax score RUN`.",
    "data": "NAME is missing, expected as in `wavenet-jax data NAME`.",
    "train names.txt": "argument 'names.txt' is unexpected; see `wavenet-jax train --help`.",
    "train --steps 3 4": "argument '4' is unexpected; see `wavenet-jax train --help`.",
    "data makemore names": "argument 'names' is unexpected; see `wavenet-jax data --help`.",
    "sample runs/demo --forbid-text ann qu": "argument 'qu' is unexpected; see "
    "`wavenet-jax sample --help`.",
    "resume runs/demo -- --json": "argument '--json' is unexpected; see "
    "`wavenet-jax resume --help`.",
    "score runs/demo --per-char=yes emma": "--per-char is 'yes', expected no value; leave it out.",
    "score runs/demo anna --json ben": "argument 'ben' stands apart from 'runs/demo', expected "
    "both next to each other; move it before the options.",
    # The first of several.
    "train --stepz 3 --layer gatd": "option --stepz is unknown; did you mean --steps?",
    "train --layer gatd --stepz 3": "--layer is 'gatd', expected plain or gated; did you mean "
    "gated?",
    "train --learning-rate -inf --stepz 3": "option --stepz is unknown; did you mean --steps?",
    # Values of a configuration, as the options that they come from.
    "train --steps 50 --epochs 3": "--steps is 50 and --epochs is 3.0, expected one of them; "
    "leave one out.",
}


@pytest.mark.parametrize("command", SENTENCES)
def test_mistake_is_answered_in_one_sentence(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(command) == 2
    assert capsys.readouterr() == ("", f"wavenet-jax: {SENTENCES[command]}\n")


@pytest.mark.parametrize(
    ("command", "beginning"),
    [
        ("train --learning-rate -1", "--learning-rate is -1.0, expected "),
        (
            "train --preset makemore --dilations 1 2 3",
            "--dilations is 1 2 3 with --kernel-size 2, expected ",
        ),
        ("train --val-fraction 0.95", "--val-fraction 0.95 and --test-fraction 0.1 add up to "),
        ("train --preset makemore --batch-size 1", "--batch-size is 1, but BatchNorm "),
        (
            "train --kind list --data shakespeare",
            "--kind is 'list', but --data 'shakespeare' is a text",
        ),
        ("train --preset makemor", "--preset is 'makemor', expected "),
        ("sample runs/demo -n 0", "-n is 0, expected "),
        ("train --data a --data b", "option --data is given again, expected it once with all"),
        ("train --dilations 1 --dilations 2", "option --dilations is given again, expected it"),
        ("sample runs/demo --top-k 0", "--top-k is 0, expected "),
        ("sample runs/demo --masked --max_attempts 3", "--max-attempts is 3, but "),
    ],
)
def test_refused_value_is_named_by_its_option(
    command: str, beginning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"wavenet-jax: {beginning}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("sentence", "field", "shown"),
    [
        ("n is 0, expected n.", "n", "-n is 0, expected n."),
        ("lower max_length, or max_length.", "x", "lower --max-length, or --max-length."),
        (
            "data 'a' is no data; train on new data.",
            "x",
            "--data 'a' is no data; train on new data.",
        ),
        ("new is True, choose mode sequence.", "new", "--new is True, choose mode sequence."),
        ("newer is better.", "new", "newer is better."),
        ("runs/max_length/x is 'max_length'.", "x", "runs/max_length/x is 'max_length'."),
        (
            "my_max_length, max_lengths, max_length.txt.",
            "x",
            "my_max_length, max_lengths, max_length.txt.",
        ),
        (
            "a/config.json cannot be used: n_hidden is 0.",
            None,
            "a/config.json cannot be used: n_hidden is 0.",
        ),
    ],
)
def test_fields_are_shown_as_options_and_other_words_as_they_are(
    sentence: str, field: str | None, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise InputError(sentence, field)

    assert answer("it", fail, ["n", "new", "data", "mode", "max_length", "n_hidden"]) == 2
    assert capsys.readouterr().err == f"it: {shown}\n"


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["train", "--stepz", "3"]])
def test_help_and_mistakes_import_neither_jax_nor_numpy(words: list[str]) -> None:
    script = f"""
import sys
from wavenet_jax.cli import main
try:
    main({words})
except SystemExit:
    pass
print({{"jax", "numpy", "matplotlib"}} & set(sys.modules))
"""
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert process.stdout.endswith("set()\n")


def test_program_alone_shows_its_help_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert call([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert call(["--help"]) == 0
    assert capsys.readouterr() == (err, "")
    for command in COMMANDS:
        assert f"• {command} " in err
    assert "--version" in err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_each_option_once_and_no_box_of_an_error(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call([command, "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"usage: wavenet-jax {command} [-h]")
    assert err == ""
    assert "None" not in out.replace("(default: None)", "")


def test_help_of_sample_shows_what_stands_for_each_value(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call("sample --help") == 0
    out = capsys.readouterr().out
    for option in ("-n INT, --n INT", "--pattern REGEX", "--forbid-text TEXT", "--out FILE"):
        assert option in out
    assert "(default: None)" not in out
    assert "--no-" not in out


def test_arguments_become_a_command() -> None:
    assert parse_command("resume", "runs/demo") == Resume(Path("runs/demo"))
    sample = parse_command(
        "sample", "-n3", "r", "--forbid-text", "ann", "--forbid-text=qu", "--out", "names.txt"
    )
    assert isinstance(sample, Sample)
    assert (sample.config.n, sample.config.forbid_text) == (3, ("ann", "qu"))
    assert sample.out == Path("names.txt")
    score = parse_command("score", "r", "-5", "--", "--json")
    assert isinstance(score, Score)
    assert (score.texts, score.json) == (("-5", "--json"), False)


@pytest.mark.parametrize("name", PRESETS)
def test_preset_gives_the_values_of_all_other_options(name: str) -> None:
    train = parse_command("train", "--seed", "7", "--preset", name)
    assert isinstance(train, Train)
    assert train.recipe == Recipe(name, {"seed": 7})


@pytest.mark.parametrize("flag", ["--residual", "--no-residual"])
@pytest.mark.parametrize("name", ["makemore", "makemore-fast"])
def test_residual_can_be_set_either_way_whatever_the_preset(flag: str, name: str) -> None:
    train = parse_command("train", "--preset", name, flag)
    assert isinstance(train, Train)
    assert train.recipe.given == {"residual": flag == "--residual"}


WORDS = st.sampled_from(
    "train sample score evaluate RUN --steps --seed -n -n5 3 -1 ten --layer gated --layr --json "
    "--json=1 --forbid-text --prefix= --prefix -- --help -h --no-residual -x --dilations".split()
)


def outcome(name: str, *words: str) -> Any:
    """Return the command that the words spell, or how they are refused."""
    try:
        return parse_command(name, *words)
    except (SystemExit, InputError) as refusal:
        return refusal


@given(st.sampled_from(list(COMMANDS)), st.lists(WORDS, max_size=6))
def test_any_words_spell_a_command_or_are_answered_in_one_sentence(
    name: str, words: list[str]
) -> None:
    result = outcome(name, *words)
    if isinstance(result, SystemExit):
        assert not result.code
        assert {"--help", "-h"} & set(words)
    elif isinstance(result, InputError):
        assert str(result).endswith((".", "?"))
        assert "could not be parsed" not in str(result)  # the answer where no mistake is found
    else:
        assert type(result) is COMMANDS[name]
