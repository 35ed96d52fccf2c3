"""The lecture's network five times: one file for each design, with one set of functions.

The network: an embedding, three layers that each merge neighbours in pairs, then linear, BatchNorm
and tanh, and a linear head.  Eight characters become logits of the next.  The optimizer is SGD.

    emma   e m m a   [B, 8]      layer 0 [B, 4, H]   layer 1 [B, 2, H]   layer 2 [B, 1, H]

A statement with a line that ends in `# BN` is one that BatchNorm adds, or changes, in a network
without it.

Letters in the shapes: B rows, T positions, C channels, H hidden channels, V = 27 characters.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, Protocol

import numpy as np
import optax

VOCAB_SIZE = 27
WINDOW = 8
DEPTH = 3
MOMENTUM = 0.9  # weight of the old statistics; PyTorch calls it 0.1
EPSILON = 1e-5
SGD = optax.sgd(0.1)

Weights = dict[str, np.ndarray]  # parameters and running statistics, by `wavenet_jax`'s names


class Sizes(NamedTuple):
    """The sizes of a network and of its batch; by default the lecture's."""

    n_embd: int = 24
    n_hidden: int = 128
    batch_size: int = 32

    def fan_in(self, layer: int) -> int:
        """Return the number of channels that a layer combines, of two neighbours."""
        return 2 * (self.n_embd if layer == 0 else self.n_hidden)


class Pure(NamedTuple):
    """A state as a pytree, and functions of it: what every transformation of JAX takes."""

    variables: Any
    step: Callable[[Any, tuple[Any, Any]], tuple[Any, Any]]  # (variables, batch) -> after it, loss
    logits: Callable[[Any, Any], Any]  # (variables, windows [B, 8]) -> [B, V]


class Design(Protocol):
    """What each file of this package offers; a state is whatever the design trains with.

    Those of JAX also offer `pure(state)`, a `Pure`, and `lower(state, inputs, targets, donate)`,
    the traced step.
    """

    TITLE: str

    def from_weights(self, weights: Weights) -> Any:
        """Return the state before the first step, of copied weights and statistics."""

    def to_weights(self, state: Any) -> Weights:
        """Return copies of the weights and statistics of a state."""

    def train_step(self, state: Any, inputs: Any, targets: Any) -> tuple[Any, Any]:
        """Take a step, dispatched as the design's documentation does: state after it, and loss."""

    def gradients(self, state: Any, inputs: Any, targets: Any) -> Weights:
        """Return the gradients of a step that is not taken."""

    def logits(self, state: Any, inputs: Any) -> Any:
        """Return logits `[B, V]`, computed with the running statistics."""


JAX = ("functions", "linen", "nnx", "equinox")
EXTRAS = {"equinox": "Equinox", "torch": "PyTorch"}  # what need not be installed


def load_design(name: str) -> Any:
    """Import a design, when it is wanted."""
    return import_module(f"designs.{name}")


def initial_weights(sizes: Sizes, seed: int = 0) -> Weights:
    """Return weights and statistics drawn by NumPy, the same for every design."""
    draw = np.random.default_rng(seed)

    def normal(*shape: int, scale: float) -> np.ndarray:
        return (scale * draw.standard_normal(shape)).astype(np.float32)

    hidden = sizes.n_hidden
    weights = {"embedding/embedding": normal(VOCAB_SIZE, sizes.n_embd, scale=1.0)}
    for index in range(DEPTH):
        fan_in, name = sizes.fan_in(index), f"layers_{index}"
        weights |= {
            f"{name}/linear/kernel": normal(fan_in, hidden, scale=fan_in**-0.5),
            f"{name}/norm/scale": np.ones(hidden, np.float32),
            f"{name}/norm/bias": np.zeros(hidden, np.float32),
            f"{name}/norm/mean": np.zeros(hidden, np.float32),
            f"{name}/norm/var": np.ones(hidden, np.float32),
        }
    return weights | {
        "head/kernel": normal(hidden, VOCAB_SIZE, scale=0.1 * hidden**-0.5),
        "head/bias": np.zeros(VOCAB_SIZE, np.float32),
    }
