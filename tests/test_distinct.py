"""Numbering the distinct contexts against a dictionary of the tokens that each node sees."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax import distinct
from wavenet_jax.config import ModelConfig
from wavenet_jax.model import WaveNet

VOCABULARY = 4
ROWS = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=80)
STACKS = st.sampled_from(
    [(2, (1, 2, 4)), (2, (3, 1)), (3, (1, 3)), (4, (2,)), (2, (1, 1, 1, 1)), (8, (1,))]
)


def seen(tokens: list[int], position: int, taps: int, dilations: tuple[int, ...]) -> object:
    """Return the tree of tokens that a node of the top layer sees, as nested tuples."""
    began = max((i for i in range(position + 1) if tokens[i] == 0), default=0)

    def node(at: int, layer: int) -> object:
        if layer == 0:
            return tokens[at] if at >= began else 0
        back = [tap * dilations[layer - 1] for tap in range(taps - 1, -1, -1)]
        return tuple(node(at - b, layer - 1) if at - b >= began else rest(layer - 1) for b in back)

    def rest(layer: int) -> object:
        return 0 if layer == 0 else (rest(layer - 1),) * taps

    return node(position, len(dilations))


@given(ROWS, STACKS, st.booleans())
def test_nodes_have_the_same_number_where_they_see_the_same(
    tokens: list[int], stack: tuple[int, tuple[int, ...]], by_sorting: bool
) -> None:
    taps, dilations = stack
    config = ModelConfig(taps=taps, dilations=dilations)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "_TABLE", 0 if by_sorting else 2**22)
        found = distinct.contexts(np.array(tokens, np.uint8), config, VOCABULARY)
    trees = [seen(tokens, position, taps, dilations) for position in range(len(tokens))]

    def unfold(number: int, layer: int) -> object:
        if layer == 0:
            return number
        return tuple(unfold(int(below), layer - 1) for below in found.taps[layer - 1][number])

    unfolded = [unfold(int(number), len(dilations)) for number in found.position]
    assert unfolded == trees
    assert len(set(found.position.tolist())) == len(set(trees))  # none has two numbers
    # The rest is one more where no position is at rest.
    assert len(found.taps[-1]) - len(set(trees)) in (0, 1)


def test_distinct_nodes_are_few_where_a_text_repeats_itself() -> None:
    tokens = np.array([0, *[1, 2, 3] * 1_000], np.uint8)
    found = distinct.contexts(tokens, ModelConfig(), VOCABULARY)
    assert [len(layer) for layer in found.taps] == [1 + 1 + 3, 1 + 3 + 3, 1 + 7 + 3]


def test_token_is_taken_in_as_it_is_unless_the_model_is_folded() -> None:
    def after(model: WaveNet, before: int, token: int) -> int:
        return int(distinct.follow(model, jnp.array(before), jnp.array(token)))

    wide = WaveNet(ModelConfig(), 60_000)  # the square of which is beyond int32
    assert after(wide, 59_000, 5) == 5
    pairs = WaveNet(ModelConfig(), 5, contexts=25)
    assert [after(pairs, before, 3) for before in (0, 3, 24)] == [3, 18, 23]
    assert after(pairs, 18, 0) == 0
