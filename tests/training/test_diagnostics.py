"""Diagnostics against values by hand, finite differences, and Optax."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.corpora import NAMES
from support.models import randomised
from support.runs import changed

from wavenet_jax.config import Config, DataConfig, ModelConfig
from wavenet_jax.data import dataset_from_documents, vocab_from_documents
from wavenet_jax.nn import WaveNet
from wavenet_jax.training import (
    SATURATED,
    Batch,
    Diagnostics,
    MatrixDiagnostics,
    Trainer,
    TrainState,
    diagnose,
    draw_batch,
    init_state,
    make_trainer,
    next_batch,
)

CORPUS = dataset_from_documents(NAMES, vocab_from_documents(NAMES), DataConfig()).splits.train
ROWS, LENGTH = 8, 6


class Prepared(NamedTuple):
    """What `diagnose` takes."""

    trainer: Trainer
    state: TrainState
    batch: Batch


def zeros_of_shape(leaf: Any) -> Any:
    is_shape = isinstance(leaf, jax.ShapeDtypeStruct)
    return jnp.zeros(leaf.shape, leaf.dtype) if is_shape else leaf


def prepare(**options: Any) -> Prepared:
    """Return a trainer, a state of random variables at step 7, and its next batch."""
    config = changed(Config(model=ModelConfig(n_embd=4, n_hidden=8)), batch_size=8, **options)
    trainer = make_trainer(WaveNet(config.model, 27), config, 60)
    shapes = jax.eval_shape(lambda: init_state(trainer))
    variables = randomised(trainer.model, seed=0)
    state = shapes._replace(**variables, step=jnp.array(7), key=jax.random.key(1))
    state = jax.tree.map(zeros_of_shape, state)  # so that nothing is compiled to be thrown away
    return Prepared(trainer, state, next_batch(trainer, state, CORPUS))


@pytest.fixture(scope="module")
def plain() -> Prepared:
    """Return a tree of two tanh layers with BatchNorm, on windows."""
    return prepare(dilations=(1, 2))


@pytest.fixture(scope="module")
def gated() -> Prepared:
    """Return a gated stack with dropout and no norm, on sequences, with AdamW."""
    return prepare(
        **{"layer": "gated", "n_skip": 6, "dilations": (2, 1), "norm": "none", "dropout": 0.3},
        **{"optimizer": "adamw", "weight_decay": 0.5, "learning_rate": 0.01},
        **{"mode": "sequence", "seq_len": LENGTH},
    )


@pytest.fixture(scope="module")
def tree(plain: Prepared) -> Diagnostics:
    return diagnose(*plain)


@pytest.fixture(scope="module")
def stack(gated: Prepared) -> Diagnostics:
    return diagnose(*gated)


def normed(x: jax.Array, norm: dict[str, jax.Array]) -> jax.Array:
    scaled = (x - x.mean(0)[None]) / jnp.sqrt(x.var(0) + 1e-5)[None]
    return scaled * norm["scale"][None] + norm["bias"][None]


@jax.jit
def tree_by_hand(
    params: Any, batch: Batch, shifts: list[jax.Array]
) -> tuple[jax.Array, list[jax.Array]]:
    """Return the loss of a tree of tanh layers, and its activations, to which shifts are added."""
    nodes, activations = params["embedding"]["embedding"][batch.inputs], []  # [B, R, C]
    for layer, shift in enumerate(shifts):
        weights = params[f"layers_{layer}"]
        taps = nodes.reshape(-1, 2 * nodes.shape[-1])
        activations.append(jnp.tanh(normed(taps @ weights["linear"]["kernel"], weights["norm"])))
        nodes = (activations[-1] + shift).reshape(len(batch.inputs), -1, shift.shape[-1])
    head = params["head"]["logits"]
    logits = nodes[:, -1] @ head["kernel"] + head["bias"][None]
    nll = -jax.nn.log_softmax(logits)[jnp.arange(len(logits)), batch.targets[:, 0]]
    return nll.mean(), activations


def test_activations_and_their_gradients_are_those_of_a_tree_by_hand(
    plain: Prepared, tree: Diagnostics
) -> None:
    _, state, batch = plain
    zeros = [np.zeros_like(layer.activations) for layer in tree.layers]
    loss, activations = tree_by_hand(state.params, batch, zeros)
    assert tree.loss_nats == pytest.approx(float(loss), rel=1e-5)
    for layer, expected in enumerate(activations):
        np.testing.assert_allclose(tree.layers[layer].activations, expected, atol=1e-5)
        for place in ((0, 0), (3, 5), (7, 2)):
            losses = []
            for size in (1e-2, -1e-2):
                shifts = [zero.copy() for zero in zeros]
                shifts[layer][place] = size
                losses.append(float(tree_by_hand(state.params, batch, shifts)[0]))
            slope = (losses[0] - losses[1]) / 2e-2
            assert tree.layers[layer].gradients[place] == pytest.approx(slope, rel=2e-2, abs=5e-5)


def test_gradients_of_weights_are_those_of_a_tree_by_hand(
    plain: Prepared, tree: Diagnostics
) -> None:
    _, state, batch = plain
    zeros = [np.zeros_like(layer.activations) for layer in tree.layers]
    for matrix in tree.matrices[1:3]:
        name = f"layers_{int(matrix.place.removeprefix('layer ')) - 1}"
        losses = []
        for size in (1e-2, -1e-2):
            moved = matrix.weights.copy()
            moved[3, 5] += size
            layer = {**state.params[name], "linear": {"kernel": moved}}
            params = {**state.params, name: layer}
            losses.append(float(tree_by_hand(params, batch, zeros)[0]))
        slope = (losses[0] - losses[1]) / 2e-2
        assert matrix.gradients[3, 5] == pytest.approx(slope, rel=2e-2, abs=5e-5)


def test_tanh_is_saturated_beyond_0_97_as_in_the_lecture(tree: Diagnostics) -> None:
    assert pytest.approx(0.06, abs=1e-3) == SATURATED
    for layer in tree.layers:
        share = np.mean(np.abs(layer.activations) > 0.97)
        assert 0 < share < 1
        assert layer.saturated == pytest.approx(share)


def test_a_gated_layer_shows_its_scored_positions_and_the_saturation_of_its_tanh(
    gated: Prepared, stack: Diagnostics
) -> None:
    _, state, batch = gated
    first, weights = stack.layers[0], state.params["layers_0"]
    nodes = state.params["embedding"]["embedding"][batch.inputs]  # [B, R-1+T, C], R = 4
    documents = jnp.cumsum(batch.inputs == 0, axis=1)
    older = jnp.where(
        (documents[:, 1:-2] == documents[:, 3:])[..., None],
        nodes[:, 1:-2],
        state.params["embedding"]["embedding"][0][None, None],
    )
    taps = jnp.concatenate([older, nodes[:, 3:]], axis=-1).swapaxes(0, 1).reshape(-1, 8)  # [T·B, ·]
    both = taps @ weights["linear"]["kernel"] + weights["norm"]["bias"][None]
    filtered = np.tanh(both[:, :8])
    np.testing.assert_allclose(
        first.activations, filtered * jax.nn.sigmoid(both[:, 8:]), rtol=1e-4, atol=1e-5
    )
    assert first.saturated == pytest.approx(np.mean(np.abs(filtered) > 0.97))
    assert first.gradients.shape == (ROWS * LENGTH, 8)


def test_dropped_activations_have_no_gradient(stack: Diagnostics) -> None:
    for layer in stack.layers:
        assert np.mean(layer.gradients == 0) == pytest.approx(0.3, abs=0.15)
        assert np.all(layer.activations != 0)


def test_matrices_are_in_the_order_in_which_they_are_applied(
    gated: Prepared, stack: Diagnostics
) -> None:
    assert [(matrix.place, matrix.name) for matrix in stack.matrices] == [
        ("embedding", "embedding"),
        ("layer 1", "linear"),
        ("layer 1", "residual"),
        ("layer 2", "linear"),
        ("head", "skips"),
        ("head", "hidden"),
        ("head", "logits"),
    ]
    residual = gated.state.params["layers_0"]["residual"]["kernel"]
    np.testing.assert_array_equal(stack.matrices[2].weights, residual)


def test_updates_are_those_of_the_optimizer(tree: Diagnostics, stack: Diagnostics) -> None:
    for matrix in tree.matrices:
        assert_update(matrix, -0.1 * matrix.gradients)
    for matrix in stack.matrices:  # the first step of AdamW, whose means are the gradient itself
        direction = matrix.gradients / (abs(matrix.gradients) + 1e-8)
        assert_update(matrix, -0.01 * (direction + 0.5 * matrix.weights))


def assert_update(matrix: MatrixDiagnostics, updates: np.ndarray) -> None:
    np.testing.assert_allclose(matrix.updates, updates, rtol=1e-4, atol=1e-7)
    ratio = np.log10(np.std(updates) / np.std(matrix.weights))
    assert matrix.log10_update == pytest.approx(ratio, abs=1e-4)


def test_the_next_batch_is_that_of_the_step(gated: Prepared) -> None:
    trainer, state, batch = gated
    expected = draw_batch(jax.random.fold_in(state.key, 7), CORPUS, trainer.settings, 4)
    jax.tree.map(np.testing.assert_array_equal, batch, expected)


def test_what_multiplies_labels_is_shown_in_its_layer() -> None:
    config = changed(
        Config(model=ModelConfig(n_embd=4, n_hidden=8)), batch_size=8, dilations=(1, 2)
    )
    trainer = make_trainer(WaveNet(config.model, 27, num_labels=2), config, 60)
    corpus = CORPUS.with_labels(np.arange(len(CORPUS.starts))[:, None] % 2 + 1)
    state = init_state(trainer)
    matrices = diagnose(trainer, state, next_batch(trainer, state, corpus)).matrices
    found = {(each.place, each.name): each for each in matrices}
    assert {("layer 1", "labels"), ("layer 2", "labels")} < set(found)
    assert found["label_embedding", "label_embedding"].weights.shape == (2, 16)
    assert all(np.abs(each.gradients).max() > 0 for each in matrices)
