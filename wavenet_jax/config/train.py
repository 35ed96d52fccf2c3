"""What a training step sees, and how many steps there are."""

import math
from dataclasses import dataclass
from typing import Literal

from wavenet_jax.errors import (
    conform_fields,
    require,
    require_between,
    require_default,
    require_positive,
)

TrainMode = Literal["window", "sequence"]


@dataclass(frozen=True)
class TrainConfig:
    """The minibatches, the number of steps, the reports, and the seed."""

    mode: TrainMode = "window"
    """The stack as a tree that computes one position, or over a sequence, every position."""
    batch_size: int = 32
    """Rows per step (B), drawn with replacement: windows, or sequences."""
    seq_len: int = 1
    """Scored positions of each row (T); a window has one."""
    epochs: float = 35.0
    """Passes over the training data; the steps are rounded up to whole reports."""
    steps: int | None = None
    """Number of steps, instead of `epochs`."""
    seed: int = 0
    """Seed of the initial weights and of the minibatches."""
    report_every: int = 1_000
    """Steps per progress report and line of metrics.jsonl."""
    eval_every: int = 5_000
    """Steps between validations, each followed by a checkpoint; a multiple of report_every."""

    def __post_init__(self) -> None:
        conform_fields(self)
        require_positive(self, "batch_size", "seq_len", "epochs", "report_every", "eval_every")
        if self.mode == "window":
            require_default(self, "but a window scores exactly one position", "seq_len")
        else:
            require(
                self.seq_len >= 2,
                f"seq_len is {self.seq_len}, expected 2 or more scored positions per row in "
                "sequence mode, such as 512.",
                "seq_len",
            )
        require_between(self, steps=(1, 2**31 - 1), seed=(0, 2**32 - 1))
        multiple = math.ceil(self.eval_every / self.report_every) * self.report_every
        require(
            self.eval_every % self.report_every == 0,
            f"eval_every is {self.eval_every}, expected a multiple of report_every "
            f"({self.report_every}), such as {multiple}.",
            "eval_every",
        )

    def total_steps(self, num_predictions: int) -> int:
        """Return the number of steps for a training split of `num_predictions`.

        The lecture's 200,000 steps of 32 over its 182,625 predictions are 35 epochs, rounded up to
        whole reports.  Raises `InputError` where 32 bits do not count the steps.
        """
        if self.steps is not None:
            return self.steps
        per_report = self.batch_size * self.seq_len * self.report_every
        reports = self.epochs * num_predictions / per_report
        require(
            reports * self.report_every < 2**31 - self.report_every,
            f"epochs is {self.epochs:g}, expected fewer than {2**31:,} steps; lower it.",
            "epochs",
        )
        return math.ceil(reports) * self.report_every
