"""The commands: a dataclass each, which tyro fills."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from wavenet_jax.cli.arguments.options import (
    Checkpoint,
    DataOptions,
    Device,
    ModelOptions,
    OptimOptions,
    Place,
    Repeated,
    RunFolder,
    SampleOptions,
    Switch,
    TrainOptions,
    shown,
)
from wavenet_jax.config import AUTO, Recipe
from wavenet_jax.errors import require

MAX_MINUTES = 10_000_000  # nineteen years


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
    place: Place = field(default_factory=Place)
    """Which of several processes this is, where they train together."""

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
    place: Place = field(default_factory=Place)
    """Which of several processes this is, where they train together."""


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
    """Score the first N predictions of each split instead of all: of a list, the documents that
    fit, or a part of the first."""
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
            self.by is None or not self.without_labels,
            "--by and --without-labels are both given, expected one of them; leave one out.",
        )
        require(
            self.by is None or not self.others,
            f"by is {self.by!r} beside several runs, expected one run; leave the others out.",
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
        shown(
            "[TEXT...]",
            "Documents like those of the run's list, or parts of its text; by default standard "
            "input, as one document a line or as one text. Of a run on recordings, with --by, they "
            "are files.",
        ),
    ] = ()
    label: Annotated[
        Repeated,
        shown(
            "KIND=LABEL",
            "A label that the documents have, such as 'language=Italian'; give it again for each "
            "kind. Without any they are scored as documents without labels.",
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
