"""A user's mistakes on the command line, in a sentence with the words that were typed."""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Any, Literal, get_args, get_origin

from wavenet_jax.cli.arguments import COMMANDS, PROGRAM, Argument, list_arguments
from wavenet_jax.errors import KINDS, nearest, require

# What users of other programs type, and what it may mean here.
HABITS = {
    habit: meant
    for habits, meant in {
        "fit": "train",
        "continue restart": "resume",
        "test validate perplexity": "evaluate",
        "generate gen complete": "sample",
        "download fetch": "data",
        "--lr": "--learning-rate",
        "--max-steps --max-iters --iters --iterations --num-steps": "--steps",
        "--num-epochs --max-epochs": "--epochs",
        "-i --input --input-file --file --dataset --corpus": "--data",
        "-o --output --out-dir --outdir --output-dir --work-dir": "--run-dir --out",
        "--start": "--prefix",
        "--duration --length-seconds": "--seconds",
        "--regex --match": "--pattern",
        "--num-samples --num --samples --count": "-n",
        "--bs --batch": "--batch-size",
        "--wd": "--weight-decay",
        "--opt --optim": "--optimizer",
        "--scheduler --lr-schedule --lr-scheduler --lr-decay": "--schedule",
        "--warmup-steps --warmup-iters --warmup-ratio": "--warmup",
        "--grad-clip --gradient-clip --clip --max-grad-norm --clip-grad-norm": "--clip-norm",
        "--ema-decay --average --polyak": "--ema",
        "--beta1": "--b1",
        "--beta2": "--b2",
        "--gradient-accumulation-steps --grad-accum --accum": "--accumulate",
        "--pretrained --finetune --fine-tune --warm-start": "--init-from",
        "--tb": "--tensorboard",
        "--block-size --context --context-length": "--dilations --seq-len",
        "--hidden-size --width --n-channels": "--n-hidden",
        "--n-layer --layers --num-layers": "--dilations",
        "--length --max-len --max-tokens --max-new-tokens": "--max-length --text-length",
        "--eval-interval --val-every": "--eval-every",
        "--log-interval --log-every": "--report-every",
        "--cpu --gpu --cuda --tpu": "--device",
    }.items()
    for habit in habits.split()
}


def all_options() -> list[str]:
    """Return the names of the options of all commands: the remedy may be another command's."""
    arguments = (each for command in COMMANDS.values() for each in list_arguments(command))
    return list(dict.fromkeys(each.name for each in arguments if each.flags))


def in_flags(text: str, options: Collection[str], field: str | None = None) -> str:
    """Return a sentence with its fields as the options that users know.

    A name with an underscore is a field anywhere.  Words such as `data` and `new` are fields only
    where they are `field` and begin the sentence, stand before a number or a value in quotes, or
    in a remedy such as "set kind to text".
    """
    for name in options:
        flag, end = Argument(name, Any).flags[-1], r"(?![\w'/-]|\.\w)"
        if "_" not in name:
            text = re.sub(rf"\bset {name} to\b", f"set {flag} to", text)
            end = r"(?= (is )?['\"\d])"
        first = rf"^{name}\b|" if name == field else ""
        text = re.sub(rf"{first}(?<![\w'/.-]){name}{end}", flag, text)
    return text


def explain(command: Callable[..., Any], program: str, words: list[str]) -> str:
    """Return a sentence on the first mistake in the words after a program, which tyro refused.

    `command` is the dataclass or the function whose arguments tyro parses.
    """
    otherwise = "the arguments could not be parsed"
    return next(_mistakes(command, program, words), otherwise + _see_help(program))


def require_once(command: Callable[..., Any], words: list[str]) -> None:
    """Raise `InputError` for an option of several values that is given again, which loses some.

    Of others the last counts, as everywhere.
    """
    options = {flag: argument for argument in list_arguments(command) for flag in argument.flags}
    end = words.index("--") if "--" in words else len(words)
    seen = set[str]()
    for flag, *_ in _groups(words[:end], options):
        argument = options.get(flag)
        if argument is None or argument.own(["", ""]) != ["", ""]:
            continue
        require(
            argument.name not in seen,
            f"option {flag} is given again, expected it once with all its values: {flag} A B.",
        )
        seen.add(argument.name)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return the end of a sentence on an unknown word; empty if no known word is meant."""
    meant = [each for each in HABITS.get(word, "").split() if each in known]
    near = " or ".join(meant) or nearest(word, known) or nearest(word.lower(), known)
    return f"; did you mean {near}?" if near else ""


def _expected(argument: Argument, value: str) -> str:
    """Return the end of a sentence on a value that does not fit an option; empty if it fits."""
    for kind in argument.kinds:
        if get_origin(kind) is Literal:
            choices = get_args(kind)
            end = did_you_mean(value, choices) or "."
            return "" if value in choices else " or ".join(choices) + end
        numbers = [each for each in (kind, *get_args(kind)) if each in (int, float)]
        if numbers and not _is(numbers[0], value):
            return f"{KINDS[numbers[0]]}."
    return ""


def _is(number: type, value: str) -> bool:
    with suppress(ValueError):
        number(value)
        return True
    return False


def _mistakes(command: Callable[..., Any], program: str, words: list[str]) -> Iterator[str]:
    known = list(list_arguments(command))
    options = {flag: argument for argument in known for flag in argument.flags}
    end = words.index("--") if "--" in words else len(words)
    loose, apart = list[str](), list[str]()  # words of no option, and the first of each group
    for flag, values, attached in _groups(words[:end], options):
        before = len(loose)
        if not flag:
            loose += values
        elif flag in options:
            own = options[flag].own(values)
            if attached and not own:
                yield f"{flag} is {values[0]!r}, expected no value; leave it out."
            yield from _misfits(flag, options[flag], own)
            loose += values[len(own) :]
        elif flag not in ("--help", "-h"):
            if flag in ("--resume", "--continue"):
                yield f"option {flag} is unknown; did you mean `{PROGRAM} resume RUN`?"
            yield f"option {flag} is unknown{did_you_mean(flag, options) or _see_help(program)}"
        apart += loose[before : before + 1]
    positional = [argument for argument in known if not argument.flags]
    yield from _miscounted(program, positional, loose + words[end + 1 :])
    if len(apart) > 1:
        yield (
            f"argument {apart[1]!r} stands apart from {apart[0]!r}, expected both next to each "
            "other; move it before the options."
        )


def _see_help(program: str) -> str:
    return f"; see `{program} --help`."


def _groups(words: list[str], options: Collection[str]) -> Iterator[tuple[str, list[str], bool]]:
    """Yield each option, the words up to the next, and whether the first is attached by =.

    The words before the first option come with an empty name.
    """
    flag, values, attached = "", list[str](), False
    for word in words:
        if _is_option(word):
            yield flag, values, attached
            flag, values = _opened(word, options)
            attached = bool(values)
        else:
            values.append(word)
    yield flag, values, attached


def _is_option(word: str) -> bool:
    # -5 and -inf are values.
    return word.startswith("-") and word.lstrip("-")[:1].isalpha() and not _is(float, word)


def _opened(word: str, options: Collection[str]) -> tuple[str, list[str]]:
    """Return an option and the value attached to it, as in --seed=3 or -n3."""
    if not word.startswith("--") and word[:2] in options:
        return word[:2], [word[2:].removeprefix("=")] if word[2:] else []
    flag, equals, value = word.partition("=")
    return flag.replace("_", "-"), [value] if equals else []


def _misfits(flag: str, argument: Argument, values: list[str]) -> Iterator[str]:
    """Yield a sentence for each value of an option that does not fit it."""
    if not values and argument.own([""]) == [""]:
        yield f"{flag} has no value, expected {_expected(argument, '') or 'a value.'}"
    for value in values:
        if expected := _expected(argument, value):
            yield f"{flag} is {value!r}, expected {expected}"


def _miscounted(program: str, positional: list[Argument], values: list[str]) -> Iterator[str]:
    """Yield a sentence on a positional argument that is missing, and on each value too many."""
    single = [argument.name.upper() for argument in positional if argument.own(["", ""]) == [""]]
    if len(values) < len(single):
        usage = " ".join([program, *single])
        yield f"{single[len(values)]} is missing, expected as in `{usage}`."
    if len(single) == len(positional):
        for value in values[len(single) :]:
            yield f"argument {value!r} is unexpected{_see_help(program)}"
