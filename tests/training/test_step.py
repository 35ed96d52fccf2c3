"""One step against the gradient of its loss, many steps against one at a time."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.runs import changed

from wavenet_jax.config import Config
from wavenet_jax.data import Corpus, Splits
from wavenet_jax.nn import WaveNet
from wavenet_jax.training import (
    Trainer,
    draw_batch,
    evaluation_variables,
    init_state,
    loss_fn,
    make_trainer,
    train_chunk,
    train_step,
    windows,
)

take_step = jax.jit(train_step, static_argnames="trainer")


@pytest.fixture
def trainer(tiny: Config) -> Trainer:
    config = changed(tiny, dropout=0.3)
    trainer = make_trainer(WaveNet(config.model, 27), config, 60)
    return trainer._replace(gradient_norms=True)


def assert_close(a: Any, b: Any) -> None:
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5), a, b)


def test_step_goes_down_the_gradient_of_the_mean_cross_entropy(
    trainer: Trainer, splits: Splits[Corpus]
) -> None:
    model = trainer.model
    state = init_state(trainer)._replace(step=jnp.array(7))
    batch = windows(splits.train, jnp.arange(8), model.config.receptive_field)

    def loss_of(params: dict[str, jax.Array]) -> tuple[jax.Array, Any]:
        logits, updated = model.clone(training=True).apply(
            {"params": params, "batch_stats": state.batch_stats},
            batch.inputs,
            method="window",
            mutable=["batch_stats"],
            rngs={"dropout": state.dropout_key},
        )
        probabilities = jax.nn.softmax(logits)[jnp.arange(8), 0, batch.targets[:, 0]]
        return -jnp.log(probabilities).sum() / 8, updated["batch_stats"]

    gradient_of = jax.jit(jax.value_and_grad(loss_of, has_aux=True))
    (expected_loss, batch_stats), gradient = gradient_of(state.params)
    params = jax.tree.map(lambda p, g: p - 0.1 * g, state.params, gradient)
    after, output = take_step(trainer, state, batch)
    assert_close(output.gradient_norm, optax.tree.norm(gradient))
    assert float(output.loss) == pytest.approx(float(expected_loss), rel=1e-5)
    assert_close((after.params, after.batch_stats), (params, batch_stats))
    assert int(after.step) == 8
    assert after.key == state.key


def test_chunk_is_its_steps_one_by_one(trainer: Trainer, splits: Splits[Corpus]) -> None:
    state = init_state(trainer)
    field = trainer.model.config.receptive_field
    losses, norms = [], []
    for step in range(10):
        key = jax.random.fold_in(state.key, step)
        batch = draw_batch(key, splits.train, trainer.settings, field)
        state, output = take_step(trainer, state, batch)
        losses.append(output.loss)
        norms.append(output.gradient_norm)
    first = init_state(trainer)
    chunk_state, metrics = train_chunk(trainer, first, splits.train, steps=10)
    np.testing.assert_allclose(metrics.loss, losses, rtol=1e-4)
    assert_close(metrics.gradient_norm, norms)
    assert_close(chunk_state.variables, state.variables)
    assert int(chunk_state.step) == 10


def test_trainers_of_equal_parts_are_equal_so_that_they_are_compiled_once(tiny: Config) -> None:
    first, again = (make_trainer(WaveNet(tiny.model, 27), tiny, 60) for _ in range(2))
    assert first == again
    assert hash(first) == hash(again)


def take_first_step(config: Config, splits: Splits[Corpus]) -> Any:
    trainer = make_trainer(WaveNet(config.model, 27), config, 60)
    batch = windows(splits.train, jnp.arange(8), trainer.model.config.receptive_field)
    return take_step(trainer, init_state(trainer), batch)


def test_accumulated_step_is_that_of_the_whole_batch(tiny: Config, splits: Splits[Corpus]) -> None:
    config = changed(tiny, norm="none")
    whole = take_first_step(config, splits)
    for parts in (2, 8):
        accumulated = take_first_step(changed(config, accumulate=parts), splits)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6),
            (accumulated[0].params, accumulated[1]),
            (whole[0].params, whole[1]),
        )


def test_accumulation_shows_batchnorm_one_part_after_the_other(
    tiny: Config, splits: Splits[Corpus]
) -> None:
    """Each part is normalised by itself, and the running means move once for each."""
    accumulated = changed(tiny, accumulate=2)
    trainer = make_trainer(WaveNet(tiny.model, 27), accumulated, 60)
    state = init_state(trainer)
    batch = windows(splits.train, jnp.arange(8), trainer.model.config.receptive_field)
    stats, losses = state.batch_stats, []
    jitted_loss = jax.jit(loss_fn, static_argnames="trainer")
    for rows in (slice(0, 4), slice(4, 8)):
        part = jax.tree.map(lambda leaf, rows=rows: leaf[rows], batch)
        loss, stats = jitted_loss(state.params, stats, part, state.key, trainer)
        losses.append(loss)
    after, output = take_step(trainer, state, batch)
    assert_close(after.batch_stats, stats)
    assert_close(output.loss, np.mean(losses))
    assert abs(output.loss - take_first_step(tiny, splits)[1].loss) > 1e-4


def test_statistics_of_averages_are_the_means_over_the_first_minibatches(
    tiny: Config, splits: Splits[Corpus]
) -> None:
    """Of the first layer, computed by hand; dropout plays no part."""
    trainer = make_trainer(WaveNet(tiny.model, 27), changed(tiny, ema=0.9, dropout=0.5), 60)
    state = init_state(trainer)._replace(step=jnp.array(40))
    field = trainer.model.config.receptive_field
    params: Any = jax.tree.map(lambda leaf: 0.5 * leaf, state.params)
    state = state._replace(average=params)
    means, variances = [], []
    for index in range(3):
        key = jax.random.fold_in(state.key, index)
        tokens = draw_batch(key, splits.train, trainer.settings, field).inputs
        pairs = np.asarray(params["embedding"]["embedding"])[tokens].reshape(-1, 8)
        hidden = pairs @ np.asarray(params["layers_0"]["linear"]["kernel"])
        means.append(hidden.mean(axis=0))
        variances.append(hidden.var(axis=0))
    found = evaluation_variables(trainer, state, splits.train, 3 * tiny.train.batch_size)
    stats = found["batch_stats"]["layers_0"]["norm"]
    assert_close((stats["mean"], stats["var"]), (np.mean(means, 0), np.mean(variances, 0)))
    assert_close(found["params"], params)


def test_run_without_averages_is_evaluated_with_its_weights(
    tiny: Config, splits: Splits[Corpus]
) -> None:
    trainer = make_trainer(WaveNet(tiny.model, 27), tiny, 60)
    state = init_state(trainer)
    assert_close(evaluation_variables(trainer, state, splits.train), state.variables)
