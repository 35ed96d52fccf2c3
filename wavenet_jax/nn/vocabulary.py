"""One network for another vocabulary, or other labels.

Only the embedding and the head know the characters, and what conditions the layers the labels.
"""

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax.nn.wavenet import Variables

_EMBEDDING = "label_embedding"


def change_vocab(variables: Variables, fresh: Variables, source: np.ndarray) -> Variables:
    """Return variables for another vocabulary, whose id i was `source[i]` in the old one.

    Rows of the embedding, and columns of the head, of ids whose source is negative are those of the
    fresh variables; everything else is kept.
    """
    params = variables["params"]
    known = source >= 0

    def chosen(old: jax.Array, new: jax.Array) -> jax.Array:  # [V, ...] of either vocabulary
        is_known = known.reshape(-1, *(1,) * (old.ndim - 1))
        return jnp.where(is_known, old[np.maximum(source, 0)], new)

    def of_head(old: jax.Array, new: jax.Array) -> jax.Array:  # [..., V]
        return jnp.moveaxis(chosen(jnp.moveaxis(old, -1, 0), jnp.moveaxis(new, -1, 0)), 0, -1)

    head, embedding = params["head"], params["embedding"]
    logits = jax.tree.map(of_head, head["logits"], fresh["params"]["head"]["logits"])
    embedding = jax.tree.map(chosen, embedding, fresh["params"]["embedding"])
    changed = params | {"embedding": embedding, "head": head | {"logits": logits}}
    return variables | {"params": changed}


def change_labels(variables: Variables, fresh: Variables, source: np.ndarray) -> Variables:
    """Return variables for other labels, or none, whose label i was `source[i - 1]` in the old.

    Labels whose source is 0 have the embedding of the fresh variables.  Where the old network knew
    no labels, they add nothing yet, so that it is what it was.
    """
    old, new = variables["params"], dict(fresh["params"])
    new |= {name: part for name, part in old.items() if name in new and name != _EMBEDDING}
    for name in new:
        if _EMBEDDING not in old and name.startswith("conditions_"):
            new[name] = jax.tree.map(jnp.zeros_like, new[name])
    if _EMBEDDING in old and _EMBEDDING in new:
        rows = old[_EMBEDDING]["embedding"][np.maximum(source - 1, 0)]
        kept = jnp.where((source > 0)[:, None], rows, new[_EMBEDDING]["embedding"])
        new[_EMBEDDING] = {"embedding": kept}
    return variables | {"params": new}
