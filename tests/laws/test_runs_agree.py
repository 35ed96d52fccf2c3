"""The law: every run of the same weights gives the same logits at every position."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import randomised
from support.stacks import OTHERS, TREES, every_stack

from wavenet_jax.config import ModelConfig
from wavenet_jax.data import BOUNDARY_ID, Corpus, Vocab, corpus_from_documents
from wavenet_jax.evaluation import contexts_nll
from wavenet_jax.evaluation.distinct import index_contexts
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.sampling.folding import fold_first_layer, next_input
from wavenet_jax.training import windows

VOCAB = Vocab(".abcdef")
LENGTH = 40
KEY = jax.random.key(3)
DOCUMENTS = st.lists(st.text("abcdef", min_size=1, max_size=30), min_size=1, max_size=6)


def renumbered(boundary_id: int) -> np.ndarray:
    """Return an id for each token, `boundary_id` for the boundary."""
    return np.roll(np.arange(len(VOCAB), dtype=np.uint8), -boundary_id)


def cut_to_length(documents: list[str]) -> Corpus:
    """Lay documents end to end and cut or fill them to LENGTH predictions, for one shape."""
    whole = corpus_from_documents([*documents, "f" * LENGTH], VOCAB)
    return Corpus(whole.tokens[: LENGTH + 1])


def in_windows(model: WaveNet, variables: Variables, inputs: jax.Array) -> jax.Array:
    return model.apply(variables, inputs, method="window")[:, 0]


def in_sequence(model: WaveNet, variables: Variables, ids: jax.Array) -> jax.Array:
    return model.apply(variables, ids[None])[0]


def in_steps(model: WaveNet, variables: Variables, ids: jax.Array) -> jax.Array:
    cache = model.apply(variables, method="init_cache")

    def step(cache: object, token: jax.Array) -> tuple[object, jax.Array]:
        return model.apply(variables, cache, token, method="decode_step")

    return jax.lax.scan(step, cache, ids)[1]


def in_folded_steps(model: WaveNet, variables: Variables, tokens: jax.Array) -> jax.Array:
    folded, folded_variables = fold_first_layer(model, variables)

    def read(previous: jax.Array, token: jax.Array) -> tuple[jax.Array, jax.Array]:
        context = next_input(folded, previous, token)
        return context, context

    _, contexts = jax.lax.scan(read, jnp.array(folded.boundary_id), tokens.astype(int))
    return in_steps(folded, folded_variables, contexts)


def in_distinct(model: WaveNet, variables: Variables, ids: np.ndarray) -> np.ndarray:
    """Return the log-probabilities `[T, V]`: every token is a target at every position."""
    contexts, size = index_contexts(model, ids), model.vocab_size
    everywhere = contexts._replace(position=np.repeat(contexts.position, size))
    targets = np.tile(np.arange(size), len(ids))
    nll = contexts_nll(model, variables, everywhere, targets)
    return -np.asarray(nll).reshape(len(ids), size)


jitted_windows, jitted_sequence, jitted_steps, jitted_folded_steps = (
    jax.jit(run, static_argnums=0) for run in (in_windows, in_sequence, in_steps, in_folded_steps)
)


# Of the scale of the logits.  In bf16 a number has 8 bits, and XLA rounds some products only once.
TOLERANCES = {"float32": 1e-5, "bf16": 0.05}


def assert_close(a: jax.Array | np.ndarray, b: jax.Array, tolerance: float = 1e-5) -> None:
    """Compare within a fraction of the scale of the logits, which are float32."""
    assert a.dtype == b.dtype == np.float32
    np.testing.assert_allclose(a, b, atol=tolerance * np.abs(b).max(), rtol=0)


def assert_runs_agree(model: WaveNet, variables: Variables, ids: np.ndarray) -> jax.Array:
    """Compare the runs over a row; return its logits `[T, V]`."""
    tolerance = TOLERANCES[model.config.precision]
    sequence = jitted_sequence(model, variables, ids)
    assert_close(in_distinct(model, variables, ids), jax.nn.log_softmax(sequence), tolerance)
    assert_close(jitted_steps(model, variables, ids), sequence, tolerance)
    return sequence


@every_stack
def test_runs_agree_at_every_position_of_every_document(config: ModelConfig) -> None:
    # A folded model's boundary is the context 0; of the other stacks, some have another boundary.
    is_folded = config.dilations[0] == 1 and config.layer == "plain" and config.kernel_size <= 3
    boundary_id = 0 if is_folded else config.kernel_size % len(VOCAB)
    ids = renumbered(boundary_id)
    assert ids[BOUNDARY_ID] == boundary_id
    model = WaveNet(config, len(VOCAB), boundary_id=boundary_id)
    assert (fold_first_layer(model, randomised(model, seed=0))[0] is not model) == is_folded

    @settings(max_examples=15)
    @given(DOCUMENTS, st.integers(0, 2**16))
    def agree(documents: list[str], seed: int) -> None:
        variables = randomised(model, seed)
        corpus = cut_to_length(documents)
        tokens = corpus.tokens[:LENGTH]
        sequence = assert_runs_agree(model, variables, ids[tokens])
        if config in TREES:
            inputs = windows(corpus, jnp.arange(LENGTH), config.receptive_field).inputs
            assert_close(jitted_windows(model, variables, ids[inputs]), sequence)
        if is_folded:
            assert_close(jitted_folded_steps(model, variables, tokens), sequence)

    agree()


STACKS = st.builds(
    lambda kernel_size, dilations, options: ModelConfig(
        n_embd=3, kernel_size=kernel_size, dilations=tuple(dilations), **options
    ),
    st.integers(2, 4),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.sampled_from(
        [
            {"n_hidden": 5},
            {"n_hidden": 3, "residual": True, "activation": "gelu", "norm": "none"},
            {"n_hidden": 3, "n_skip": 8, "layer": "gated", "norm": "none"},
        ]
    ),
)


@settings(max_examples=6)
@given(STACKS, st.lists(DOCUMENTS, min_size=3, max_size=3), st.integers(0, 2**16))
def test_runs_of_random_stacks_agree_and_rows_do_not_mix(
    config: ModelConfig, batch: list[list[str]], seed: int
) -> None:
    model = WaveNet(config, len(VOCAB))
    variables = randomised(model, seed)
    rows = np.stack([cut_to_length(documents).tokens[:LENGTH] for documents in batch])
    together = jax.jit(partial(model.apply, history=4))(variables, rows)
    for row, logits in zip(rows, together, strict=True):
        assert_close(in_distinct(model, variables, row)[4:], jax.nn.log_softmax(logits))
        assert_close(jitted_steps(model, variables, row)[4:], logits)


@pytest.mark.parametrize("config", [TREES[0], OTHERS[-1]], ids=["plain", "gated"])
def test_runs_agree_in_bf16_and_come_near_those_in_float32(config: ModelConfig) -> None:
    model = WaveNet(replace(config, precision="bf16"), len(VOCAB))
    variables = randomised(model, seed=1)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    tokens = cut_to_length(["abcdef", "fade", "bed"] * 2).tokens[:LENGTH]
    sequence = assert_runs_agree(model, variables, tokens)
    exact = jitted_sequence(WaveNet(config, len(VOCAB)), variables, tokens)
    assert_close(sequence, exact, TOLERANCES["bf16"])
    assert np.abs(sequence - exact).max() > 1e-4 * np.abs(exact).max()  # layers do round


@pytest.mark.parametrize("config", [*TREES[:2], OTHERS[-1]])
def test_rows_that_keep_their_axis_give_the_same_numbers(config: ModelConfig) -> None:
    config = replace(config, dropout=0.3)
    model = WaveNet(config, len(VOCAB), training=True)
    variables = randomised(model, seed=2)
    batch = [cut_to_length(documents).tokens[:LENGTH] for documents in (["ab"], ["c", "def"])]
    run = partial(model.apply, history=4, mutable=["batch_stats"], rngs={"dropout": KEY})
    flat, statistics = run(variables, np.stack(batch))
    apart = model.clone(keeps_rows=True)
    run = partial(apart.apply, history=4, mutable=["batch_stats"], rngs={"dropout": KEY})
    logits, others = run(variables, np.stack(batch))
    assert_close(logits, flat)
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-5), others, statistics)


def test_model_with_its_ids_renumbered_gives_the_same_logits() -> None:
    ids = renumbered(boundary_id=TREES[4].kernel_size)
    model = WaveNet(TREES[4], len(VOCAB))
    other = model.clone(boundary_id=int(ids[BOUNDARY_ID]))
    variables = randomised(model, seed=5)
    embedding = variables["params"]["embedding"]["embedding"][np.argsort(ids)]
    params = variables["params"] | {"embedding": {"embedding": embedding}}
    tokens = cut_to_length(["fade", "a", "bedbedbed"]).tokens[:LENGTH]
    logits = jitted_sequence(other, {**variables, "params": params}, ids[tokens])
    assert_close(logits, jitted_sequence(model, variables, tokens))


def test_runs_agree_where_there_are_more_inputs_than_logits() -> None:
    model = WaveNet(OTHERS[0], vocab_size=5, num_embeddings=300)  # as a folded one has
    ids = np.random.default_rng(6).integers(0, 300, LENGTH)
    ids[[0, 7, 8, 30]] = BOUNDARY_ID
    assert_runs_agree(model, randomised(model, seed=6), ids)


@pytest.mark.parametrize("config", [TREES[0], TREES[4]])
def test_history_is_seen_and_not_scored(config: ModelConfig) -> None:
    model = WaveNet(config, len(VOCAB))
    variables = randomised(model, seed=4)
    tokens = cut_to_length(["fade", "bed"]).tokens[None, :LENGTH]
    whole = jitted_sequence(model, variables, tokens[0])
    scored = jax.jit(partial(model.apply, history=7))(variables, tokens)
    np.testing.assert_allclose(scored[0], whole[7:], rtol=1e-5, atol=1e-5)
