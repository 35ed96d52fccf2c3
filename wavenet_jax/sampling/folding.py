"""The first layer folded into the embedding: its output for all contexts, looked up.

Sampling cannot know its contexts ahead, as evaluation does, but a first layer with dilation 1 has
few: the V^K pairs or triples of tokens.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax.data import BOUNDARY_ID
from wavenet_jax.nn import Variables, WaveNet

_MAX_CONTEXTS = 1_000  # computed at once in less time than sampling a name takes


def fold_first_layer(model: WaveNet, variables: Variables) -> tuple[WaveNet, Variables]:
    """Return an equivalent model whose embedding is the first layer's output for all contexts.

    Its input ids are the numbers of the V^K contexts, which `next_input` makes.  The model is
    returned unchanged where there are more than a thousand contexts, where the first layer is the
    only layer, where the head reads its skip, where labels enter it, or where the boundary has
    another id than the data's.
    """
    config, size = model.config, model.vocab_size
    first, *above = config.dilations
    contexts = size**config.kernel_size
    is_simple = first == 1 and above and not (config.head_reads_skips or model.num_labels)
    if not is_simple or contexts > _MAX_CONTEXTS or model.boundary_id != BOUNDARY_ID:
        return model, variables
    tokens = np.indices((size,) * config.kernel_size).reshape(config.kernel_size, contexts).T
    embedded = model.apply(variables, method="embed_all")[tokens]  # [V^K, K, C]
    nodes, _ = model.apply(variables, 0, embedded.reshape(contexts, -1), method="apply_layer")
    smaller = replace(config, n_embd=config.n_hidden, dilations=tuple(above))
    folded = {collection: _without_first(parts) for collection, parts in variables.items()}
    folded["params"]["embedding"] = {"embedding": nodes}
    return WaveNet(smaller, size, num_embeddings=contexts), folded


def _without_first(parts: Variables) -> Variables:
    """Return a collection of variables without the first layer, the others renamed."""
    layers = sum(name.startswith("layers_") for name in parts)
    renamed = {f"layers_{index}": f"layers_{index - 1}" for index in range(1, layers)}
    return {renamed.get(name, name): part for name, part in parts.items() if name != "layers_0"}


def next_input(model: WaveNet, previous: jax.Array, token: jax.Array) -> jax.Array:
    """Return the input id of a token `[]` after the previous input id `[]`.

    This is the token itself, or for a folded model the number of the context that ends in it.
    """
    if model.num_embeddings is None:
        return token
    number = (previous * model.vocab_size + token) % model.num_embeddings
    return jnp.where(token == BOUNDARY_ID, model.boundary_id, number)
