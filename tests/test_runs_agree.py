"""The law: every way of running the same weights gives the same logits at every position."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import randomised
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet_jax import corpus as corpora
from wavenet_jax import distinct
from wavenet_jax.batches import windows
from wavenet_jax.config import ModelConfig
from wavenet_jax.corpus import Corpus
from wavenet_jax.distinct import folded, follow
from wavenet_jax.model import Variables, WaveNet
from wavenet_jax.vocab import Vocab

VOCAB = Vocab(".abcdef")
TREES = [
    ModelConfig(n_embd=3, n_hidden=5),
    ModelConfig(n_embd=3, n_hidden=5, taps=3, dilations=(1, 3)),
    ModelConfig(n_embd=5, n_hidden=5, taps=4, dilations=(1, 4), activation="gelu", residual=True),
    ModelConfig(n_embd=3, n_hidden=5, taps=8, dilations=(1,), activation="relu", norm="none"),
    ModelConfig("gated", n_embd=5, n_hidden=5, n_skip=32, dilations=(1, 2, 4), norm="none"),
    ModelConfig("gated", n_embd=3, n_hidden=5, n_skip=32, taps=3, dilations=(1, 3)),
]
OTHERS = [
    ModelConfig(n_embd=3, n_hidden=5, dilations=(4, 1, 2, 2)),
    ModelConfig(n_embd=6, n_hidden=4, taps=3, dilations=(2, 5), residual=True, activation="silu"),
    ModelConfig(n_embd=5, n_hidden=5, taps=4, dilations=(3, 1), residual=True, norm="none"),
    ModelConfig("gated", n_embd=5, n_hidden=5, n_skip=32, dilations=(1, 2, 4, 1, 2, 4)),
    ModelConfig("gated", n_embd=3, n_hidden=5, n_skip=32, taps=4, dilations=(7, 2), norm="none"),
]
LENGTH = 40
DOCUMENTS = st.lists(st.text("abcdef", min_size=1, max_size=30), min_size=1, max_size=6)


def title(config: ModelConfig) -> str:
    return f"{config.layer}-{config.taps}-{'-'.join(map(str, config.dilations))}"


every_stack = pytest.mark.parametrize("config", TREES + OTHERS, ids=title)


def cut_to_length(documents: list[str]) -> Corpus:
    """Lay documents end to end and cut or fill them to LENGTH predictions, for one shape."""
    whole = corpora.from_documents([*documents, "f" * LENGTH], VOCAB)
    return Corpus(whole.tokens[: LENGTH + 1])


def in_windows(model: WaveNet, variables: Variables, corpus: Corpus) -> jax.Array:
    batch = windows(corpus, jnp.arange(LENGTH), model.config.receptive_field)
    return model.apply(variables, batch.inputs, method="window")[:, 0]


def in_sequence(model: WaveNet, variables: Variables, tokens: jax.Array) -> jax.Array:
    return model.apply(variables, tokens[None], method="sequence")[0]


def in_steps(model: WaveNet, variables: Variables, tokens: jax.Array) -> jax.Array:
    cache = model.apply(variables, method="fresh_cache")

    def step(cache: object, token: jax.Array) -> tuple[object, jax.Array]:
        return model.apply(variables, cache, token, method="step")

    return jax.lax.scan(step, cache, tokens)[1]


def in_folded_steps(model: WaveNet, variables: Variables, tokens: jax.Array) -> jax.Array:
    smaller, moved = folded(model, variables)

    def take_in(before: jax.Array, token: jax.Array) -> tuple[jax.Array, jax.Array]:
        context = follow(smaller, before, token)
        return context, context

    _, contexts = jax.lax.scan(take_in, jnp.array(0), tokens.astype(int))
    return in_steps(smaller, moved, contexts)


def in_distinct(model: WaveNet, variables: Variables, tokens: np.ndarray) -> np.ndarray:
    """Return the log-probabilities `[T, V]` by asking for each character at every position."""
    found = distinct.contexts(tokens, model.config, len(VOCAB))
    every = (np.full(len(tokens), token) for token in range(len(VOCAB)))
    return -np.stack([distinct.nll_nats(model, variables, found, asked) for asked in every], axis=1)


def assert_close(a: jax.Array | np.ndarray, b: jax.Array) -> None:
    """Compare in float32, within 1e-5 of the scale of the logits."""
    np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(b).max(), rtol=0)


@every_stack
def test_runs_agree_at_every_position_of_every_document(config: ModelConfig) -> None:
    model = WaveNet(config, len(VOCAB))
    run_windows, run_sequence, run_steps, run_folded = (
        jax.jit(run, static_argnums=0)
        for run in (in_windows, in_sequence, in_steps, in_folded_steps)
    )
    smaller, _ = folded(model, randomised(model, seed=0))
    assert (smaller is model) == (
        config.dilations[0] > 1 or config.taps > 3 or config.head_reads_all
    )

    @settings(max_examples=15)
    @given(DOCUMENTS, st.integers(0, 2**16))
    def agree(documents: list[str], seed: int) -> None:
        variables = randomised(model, seed)
        corpus = cut_to_length(documents)
        tokens = corpus.tokens[:LENGTH]
        sequence = run_sequence(model, variables, tokens)
        if config in TREES:
            assert_close(run_windows(model, variables, corpus), sequence)

        assert_close(in_distinct(model, variables, tokens), jax.nn.log_softmax(sequence))
        assert_close(run_steps(model, variables, tokens), sequence)
        if smaller is not model:
            assert_close(run_folded(model, variables, tokens), sequence)

    agree()


STACKS = st.builds(
    lambda taps, dilations, options: ModelConfig(
        n_embd=3, taps=taps, dilations=tuple(dilations), **options
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


@settings(max_examples=8)
@given(STACKS, st.lists(DOCUMENTS, min_size=3, max_size=3), st.integers(0, 2**16))
def test_runs_of_random_stacks_agree_and_rows_do_not_mix(
    config: ModelConfig, batch: list[list[str]], seed: int
) -> None:
    model = WaveNet(config, len(VOCAB))
    variables = randomised(model, seed)
    rows = np.stack([cut_to_length(documents).tokens[:LENGTH] for documents in batch])
    together = jax.jit(partial(model.apply, history=4, method="sequence"))(variables, rows)
    steps = jax.jit(in_steps, static_argnums=0)
    for row, logits in zip(rows, together, strict=True):
        assert_close(in_distinct(model, variables, row)[4:], jax.nn.log_softmax(logits))
        assert_close(steps(model, variables, row)[4:], logits)


@every_stack
def test_position_sees_exactly_its_receptive_field_in_its_document(config: ModelConfig) -> None:
    variables = randomised(WaveNet(config, len(VOCAB)), seed=1)
    corpus = cut_to_length(["abc", "abcdefabcdefabcdefabcdef", "de"])
    embedded = jnp.asarray(np.random.default_rng(2).normal(size=(LENGTH, config.n_embd)))
    # Every position has a row of its own in the embedding; the boundary, id 0, is the first.
    wide = WaveNet(config, LENGTH)
    own = randomised(wide, seed=3)["params"]["head"] | {
        name: value for name, value in variables["params"]["head"].items() if name != "logits"
    }
    # The rows' tokens are their positions, so documents begin where the real tokens say.
    ages = np.arange(LENGTH) - np.maximum.accumulate(
        np.where(corpus.tokens[:LENGTH] == 0, np.arange(LENGTH), 0)
    )

    def logits(embedded: jax.Array) -> jax.Array:
        params = {
            **variables["params"],
            "embedding": {"embedding": embedded},
            "head": own,
        }
        changed = {**variables, "params": params}
        return wide.apply(changed, jnp.arange(LENGTH)[None], method="sequence")[0, :, 0]  # [T]

    with pytest.MonkeyPatch.context() as patch:
        known = np.pad(ages, (1, 0))[None]  # behind the boundary that every row begins with
        patch.setattr("wavenet_jax.model.age", lambda _: jnp.asarray(known))
        seen = np.abs(jax.jit(jax.jacobian(logits))(embedded)).sum(-1) > 0  # [T, T]

    offsets = {0}
    for dilation in config.dilations:
        offsets = {offset + tap * dilation for offset in offsets for tap in range(config.taps)}
    assert max(offsets) + 1 == config.receptive_field
    for position in range(LENGTH):
        expected = np.zeros(LENGTH, bool)
        expected[[position - offset for offset in offsets if offset <= ages[position]]] = True
        # Position 0 is also the rest of all, seen where a document is younger than the field.
        np.testing.assert_array_equal(seen[position, 1:], expected[1:])


def test_history_is_seen_and_not_scored() -> None:
    for config in (TREES[0], TREES[4]):
        model = WaveNet(config, len(VOCAB))
        variables = randomised(model, seed=4)
        tokens = cut_to_length(["fade", "bed"]).tokens[None, :LENGTH]
        whole = model.apply(variables, tokens, method="sequence")
        scored = model.apply(variables, tokens, history=7, method="sequence")
        np.testing.assert_allclose(scored, whole[:, 7:], rtol=1e-5, atol=1e-5)
