"""What a run is made of: frozen dataclasses, checked where they are made, and the presets.

Imports no JAX, so that the command line can answer `--help` and bad values at once.
"""

import dataclasses
import difflib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class InputError(Exception):
    """Says in one sentence which value a user gave, what was expected, and the remedy.

    The command line prints the sentence and exits with code 2.  It is no `ValueError`, so that
    nothing on the way mistakes it for a failure of its own.
    """


def require(condition: bool, sentence: str) -> None:
    """Raise `InputError` with the sentence unless the condition holds."""
    if not condition:
        raise InputError(sentence)


def _require_positive(config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        require(
            value > 0 and math.isfinite(value),
            f"{name} is {value}, expected a number above 0; leave it out for the preset's value.",
        )


def _spaced(values: tuple[Any, ...]) -> str:
    return " ".join(map(str, values)) or "(none)"


@dataclass(frozen=True)
class ModelConfig:
    """The stack: embedding, one plain layer per dilation, head."""

    n_embd: int = 24
    """Channels of the character embedding."""
    n_hidden: int = 128
    """Channels of every layer."""
    taps: int = 2
    """Positions that a layer combines (K)."""
    dilations: tuple[int, ...] = (1, 2, 4)
    """Distance between the taps of each layer; a tree has 1, K, K², ..."""

    def __post_init__(self) -> None:
        _require_positive(self, "n_embd", "n_hidden")
        require(
            self.taps >= 2,
            f"taps is {self.taps}, expected 2 or more: a layer combines at least two positions.",
        )
        require(
            len(self.dilations) > 0,
            "dilations is empty, expected one dilation per layer, such as 1 2 4.",
        )
        tree = tuple(self.taps**layer for layer in range(len(self.dilations)))
        require(
            self.dilations == tree,
            f"dilations {_spaced(self.dilations)} with {self.taps} taps have a receptive field "
            f"of {self.receptive_field} and form no tree, which training on windows needs; "
            f"{len(tree)} layers of {self.taps} taps need dilations {_spaced(tree)} "
            f"(receptive field {self.taps ** len(tree)}).",
        )

    @property
    def receptive_field(self) -> int:
        """R = 1 + (K - 1) · Σd, the positions that a prediction sees."""
        return 1 + (self.taps - 1) * sum(self.dilations)


@dataclass(frozen=True)
class DataConfig:
    """Which documents, and how they are split."""

    data: str = "names"
    """A text file with one document a line, or `names` (bundled) or `makemore` (downloaded)."""
    split_seed: int = 42
    """Seed of the one shuffle before the split; the training seed never moves the split."""
    val_fraction: float = 0.1
    """Share of the documents for validation."""
    test_fraction: float = 0.1
    """Share of the documents for the test."""

    def __post_init__(self) -> None:
        _require_positive(self, "val_fraction", "test_fraction")
        held_out = self.val_fraction + self.test_fraction
        require(
            held_out < 1,
            f"val_fraction {self.val_fraction} and test_fraction {self.test_fraction} add up to "
            f"{held_out:g}, expected less than 1, so that documents are left to train on.",
        )


@dataclass(frozen=True)
class OptimConfig:
    """Plain SGD under a piecewise-constant learning rate."""

    learning_rate: float = 0.1
    """Learning rate of the first step."""
    boundaries: tuple[float, ...] = (0.75,)
    """Where in the run (0 to 1) the learning rate is multiplied by `decay`."""
    decay: float = 0.1
    """Factor on the learning rate at each boundary."""

    def __post_init__(self) -> None:
        _require_positive(self, "learning_rate", "decay")
        require(
            all(0 < boundary < 1 for boundary in self.boundaries)
            and list(self.boundaries) == sorted(set(self.boundaries)),
            f"boundaries {_spaced(self.boundaries)} are not rising fractions of the run, "
            "expected numbers between 0 and 1 such as 0.75.",
        )


@dataclass(frozen=True)
class TrainConfig:
    """How long, in what portions, and from which seed."""

    batch_size: int = 32
    """Windows per step, drawn with replacement."""
    epochs: float = 35.0
    """Passes over the training data; the steps are rounded up to whole thousands."""
    steps: int | None = None
    """Steps of the run, in place of `epochs`."""
    seed: int = 0
    """Seed of the initial weights and of the minibatches."""
    report_every: int = 1_000
    """Steps per progress report and line of metrics.jsonl."""
    eval_every: int = 5_000
    """Steps between validations, each followed by a checkpoint; a multiple of report_every."""

    def __post_init__(self) -> None:
        _require_positive(self, "batch_size", "epochs", "report_every", "eval_every")
        if self.steps is not None:
            _require_positive(self, "steps")
            require(
                self.steps < 2**31,
                f"steps is {self.steps}, expected fewer than {2**31:,}: a count of 32 bits.",
            )
            require(
                self.epochs == TrainConfig.epochs,
                f"steps {self.steps} and epochs {self.epochs:g} are both given, expected one.",
            )
        require(
            0 <= self.seed < 2**32,
            f"seed is {self.seed}, expected a whole number from 0 to {2**32 - 1}.",
        )
        require(
            self.eval_every % self.report_every == 0,
            f"eval_every is {self.eval_every}, expected a multiple of report_every "
            f"({self.report_every}), such as {math.ceil(self.eval_every / self.report_every)} "
            f"times it, {math.ceil(self.eval_every / self.report_every) * self.report_every}.",
        )

    def total_steps(self, predictions: int) -> int:
        """Return the steps of a run over a training split of so many predictions.

        The lecture's 200,000 steps of 32 over its 182,625 predictions are 35 epochs so rounded.
        """
        if self.steps is not None:
            return self.steps
        return math.ceil(self.epochs * predictions / self.batch_size / 1_000) * 1_000


@dataclass(frozen=True)
class Config:
    """Everything that, with the data and the library versions, determines a run."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optim: OptimConfig = OptimConfig()
    train: TrainConfig = TrainConfig()


PRESETS: dict[str, Config] = {
    # The rows of the lecture's performance log that are configurations of one code.  Its remaining
    # row, the 22K tree before the BatchNorm fix, reduced the statistics over the wrong axes.
    "makemore": Config(),
    "makemore-22k": Config(model=ModelConfig(n_embd=10, n_hidden=68)),
    "mlp-3": Config(model=ModelConfig(n_embd=10, n_hidden=200, taps=3, dilations=(1,))),
    "mlp-8": Config(model=ModelConfig(n_embd=10, n_hidden=200, taps=8, dilations=(1,))),
}


def preset(name: str) -> Config:
    """Return the preset of that name; raise `InputError` with the nearest one if unknown."""
    if name not in PRESETS:
        nearest = difflib.get_close_matches(name, PRESETS, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}?" if nearest else "choose one of them."
        raise InputError(f"preset {name!r} is unknown, expected {', '.join(PRESETS)}; {hint}")
    return PRESETS[name]


def to_dict(config: Config) -> dict[str, dict[str, Any]]:
    """Return the configuration as plain values, a section each, ready for JSON."""
    return dataclasses.asdict(config)


def from_dict(sections: dict[str, dict[str, Any]]) -> Config:
    """Rebuild the configuration that `to_dict` returned, through JSON or not.

    Raises `InputError` when a section or a field is unknown or a value is not allowed.
    """
    parts = {field.name: field.type for field in dataclasses.fields(Config)}
    built = {}
    for name, values in sections.items():
        require(name in parts, f"section {name!r} is unknown, expected {', '.join(parts)}.")
        section: Any = parts[name]
        known = {field.name for field in dataclasses.fields(section)}
        unknown = sorted(set(values) - known)
        require(not unknown, f"{', '.join(unknown)} in section {name!r} is no known field.")
        # JSON knows lists only; every sequence of a configuration is a tuple.
        plain = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        for key, value in plain.items():
            default = getattr(section, key)
            require(
                isinstance(value, type(default)) or default is None or type(default) is float,
                f"{key} is {value!r}, expected a value like {default!r}.",
            )
        built[name] = section(**plain)
    return Config(**built)


def read_json(path: Path) -> Any:
    """Return what a JSON file says; raise `InputError` when it cannot be read."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); restore it or train anew.") from error


def load(path: Path) -> Config:
    """Return the configuration in a JSON file; raise `InputError` when it holds none."""
    sections = read_json(path)
    whole = isinstance(sections, dict) and set(to_dict(Config())) <= set(sections)
    require(whole, f"{path} is damaged or no run's, expected the sections of a configuration.")
    try:
        return from_dict(sections)
    except (InputError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged ({error}); restore it or train anew.") from error


def differences(old: Config, new: Config) -> list[str]:
    """Return a sentence part `field old -> new` for every field in which two runs differ."""
    before, after = to_dict(old), to_dict(new)
    return [
        f"{field} {before[section][field]} -> {after[section][field]}"
        for section in before
        for field in before[section]
        if before[section][field] != after[section][field]
    ]
