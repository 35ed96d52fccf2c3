"""The law: the window, the sequence and the step run give the same logits at every position."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import randomised
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet_jax import corpus as corpora
from wavenet_jax.batches import windows
from wavenet_jax.config import ModelConfig
from wavenet_jax.corpus import Corpus
from wavenet_jax.model import Variables, WaveNet
from wavenet_jax.vocab import Vocab

VOCAB = Vocab(".abcdef")
TREES = [(2, 3), (3, 2), (4, 2), (8, 1)]  # K, L
DOCUMENTS = st.lists(st.text("abcdef", min_size=1, max_size=30), min_size=1, max_size=6)
LENGTH = 40


def tree(taps: int, layers: int) -> WaveNet:
    dilations = tuple(taps**layer for layer in range(layers))
    return WaveNet(ModelConfig(n_embd=3, n_hidden=5, taps=taps, dilations=dilations), len(VOCAB))


def cut_to_length(documents: list[str]) -> Corpus:
    """Lay documents end to end and cut or fill them to LENGTH predictions, for one shape."""
    one = corpora.from_documents([*documents, "f" * LENGTH], VOCAB)
    return Corpus(one.tokens[: LENGTH + 1], one.age[:LENGTH])


def in_windows(model: WaveNet, variables: Variables, corpus: Corpus) -> jax.Array:
    batch = windows(corpus, jnp.arange(LENGTH), model.config.receptive_field)
    return model.apply(variables, batch.inputs, method="window")


def in_sequence(model: WaveNet, variables: Variables, corpus: Corpus) -> jax.Array:
    tokens = corpus.tokens[None, :LENGTH].astype(jnp.int32)
    return model.apply(variables, tokens, corpus.age[None], method="sequence")[0]


def in_steps(model: WaveNet, variables: Variables, tokens: jax.Array) -> jax.Array:
    cache = model.apply(variables, method="fresh_cache")

    def step(cache: object, token: jax.Array) -> tuple[object, jax.Array]:
        return model.apply(variables, cache, token, method="step")

    return jax.lax.scan(step, cache, tokens)[1]


def assert_close(a: jax.Array, b: jax.Array) -> None:
    """Compare in float32, within 1e-5 of the scale of the logits."""
    np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(b).max(), rtol=0)


@pytest.mark.parametrize(("taps", "layers"), TREES)
def test_three_runs_agree_at_every_position_of_every_document(taps: int, layers: int) -> None:
    model = tree(taps, layers)
    run_windows, run_sequence, run_steps = (
        jax.jit(run, static_argnums=0) for run in (in_windows, in_sequence, in_steps)
    )

    @settings(max_examples=15)
    @given(DOCUMENTS, st.integers(0, 2**16))
    def agree(documents: list[str], seed: int) -> None:
        variables = randomised(model, seed)
        corpus = cut_to_length(documents)
        sequence = run_sequence(model, variables, corpus)
        assert_close(run_windows(model, variables, corpus), sequence)
        starts = np.flatnonzero(corpus.age == 0)
        for start, end in zip(starts, [*starts[1:], LENGTH], strict=True):
            alone = np.zeros(LENGTH, np.int32)
            alone[: end - start] = corpus.tokens[start:end]
            assert_close(run_steps(model, variables, alone)[: end - start], sequence[start:end])

    agree()


@pytest.mark.parametrize(("taps", "layers"), TREES)
def test_position_sees_exactly_its_receptive_field_in_its_document(taps: int, layers: int) -> None:
    model = tree(taps, layers)
    variables = randomised(model, seed=1)
    corpus = cut_to_length(["abc", "abcdefabcdefabcdefabcdef", "de"])
    embedded = jnp.asarray(np.random.default_rng(2).normal(size=(LENGTH, 3)), jnp.float32)
    # Every position has a row of its own in the embedding; the boundary, id 0, is the first.
    wide = WaveNet(model.config, LENGTH)
    head = {"kernel": jnp.ones((5, LENGTH)), "bias": jnp.zeros(LENGTH)}

    def logits(embedded: jax.Array) -> jax.Array:
        params = {**variables["params"], "embedding": {"embedding": embedded}, "head": head}
        positions, age = jnp.arange(LENGTH)[None], corpus.age[None]
        changed = {**variables, "params": params}
        return wide.apply(changed, positions, age, method="sequence")[0, :, 0]  # [T]

    seen = np.abs(jax.jit(jax.jacobian(logits))(embedded)).sum(-1) > 0  # [T, T]
    reach = np.minimum(corpus.age, model.config.receptive_field - 1)
    for position in range(LENGTH):
        expected = np.zeros(LENGTH, bool)
        expected[position - reach[position] : position + 1] = True
        # Position 0 is also the rest of all, seen where a document is younger than the field.
        np.testing.assert_array_equal(seen[position, 1:], expected[1:])
