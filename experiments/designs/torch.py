"""PyTorch: modules hold their tensors and change them in place; the stateful reference."""

import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from designs import DEPTH, EPSILON, MOMENTUM, VOCAB_SIZE, Sizes, Weights

TITLE = "PyTorch"
torch.set_num_threads(1)  # more of them and those of JAX would wait for each other


class Layer(nn.Module):
    """Merges neighbours in pairs, then linear, BatchNorm, tanh."""

    def __init__(self, fan_in: int, n_hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(fan_in, n_hidden, bias=False)
        self.norm = nn.BatchNorm1d(n_hidden, eps=EPSILON, momentum=1 - MOMENTUM)  # BN
        nn.init.normal_(self.linear.weight, std=fan_in**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, T/2, H]` for `[B, T, C]`."""
        rows, positions, channels = x.shape
        x = self.linear(x.reshape(rows, positions // 2, 2 * channels))
        x = self.norm(x.flatten(0, 1)).view_as(x)  # BN
        return torch.tanh(x)


class Net(nn.Module):
    """The network; `train()` and `eval()` set what BatchNorm uses."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCAB_SIZE, sizes.n_embd)
        self.layers = nn.ModuleList(
            Layer(sizes.fan_in(index), sizes.n_hidden) for index in range(DEPTH)
        )
        self.head = nn.Linear(sizes.n_hidden, VOCAB_SIZE)
        nn.init.normal_(self.head.weight, std=0.1 * sizes.n_hidden**-0.5)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits `[B, V]` of windows `[B, 8]`."""
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        logits: Tensor = self.head(x[:, 0])
        return logits


class State(NamedTuple):
    """What trains: two objects that change in place."""

    net: Net
    optimizer: torch.optim.Optimizer


def init(sizes: Sizes) -> State:
    """Return a fresh network and its optimizer."""
    net = Net(sizes)
    return State(net, torch.optim.SGD(net.parameters(), lr=0.1))


def train_step(state: State, inputs: Tensor, targets: Tensor) -> tuple[State, Tensor]:
    """Take a step in place: return the same objects, and the loss before it."""
    state.net.train()  # BN
    loss = functional.cross_entropy(state.net(inputs), targets)
    state.optimizer.zero_grad()
    loss.backward()
    state.optimizer.step()
    return state, loss.detach()


def logits(state: State, inputs: Tensor) -> Tensor:
    """Return logits `[B, V]`, computed with the running statistics."""
    state.net.eval()  # BN
    with torch.no_grad():
        output: Tensor = state.net(inputs)
        return output


# What the comparison needs: the weights by common names, and gradients alone.

NAMES = {"weight": "scale", "bias": "bias", "running_mean": "mean", "running_var": "var"}


def from_weights(weights: Weights) -> State:
    """Return the state before the first step, of copied weights and statistics."""
    n_embd, n_hidden = weights["embedding/embedding"].shape[1], len(weights["head/kernel"])
    state = init(Sizes(n_embd, n_hidden))
    with torch.no_grad():
        for name, tensor in tensors(state.net).items():
            tensor.copy_(torch.tensor(turned(name, weights[name])))
    return state


def to_weights(state: State) -> Weights:
    """Return copies of the weights and statistics of a state."""
    found = tensors(state.net).items()
    return {name: turned(name, tensor.detach().numpy()).copy() for name, tensor in found}


def tensors(net: Net) -> dict[str, Tensor]:
    """Return parameters and statistics by the common names."""
    found: dict[str, Tensor] = {"embedding/embedding": net.embedding.weight}
    for index, layer in enumerate(net.layers):
        found[f"layers_{index}/linear/kernel"] = layer.linear.weight
        found |= {f"layers_{index}/norm/{new}": getattr(layer.norm, n) for n, new in NAMES.items()}
    return found | {"head/kernel": net.head.weight, "head/bias": net.head.bias}


def turned(name: str, array: np.ndarray) -> np.ndarray:
    """Return an array as it is, but kernels transposed: PyTorch's are `[out, in]`."""
    return array.T if name.endswith("kernel") else array


def gradients(state: State, inputs: Tensor, targets: Tensor) -> Weights:
    """Return the gradients of a step that is not taken."""
    net = copy.deepcopy(state.net).train()  # whose statistics may move
    functional.cross_entropy(net(inputs), targets).backward()
    found = {name: tensor.grad for name, tensor in tensors(net).items()}
    return {n: turned(n, grad.numpy()) for n, grad in found.items() if grad is not None}
