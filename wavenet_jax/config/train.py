"""What a training step sees, and how many steps there are."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from wavenet_jax.config.model import MAX_POSITIONS
from wavenet_jax.errors import (
    conform_fields,
    require,
    require_between,
    require_default,
    require_positive,
    require_utf8,
)

TrainMode = Literal["window", "sequence"]
MAX_STEPS = 2**31 - 1  # which 32 bits count
MIN_VALIDATIONS = 20  # in a run, unless eval_every says otherwise


class StepCounts(NamedTuple):
    """The steps of a run, and those between its reports and validations."""

    steps: int
    report_every: int
    eval_every: int

    def validates(self, step: int) -> bool:
        """Tell whether a run is validated after a step."""
        return step % self.eval_every == 0 or step == self.steps


@dataclass(frozen=True)
class TrainConfig:
    """The minibatches, the number of steps, the reports, and the seed."""

    mode: TrainMode = "window"
    """The stack as a tree that computes one position, or over a sequence, every position."""
    batch_size: int = 32
    """Rows per step (B), drawn with replacement: windows, or sequences."""
    accumulate: int = 1
    """Number of equal parts of a step's rows, whose gradients are computed one after the other and
    averaged, to save memory; BatchNorm normalises each part by itself."""
    seq_len: int = 1
    """Scored positions of each row (T); a window has one."""
    epochs: float = 35.0
    """Passes over the training data; the steps are rounded up to whole reports."""
    steps: int | None = None
    """Number of steps, instead of `epochs`."""
    patience: float | None = None
    """Stop early when this fraction of the steps has brought no better validation loss; 1 never
    stops."""
    label_dropout: float = 0.1
    """Share of documents whose labels are dropped in training, so that the model knows documents
    without labels too."""
    seed: int = 0
    """Seed of the initial weights and of the minibatches."""
    init_from: str | None = None
    """Folder of a run whose best weights this run starts from, instead of those of the seed."""
    report_every: int | None = None
    """Steps per line of metrics.jsonl; by default a fifth of `eval_every`."""
    eval_every: int | None = None
    """Steps between validations, each followed by a checkpoint; by default 20 to 50 in the run."""
    max_val: int = 1_000_000
    """Predictions of val, from its start, that a validation scores at most."""

    def __post_init__(self) -> None:
        conform_fields(self)
        require_positive(self, "epochs")
        require_utf8(self, "init_from")
        self._require_rows()
        self._require_intervals()
        require(
            0 <= self.label_dropout < 1,
            f"label_dropout is {self.label_dropout}, expected a share from 0 to less than 1, such "
            "as 0.1.",
            "label_dropout",
        )
        require(
            self.patience is None or 0 < self.patience <= 1,
            f"patience is {self.patience}, expected a fraction of the steps above 0, such as 0.3, "
            "or 1 for no early end.",
            "patience",
        )

    def _require_rows(self) -> None:
        """Raise `InputError` unless the rows of a step can be, and can be parted."""
        sizes = (1, MAX_POSITIONS)
        require_between(self, batch_size=sizes, accumulate=sizes, seq_len=sizes)
        for name, why in self.ignored(vars(self)).items():
            require_default(self, why, name)
        require(
            self.mode == "window" or self.seq_len >= 2,
            f"seq_len is {self.seq_len}, expected 2 or more scored positions per row in sequence "
            "mode, such as 512.",
            "seq_len",
        )
        require(
            self.batch_size * self.seq_len <= MAX_POSITIONS,
            f"batch_size is {self.batch_size:,} of {self.seq_len:,} positions each, expected at "
            f"most {MAX_POSITIONS:,} in all; lower it, or seq_len.",
            "batch_size",
        )
        require(
            self.batch_size % self.accumulate == 0,
            f"accumulate is {self.accumulate}, expected a divisor of batch_size, "
            f"{self.batch_size}, such as 1.",
            "accumulate",
        )

    def _require_intervals(self) -> None:
        """Raise `InputError` unless steps, reports and validations can be counted, and fit."""
        steps = (1, MAX_STEPS)
        require_between(
            self,
            steps=steps,
            seed=(0, 2**32 - 1),
            report_every=steps,
            eval_every=steps,
            max_val=(1, 2**31 - 1),
        )
        if self.report_every is not None and self.eval_every is not None:
            multiple = math.ceil(self.eval_every / self.report_every) * self.report_every
            require(
                self.eval_every == multiple,
                f"eval_every is {self.eval_every}, expected a multiple of report_every "
                f"({self.report_every}), such as {multiple}.",
                "eval_every",
            )

    @staticmethod
    def ignored(values: Mapping[str, Any]) -> dict[str, str]:
        """Return the fields that the other values leave without effect, and why."""
        if values["mode"] == "window":
            return {"seq_len": "but a window scores exactly one position"}
        return {}

    def count_steps(self, num_predictions: int) -> StepCounts:
        """Return the numbers of steps for a training split of `num_predictions`.

        The lecture's 200,000 steps of 32 over its 182,625 predictions are 35 epochs, rounded up to
        whole reports.  Raises `InputError` where 32 bits do not count the steps.
        """
        per_step = self.batch_size * self.seq_len
        steps = self.steps or self.epochs * num_predictions / per_step
        eval_every = self.eval_every or _interval(steps / MIN_VALIDATIONS, self.report_every or 1)
        report_every = self.report_every or _fifth(eval_every)
        reports = self.epochs * num_predictions / (per_step * report_every)
        # Rounded first: 1.1 epochs of 50 are a little more than 55 in floating point.
        total = self.steps or max(1, math.ceil(round(reports, 6))) * report_every
        require(
            total < 2**31,
            f"epochs is {self.epochs:g}, expected fewer than {2**31:,} steps; lower it.",
            "epochs",
        )
        return StepCounts(total, report_every, eval_every)


def _interval(longest: float, unit: int) -> int:
    """Return the longest interval of 1, 2, 5, 10, 20, 50, ... units, at least one unit."""
    units = max(1.0, longest / unit)
    power = 10 ** math.floor(math.log10(units))
    return unit * max(factor * power for factor in (1, 2, 5) if factor * power <= units)


def _fifth(steps: int) -> int:
    return steps // 5 if steps % 5 == 0 else steps
