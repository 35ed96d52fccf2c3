"""The window run's arithmetic, BatchNorm as explicit state, dropout, and parameter counts."""

import dataclasses
import importlib
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.models import randomised

from wavenet_jax.config import ModelConfig
from wavenet_jax.errors import InputError
from wavenet_jax.nn import WaveNet, count_parameters, init_variables

TREES = [(2, 1), (2, 3), (3, 2), (4, 1), (8, 1)]  # K, L


def tree(kernel_size: int, layers: int, **options: Any) -> WaveNet:
    dilations = tuple(kernel_size**layer for layer in range(layers))
    config = ModelConfig(n_embd=3, n_hidden=5, kernel_size=kernel_size, dilations=dilations)
    return WaveNet(config, 7, **options)


def numpy_logits(variables: Any, window: np.ndarray, kernel_size: int) -> np.ndarray:
    """Walk the tree node by node, in NumPy."""
    params, stats = variables["params"], variables["batch_stats"]
    nodes = [np.asarray(params["embedding"]["embedding"])[token] for token in window]
    for name in sorted(stats):
        layer, norm = params[name], stats[name]["norm"]
        parents = []
        for start in range(0, len(nodes), kernel_size):
            hidden = np.concatenate(nodes[start : start + kernel_size]) @ layer["linear"]["kernel"]
            centred = (hidden - norm["mean"]) / np.sqrt(norm["var"] + 1e-5)
            affine = layer["norm"]
            parents.append(np.tanh(centred * affine["scale"] + affine["bias"]))
        nodes = parents
    (last,) = nodes
    logits = params["head"]["logits"]
    return np.asarray(last @ logits["kernel"] + logits["bias"])


@pytest.mark.parametrize(("kernel_size", "layers"), TREES)
def test_logits_equal_a_walk_over_the_tree(kernel_size: int, layers: int) -> None:
    model = tree(kernel_size, layers)
    variables = randomised(model, seed=kernel_size * 10 + layers)
    windows = np.random.default_rng(0).integers(0, 7, (6, model.config.receptive_field))
    expected = np.stack([numpy_logits(variables, window, kernel_size) for window in windows])
    logits = jax.jit(partial(model.apply, method="window"))(variables, jnp.asarray(windows))
    np.testing.assert_allclose(logits[:, 0], expected, atol=1e-5 * np.abs(expected).max())


def test_window_run_of_dilations_that_are_no_tree_is_refused() -> None:
    model = WaveNet(ModelConfig(n_embd=3, n_hidden=5, dilations=(1, 3)), 7)
    variables = randomised(model, seed=0)
    with pytest.raises(InputError, match=r"dilations is 1 3 with .*, expected the tree 1 2"):
        model.apply(variables, jnp.zeros((2, 5), int), method="window")


def test_windows_of_another_length_are_refused() -> None:
    model = tree(2, 2)
    with pytest.raises(InputError, match="windows have 8 positions, expected 4"):
        model.apply(randomised(model, seed=0), jnp.zeros((2, 8), int), method="window")


@pytest.mark.parametrize(("kernel_size", "layers"), TREES)
def test_logits_depend_on_every_position_of_their_window_and_on_no_other_row(
    kernel_size: int, layers: int
) -> None:
    model = tree(kernel_size, layers)
    variables = randomised(model, seed=1)
    field = model.config.receptive_field
    windows = jnp.asarray(np.random.default_rng(2).integers(0, 7, (3, field)))
    embedded = variables["params"]["embedding"]["embedding"][windows]

    def second_row(embedded: jax.Array) -> jax.Array:
        # Embed by identity, so that the gradient is one per position of each window.
        params = variables["params"] | {"embedding": {"embedding": embedded.reshape(-1, 3)}}
        rows = jnp.arange(3 * field).reshape(3, field)
        wide = WaveNet(model.config, 3 * field)
        head = {"logits": {"kernel": jnp.ones((5, 3 * field)), "bias": jnp.zeros(3 * field)}}
        logits = wide.apply(
            {**variables, "params": {**params, "head": head}}, rows, method="window"
        )
        return logits[1].sum()

    gradient = np.abs(jax.jit(jax.grad(second_row))(embedded)).sum(-1)  # [3, R]
    assert (gradient[1] > 0).all()
    assert not gradient[[0, 2]].any()


@pytest.mark.parametrize("mean", [0.0, 1e4])
def test_training_normalises_by_the_batch_and_updates_the_running_statistics(mean: float) -> None:
    """Also where the mean is large, where E[x²] - E[x]² has no digit left in float32."""
    model = tree(2, 1, training=True)
    variables = randomised(model, seed=3)
    variables["params"]["embedding"]["embedding"] += mean
    windows = jnp.asarray(np.random.default_rng(4).integers(0, 7, (16, 2)))
    logits, updated = model.apply(variables, windows, method="window", mutable=["batch_stats"])

    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), variables["params"])
    layer, head = params["layers_0"], params["head"]["logits"]
    taps = params["embedding"]["embedding"][windows].reshape(16, -1)
    hidden = taps @ layer["linear"]["kernel"]
    before = variables["batch_stats"]["layers_0"]["norm"]
    after = updated["batch_stats"]["layers_0"]["norm"]
    for name, of_batch in (("mean", hidden.mean(0)), ("var", hidden.var(0))):
        new = (after[name] - 0.9 * before[name]) / 0.1
        np.testing.assert_allclose(new, of_batch, rtol=1e-3 if mean == 0 else 0.05, atol=1e-5)
    normalised = (hidden - hidden.mean(0)) / np.sqrt(hidden.var(0) + 1e-5)
    activations = np.tanh(normalised * layer["norm"]["scale"] + layer["norm"]["bias"])
    np.testing.assert_allclose(logits[:, 0], activations @ head["kernel"] + head["bias"], atol=0.05)


def test_evaluation_leaves_the_running_statistics_alone() -> None:
    model = tree(2, 2)
    variables = randomised(model, seed=5)
    _, updated = model.apply(
        variables, jnp.zeros((4, 4), int), method="window", mutable=["batch_stats"]
    )
    jax.tree.map(np.testing.assert_array_equal, updated["batch_stats"], variables["batch_stats"])


def test_first_loss_of_the_lectures_model_is_near_that_of_a_uniform_guess() -> None:
    model = WaveNet(ModelConfig(), 27, training=True)
    variables = init_variables(model, jax.random.key(0))
    windows = jnp.asarray(np.random.default_rng(0).integers(0, 27, (256, 8)))
    run = jax.jit(partial(model.apply, method="window", mutable=["batch_stats"]))
    logits, _ = run(variables, windows)
    loss = -jax.nn.log_softmax(logits)[..., 0].mean()
    assert abs(loss - np.log(27)) < 0.05


def count(model: WaveNet) -> int:
    variables = jax.eval_shape(partial(init_variables, model), jax.random.key(0))
    return count_parameters(variables["params"])


def test_lectures_model_has_its_76_579_parameters() -> None:
    assert count(WaveNet(ModelConfig(), 27)) == 76_579


def test_logits_equal_the_lectures_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    torch_lecture = importlib.import_module("common.torch_lecture")  # which imports PyTorch
    model = WaveNet(ModelConfig(), 27)
    variables = randomised(model, seed=6)
    lecture = torch_lecture.ByHand(torch.zeros((1, 8)), torch.zeros(1), seed=0)
    lecture.load(torch_lecture.from_variables(variables))
    windows = np.random.default_rng(7).integers(0, 27, (50, 8))
    expected = lecture.logits(torch.from_numpy(windows))
    logits = jax.jit(partial(model.apply, method="window"))(variables, jnp.asarray(windows))[:, 0]
    np.testing.assert_allclose(logits, expected, atol=1e-5 * np.abs(expected).max())


def test_statistics_of_sequences_are_those_of_their_scored_positions() -> None:
    """The history and the boundary before each row stay out; a long history would outweigh."""
    config = ModelConfig(n_embd=3, n_hidden=5, dilations=(2,))
    model = WaveNet(config, 7, training=True)
    variables = randomised(model, seed=8)
    tokens = np.random.default_rng(9).integers(1, 7, (3, 8))
    tokens[1, 5] = 0
    _, updated = model.apply(variables, jnp.asarray(tokens), history=2, mutable=["batch_stats"])
    embedded = np.asarray(variables["params"]["embedding"]["embedding"])
    older = np.pad(tokens, ((0, 0), (2, 0)))[:, :8]  # boundaries before each row
    older[1, 5:7] = 0  # and before the document that begins in the second
    taps = np.concatenate([embedded[older], embedded[tokens]], axis=-1)[:, 2:].reshape(18, 6)
    hidden = taps @ variables["params"]["layers_0"]["linear"]["kernel"]
    before = variables["batch_stats"]["layers_0"]["norm"]
    after = updated["batch_stats"]["layers_0"]["norm"]
    for name, of_batch in (("mean", hidden.mean(0)), ("var", hidden.var(0))):
        expected = 0.9 * before[name] + 0.1 * of_batch
        np.testing.assert_allclose(after[name], expected, rtol=1e-4, atol=1e-5)


def test_dropout_changes_training_alone_and_follows_its_key() -> None:
    config = ModelConfig(n_embd=3, n_hidden=5, dropout=0.5)
    model = WaveNet(config, 7)
    variables = randomised(model, seed=10)
    tokens = jnp.asarray(np.random.default_rng(11).integers(0, 7, (2, 20)))

    def trained(seed: int) -> jax.Array:
        logits, _ = model.clone(training=True).apply(
            variables, tokens, mutable=["batch_stats"], rngs={"dropout": jax.random.key(seed)}
        )
        return logits

    np.testing.assert_array_equal(trained(0), trained(0))
    assert not np.allclose(trained(0), trained(1))
    without = WaveNet(dataclasses.replace(config, dropout=0.0), 7)
    evaluated = model.apply(variables, tokens), without.apply(variables, tokens)
    np.testing.assert_array_equal(*evaluated)


def test_gated_stack_has_the_parameters_counted_by_hand() -> None:
    config = ModelConfig("gated", n_embd=8, n_hidden=8, n_skip=16, dilations=(1, 2), norm="none")
    layers = 2 * (2 * 8 * 16 + 16) + (8 * 8 + 8)  # two taps to filter and gate; one residual
    head = (2 * 8 * 16 + 16) + (16 * 16 + 16) + (16 * 10 + 10)  # skips of both layers; two 1×1
    assert count(WaveNet(config, 10)) == 10 * 8 + layers + head


@pytest.mark.parametrize("method", ["window", "__call__"])
def test_embedding_is_a_product_where_an_accelerator_trains(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ModelConfig(n_embd=3, n_hidden=5, dilations=(1, 2), norm="none")
    model = WaveNet(config, 7, training=True)
    variables = randomised(model, seed=0)
    tokens = jnp.array([[1, 2, 3, 3], [0, 0, 1, 2]])

    def value_and_gradient() -> tuple[jax.Array, Any]:
        def total(params: Any) -> tuple[jax.Array, jax.Array]:
            logits, _ = model.apply(
                variables | {"params": params}, tokens, method=method, mutable=["batch_stats"]
            )
            return jnp.square(logits).sum(), logits

        gradients, logits = jax.grad(total, has_aux=True)(variables["params"])
        return logits, gradients["embedding"]["embedding"]

    logits, gradient = value_and_gradient()
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    embed = jax.make_jaxpr(partial(model.apply, variables, method="_embed"))
    assert "dot_general" in str(embed(tokens))
    other_logits, other_gradient = value_and_gradient()
    np.testing.assert_array_equal(other_logits, logits)
    np.testing.assert_allclose(other_gradient, gradient, rtol=1e-4, atol=1e-5)
    assert np.abs(gradient).max() > 0.1


@pytest.mark.parametrize("layer", ["plain", "gated"])
def test_products_are_not_rounded_to_the_short_numbers_of_a_gpu(layer: Any) -> None:
    config = ModelConfig(layer=layer, n_embd=3, n_hidden=5, dilations=(1, 2))
    model = WaveNet(config, 7)
    jaxpr = jax.make_jaxpr(model.apply)(randomised(model, seed=0), jnp.zeros((1, 4), jnp.int32))
    products = [each for each in jaxpr.eqns if each.primitive.name == "dot_general"]
    assert len(products) >= 3
    highest = jax.lax.Precision.HIGHEST
    assert {each.params["precision"] for each in products} == {(highest, highest)}
