"""The commands and their arguments: a dataclass each, which tyro fills.

Imports no JAX and no NumPy.
"""

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

import tyro
from tyro.conf import FlagCreatePairsOff, Positional, UseAppendAction, arg
from tyro.extras import subcommand_cli_from_dict

from wavenet_jax.config import PRESETS, Config, SampleConfig, preset
from wavenet_jax.errors import is_union, require

PROGRAM = "wavenet-jax"
RunFolder = Annotated[Path, Positional, arg(metavar="RUN", help="The run folder.")]
Checkpoint = Annotated[
    Literal["best", "latest"],
    arg(help="The state with the best validation loss, or the last one."),
]
Switch = FlagCreatePairsOff[bool]  # an option without its opposite, --no-...


@dataclass(frozen=True)
class Train:
    """Train a model; leave it, its loss curve and samples in a run folder."""

    preset: Annotated[
        str,
        arg(metavar="NAME", help=f"Values of all other options: {', '.join(PRESETS)}."),
    ] = next(iter(PRESETS))
    run_dir: Annotated[str | None, arg(metavar="DIR", help_behavior_hint="")] = None
    """Folder of the run; by default runs/ and the time."""
    overwrite: Switch = False
    """Replace the run in --run-dir."""
    config: Annotated[Config, arg(name="")] = field(default_factory=Config)


@dataclass(frozen=True)
class Resume:
    """Continue an interrupted run to the same end, bit for bit, as if never interrupted."""

    run: RunFolder


@dataclass(frozen=True)
class Evaluate:
    """Print the exact loss of a run on train, validation and test."""

    run: RunFolder
    checkpoint: Checkpoint = "best"
    json: Switch = False
    """Print JSON instead of a table."""


@dataclass(frozen=True)
class Score:
    """Print the log-likelihood of each text under a run, from the text's first character."""

    run: RunFolder
    texts: Annotated[
        tuple[str, ...],
        Positional,
        arg(
            metavar="[TEXT...]",
            help_behavior_hint="",
            help="Documents like those of the run's list, or beginnings of its text; by default "
            "standard input, as one document a line or as one text.",
        ),
    ] = ()
    per_char: Switch = False
    """Print the probability of each character too, on a terminal as a heat map."""
    checkpoint: Checkpoint = "best"
    json: Switch = False
    """Print a JSON object per text."""

    def __post_init__(self) -> None:
        require(
            len(self.texts) > 0 or (sys.stdin is not None and not sys.stdin.isatty()),
            "no text is given, expected at least one to score, as an argument or piped in.",
        )


class SampleOptions(SampleConfig):
    """A `SampleConfig` as help shows it: its short option, and what stands for each value."""

    n: Annotated[int | None, arg(aliases=["-n"], help_behavior_hint="")]
    prefix: Annotated[str, arg(metavar="CHARACTERS", help_behavior_hint="")]
    pattern: Annotated[str | None, arg(metavar="REGEX", help_behavior_hint="")]
    allow: Annotated[str | None, arg(metavar="CHARACTERS", help_behavior_hint="")]
    forbid: Annotated[str, arg(metavar="CHARACTERS", help_behavior_hint="")]
    forbid_text: Annotated[
        tuple[str, ...],
        UseAppendAction,
        arg(
            metavar="TEXT",
            help_behavior_hint="",
            help="A text that no sample contains, such as 'ann'; give it again for each text.",
        ),
    ]
    max_length: Annotated[int | None, arg(help_behavior_hint="")]
    text_length: Annotated[int | None, arg(help_behavior_hint="")]
    top_k: Annotated[int | None, arg(help_behavior_hint="")]
    top_p: Annotated[float | None, arg(help_behavior_hint="")]
    unique: Switch
    new: Switch
    exact: Switch
    max_attempts: Annotated[int | None, arg(help_behavior_hint="")]


@dataclass(frozen=True)
class Sample:
    """Draw new documents from a run and mark those that its data contain, or draw new text.

    A run on one text takes --text-length; a run on a list takes
    the options --min-length, --max-length, --pattern, --unique, --new, --exact and --max-attempts.
    """

    run: RunFolder
    config: Annotated[SampleOptions, arg(name="")] = field(default_factory=SampleOptions)
    checkpoint: Checkpoint = "best"
    json: Switch = False
    """Print a JSON object per sample."""
    out: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="")] = None
    """Write the samples to a file, all of them or none, instead of standard output."""


@dataclass(frozen=True)
class Data:
    """Download a data set into the user's cache, check its SHA-256, and print its path."""

    name: Annotated[str, Positional, arg(metavar="NAME")]
    """makemore (the lecture's names, for `train --data makemore`) or shakespeare (one text)."""


@dataclass(frozen=True)
class _Ahead:
    """The options of `train` that are read ahead of the others."""

    preset: str = Train.preset
    steps: str | None = None
    epochs: str | None = None


Command = Train | Resume | Evaluate | Score | Sample | Data
COMMANDS: dict[str, type[Command]] = {
    "train": Train,
    "resume": Resume,
    "evaluate": Evaluate,
    "score": Score,
    "sample": Sample,
    "data": Data,
}


T = TypeVar("T")


def parse(name: str, words: list[str]) -> Command:
    """Return the command of that name with the arguments that the words spell.

    Leaves where they ask for help, and with code 2 where they spell none, which tyro alone knows.
    """
    with contextlib.redirect_stderr(io.StringIO()):  # tyro explains a mistake on half a page
        if name == "train":
            return _parse(name, Train, words, Train(config=_preset(words)))
        return _parse(name, COMMANDS[name], words)


def show_help(words: list[str]) -> None:
    """Print what the commands are, or how a shell completes them, and leave."""
    subcommand_cli_from_dict(
        dict(COMMANDS),
        prog=PROGRAM,
        description="Train, evaluate, score and sample a WaveNet of names or of text.",
        args=words,
    )


def _parse(name: str, command: type[T], words: list[str], default: Any = tyro.MISSING_NONPROP) -> T:
    return tyro.cli(
        command,
        prog=f"{PROGRAM} {name}",
        args=words,
        default=default,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.DisallowNone),
    )


def _preset(words: list[str]) -> Config:
    """Return the configuration that the other options of `train` change."""
    ahead, _ = tyro.cli(_Ahead, args=words, add_help=False, return_unknown_args=True)
    require(
        ahead.steps is None or ahead.epochs is None,
        "--steps and --epochs are both given, expected one of them; leave one out.",
    )
    return preset(ahead.preset)


@dataclass(frozen=True)
class Argument:
    """An option or a positional argument of a command, as its field describes it."""

    name: str
    kind: Any  # the type of the field
    marks: tuple[Any, ...] = ()  # tyro's, about the field

    @property
    def flags(self) -> list[str]:
        """Return the spellings of an option; a positional argument has none."""
        words = self.name.replace("_", "-")
        if Positional in self.marks:
            return []
        short = [f"-{words}"] if len(words) == 1 else []
        is_pair = self.kind is bool and FlagCreatePairsOff not in self.marks
        return [f"--{words}", *short, *([f"--no-{words}"] if is_pair else [])]

    def own(self, values: list[str]) -> list[str]:
        """Return those of the values after an option that are its own."""
        kinds = get_args(self.kind) if is_union(self.kind) else (self.kind,)
        if any(get_origin(kind) is tuple for kind in kinds) and UseAppendAction not in self.marks:
            return values
        return [] if self.kind is bool else values[:1]


def list_arguments(command: Callable[..., Any]) -> Iterator[Argument]:
    """Yield the arguments of a dataclass or a function, and those of the dataclasses in it."""
    for name, hint in get_type_hints(command, include_extras=True).items():
        kind, *marks = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
        if is_dataclass(kind):
            yield from list_arguments(cast("type", kind))
        elif name != "return":
            yield Argument(name, kind, tuple(marks))
