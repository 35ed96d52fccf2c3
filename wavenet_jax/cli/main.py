"""The command line: parse, run, and say in one sentence what went wrong.

Imports no JAX and no NumPy until a command runs, so that help and bad use are answered at once.
"""

import io
import os
import re
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import redirect_stdout, suppress
from typing import Any, Literal, get_args, get_origin

from wavenet_jax import __version__
from wavenet_jax.cli import arguments
from wavenet_jax.cli.arguments import COMMANDS, PROGRAM, Argument, Command, list_arguments
from wavenet_jax.errors import KINDS, InputError, nearest, require

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
        "--start --prompt": "--prefix",
        "--regex --match": "--pattern",
        "--num-samples --num --samples --count": "-n",
        "--bs --batch": "--batch-size",
        "--wd": "--weight-decay",
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


def main(words: list[str] | None = None) -> int:
    """Run the command line and return its exit code, as `answer` does."""
    if words is None:
        words = sys.argv[1:]
        _behave_as_a_process()
    return answer(PROGRAM, lambda: _run(words), _options())


def _options() -> list[str]:
    """Return the names of the options of all commands: the remedy may be another command's."""
    arguments = (each for command in COMMANDS.values() for each in list_arguments(command))
    return list(dict.fromkeys(each.name for each in arguments if each.flags))


def answer(program: str, call: Callable[[], int], options: Collection[str]) -> int:
    """Return the exit code of a call, after one sentence on standard error where it fails.

    0 for success, 1 where the file system fails, 2 for bad use, 130 or 143 if stopped.  Where an
    `InputError` names fields that are `options`, the sentence shows them as such.
    """
    try:
        code = call()
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a reader who has left is no error
        return code
    except InputError as error:
        print(f"{program}: {_in_flags(error, options)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read standard output has gone, as in `| head`; keep Python from complaining too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(
            f"{program}: {error.filename or 'the system'}: {error.strerror or error}.",
            file=sys.stderr,
        )
        return 1


def _behave_as_a_process() -> None:
    # Ctrl-C ends the process at once, also in the middle of an import; training notes it instead.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # where a terminal is not UTF-8
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # to be named as unknown


def _run(words: list[str]) -> int:
    if not words:
        with redirect_stdout(sys.stderr), suppress(SystemExit):
            arguments.show_help(["--help"])
        return 2
    if words == ["--version"]:
        print(f"{PROGRAM} {__version__}")
        return 0
    return _call(parse_command(*words))


def parse_command(name: str, *words: str) -> Command:
    """Return the command that the words spell; raise `InputError` where they spell none.

    Leaves where they ask for help.
    """
    if name in ("-h", "--help") or name.startswith("--tyro-"):  # completion in a shell
        arguments.show_help([name, *words])
    require(
        name in COMMANDS,
        f"command {name!r} is unknown, expected {', '.join(COMMANDS)}"
        f"{_did_you_mean(name, COMMANDS) or '.'}",
    )
    try:
        return arguments.parse(name, list(words))
    except SystemExit as leave:
        if leave.code:
            raise _input_error(leave) or InputError(
                explain(COMMANDS[name], f"{PROGRAM} {name}", list(words))
            ) from None
        raise


def _input_error(error: BaseException | None) -> InputError | None:
    """Return the `InputError` that tyro has turned into an error of its own, if there is one."""
    while error is not None and not isinstance(error, InputError):
        error = error.__context__
    return error


def _call(command: Command) -> int:
    from wavenet_jax import backend  # noqa: PLC0415  imports JAX
    from wavenet_jax.cli import commands  # noqa: PLC0415

    if not isinstance(command, arguments.Data):
        backend.use_device(command.device)
        backend.use_compilation_cache()
    match command:
        case arguments.Train():
            return commands.train(command)
        case arguments.Resume():
            return commands.resume(command)
        case arguments.Evaluate():
            return commands.evaluate(command)
        case arguments.Score():
            return commands.score(command)
        case arguments.Sample():
            return commands.sample(command)
        case arguments.Data():
            return commands.data(command)


def _in_flags(error: InputError, options: Collection[str]) -> str:
    """Return the sentence of an error on a field, with fields as the options that users know.

    Words such as `data` and `new` are fields only where they begin it, or stand before a number or
    a value in quotes.  A name with an underscore is a field anywhere.
    """
    text = str(error)
    if error.field is None:
        return text
    for name in options:
        end = r"(?![\w'/-]|\.\w)" if "_" in name else r"(?= (is )?['\"\d])"
        first = rf"^{name}\b|" if name == error.field else ""
        text = re.sub(rf"{first}(?<![\w'/.-]){name}{end}", Argument(name, Any).flags[-1], text)
    return text


def explain(command: Callable[..., Any], program: str, words: list[str]) -> str:
    """Return a sentence on the first mistake in the words after a program, which tyro refused.

    `command` is the dataclass or the function whose arguments tyro parses.
    """
    otherwise = "the arguments could not be parsed, expected the positional ones next to each other"
    return next(_mistakes(command, program, words), otherwise + _see_help(program))


def _did_you_mean(word: str, known: Collection[str]) -> str:
    """Return the end of a sentence on an unknown word; empty if no known word is meant."""
    meant = [each for each in HABITS.get(word, "").split() if each in known]
    near = " or ".join(meant) or nearest(word, known)
    return f"; did you mean {near}?" if near else ""


def _expected(argument: Argument, value: str) -> str:
    """Return the end of a sentence on a value that does not fit an option; empty if it fits."""
    for kind in argument.kinds:
        if get_origin(kind) is Literal:
            choices = get_args(kind)
            end = _did_you_mean(value, choices) or "."
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
    loose = []
    for flag, values, attached in _groups(words[:end], options):
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
            yield f"option {flag} is unknown{_did_you_mean(flag, options) or _see_help(program)}"
    positional = [argument for argument in known if not argument.flags]
    yield from _miscounted(program, positional, loose + words[end + 1 :])


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
