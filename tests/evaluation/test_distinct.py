"""Numbering the distinct contexts against the tree of tokens that each node sees."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wavenet_jax.config import ModelConfig
from wavenet_jax.evaluation.distinct import index_contexts
from wavenet_jax.nn import WaveNet

NUM_TOKENS = 4
ROWS = st.lists(st.integers(0, NUM_TOKENS - 1), min_size=1, max_size=80)
STACKS = st.sampled_from(
    [(2, (1, 2, 4)), (2, (3, 1)), (3, (1, 3)), (4, (2,)), (2, (1, 1, 1, 1)), (8, (1,))]
)
# A large vocabulary has too many pairs for a table of them, so that its keys are sorted.
VOCAB_SIZES = st.sampled_from([NUM_TOKENS, 4_096])


def tree_of(
    tokens: list[int], position: int, kernel_size: int, dilations: tuple[int, ...], boundary_id: int
) -> object:
    """Return the tree of tokens that a node of the top layer sees, as nested tuples."""
    began = max((i for i in range(position + 1) if tokens[i] == boundary_id), default=0)

    def node(at: int, layer: int) -> object:
        if layer == 0:
            return tokens[at]
        backs = [tap * dilations[layer - 1] for tap in range(kernel_size - 1, -1, -1)]
        return tuple(
            node(at - back, layer - 1) if at - back >= began else boundary_state(layer - 1)
            for back in backs
        )

    def boundary_state(layer: int) -> object:
        return boundary_id if layer == 0 else (boundary_state(layer - 1),) * kernel_size

    return node(position, len(dilations))


@given(ROWS, STACKS, VOCAB_SIZES, st.booleans())
def test_nodes_have_the_same_number_where_they_see_the_same(
    row: list[int], stack: tuple[int, tuple[int, ...]], vocab_size: int, boundary_is_last: bool
) -> None:
    kernel_size, dilations = stack
    tokens = [token * (vocab_size - 1) // (NUM_TOKENS - 1) for token in row]  # 0 and the last too
    boundary_id = vocab_size - 1 if boundary_is_last else 0
    config = ModelConfig(kernel_size=kernel_size, dilations=dilations)
    model = WaveNet(config, vocab_size, boundary_id=boundary_id)
    contexts = index_contexts(model, np.array(tokens, np.uint16))
    trees = [
        tree_of(tokens, position, kernel_size, dilations, boundary_id)
        for position in range(len(tokens))
    ]

    def unfold(number: int, layer: int) -> object:
        if layer == 0:
            return number
        return tuple(unfold(int(below), layer - 1) for below in contexts.taps[layer - 1][number])

    unfolded = [unfold(int(number), len(dilations)) for number in contexts.position]
    assert unfolded == trees
    assert len(set(contexts.position.tolist())) == len(set(trees))  # none has two numbers
    # The boundary state has a number of its own where no position is in it.
    assert len(contexts.taps[-1]) - len(set(trees)) in (0, 1)


def test_distinct_nodes_are_few_where_a_text_repeats_itself() -> None:
    tokens = np.array([0, *[1, 2, 3] * 1_000], np.uint8)
    contexts = index_contexts(WaveNet(ModelConfig(), NUM_TOKENS), tokens)
    assert [len(taps) for taps in contexts.taps] == [1 + 1 + 3, 1 + 3 + 3, 1 + 7 + 3]
