import jax
import numpy as np

from wavenet_jax.keys import Purpose, root_key


def test_no_key_derived_for_one_purpose_is_derived_for_another() -> None:
    purposes = list(Purpose.__members__.values())  # also those that share a number
    derived = []
    for seed in range(3):
        for purpose in purposes:
            root = root_key(seed, purpose)
            children = jax.vmap(jax.random.fold_in, (None, 0))(root, np.arange(100))
            keys = np.concatenate([jax.random.key_data(root)[None], jax.random.key_data(children)])
            derived += [tuple(key) for key in keys.tolist()]
    assert len(set(derived)) == len(derived) == 3 * len(purposes) * 101


def test_split_and_fold_in_make_the_same_keys() -> None:
    """Why there are purposes: if this fails, they may go."""
    root = jax.random.key(0)
    folded = jax.random.key_data(jax.random.fold_in(root, 0))
    np.testing.assert_array_equal(folded, jax.random.key_data(jax.random.split(root)[0]))
