"""A whole training run as a generator of its chunks."""

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cache, partial
from typing import NamedTuple

import jax
import numpy as np

from wavenet_jax.config import Config, StepCounts
from wavenet_jax.data import Corpus, Splits
from wavenet_jax.devices import join_shares, local, make_mesh, replicate, share_of
from wavenet_jax.evaluation import Loss, batches_nll, index_corpus, sum_by_document, total_loss
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.training.batches import draw_batch, require_row_fits
from wavenet_jax.training.schedules import make_schedule
from wavenet_jax.training.state import DrawBatch, Trainer, TrainState, init_state, make_trainer
from wavenet_jax.training.step import StepMetrics, evaluation_variables, train_chunk

DIVERGED = 100  # times the loss of guessing, ln V: no run comes back from there


class StepInfo(NamedTuple):
    """What a chunk of steps led to."""

    state: TrainState
    get_variables: Callable[[], Variables]  # computes them when they are first needed
    step: int  # steps done
    train_loss: float  # mean over the chunk's steps, nats per character
    gradient_norm: float | None  # mean over the chunk's steps, before clipping; None if not wanted
    learning_rate: float  # of the chunk's last step
    steps_per_second: float | None  # of the chunk alone; None for a chunk that was compiled
    val: Loss | None  # at steps that validate; of no predictions where val is empty
    seconds: float  # since `fit` began, compilation included
    samples: tuple[str, ...] = ()  # of the state, where somebody has drawn some

    @property
    def variables(self) -> Variables:
        """Return the variables to evaluate with: of the state, or its averages."""
        return self.get_variables()

    @property
    def val_loss(self) -> float | None:
        """Return the validation loss in nats per character, if there is one."""
        return self.val.nats_per_character if self.val and self.val.num_predictions else None

    def __repr__(self) -> str:
        """Return what `str` does, and what it is."""
        return f"StepInfo({self})"

    def __str__(self) -> str:
        """Return the step and its losses in a line."""
        val = "" if self.val_loss is None else f"  val {self.val_loss:.4f}"
        return f"step {self.step:,}  train {self.train_loss:.4f}{val}"


class Validation(NamedTuple):
    """A validation that has been, as `fit` remembers it."""

    step: int
    loss: float  # nats per character


class DivergenceError(Exception):
    """Says that the loss is not finite, or far above that of guessing, and since which step."""

    def __init__(self, loss: float, step: int) -> None:
        super().__init__(
            f"the loss is {loss:g} in step {step:,}, expected a finite and small number; train "
            "again with a lower learning_rate"
        )


class _Chunk(NamedTuple):
    state: TrainState
    get_variables: Callable[[], Variables]
    step: int  # steps done
    metrics: StepMetrics  # [steps of the chunk]
    steps_per_second: float | None


def fit(  # noqa: PLR0913  two of them are for those who look inside
    model: WaveNet,
    config: Config,
    splits: Splits[Corpus],
    state: TrainState | None = None,
    validations: Sequence[Validation] = (),
    *,
    draw: DrawBatch = draw_batch,
    gradient_norms: bool = False,
) -> Generator[StepInfo, None, None]:
    """Train for the configured steps, and yield every chunk.

    Goes on from a state, if one is given, with the validations up to it.  Validates every
    `eval_every` steps and at the end, on the first `max_val` predictions of `splits.val`.
    Stops early where it `has_stalled`.  `draw` makes the minibatches.  With
    `gradient_norms`, steps measure them.  All devices share each minibatch; what is yielded is on
    one of them.  Where several processes train together, each takes the same arguments.  Raises
    `InputError` where a row is longer than the training data, a step does not fit the memory or
    the devices of several processes cannot share a minibatch evenly, and `DivergenceError`.
    """
    started, settings = time.perf_counter(), config.train
    require_row_fits(splits.train, settings, model.config.receptive_field)
    counts = settings.count_steps(splits.train.num_predictions)
    trainer = make_trainer(model, config, counts.steps, draw)
    trainer = trainer._replace(gradient_norms=gradient_norms)
    if state is None:
        # Waited for, so that a state that does not fit the memory is known here.
        state = jax.block_until_ready(init_state(trainer))
    rate = make_schedule(config.optim, counts.steps)
    validate = make_validation(model, splits.val.head(settings.max_val))
    validations = list(validations)
    for chunk in _chunks(trainer, state, splits.train, counts):
        step, val = chunk.step, None
        if counts.validates(step):
            val = validate(chunk.get_variables())._replace(unit=config.data.unit)
            if not math.isfinite(val.nll_nats):
                raise DivergenceError(val.nll_nats, step)
        norms = chunk.metrics.gradient_norm
        info = StepInfo(
            state=chunk.state,
            get_variables=chunk.get_variables,
            step=step,
            train_loss=float(chunk.metrics.loss.mean()),
            gradient_norm=None if norms is None else float(norms.mean()),
            learning_rate=float(rate(step - 1)),
            steps_per_second=chunk.steps_per_second,
            val=val,
            seconds=time.perf_counter() - started,
        )
        yield info
        if info.val_loss is not None:
            validations.append(Validation(step, info.val_loss))
        if has_stalled(validations, settings.patience, counts.steps):
            return


def has_stalled(validations: Sequence[Validation], patience: float | None, steps: int) -> bool:
    """Tell whether a fraction `patience` of the steps has brought no better validation loss."""
    if patience is None or not validations:
        return False
    best = min(validations, key=lambda validation: validation.loss)  # the first of equal ones
    return validations[-1].step - best.step >= round(patience * steps, 6)  # 0.07 · 100 exceeds 7


def steps_within(model: WaveNet, config: Config, splits: Splits[Corpus], minutes: float) -> int:
    """Return about how many steps, with their validations, take a time on this machine.

    Measured on a chunk of steps and a validation, each after it is compiled.  What the measuring
    takes counts twice, as the run compiles again.
    """
    started, settings = time.perf_counter(), config.train
    counts = settings.count_steps(splits.train.num_predictions)
    trainer = make_trainer(model, config, counts.steps)
    state, steps = init_state(trainer), min(counts.report_every, 100)
    on_devices = _on_all_devices(trainer, state, splits.train)
    validate = make_validation(model, splits.val.head(settings.max_val))
    step_seconds = _seconds(lambda: train_chunk(*on_devices, steps)) / steps
    corpus = local(on_devices[-1])
    val_seconds = _seconds(lambda: validate(evaluation_variables(trainer, state, corpus)))
    validations = counts.steps // counts.eval_every
    spent = validations * val_seconds + 2 * (time.perf_counter() - started)
    return max(1, int((60 * minutes - spent) / step_seconds))


def _seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes, after another that compiles it."""
    jax.block_until_ready(call())
    started = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - started


def make_validation(model: WaveNet, val: Corpus) -> Callable[[Variables], Loss]:
    """Return a function from variables to the loss of a corpus, whose contexts are indexed once.

    Of several processes, each computes a part.
    """
    part = share_of(val.num_predictions)
    batches = list(index_corpus(model, val, predictions=part))

    def validate(variables: Variables) -> Loss:
        nll = join_shares([*batches_nll(model, variables, batches)], val.num_predictions)
        return total_loss(*sum_by_document(nll, val))

    return validate


def _chunks(
    trainer: Trainer, state: TrainState, corpus: Corpus, counts: StepCounts
) -> Iterator[_Chunk]:
    """Train to the last step, chunk by chunk; each ends at a multiple of `report_every`."""
    shared, on_devices, corpus = _on_all_devices(trainer, state, corpus)
    every, done, compiled = counts.report_every, int(state.step), set[int]()
    while done < counts.steps:
        steps = min(every - done % every, counts.steps - done)
        started = time.perf_counter()
        on_devices, measured = train_chunk(shared, on_devices, corpus, steps)
        metrics = jax.device_get(measured)  # waits for the chunk
        speed = steps / (time.perf_counter() - started) if steps in compiled else None
        compiled.add(steps)
        _require_small(metrics.loss, done + 1, trainer.model.vocab_size)
        done += steps
        state = local(on_devices)
        variables = cache(partial(evaluation_variables, trainer, state, local(corpus)))
        yield _Chunk(state, variables, done, metrics, speed)


def _on_all_devices(
    trainer: Trainer, state: TrainState, corpus: Corpus
) -> tuple[Trainer, TrainState, Corpus]:
    """Return a trainer for all devices, which share its batches, and copies for each of them.

    The state is where all later ones are, so that the second chunk is not compiled again.
    """
    mesh = make_mesh(trainer.settings.batch_size // trainer.settings.accumulate)
    return trainer._replace(mesh=mesh), replicate(mesh, state), replicate(mesh, corpus)


def _require_small(losses: np.ndarray, first_step: int, vocab_size: int) -> None:
    """Raise `DivergenceError` for losses that are not finite, or on average beyond hope."""
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad) == 0 and losses.mean() > DIVERGED * math.log(vocab_size):
        bad = np.argmax(losses, keepdims=True)
    if len(bad):
        raise DivergenceError(float(losses[bad[0]]), first_step + int(bad[0]))
