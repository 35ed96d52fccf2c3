"""The keys of a run's state."""

import jax
import jax.numpy as jnp
import numpy as np
from support.models import randomised
from support.runs import changed

from wavenet_jax.config import Config
from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.nn import WaveNet
from wavenet_jax.training import TrainState, init_state, make_trainer


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
