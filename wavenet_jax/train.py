"""Training as a pure function of (state, corpus): one step, many steps, a whole run."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from wavenet_jax import batches, evaluate, optim
from wavenet_jax import model as models
from wavenet_jax.batches import Batch
from wavenet_jax.config import Config, TrainConfig, TrainingRun
from wavenet_jax.corpus import Corpus, Splits
from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.model import Variables, WaveNet

VALIDATED = 1_000_000  # predictions of val, from its start, that training looks at


class TrainState(NamedTuple):
    """All that changes from step to step, and the key from which all randomness comes."""

    params: Any  # what the optimizer moves
    batch_stats: Any  # BatchNorm's running means and variances; empty without BatchNorm
    opt_state: Any  # the optimizer's memory; of plain SGD, its count of steps
    step: jax.Array  # [] int32, steps done
    key: jax.Array  # root key; step s draws from fold_in(key, s)

    @property
    def variables(self) -> Variables:
        """Return what the model is applied with."""
        return {"params": self.params, "batch_stats": self.batch_stats}

    @property
    def dropout_key(self) -> jax.Array:
        """Return the key of this step's dropout, none of any minibatch: steps are below 2³¹."""
        return jax.random.fold_in(self.key, jnp.uint32(2**31) + self.step.astype(jnp.uint32))


class Report(NamedTuple):
    """What a chunk of steps led to; `state` is given up when the next report is asked for."""

    state: TrainState
    step: int  # steps done
    train_loss: float  # mean over the chunk's steps, nats per character
    learning_rate: float  # of the chunk's last step
    steps_per_second: float | None  # of the chunk alone; None for one that had to be compiled
    val: evaluate.Loss | None  # at steps that validate


def init(model: WaveNet, optimizer: optax.GradientTransformation, seed: int) -> TrainState:
    """Return the state before the first step, a function of the seed."""
    variables = models.init(model, root_key(seed, Purpose.INIT))
    return TrainState(
        params=variables["params"],
        batch_stats=variables["batch_stats"],
        opt_state=optimizer.init(variables["params"]),
        step=jnp.zeros((), jnp.int32),
        key=root_key(seed, Purpose.TRAIN),
    )


def mean_nll(
    params: Any, batch_stats: Any, batch: Batch, key: jax.Array, model: WaveNet, run: TrainingRun
) -> tuple[jax.Array, Any]:
    """Return the batch's mean loss in nats, and BatchNorm's statistics after seeing the batch."""
    history = batch.inputs.shape[1] - batch.targets.shape[1]
    method = WaveNet.window if run == "window" else partial(WaveNet.sequence, history=history)
    logits, updated = model.apply(
        {"params": params, "batch_stats": batch_stats},
        batch.inputs,
        method=method,
        mutable=["batch_stats"],
        rngs={"dropout": key},
    )
    nll = optax.softmax_cross_entropy_with_integer_labels(logits, batch.targets)  # [B, T]
    return nll.mean(), updated.get("batch_stats", {})


def train_step(
    state: TrainState,
    batch: Batch,
    *,
    run: TrainingRun,
    model: WaveNet,
    optimizer: optax.GradientTransformation,
) -> tuple[TrainState, jax.Array]:
    """Take one step down the gradient: the next state, and the loss before it."""
    (loss, batch_stats), gradients = jax.value_and_grad(mean_nll, has_aux=True)(
        state.params,
        state.batch_stats,
        batch,
        state.dropout_key,
        model.clone(training=True),
        run,
    )
    updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    return TrainState(params, batch_stats, opt_state, state.step + 1, state.key), loss


@partial(
    jax.jit,
    static_argnames=("steps", "settings", "model", "optimizer"),
    donate_argnames="state",
)
def train_chunk(
    state: TrainState,
    corpus: Corpus,
    *,
    steps: int,
    settings: TrainConfig,
    model: WaveNet,
    optimizer: optax.GradientTransformation,
) -> tuple[TrainState, jax.Array]:
    """Take many steps in one call: the state after them, and their losses `[steps]`.

    The state passed in is given up: its memory becomes the new state's.
    The minibatch of step s depends on (root key, s) alone, so chunks of any length make the same
    run.  All are drawn before the scan: one wide draw is faster than many narrow ones.
    """
    keys = jax.vmap(jax.random.fold_in, (None, 0))(state.key, state.step + jnp.arange(steps))
    draw = partial(batches.draw, settings=settings, receptive_field=model.config.receptive_field)
    drawn = jax.vmap(draw, (0, None))(keys, corpus)
    step = partial(train_step, run=settings.run, model=model, optimizer=optimizer)
    return jax.lax.scan(step, state, drawn)


class NonFiniteLossError(Exception):
    """Says that the loss is no longer finite, and since which step."""

    def __init__(self, loss: float, step: int) -> None:
        super().__init__(f"the loss is {loss} in step {step:,}, expected a finite number")


def fit(
    model: WaveNet,
    config: Config,
    splits: Splits[Corpus],
    state: TrainState | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Report]:
    """Train to the configured number of steps, from the start or from a state, reporting chunks.

    Validates on the first million predictions of `splits.val`, which are mostly all, every
    `eval_every` steps and at the end; `should_stop` is asked after every chunk.  Raises
    `InputError` where a row is longer than the training data, and `NonFiniteLossError`.
    """
    settings = config.train
    batches.require_room(splits.train, settings, model.config.receptive_field)
    total = settings.total_steps(splits.train.predictions)
    rate = optim.learning_rate(config.optim, total)
    optimizer = optim.optimizer(config.optim, total)
    if state is None:
        state = init(model, optimizer, settings.seed)
    else:
        state = jax.tree.map(lambda leaf: leaf.copy(), state)  # the caller's is not given up
    # Not copied where the memory is the host's: a mapped file stays a file.
    corpus = jax.device_put(splits.train, may_alias=True)
    val = splits.val.first(VALIDATED)
    scored = list(evaluate.blocks(model, val))  # prepared once, scored at each validation
    done, compiled = int(state.step), set[int]()
    while done < total:
        steps = min(settings.report_every - done % settings.report_every, total - done)
        started = time.perf_counter()
        state, chunk_losses = train_chunk(
            state,
            corpus,
            steps=steps,
            settings=settings,
            model=model,
            optimizer=optimizer,
        )
        losses = np.asarray(chunk_losses)  # waits for the chunk
        speed = steps / (time.perf_counter() - started) if steps in compiled else None
        compiled.add(steps)
        _require_finite(losses, first_step=done + 1)
        done += steps
        validates = done % settings.eval_every == 0 or done == total
        loss = _validate(model, state, val, scored, done) if validates else None
        yield Report(state, done, float(losses.mean()), float(rate(done - 1)), speed, loss)
        if should_stop():
            return


def _validate(
    model: WaveNet, state: TrainState, val: Corpus, scored: list[evaluate.Block], step: int
) -> evaluate.Loss:
    nll = evaluate.nll_nats(model, state.variables, scored)
    loss = evaluate.summarise(*evaluate.by_document(nll, val))
    _require_finite(np.array([loss.nll_nats]), step)
    return loss


def _require_finite(losses: np.ndarray, first_step: int) -> None:
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise NonFiniteLossError(float(losses[bad[0]]), first_step + int(bad[0]))
