"""The input ids of folded models; that their logits are the same is a law."""

import jax.numpy as jnp
from support.models import randomised

from wavenet_jax.config import ModelConfig
from wavenet_jax.nn import WaveNet
from wavenet_jax.sampling.folding import fold_first_layer, next_input


def after(model: WaveNet, previous: int, token: int) -> int:
    return int(next_input(model, jnp.array(previous), jnp.array(token)))


def test_input_is_the_token_unless_the_model_is_folded() -> None:
    wide = WaveNet(ModelConfig(), 60_000)  # the square of which is beyond int32
    assert after(wide, 59_000, 5) == 5


def test_input_of_a_folded_model_is_the_number_of_the_context_that_ends_in_the_token() -> None:
    model = WaveNet(ModelConfig(n_embd=3, n_hidden=4), 5)
    pairs, _ = fold_first_layer(model, randomised(model, seed=0))
    assert [after(pairs, previous, 3) for previous in (0, 3, 24)] == [3, 18, 23]
    assert after(pairs, 18, 0) == 0


def test_model_with_another_boundary_is_not_folded() -> None:
    model = WaveNet(ModelConfig(n_embd=3, n_hidden=4), 5, boundary_id=2)
    assert fold_first_layer(model, randomised(model, seed=0))[0] is model
