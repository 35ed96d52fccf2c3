"""The laws of labels: all runs agree with them, and a model without labels is one of label 0."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.models import randomised
from support.stacks import OTHERS, TREES, title

from wavenet_jax.config import Config, ModelConfig, OptimConfig, TrainConfig
from wavenet_jax.data import Corpus, Splits, Vocab, corpus_from_documents
from wavenet_jax.evaluation import batches_nll, contexts_nll, index_corpus
from wavenet_jax.evaluation.distinct import index_contexts
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.training import crop, fit, windows

# Labels enter all stacks by one line, so that some of each kind are enough.
STACKS = [TREES[0], TREES[2], TREES[5], OTHERS[1], OTHERS[3]]
some_stacks = pytest.mark.parametrize("config", STACKS, ids=title)
VOCAB = Vocab(".abcdef")
LENGTH, NUM_LABELS = 40, 5  # two kinds, of labels 1 to 3 and 4 to 5
DOCUMENTS = st.lists(
    st.tuples(
        st.text("abcdef", min_size=1, max_size=30), st.integers(0, 3), st.sampled_from([0, 4, 5])
    ),
    min_size=1,
    max_size=6,
)


def labelled(documents: list[tuple[str, int, int]]) -> Corpus:
    """Lay labelled documents end to end, filled to LENGTH predictions and more."""
    words, *labels = zip(*documents, ("f" * LENGTH, 1, 4), strict=True)
    return corpus_from_documents(words, VOCAB).with_labels(np.array(labels).T)


def in_steps(
    model: WaveNet, variables: Variables, tokens: jax.Array, labels: jax.Array
) -> jax.Array:
    conditions = model.apply(variables, labels, method="condition_all")

    def step(cache: object, read: tuple[jax.Array, jax.Array]) -> tuple[object, jax.Array]:
        return model.apply(variables, cache, *read, method="decode_step")

    return jax.lax.scan(step, model.apply(variables, method="init_cache"), (tokens, conditions))[1]


def in_distinct(
    model: WaveNet, variables: Variables, tokens: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    contexts, size = index_contexts(model, tokens, labels), model.vocab_size
    everywhere = contexts._replace(position=np.repeat(contexts.position, size))
    nll = contexts_nll(model, variables, everywhere, np.tile(np.arange(size), len(tokens)))
    return -np.asarray(nll).reshape(len(tokens), size)


jitted = partial(jax.jit, static_argnums=0)
jitted_steps = jitted(in_steps)
jitted_sequence = jitted(lambda model, variables, *row: model.apply(variables, *row)[0])
jitted_windows = jitted(
    lambda model, variables, *rows: model.apply(variables, *rows, method="window")[:, 0]
)


def assert_close(a: jax.Array | np.ndarray, b: jax.Array) -> None:
    assert a.dtype == b.dtype == np.float32
    np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(b).max(), rtol=0)


@some_stacks
def test_runs_agree_with_labels_at_every_position(config: ModelConfig) -> None:
    model = WaveNet(config, len(VOCAB), num_labels=NUM_LABELS)

    @settings(max_examples=8)
    @given(DOCUMENTS, st.integers(0, 2**16))
    def agree(documents: list[tuple[str, int, int]], seed: int) -> None:
        variables, corpus = randomised(model, seed), labelled(documents)
        whole = crop(corpus, jnp.array([0]), LENGTH, 1)
        tokens, labels = np.asarray(whole.inputs)[0], np.asarray(whole.labels)[0]
        sequence = jitted_sequence(model, variables, whole.inputs, whole.labels)
        assert_close(in_distinct(model, variables, tokens, labels), jax.nn.log_softmax(sequence))
        assert_close(jitted_steps(model, variables, tokens, labels), sequence)
        if config in TREES:
            cut = windows(corpus, jnp.arange(LENGTH), config.receptive_field)
            assert_close(jitted_windows(model, variables, cut.inputs, cut.labels), sequence)

    agree()


@some_stacks
def test_no_labels_are_labels_0(config: ModelConfig) -> None:
    labelled = WaveNet(config, len(VOCAB), num_labels=NUM_LABELS)
    plain, variables = WaveNet(config, len(VOCAB)), randomised(labelled, seed=1)
    tokens = np.random.default_rng(0).integers(0, len(VOCAB), (1, LENGTH))
    nothing = np.zeros((1, LENGTH, 2), int)
    params = {
        name: part
        for name, part in variables["params"].items()
        if name != "label_embedding" and not name.startswith("conditions_")
    }
    without = jitted_sequence(plain, variables | {"params": params}, tokens)
    assert_close(jitted_sequence(labelled, variables, tokens), without)
    assert_close(jitted_sequence(labelled, variables, tokens, nothing), without)


def test_the_label_enters_before_the_non_linearity_of_every_layer() -> None:
    """Against a recursion in NumPy: z = tanh(taps · W_f + h · V_f + b_f) ⊙ σ(...)."""
    config = ModelConfig("gated", n_embd=3, n_hidden=3, n_skip=4, dilations=(2, 1), norm="none")
    model = WaveNet(config, len(VOCAB), num_labels=NUM_LABELS)
    variables, labels = randomised(model, seed=2), np.array([2, 5])
    p = jax.tree.map(np.asarray, variables["params"])
    tokens = np.array([0, 3, 1, 4, 2])
    h = p["label_embedding"]["embedding"][labels - 1].sum(axis=0)

    def node(layer: int, time: int) -> np.ndarray:
        """Return the node of a layer's input; before the document it has no label."""
        if layer == 0:
            return p["embedding"]["embedding"][tokens[max(time, 0)]]
        z, newest = gated(layer - 1, time), node(layer - 1, time)
        residual = p[f"layers_{layer - 1}"]["residual"]
        return newest + z @ residual["kernel"] + residual["bias"]

    def gated(layer: int, time: int) -> np.ndarray:
        older = node(layer, time - config.dilations[layer])
        weights = p[f"layers_{layer}"]
        x = np.concatenate([older, node(layer, time)]) @ weights["linear"]["kernel"]
        x = x + weights["norm"]["bias"]
        if time >= 0:
            x = x + h @ p[f"conditions_{layer}"]["kernel"]
        return np.tanh(x[:3]) / (1 + np.exp(-x[3:]))

    expected = []
    for time in range(len(tokens)):
        head = p["head"]
        total = np.concatenate([gated(layer, time) for layer in range(2)])
        for name in ("skips", "hidden"):
            total = np.maximum(total @ head[name]["kernel"] + head[name]["bias"], 0)
        expected.append(total @ head["logits"]["kernel"] + head["logits"]["bias"])
    everywhere = np.tile(labels, (1, len(tokens), 1))
    got = jitted_sequence(model, variables, tokens[None], everywhere)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_where_the_label_decides_a_model_with_labels_learns_it_and_one_without_does_not() -> None:
    """Half of the words are rising, half falling, and nothing but the label tells which."""
    words = ["abcdef", "fedcba"] * 40
    labels = np.tile([[1], [2]], (40, 1))
    config = Config(
        model=ModelConfig(n_embd=4, n_hidden=16, n_label=4, dilations=(1, 2), norm="none"),
        optim=OptimConfig(optimizer="adamw", learning_rate=0.02, schedule="constant"),
        train=TrainConfig("sequence", batch_size=1, seq_len=64, steps=200, eval_every=200),
    )

    def first_letter_nats(corpus: Corpus, num_labels: int) -> float:
        model = WaveNet(config.model, len(VOCAB), num_labels=num_labels)
        splits = Splits(corpus, corpus.head(14), corpus.head(14))
        *_, last = fit(model, config, splits)
        contexts = next(index_corpus(model, splits.val))
        (nll,) = batches_nll(model, last.variables, [contexts])
        return float(nll[corpus.starts[:2]].mean())

    together = corpus_from_documents(words, VOCAB)
    assert first_letter_nats(together.with_labels(labels), 2) < 0.05
    assert first_letter_nats(together, 0) > np.log(2) - 0.05
