"""Training as pure functions of (state, data): one step, many steps, a whole run."""

from wavenet_jax.training.batches import Batch, crop, draw_batch, require_row_fits, windows
from wavenet_jax.training.diagnostics import (
    SATURATED,
    Diagnostics,
    LayerDiagnostics,
    MatrixDiagnostics,
    diagnose,
    next_batch,
)
from wavenet_jax.training.loop import (
    DivergenceError,
    StepInfo,
    Validation,
    fit,
    has_stalled,
    steps_within,
)
from wavenet_jax.training.optimizers import make_optimizer
from wavenet_jax.training.schedules import make_schedule
from wavenet_jax.training.state import DrawBatch, Trainer, TrainState, init_state, make_trainer
from wavenet_jax.training.step import (
    StepMetrics,
    evaluation_variables,
    loss_fn,
    train_chunk,
    train_step,
)

__all__ = [
    "SATURATED",
    "Batch",
    "Diagnostics",
    "DivergenceError",
    "DrawBatch",
    "LayerDiagnostics",
    "MatrixDiagnostics",
    "StepInfo",
    "StepMetrics",
    "TrainState",
    "Trainer",
    "Validation",
    "crop",
    "diagnose",
    "draw_batch",
    "evaluation_variables",
    "fit",
    "has_stalled",
    "init_state",
    "loss_fn",
    "make_optimizer",
    "make_schedule",
    "make_trainer",
    "next_batch",
    "require_row_fits",
    "steps_within",
    "train_chunk",
    "train_step",
    "windows",
]
