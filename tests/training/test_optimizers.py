"""Each optimizer's steps against Optax called by hand, NumPy, and PyTorch where it is installed."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib

from wavenet_jax.config import OPTIMIZERS, OptimConfig
from wavenet_jax.training import make_optimizer

STEPS = 5
RNG = np.random.default_rng(0)
# One matrix of a layer, one of the embedding, one vector: the three that optimizers tell apart.
SHAPES = {"embedding": {"embedding": (5, 3)}, "layers_0": {"kernel": (3, 4), "bias": (4,)}}


def is_shape(value: Any) -> bool:
    return isinstance(value, tuple)


def random_tree() -> Any:
    draw = lambda shape: jnp.asarray(RNG.normal(size=shape), jnp.float32)  # noqa: E731
    return jax.tree.map(draw, SHAPES, is_leaf=is_shape)


PARAMS = random_tree()
GRADIENTS = [random_tree() for _ in range(STEPS)]
MATRICES = jax.tree.map(lambda leaf: leaf.ndim > 1, PARAMS)


def descend(optimizer: optax.GradientTransformation) -> list[Any]:
    """Return the parameters after each step along the same gradients."""
    params, state, after = PARAMS, optimizer.init(PARAMS), []
    for gradients in GRADIENTS:
        updates, state = optimizer.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
        after.append(params)
    return after


def assert_same_steps(found: list[Any], expected: list[Any], rtol: float = 1e-6) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol, 1e-7), found, expected)


SCHEDULE = optax.linear_schedule(0.2, 0.0, STEPS)
DECAY: dict[str, Any] = {"weight_decay": 0.3, "mask": MATRICES}
BY_HAND: dict[str, tuple[dict[str, Any], optax.GradientTransformation]] = {
    "sgd": ({}, optax.sgd(SCHEDULE)),
    "sgd with Nesterov's momentum": (
        {"optimizer": "sgd", "momentum": 0.8, "nesterov": True},
        optax.sgd(SCHEDULE, 0.8, nesterov=True),
    ),
    "sgd with weight decay": (
        {"optimizer": "sgd", "momentum": 0.8, "weight_decay": 0.3},
        optax.chain(
            optax.trace(0.8),
            optax.add_decayed_weights(0.3, MATRICES),
            optax.scale_by_learning_rate(SCHEDULE),
        ),
    ),
    "rmsprop": (
        {"momentum": 0.5, "b2": 0.9, "weight_decay": 0.3},
        optax.chain(
            optax.scale_by_rms(0.9, eps_in_sqrt=False),
            optax.trace(0.5),
            optax.add_decayed_weights(0.3, MATRICES),
            optax.scale_by_learning_rate(SCHEDULE),
        ),
    ),
    "adam": ({"b1": 0.8, "b2": 0.9}, optax.adam(SCHEDULE, 0.8, 0.9)),
    "adamw": ({"weight_decay": 0.3}, optax.adamw(SCHEDULE, 0.9, 0.99, **DECAY)),
    "lion": ({"b1": 0.8, "weight_decay": 0.3}, optax.lion(SCHEDULE, 0.8, 0.99, **DECAY)),
    "clipping": (
        {"optimizer": "adamw", "clip_norm": 0.5},
        optax.chain(
            optax.clip_by_global_norm(0.5), optax.adamw(SCHEDULE, 0.9, 0.99, weight_decay=0)
        ),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_first_steps_are_those_of_optax_called_by_hand(name: str) -> None:
    values, by_hand = BY_HAND[name]
    config = OptimConfig(
        **{
            "optimizer": name.split(maxsplit=1)[0],
            "learning_rate": 0.2,
            "schedule": "linear",
            **values,
        }
    )
    assert_same_steps(descend(make_optimizer(config, STEPS)), descend(by_hand))


def test_first_steps_of_schedule_free_adamw_are_those_of_optax_called_by_hand() -> None:
    """Without weight decay, since Optax's function decays biases too."""
    config = OptimConfig(
        optimizer="schedule_free_adamw", learning_rate=0.2, schedule="constant", warmup=0.4
    )
    by_hand = contrib.schedule_free_adamw(0.2, warmup_steps=2, b1=0.9, b2=0.99)
    assert_same_steps(descend(make_optimizer(config, STEPS)), descend(by_hand), rtol=1e-5)


def test_muon_moves_the_matrices_of_layers_and_adamw_all_others() -> None:
    config = OptimConfig(
        optimizer="muon", learning_rate=0.2, schedule="linear", momentum=0.9, weight_decay=0.3
    )
    found = descend(make_optimizer(config, STEPS))
    adamw = descend(optax.adamw(SCHEDULE, 0.9, 0.99, **DECAY))
    muon = descend(contrib.muon(SCHEDULE, beta=0.9, weight_decay=0.3, consistent_rms=0.2))
    expected = [
        {
            "embedding": moved["embedding"],
            "layers_0": {"kernel": turned["layers_0"]["kernel"], "bias": moved["layers_0"]["bias"]},
        }
        for moved, turned in zip(adamw, muon, strict=True)
    ]
    assert_same_steps(found, expected, rtol=1e-4)  # Newton and Schulz's products are rounded


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "adam"])
def test_a_step_decays_as_much_with_any_optimizer(name: Any) -> None:
    """Without a gradient, only the decay moves the matrices."""
    adamw = OptimConfig(
        optimizer="adamw", learning_rate=0.01, schedule="constant", weight_decay=4.0
    )
    config = adamw.with_optimizer(name)
    optimizer = make_optimizer(config, STEPS)
    none = jax.tree.map(jnp.zeros_like, PARAMS)
    updates, state = optimizer.update(none, optimizer.init(PARAMS), PARAMS)
    after = optax.apply_updates(PARAMS, updates)
    if name == "schedule_free_adamw":  # the first average is the first point
        after = contrib.schedule_free_eval_params(state, after)
    meant = jax.tree.map(lambda w: w * (0.96 if w.ndim > 1 else 1.0), PARAMS)
    assert_same_steps([after], [meant], rtol=1e-5)


IN_TORCH: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "sgd": ({"weight_decay": 0.3}, "SGD", {"weight_decay": 0.3}),
    "sgd with momentum": ({"momentum": 0.8}, "SGD", {"momentum": 0.8}),
    "rmsprop": ({"momentum": 0.5}, "RMSprop", {"alpha": 0.99, "momentum": 0.5}),
    "adam": ({}, "Adam", {"betas": (0.9, 0.99)}),
    "adamw": ({"weight_decay": 0.3}, "AdamW", {"betas": (0.9, 0.99), "weight_decay": 0.3}),
}


@pytest.mark.parametrize("name", IN_TORCH)
def test_first_steps_are_those_of_pytorch(name: str) -> None:
    """On the matrices, since PyTorch decays biases unless they are grouped apart."""
    torch = pytest.importorskip("torch")
    values, theirs, options = IN_TORCH[name]
    given: dict[str, Any] = {
        "optimizer": name.split(maxsplit=1)[0],
        "learning_rate": 0.05,
        **values,
    }
    config = OptimConfig(schedule="linear", **given)
    found = descend(make_optimizer(config, STEPS))
    for path in (("embedding", "embedding"), ("layers_0", "kernel")):
        weight = torch.nn.Parameter(torch.tensor(np.asarray(PARAMS[path[0]][path[1]])))
        optimizer = getattr(torch.optim, theirs)([weight], lr=0.05, **options)
        for step, (gradients, after) in enumerate(zip(GRADIENTS, found, strict=True)):
            optimizer.param_groups[0]["lr"] = 0.05 * (STEPS - step) / STEPS
            weight.grad = torch.tensor(np.asarray(gradients[path[0]][path[1]]))
            optimizer.step()
            expected = weight.detach().numpy()
            np.testing.assert_allclose(after[path[0]][path[1]], expected, rtol=2e-5, atol=1e-6)


def test_every_step_of_adamw_is_that_of_its_paper_and_decays_matrices_alone() -> None:
    config = OptimConfig(optimizer="adamw", learning_rate=0.2, schedule="linear", weight_decay=0.1)
    expected = jax.tree.map(np.asarray, PARAMS)
    first = second = jax.tree.map(np.zeros_like, expected)
    for step, (gradients, found) in enumerate(
        zip(GRADIENTS, descend(make_optimizer(config, STEPS)), strict=True), start=1
    ):
        rate = 0.2 * (STEPS + 1 - step) / STEPS
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
        second = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g**2, second, gradients)

        def moved(weight: Any, m: Any, v: Any, t: int = step, rate: float = rate) -> Any:
            shrinking = 0.1 * weight if weight.ndim > 1 else 0
            return weight - rate * (
                m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8) + shrinking
            )

        expected = jax.tree.map(moved, expected, first, second)
        assert_same_steps([found], [expected], rtol=1e-4)


def test_every_optimizer_has_its_row() -> None:
    for name in OPTIMIZERS:
        schedule = "constant" if name == "schedule_free_adamw" else "linear"
        descend(make_optimizer(OptimConfig(optimizer=name, schedule=schedule), STEPS))  # type: ignore[arg-type]


def test_one_run_has_one_optimizer_so_that_it_is_compiled_once() -> None:
    assert make_optimizer(OptimConfig(), 60) is make_optimizer(OptimConfig(), 60)
    assert make_optimizer(OptimConfig(), 60) is not make_optimizer(OptimConfig(), 61)
