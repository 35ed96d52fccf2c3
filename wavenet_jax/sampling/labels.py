"""The labels of samples: those that are given, and the others drawn from the training documents."""

import jax
import jax.numpy as jnp

from wavenet_jax.config import SampleConfig
from wavenet_jax.data import Dataset, LabelCounts
from wavenet_jax.nn import Variables, WaveNet, require_conditions_fit

_FOLD = 2**32 - 1  # of a key; no token or attempt has it


def labels_to_draw(dataset: Dataset, config: SampleConfig) -> LabelCounts | None:
    """Return the labels that samples may have, and how often; None for data without labels.

    Raises `InputError` for a label that no training document has.
    """
    given, counts = dataset.given_labels(config.labels), dataset.label_counts
    return None if counts is None else counts.given(given)


def draw_labels(key: jax.Array, labels: LabelCounts) -> jax.Array:
    """Draw the number `[]` of a combination of labels, for an attempt at a document."""
    ends = jnp.cumsum(jnp.asarray(labels.counts))
    drawn = jax.random.randint(jax.random.fold_in(key, jnp.uint32(_FOLD)), (), 0, ends[-1])
    return jnp.searchsorted(ends, drawn, side="right")


def all_conditions(
    model: WaveNet, variables: Variables, labels: LabelCounts | None
) -> jax.Array | None:
    """Return what the combinations of labels add in every layer, `[G, L, W]`, to be looked up.

    Raises `InputError` where it does not fit the memory.
    """
    if labels is None:
        return None
    require_conditions_fit(model.config, len(labels.ids))
    return model.apply(variables, jnp.asarray(labels.ids), method="condition_all")
