"""Do the designs compute the same?  Each takes the same steps from the same weights."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from designs import MOMENTUM, WINDOW, Sizes, Weights, initial_weights, load_design

from wavenet_jax.config import TrainConfig
from wavenet_jax.data import Corpus
from wavenet_jax.training import draw_batch

STATISTICS = ("mean", "var")


class Batches(NamedTuple):
    """The minibatches of S steps."""

    inputs: np.ndarray  # [S, B, 8] windows
    targets: np.ndarray  # [S, B] the token after each


class Differences(NamedTuple):
    """The largest differences from the first design, over all steps and all numbers."""

    logits: float  # with running statistics, after the last step
    loss: float
    gradients: float
    parameters: float
    statistics: float


def draw_batches(corpus: Corpus, steps: int, batch_size: int) -> Batches:
    """Draw minibatches as the package does."""
    settings, corpus = TrainConfig(mode="window", batch_size=batch_size), jax.device_put(corpus)
    keys = jax.random.split(jax.random.key(0), steps)
    drawn = jax.vmap(lambda key: draw_batch(key, corpus, settings, WINDOW))(keys)
    inputs, targets = (np.asarray(part).astype(np.int64) for part in drawn[:2])
    return Batches(inputs, targets[..., 0])


def compare(names: list[str], sizes: Sizes, batches: Batches) -> dict[str, Differences]:
    """Train the designs step by step, and return how far each is from the first."""
    designs = {name: load_design(name) for name in names}
    states = {name: each.from_weights(initial_weights(sizes)) for name, each in designs.items()}
    worst = {name: np.zeros(4) for name in names}
    for index, batch in enumerate(zip(*batches, strict=True)):
        ways = {}
        for name, design in designs.items():
            inputs = batch_for(name, batch)
            gradients = design.gradients(states[name], *inputs)
            states[name], loss = design.train_step(states[name], *inputs)
            weights = biased(name, design.to_weights(states[name]), sizes, index + 1)
            ways[name] = float(loss), gradients, weights
        for name in names:
            worst[name] = np.maximum(worst[name], distances(ways[name], ways[names[0]]))
    logits = {
        name: np.asarray(design.logits(states[name], batch_for(name, batch)[0]))
        for name, design in designs.items()
    }
    last = {name: gap(logits[name], logits[names[0]]) for name in names}
    return {name: Differences(last[name], *map(float, worst[name])) for name in names}


def batch_for(name: str, batch: tuple[np.ndarray, ...]) -> tuple[Any, ...]:
    """Return a batch as a design takes it, on the device."""
    if name != "torch":
        return tuple(jnp.asarray(part, jnp.int32) for part in batch)
    import torch  # noqa: PLC0415  an optional extra

    return tuple(map(torch.from_numpy, batch))


def biased(name: str, weights: Weights, sizes: Sizes, steps: int) -> Weights:
    """Return weights whose running variances are of squares divided by n, as JAX's designs divide.

    PyTorch normalises by that variance too, but the one that it keeps is divided by n - 1.
    """
    if name != "torch":
        return weights
    weights, first = dict(weights), MOMENTUM**steps  # what is left of the initial ones
    for each in [each for each in weights if each.endswith("var")]:
        layer = int(each.split("/")[0].removeprefix("layers_"))
        count = sizes.batch_size * WINDOW / 2 ** (layer + 1)
        weights[each] = first + (weights[each] - first) * (count - 1) / count
    return weights


def distances(one: tuple[float, Weights, Weights], other: tuple[float, Weights, Weights]) -> Any:
    """Return the distances of losses, gradients, parameters and statistics: `[4]`."""
    (loss, gradients, weights), (loss_, gradients_, weights_) = one, other
    if gradients.keys() != gradients_.keys() or weights.keys() != weights_.keys():
        raise AssertionError("the designs have different weights")
    moments = [name for name in weights if name.endswith(STATISTICS)]
    params = [name for name in weights if name not in moments]
    return np.array(
        [
            abs(loss - loss_),
            max(gap(gradients[name], gradients_[name]) for name in gradients),
            max(gap(weights[name], weights_[name]) for name in params),
            max(gap(weights[name], weights_[name]) for name in moments),
        ]
    )


def gap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference of two arrays of one shape."""
    if one.shape != other.shape:
        raise AssertionError(f"the designs have arrays {one.shape} and {other.shape}")
    return float(np.abs(one - other).max())
