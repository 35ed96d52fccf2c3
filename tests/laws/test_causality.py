"""The law: a position sees its receptive field within its document, and nothing else."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from support.models import randomised
from support.stacks import every_stack

from wavenet_jax.config import ModelConfig
from wavenet_jax.data import Vocab, corpus_from_documents
from wavenet_jax.nn import WaveNet

DOCUMENTS = ["abc", "abcdefabcdefabcdefabcdef", "d", "ef"]


@every_stack
def test_position_sees_exactly_its_receptive_field_in_its_document(config: ModelConfig) -> None:
    tokens = corpus_from_documents(DOCUMENTS, Vocab(".abcdef")).tokens[:-1]  # [T]
    length = len(tokens)
    model = WaveNet(config, 7)
    variables = randomised(model, seed=1)

    def logits(change: jax.Array) -> jax.Array:
        """Return a logit of each position `[T]`, the embedding of each changed `[T, C]`."""

        def changed(call: Callable[..., Any], args: Any, kwargs: Any, context: Any) -> Any:
            result = call(*args, **kwargs)
            if (type(context.module), context.method_name) != (nn.Embed, "__call__"):
                return result
            return result + jnp.pad(change, ((1, 0), (0, 0)))  # not the boundary before the row

        with nn.intercept_methods(changed):
            return model.apply(variables, tokens[None])[0, :, 0]

    jacobian = jax.jit(jax.jacobian(logits))(jnp.zeros((length, config.n_embd)))  # [T, T, C]
    sees = np.abs(jacobian).sum(-1) > 0

    offsets = {0}
    for dilation in config.dilations:
        taps = range(config.kernel_size)
        offsets = {offset + tap * dilation for offset in offsets for tap in taps}
    assert max(offsets) + 1 == config.receptive_field
    position = np.arange(length)
    age = position - np.maximum.accumulate(np.where(tokens == 0, position, 0))
    back = position[:, None] - position[None, :]
    expected = np.isin(back, list(offsets)) & (back <= age[:, None])
    np.testing.assert_array_equal(sees, expected)
