"""The commands and their arguments: a dataclass each, which tyro fills.

Imports no JAX and no NumPy.
"""

import ast
import contextlib
import inspect
import io
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, is_dataclass, make_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

import tyro
from tyro.conf import FlagCreatePairsOff, Positional, UseAppendAction, arg
from tyro.extras import subcommand_cli_from_dict

from wavenet_jax.config import AUTO, PRESETS, SECTIONS, Recipe, SampleConfig
from wavenet_jax.errors import require

MAX_MINUTES = 10_000_000  # nineteen years
PROGRAM = "wavenet-jax"
RunFolder = Annotated[Path, Positional, arg(metavar="RUN", help="The run folder.")]
Checkpoint = Annotated[
    Literal["best", "latest"],
    arg(help="The state with the best validation loss, or the last one."),
]
Device = Annotated[
    Literal["cpu", "gpu", "tpu"] | None,
    arg(help_behavior_hint="", help="What JAX runs on; by default the best device that it finds."),
]
Coordinator = Annotated[
    str | None,
    arg(
        metavar="HOST:PORT",
        help_behavior_hint="",
        help="To train with other processes: where the first of them listens, or auto for what "
        "Slurm, Open MPI, Kubernetes or a TPU pod tell.",
    ),
]
Processes = Annotated[
    int | None, arg(metavar="N", help_behavior_hint="", help="How many processes there are.")
]
Process = Annotated[
    int | None,
    arg(metavar="I", help_behavior_hint="", help="The number of this one, from 0 to N - 1."),
]
Switch = FlagCreatePairsOff[bool]  # an option without its opposite, --no-...


def _attribute_docs(section: type) -> dict[str, str]:
    """Return the docstring below each field of a dataclass."""
    docs = {}
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    for pair in pairwise(cast("ast.ClassDef", tree).body):
        match pair:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(doc))),
            ):
                docs[name] = " ".join(doc.split())
    return docs


def _options(section: type) -> type:
    """Return the fields of a section of the configuration as options, None where not given."""
    docs, kinds = _attribute_docs(section), get_type_hints(section)
    options = [
        (
            name,
            Annotated[
                kind | None, arg(help=docs[name], help_behavior_hint="", metavar=_metavar(kind))
            ],
            field(default=None),
        )
        for name, kind in kinds.items()
    ]
    return make_dataclass(section.__name__, options, frozen=True)


def _metavar(kind: Any) -> str | None:
    """Return how help shows the values of an option that takes several, None for tyro's way."""
    for each in (kind, *get_args(kind)):
        if get_origin(each) is tuple:
            element = get_args(each)[0]
            return "NAME..." if element is str else f"{element.__name__.upper()}..."
    return None


DataOptions, ModelOptions, OptimOptions, TrainOptions = (
    _options(section) for section in SECTIONS.values()
)


@dataclass(frozen=True)
class Train:
    """Train a model; leave it, its loss curve and samples in a run folder."""

    preset: Annotated[str, arg(metavar="NAME")] = AUTO
    """Where the options that are not given come from: a preset, a run or its config.json."""
    run_dir: Annotated[str | None, arg(metavar="DIR", help_behavior_hint="")] = None
    """Folder of the run; by default runs/ and the time."""
    overwrite: Switch = False
    """Replace the run in --run-dir."""
    minutes: Annotated[float | None, arg(help_behavior_hint="")] = None
    """Train for at most about this long, by the speed of the first steps."""
    tensorboard: Switch = False
    """Write the metrics for TensorBoard too, into the run folder."""
    data: DataOptions = field(default_factory=DataOptions)  # type: ignore[valid-type]
    """Which data, and how they are read and split."""
    model: ModelOptions = field(default_factory=ModelOptions)  # type: ignore[valid-type]
    """The network."""
    optim: OptimOptions = field(default_factory=OptimOptions)  # type: ignore[valid-type]
    """How the weights are moved."""
    train: TrainOptions = field(default_factory=TrainOptions)  # type: ignore[valid-type]
    """What a step sees, and how many steps there are."""
    device: Device = None
    coordinator: Coordinator = None
    processes: Processes = None
    process: Process = None

    def __post_init__(self) -> None:
        require(
            self.minutes is None or 0 < self.minutes <= MAX_MINUTES,
            f"minutes is {self.minutes}, expected a number above 0, at most {MAX_MINUTES:,}; leave "
            "it out for the plan.",
            "minutes",
        )

    @property
    def recipe(self) -> Recipe:
        """Return what the options ask for."""
        sections = (self.data, self.model, self.optim, self.train)
        options = {name: value for section in sections for name, value in vars(section).items()}
        return Recipe(self.preset, {k: v for k, v in options.items() if v is not None})


@dataclass(frozen=True)
class Resume:
    """Continue an interrupted run to the same end, bit for bit, as if never interrupted.

    A finished run goes on for --steps or --epochs more, with the learning rate that it ended with.
    """

    run: RunFolder
    steps: Annotated[int | None, arg(metavar="MORE", help_behavior_hint="")] = None
    """Train a finished run for as many steps more."""
    epochs: Annotated[float | None, arg(metavar="MORE", help_behavior_hint="")] = None
    """Train a finished run for as many passes over the training data more."""
    tensorboard: Switch = False
    """Write the metrics for TensorBoard too, those of the earlier steps included."""
    device: Device = None
    coordinator: Coordinator = None
    processes: Processes = None
    process: Process = None


@dataclass(frozen=True)
class Evaluate:
    """Print the exact loss of a run on train, validation and test, or of runs side by side."""

    run: RunFolder
    others: Annotated[
        tuple[Path, ...],
        Positional,
        arg(metavar="[RUN...]", help_behavior_hint="", help="Runs to compare it with."),
    ] = ()
    data: Annotated[str | None, arg(metavar="FILE", help_behavior_hint="")] = None
    """Print the loss on these data instead, read as the run's own are."""
    by: Annotated[str | None, arg(metavar="KIND", help_behavior_hint="")] = None
    """Print instead how well the labels of this kind are told from documents of val and test."""
    without_labels: Switch = False
    """Evaluate documents as if they had no labels."""
    first: Annotated[int | None, arg(metavar="N", help_behavior_hint="")] = None
    """Score the first N predictions of each split instead of all: of a list, documents that fit."""
    checkpoint: Checkpoint = "best"
    json: Switch = False
    """Print JSON instead of a table, for several runs a list."""
    device: Device = None

    def __post_init__(self) -> None:
        require(
            self.first is None or self.first >= 1,
            f"first is {self.first}, expected at least 1 prediction; leave it out for all.",
            "first",
        )
        require(
            self.by is None or not (self.without_labels or self.others),
            f"by is {self.by!r}, expected one run, with its labels; leave by or the others out.",
            "by",
        )


@dataclass(frozen=True)
class Inspect:
    """Draw what a training step does inside the network: activations, gradients, updates."""

    run: RunFolder
    out: Annotated[str | None, arg(metavar="DIR", help_behavior_hint="")] = None
    """Folder of the pictures; by default inspect/ in the run folder."""
    json: Switch = False
    """Print JSON instead of a table."""
    device: Device = None


@dataclass(frozen=True)
class Score:
    """Print the log-likelihood of each text under a run, and whether the data contain it.

    A text that cannot be scored is marked, and the exit code is 1.
    """

    run: RunFolder
    texts: Annotated[
        tuple[str, ...],
        Positional,
        arg(
            metavar="[TEXT...]",
            help_behavior_hint="",
            help="Documents like those of the run's list, or parts of its text; by default "
            "standard input, as one document a line or as one text. Of a run on recordings, with "
            "--by, they are files.",
        ),
    ] = ()
    label: Annotated[
        tuple[str, ...],
        UseAppendAction,
        arg(
            metavar="KIND=LABEL",
            help_behavior_hint="",
            help="A label that the documents have, such as 'language=Italian'; give it again for "
            "each kind. Without any they are scored as documents without labels.",
        ),
    ] = ()
    by: Annotated[str | None, arg(metavar="KIND", help_behavior_hint="")] = None
    """Print instead the likelihood under each label of this kind, and the label's probability."""
    sort: Switch = False
    """Print the likeliest first, instead of in the order given."""
    text_start: Switch = False
    """Score as if each stood at the start of the whole text, not at the beginning of a line."""
    per_char: Switch = False
    """Print the probability of each character too, on a terminal as a heat map."""
    checkpoint: Checkpoint = "best"
    json: Switch = False
    """Print a JSON object per text."""
    device: Device = None

    def __post_init__(self) -> None:
        require(
            len(self.texts) > 0 or (sys.stdin is not None and not sys.stdin.isatty()),
            "no text is given, expected at least one to score, as an argument or piped in.",
        )


class SampleOptions(SampleConfig):
    """A `SampleConfig` as help shows it: its short option, and what stands for each value."""

    n: Annotated[int | None, arg(aliases=["-n"], help_behavior_hint="")]
    seed: Annotated[int | None, arg(help_behavior_hint="")]
    prefix: Annotated[str, arg(metavar="CHARACTERS", help_behavior_hint="")]
    pattern: Annotated[str | None, arg(metavar="REGEX", help_behavior_hint="")]
    allow: Annotated[str | None, arg(metavar="CHARACTERS", help_behavior_hint="")]
    forbid: Annotated[str, arg(metavar="CHARACTERS", help_behavior_hint="")]
    ignore_case: Switch
    forbid_text: Annotated[
        tuple[str, ...],
        UseAppendAction,
        arg(
            metavar="TEXT",
            help_behavior_hint="",
            help="A text that no sample contains, such as 'ann'; give it again for each text.",
        ),
    ]
    label: Annotated[
        tuple[str, ...],
        UseAppendAction,
        arg(
            metavar="KIND=LABEL",
            help_behavior_hint="",
            help="What each sample is to be, such as 'language=Italian'; give it again for each "
            "kind. Labels that are not given are drawn as often as the training documents have "
            "them.",
        ),
    ]
    max_length: Annotated[int | None, arg(help_behavior_hint="")]
    cut_at: Annotated[int | None, arg(help_behavior_hint="")]
    text_length: Annotated[int | None, arg(help_behavior_hint="")]
    text_start: Switch
    seconds: Annotated[float | None, arg(help_behavior_hint="")]
    top_k: Annotated[int | None, arg(help_behavior_hint="")]
    top_p: Annotated[float | None, arg(help_behavior_hint="")]
    unique: Switch
    new: Switch
    exact: Annotated[Switch, arg(help_behavior_hint="")]
    masked: Annotated[Switch, arg(help_behavior_hint="")]
    max_attempts: Annotated[int | None, arg(help_behavior_hint="")]


@dataclass(frozen=True)
class Sample:
    """Draw new documents from a run and mark those that its data contain, or new text or sound.

    A run on one text takes --text-length and --text-start; a run on a list takes --min-length,
    --max-length, --cut-at, --pattern, --unique, --new, --exact, --masked and --max-attempts.  A run
    on recordings writes WAV files to the folder --out; it takes --seconds and --prompt, and of the
    others -n, --seed, --temperature, --top-k and --top-p.
    """

    run: RunFolder
    config: Annotated[SampleOptions, arg(name="")] = field(default_factory=SampleOptions)
    checkpoint: Checkpoint = "best"
    json: Switch = False
    """Print a JSON object per sample."""
    plain: Switch = False
    """Print the samples alone, one a line."""
    prefix_file: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="")] = None
    """Draw n samples for each line of a file, as with --prefix."""
    prompt: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="")] = None
    """Go on from a recording, with which each sample of sound begins."""
    out: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="")] = None
    """Write the samples to a file, all of them or none, instead of standard output; of sound, the
    folder of the WAV files."""
    device: Device = None

    def __post_init__(self) -> None:
        require(
            not (self.json and self.plain),
            "--json and --plain are both given, expected one of them; leave one out.",
        )
        require(
            self.prefix_file is None or not self.config.prefix,
            "--prefix and --prefix-file are both given, expected one of them; leave one out.",
        )


@dataclass(frozen=True)
class Verify:
    """Read every file of a run, and say what is whole, what is damaged, and what can be done.

    Each file that does not change has a record with its SHA-256, and so has each checkpoint.  The
    exit code is 1 where something is damaged.
    """

    run: RunFolder
    accept: Switch = False
    """Take the files as they are from now on, after you have changed or restored some."""


@dataclass(frozen=True)
class Data:
    """Download a data set into the user's cache, check its SHA-256, and print its path."""

    name: Annotated[str, Positional, arg(metavar="NAME")]
    """makemore (the lecture's names, for `train --data makemore`) or shakespeare (one text)."""


Command = Train | Resume | Evaluate | Inspect | Score | Sample | Verify | Data
COMMANDS: dict[str, type[Command]] = {
    "train": Train,
    "resume": Resume,
    "evaluate": Evaluate,
    "inspect": Inspect,
    "score": Score,
    "sample": Sample,
    "verify": Verify,
    "data": Data,
}


def parse(name: str, words: list[str]) -> Command:
    """Return the command of that name with the arguments that the words spell.

    Leaves where they ask for help, and with code 2 where they spell none, which tyro alone knows.
    """
    switches = [each.flags[0] for each in list_arguments(COMMANDS[name]) if each.kind is bool]
    options = words[: words.index("--")] if "--" in words else words
    if any(word.partition("=")[0] in switches and "=" in word for word in options):
        raise SystemExit(2)  # of --json=yes, tyro takes the value for a positional argument
    with contextlib.redirect_stderr(io.StringIO()):  # tyro explains a mistake on half a page
        return tyro.cli(
            COMMANDS[name],
            prog=f"{PROGRAM} {name}",
            description=_train_description() if name == "train" else None,
            args=words,
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.DisallowNone),
        )


def _train_description() -> str:
    """Return what `train` does, and its presets with a line each."""
    summaries = {AUTO: "a plan made for the data; the default"}
    summaries |= {name: preset.summary for name, preset in PRESETS.items()}
    lines = [f"- {name}: {summary}" for name, summary in summaries.items()]
    head = [str(Train.__doc__), "", "The presets, which give the options that you do not:", ""]
    return "\n".join(head + lines)


def show_help(words: list[str]) -> None:
    """Print what the commands are, or how a shell completes them, and leave."""
    subcommand_cli_from_dict(
        dict(COMMANDS),
        prog=PROGRAM,
        description="Train, evaluate, inspect, score and sample a WaveNet of names, text or sound."
        "  --version prints the version, and COMMAND --help the options of a command.",
        args=words,
    )


@dataclass(frozen=True)
class Argument:
    """An option or a positional argument of a command, as its field describes it."""

    name: str
    kind: Any  # the type of the field
    marks: tuple[Any, ...] = ()  # tyro's, about the field

    @property
    def kinds(self) -> list[Any]:
        """Return the types that a value may have."""
        return [self.kind, *(get_args(self.kind) if get_origin(self.kind) is not Literal else ())]

    @property
    def flags(self) -> list[str]:
        """Return the spellings of an option; a positional argument has none."""
        words = self.name.replace("_", "-")
        if Positional in self.marks:
            return []
        short = [f"-{words}"] if len(words) == 1 else []
        is_pair = self._is(bool) and FlagCreatePairsOff not in self.marks
        return [f"--{words}", *short, *([f"--no-{words}"] if is_pair else [])]

    def own(self, values: list[str]) -> list[str]:
        """Return those of the values after an option that are its own."""
        is_list = any(get_origin(kind) is tuple for kind in self.kinds)
        if is_list and UseAppendAction not in self.marks:
            return values
        return [] if self._is(bool) else values[:1]

    def _is(self, kind: type) -> bool:
        """Tell whether this is the type of the field, perhaps among others such as None."""
        return any(kind in (each, get_origin(each)) for each in (self.kind, *get_args(self.kind)))


def list_arguments(command: Callable[..., Any]) -> Iterator[Argument]:
    """Yield the arguments of a dataclass or a function, and those of the dataclasses in it."""
    for name, hint in get_type_hints(command, include_extras=True).items():
        kind, *marks = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
        if is_dataclass(kind):
            yield from list_arguments(cast("type", kind))
        elif name != "return":
            yield Argument(name, kind, tuple(marks))
