"""One network for another vocabulary, or other labels.

Only the embedding and the head know the characters, and what conditions the layers the labels.
"""

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax.nn.wavenet import Variables


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


def change_labels(variables: Variables, fresh: Variables) -> Variables:
    """Return variables for other labels, or none: what belongs to labels is fresh."""
    old, new = variables["params"], fresh["params"]
    return variables | {
        "params": {name: new[name] if _is_of_labels(name) else old[name] for name in new}
    }


def _is_of_labels(name: str) -> bool:
    return name == "label_embedding" or name.startswith("conditions_")
