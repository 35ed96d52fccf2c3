"""The keys of a run's state."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from support.models import randomised
from support.runs import changed

from wavenet_jax.config import Config
from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.nn import WaveNet
from wavenet_jax.training import TrainState, init_state, make_trainer
from wavenet_jax.training.state import update_average


def test_dropout_differs_from_step_to_step_and_uses_no_key_of_a_minibatch(tiny: Config) -> None:
    params = randomised(WaveNet(tiny.model, 27), seed=0)["params"]
    root = root_key(1, Purpose.TRAIN)
    steps = [jnp.array(step, jnp.int32) for step in (0, 1, 2, 2**31 - 1)]
    states = [TrainState(params, {}, (), step, root) for step in steps]
    of_dropout = [jax.random.key_data(state.dropout_key).tolist() for state in states]
    of_batches = [jax.random.key_data(jax.random.fold_in(root, step)).tolist() for step in steps]
    assert len({tuple(key) for key in of_dropout + of_batches}) == 8


def test_seed_decides_the_weights_and_the_key_of_the_minibatches(tiny: Config) -> None:
    first, again, other = (
        init_state(make_trainer(WaveNet(tiny.model, 27), changed(tiny, seed=seed), 60))
        for seed in (1, 1, 2)
    )
    kernels = [state.params["head"]["logits"]["kernel"] for state in (first, again, other)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])
    assert first.key == again.key
    assert first.key != other.key


@pytest.mark.parametrize("ema", [0.5, 0.999, 1 - 1e-8])
def test_averages_are_exponential_with_adams_correction(ema: float) -> None:
    values = np.random.default_rng(0).normal(size=(6, 3))
    average, moment = jnp.full(3, 7.0), np.zeros(3)  # what comes before the first step is forgotten
    for step, value in enumerate(values, start=1):
        average = update_average(average, jnp.asarray(value, jnp.float32), ema, jnp.array(step))
        moment = ema * moment + (1 - ema) * value
        np.testing.assert_allclose(average, moment / (1 - ema**step), rtol=1e-5, atol=1e-5)


def test_run_without_averages_has_none(tiny: Config) -> None:
    assert init_state(make_trainer(WaveNet(tiny.model, 27), tiny, 60)).averaged_params is None


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_averages_of_schedule_free_adamw_follow_from_its_memory(
    tiny: Config, clip_norm: float | None
) -> None:
    """The gradient is taken at y = (1 - b1) · z + b1 · x (2405.15682, eq. 3); x is the average."""
    options = {"optimizer": "schedule_free_adamw", "schedule": "constant", "b1": 0.8}
    config = changed(tiny, **options, clip_norm=clip_norm)
    trainer = make_trainer(WaveNet(tiny.model, 27), config, 60)
    state = init_state(trainer)
    gradients = jax.tree.map(jnp.ones_like, state.params)
    updates, opt_state = trainer.optimizer.update(gradients, state.opt_state, state.params)
    after = state._replace(params=optax.apply_updates(state.params, updates), opt_state=opt_state)
    z = optax.tree_utils.tree_get(opt_state, "z")
    y = jax.tree.map(lambda x, z: 0.2 * z + 0.8 * x, after.averaged_params, z)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 1e-4, 1e-6), after.params, y)
