"""A network for another vocabulary: what it knew of a character it still knows."""

import jax
import numpy as np
import pytest
from support.models import randomised

from wavenet_jax.config import ModelConfig
from wavenet_jax.nn import WaveNet, change_labels, change_vocab

STACKS = {
    "plain": ModelConfig(n_embd=4, n_hidden=6, dilations=(1, 2)),
    "gated": ModelConfig(layer="gated", n_embd=4, n_hidden=6, n_skip=5, dilations=(1, 2)),
}
SOURCE = np.array([0, 3, -1, 1])  # of 5 characters, two are kept, two dropped, and one is fresh


@pytest.mark.parametrize("name", STACKS)
def test_logits_of_kept_characters_are_what_they_were(name: str) -> None:
    old_model, new_model = WaveNet(STACKS[name], 5), WaveNet(STACKS[name], 4)
    old, fresh = randomised(old_model, seed=0), randomised(new_model, seed=1)
    changed = change_vocab(old, fresh, SOURCE)
    tokens = np.array([[0, 1, 3, 3, 1, 0, 3, 1]])
    known = np.flatnonzero(SOURCE >= 0)
    logits = new_model.apply(changed, tokens)[..., known]
    expected = old_model.apply(old, SOURCE[tokens])[..., SOURCE[known]]
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)


def test_fresh_characters_are_those_of_the_fresh_variables() -> None:
    old = randomised(WaveNet(STACKS["plain"], 5), seed=0)
    fresh = randomised(WaveNet(STACKS["plain"], 4), seed=1)
    changed = change_vocab(old, fresh, SOURCE)
    embedding, head = (changed["params"][name] for name in ("embedding", "head"))
    meant = fresh["params"]
    np.testing.assert_array_equal(embedding["embedding"][2], meant["embedding"]["embedding"][2])
    kernel, bias = head["logits"]["kernel"], head["logits"]["bias"]
    np.testing.assert_array_equal(kernel[:, 2], meant["head"]["logits"]["kernel"][:, 2])
    np.testing.assert_array_equal(bias[2], meant["head"]["logits"]["bias"][2])
    jax.tree.map(np.testing.assert_array_equal, changed["batch_stats"], old["batch_stats"])


LABELS = np.array([[[1, 4]] * 8])  # of two kinds, at each of 8 positions
TOKENS = np.array([[0, 1, 3, 3, 1, 0, 3, 1]])


@pytest.mark.parametrize("num_labels", [0, 3])
def test_a_network_for_other_labels_is_the_same_without_them(num_labels: int) -> None:
    old_model = WaveNet(STACKS["gated"], 5, num_labels=4)
    new_model = WaveNet(STACKS["gated"], 5, num_labels=num_labels)
    old, fresh = randomised(old_model, seed=0), randomised(new_model, seed=1)
    changed = change_labels(old, fresh, np.zeros(num_labels, int))
    np.testing.assert_array_equal(new_model.apply(changed, TOKENS), old_model.apply(old, TOKENS))
    assert jax.tree.map(np.shape, changed) == jax.tree.map(np.shape, fresh)


def test_labels_that_are_kept_mean_what_they_did() -> None:
    old_model = WaveNet(STACKS["plain"], 5, num_labels=4)
    new_model = WaveNet(STACKS["plain"], 5, num_labels=5)
    old, fresh = randomised(old_model, seed=0), randomised(new_model, seed=1)
    changed = change_labels(old, fresh, np.array([0, 4, 0, 1, 2]))
    np.testing.assert_array_equal(
        new_model.apply(changed, TOKENS, LABELS % 3 + 1 + (LABELS == 1) * 2),  # 4 and 2
        old_model.apply(old, TOKENS, LABELS),
    )


def test_a_network_that_knew_no_labels_is_not_moved_by_them() -> None:
    old_model, new_model = WaveNet(STACKS["gated"], 5), WaveNet(STACKS["gated"], 5, num_labels=4)
    old, fresh = randomised(old_model, seed=0), randomised(new_model, seed=1)
    changed = change_labels(old, fresh, np.zeros(4, int))
    np.testing.assert_allclose(
        new_model.apply(changed, TOKENS, LABELS), old_model.apply(old, TOKENS), rtol=1e-6
    )
