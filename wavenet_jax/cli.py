"""The command line: parse, call, print the one sentence of an error.

Imports no JAX until a command runs, so that help and bad use are answered at once.
"""

import argparse
import io
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from wavenet_jax import __version__, config_file, presets
from wavenet_jax.config import Config
from wavenet_jax.errors import InputError, require
from wavenet_jax.sample_config import SampleConfig

RunFolder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]


@dataclass(frozen=True)
class Train:
    """Train a model and leave it, its loss curve and samples in a run folder."""

    preset: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="NAME",
            help=f"Whose values to start from, by default the first: {', '.join(presets.PRESETS)}.",
        ),
    ] = None
    run_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder of the run; by default runs/ and the time."""
    resume: bool = False
    """Continue the run in --run-dir to the same end, to the bit, as if never interrupted."""
    overwrite: bool = False
    """Replace the run in --run-dir."""
    config: Annotated[Config, tyro.conf.arg(name="")] = field(default_factory=Config)


@dataclass(frozen=True)
class Evaluate:
    """Print the exact loss of a run on train, validation and test."""

    run: RunFolder
    """The run folder."""
    checkpoint: Literal["best", "latest"] = "best"
    """The state with the best validation loss, or the last one."""
    json: bool = False
    """Print JSON instead of a table."""


@dataclass(frozen=True)
class Score:
    """Print how likely a run holds texts, each from its first character."""

    run: RunFolder
    """The run folder."""
    texts: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        tyro.conf.arg(
            metavar="[TEXT...]",
            help_behavior_hint="",
            help="Documents as in the run's list, or beginnings of its text; by default what is "
            "piped in, a document a line, or one text.",
        ),
    ] = ()
    per_char: bool = False
    """Print the probability of each character too, on a terminal as a heat map."""
    checkpoint: Literal["best", "latest"] = "best"
    """The state with the best validation loss, or the last one."""
    json: bool = False
    """Print a JSON object per text."""

    def __post_init__(self) -> None:
        require(
            len(self.texts) > 0 or (sys.stdin is not None and not sys.stdin.isatty()),
            "no text is given, expected at least one to score, as an argument or piped in.",
        )


@dataclass(frozen=True)
class Sample:
    """Draw new documents from a run and tell which of them its data already hold, or new text.

    A text has a --length; --max-length, --min-length, --pattern, --unique, --new and --exact are of
    documents.
    """

    run: RunFolder
    """The run folder."""
    config: Annotated[SampleConfig, tyro.conf.arg(name="")] = field(default_factory=SampleConfig)
    checkpoint: Literal["best", "latest"] = "best"
    """The state with the best validation loss, or the last one."""
    json: bool = False
    """Print a JSON object per sample."""


@dataclass(frozen=True)
class Data:
    """Download a data set into the user's cache, checked by SHA-256, and print where it lies."""

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]
    """makemore (the lecture's names, for `train --data makemore`) or shakespeare (one text)."""


Command = Train | Evaluate | Score | Sample | Data


def parse(arguments: list[str]) -> Command:
    """Return the command that the arguments spell; leave with code 2 where they spell none."""
    defaults = _train_defaults(arguments)
    return tyro.cli(
        Annotated[Train, tyro.conf.subcommand("train", default=Train(config=defaults))]
        | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
        | Annotated[Score, tyro.conf.subcommand("score")]
        | Annotated[Sample, tyro.conf.subcommand("sample")]
        | Annotated[Data, tyro.conf.subcommand("data")],
        prog="wavenet-jax",
        description="Train, evaluate, score and sample a WaveNet of names or of text.",
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )


def _train_defaults(arguments: list[str]) -> Config:
    """Return the configuration that the other options of `train` change.

    That of --preset; else, with --resume, that of the run; else the first preset.
    """
    ahead = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    ahead.add_argument("--preset", nargs="?")
    ahead.add_argument("--run-dir", "--run_dir", nargs="?", type=Path)
    ahead.add_argument("--resume", action="store_true")
    ahead.add_argument("--steps", nargs="?")
    ahead.add_argument("--epochs", nargs="?")
    try:
        known, _ = ahead.parse_known_args(arguments if arguments[:1] == ["train"] else [])
    except argparse.ArgumentError:
        known = argparse.Namespace(
            preset=None, resume=False, steps=None, epochs=None
        )  # the parser proper will say so
    require(
        not (known.steps and known.epochs),
        f"steps {known.steps} and epochs {known.epochs} are both given, expected one.",
    )
    if known.preset:
        return presets.preset(known.preset)
    if known.resume and known.run_dir and (known.run_dir / "config.json").is_file():
        return config_file.load(known.run_dir / "config.json")
    return presets.preset("makemore")


def _call(command: Command) -> int:
    from wavenet_jax import commands, training  # noqa: PLC0415  import JAX

    match command:
        case Train():
            return training.train_run(
                command.config, command.run_dir, resume=command.resume, overwrite=command.overwrite
            )
        case Evaluate():
            return commands.evaluate_run(command.run, command.checkpoint, as_json=command.json)
        case Score():
            return commands.score_run(
                command.run,
                command.checkpoint,
                list(command.texts),
                per_char=command.per_char,
                as_json=command.json,
            )
        case Sample():
            return commands.sample_run(
                command.run, command.checkpoint, command.config, as_json=command.json
            )
        case Data():
            return commands.fetch_data(command.name)


def _behave_as_a_process() -> None:
    # Ctrl-C ends the process at once, also in the middle of an import; training notes it instead.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # where a terminal is not UTF-8
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # to be named as unknown


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0 for success, 1 where the file system fails, 2 for bad use, 130 or 143 if stopped.
    """
    if arguments is None:
        arguments = sys.argv[1:]
        _behave_as_a_process()
    if arguments == ["--version"]:
        print(f"wavenet-jax {__version__}")
        return 0
    try:
        code = _call(parse(arguments))
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a reader who has left is no error
        return code
    except InputError as error:
        print(f"wavenet-jax: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read standard output has gone, as in `| head`; keep Python from complaining too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"wavenet-jax: {error.filename or 'the system'}: {error.strerror}.", file=sys.stderr)
        return 1
