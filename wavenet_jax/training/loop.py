"""A whole training run as a generator of its chunks."""

import time
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

import jax
import numpy as np

from wavenet_jax.config import Config
from wavenet_jax.data import Corpus, Splits
from wavenet_jax.evaluation import Loss, corpus_loss, index_corpus
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.training.batches import draw_batch, require_row_fits
from wavenet_jax.training.optimizers import make_optimizer
from wavenet_jax.training.schedules import make_schedule
from wavenet_jax.training.state import TrainState, init_state
from wavenet_jax.training.step import DrawBatch, Trainer, train_chunk

MAX_VAL_TOKENS = 1_000_000  # predictions of val, from its start, that validation scores


class StepInfo(NamedTuple):
    """What a chunk of steps led to.

    Asking `fit` for the next info donates `state`: copy what is needed longer.
    """

    state: TrainState
    step: int  # steps done
    train_loss: float  # mean over the chunk's steps, nats per character
    learning_rate: float  # of the chunk's last step
    steps_per_second: float | None  # of the chunk alone; None for a chunk that was compiled
    val: Loss | None  # at steps that validate

    def __repr__(self) -> str:
        """Return what `str` does, and what it is."""
        return f"StepInfo({self})"

    def __str__(self) -> str:
        """Return the step and its losses in a line."""
        val = "" if self.val is None else f"  val {self.val.nats_per_character:.4f}"
        return f"step {self.step:,}  train {self.train_loss:.4f}{val}"


class NonFiniteLossError(Exception):
    """Says that the loss is no longer finite, and since which step."""

    def __init__(self, loss: float, step: int) -> None:
        super().__init__(
            f"the loss is {loss} in step {step:,}, expected a finite number; train again with a "
            "lower learning_rate"
        )


class _Chunk(NamedTuple):
    state: TrainState
    step: int  # steps done
    losses: np.ndarray  # [steps of the chunk]
    steps_per_second: float | None


def fit(
    model: WaveNet,
    config: Config,
    splits: Splits[Corpus],
    state: TrainState | None = None,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    draw: DrawBatch = draw_batch,
) -> Generator[StepInfo, None, None]:
    """Train for the configured steps, from the start or from a state, and yield every chunk.

    Validates every `eval_every` steps and at the end, on the first `MAX_VAL_TOKENS` predictions of
    `splits.val`.  Stops after a chunk where `should_stop()` is true.  `draw` makes the minibatches.
    Raises `InputError` where a row is longer than the training data, and `NonFiniteLossError`.
    """
    settings = config.train
    require_row_fits(splits.train, settings, model.config.receptive_field)
    total = settings.total_steps(splits.train.num_predictions)
    trainer = Trainer(model, make_optimizer(config.optim, total), settings, draw)
    if state is None:
        state = init_state(model, trainer.optimizer, settings.seed)
    else:
        state = jax.tree.map(lambda leaf: leaf.copy(), state)  # the caller keeps the original
    rate = make_schedule(config.optim, total)
    validate = make_validation(model, splits.val.head(MAX_VAL_TOKENS))
    for chunk in _chunks(trainer, state, splits.train, total):
        step, val = chunk.step, None
        if step % settings.eval_every == 0 or step == total:
            val = validate(chunk.state.variables)
            _require_finite(np.array([val.nll_nats]), step)
        mean = float(chunk.losses.mean())
        yield StepInfo(chunk.state, step, mean, float(rate(step - 1)), chunk.steps_per_second, val)
        if should_stop():
            return


def make_validation(model: WaveNet, val: Corpus) -> Callable[[Variables], Loss]:
    """Return a function from variables to the loss of a corpus, whose contexts are indexed once."""
    batches = list(index_corpus(model, val))
    return lambda variables: corpus_loss(model, variables, val, batches)


def _chunks(trainer: Trainer, state: TrainState, corpus: Corpus, total: int) -> Iterator[_Chunk]:
    """Train to step `total`, chunk by chunk; each ends at a multiple of `report_every`."""
    # Not copied where the device's memory is the host's: a mapped file stays a file.
    corpus = jax.device_put(corpus, may_alias=True)
    every, done, compiled = trainer.settings.report_every, int(state.step), set[int]()
    while done < total:
        steps = min(every - done % every, total - done)
        started = time.perf_counter()
        state, device_losses = train_chunk(trainer, state, corpus, steps)
        losses = np.asarray(device_losses)  # waits for the chunk
        speed = steps / (time.perf_counter() - started) if steps in compiled else None
        compiled.add(steps)
        _require_finite(losses, first_step=done + 1)
        done += steps
        yield _Chunk(state, done, losses, speed)


def _require_finite(losses: np.ndarray, first_step: int) -> None:
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise NonFiniteLossError(float(losses[bad[0]]), first_step + int(bad[0]))
