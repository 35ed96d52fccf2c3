"""The lecture's network in PyTorch, twice: by hand as in the lecture, and with torch.nn.

Letters in the shapes: N windows, B rows of a batch, T positions, C channels, V = 27 characters.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

CHARACTERS = ".abcdefghijklmnopqrstuvwxyz"
END, WINDOW, BATCH = 0, 8, 32
EVAL_BATCH = 4_096  # windows scored at a time with torch.nn
FAN_IN = (2 * 24, 2 * 128, 2 * 128)
HEAD_SCALE = 0.1
LEARNING_RATE, DECAY, DECAY_STEP = 0.1, 0.1, 150_000
PARTS = [f"{part}_{i}" for i in range(3) for part in ("kernel", "scale", "bias", "mean", "var")]
KEYS = ["embedding", *PARTS, "head_kernel", "head_bias"]


def windows(names: list[str]) -> tuple[Tensor, Tensor]:
    """Return the windows `[N, 8]` of the names, oldest token first, and their targets `[N]`."""
    inputs: list[list[int]] = []
    targets: list[int] = []
    for name in names:
        tokens = [CHARACTERS.index(character) for character in name + CHARACTERS[END]]
        padded = [END] * WINDOW + tokens
        inputs += [padded[i : i + WINDOW] for i in range(len(tokens))]
        targets += tokens
    return torch.tensor(inputs), torch.tensor(targets)


def from_variables(variables: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the weights and statistics of a `WaveNet` under the names in `KEYS`."""
    params, stats = variables["params"], variables["batch_stats"]
    weights = {
        "embedding": params["embedding"]["embedding"],
        "head_kernel": params["head"]["logits"]["kernel"],
        "head_bias": params["head"]["logits"]["bias"],
    }
    for i in range(len(FAN_IN)):
        layer, running = params[f"layers_{i}"], stats[f"layers_{i}"]["norm"]
        weights |= {f"kernel_{i}": layer["linear"]["kernel"]}
        weights |= {f"{name}_{i}": layer["norm"][name] for name in ("scale", "bias")}
        weights |= {f"{name}_{i}": running[name] for name in ("mean", "var")}
    return {name: np.asarray(value) for name, value in weights.items()}


class Layer:
    """A function of a tensor that keeps its last value in `out`, for inspection."""

    out: Tensor
    trained: tuple[Any, ...] = ()  # tensors; the type of a tensor's grad includes None
    running: tuple[Tensor, ...] = ()
    training = True

    def __call__(self, x: Tensor) -> Tensor:
        """Return the value for `x`, and keep it."""
        self.out = self._value(x)
        return self.out

    def _value(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class Embedding(Layer):
    """A row of a table for each token: `[B, T] -> [B, T, C]`."""

    def __init__(self, number: int, channels: int) -> None:
        self.weight = torch.randn(number, channels)
        self.trained = (self.weight,)

    def _value(self, x: Tensor) -> Tensor:
        return self.weight[x]


class FlattenConsecutive(Layer):
    """Neighbours side by side: `[B, T, C] -> [B, T/n, n·C]`, or `[B, n·C]` where T = n."""

    def __init__(self, neighbours: int) -> None:
        self.neighbours = neighbours

    def _value(self, x: Tensor) -> Tensor:
        rows, positions, channels = x.shape
        merged = x.view(rows, positions // self.neighbours, channels * self.neighbours)
        return merged.squeeze(1)


class Linear(Layer):
    """Product with a kernel from N(0, 1/in), plus a bias: `[..., in] -> [..., out]`."""

    def __init__(self, fan_in: int, fan_out: int, bias: bool = True) -> None:
        self.weight = torch.randn(fan_in, fan_out) / fan_in**0.5
        self.bias = torch.zeros(fan_out) if bias else None
        self.trained = (self.weight,) if self.bias is None else (self.weight, self.bias)

    def _value(self, x: Tensor) -> Tensor:
        product: Tensor = x @ self.weight
        return product if self.bias is None else product + self.bias


class BatchNorm1d(Layer):
    """Normalises each channel over all other axes: `[..., C] -> [..., C]`."""

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.eps, self.momentum = eps, momentum
        self.gamma, self.beta = torch.ones(channels), torch.zeros(channels)
        self.mean, self.var = torch.zeros(channels), torch.ones(channels)
        self.trained, self.running = (self.gamma, self.beta), (self.mean, self.var)

    def _value(self, x: Tensor) -> Tensor:
        mean, var = self._measure(x) if self.training else (self.mean, self.var)
        return self.gamma * ((x - mean) / torch.sqrt(var + self.eps)) + self.beta

    def _measure(self, x: Tensor) -> tuple[Tensor, Tensor]:
        reduced = (0, 1) if x.ndim == 3 else (0,)
        mean, var = x.mean(reduced), x.var(reduced)
        with torch.no_grad():
            self.mean *= 1 - self.momentum
            self.mean += self.momentum * mean
            self.var *= 1 - self.momentum
            self.var += self.momentum * var
        return mean, var


class Tanh(Layer):
    """The hyperbolic tangent of each element."""

    def _value(self, x: Tensor) -> Tensor:
        return torch.tanh(x)


class Sequential(Layer):
    """Layers, one after the other."""

    def __init__(self, *layers: Layer) -> None:
        self.layers = layers
        self.trained = tuple(tensor for layer in layers for tensor in layer.trained)

    def _value(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    def train(self, training: bool) -> None:
        """Normalise by the batch if training, else by the running statistics."""
        for layer in self.layers:
            layer.training = training


class Lecture(ABC):
    """Data, training loop, evaluation and sampling, which both networks share."""

    model: Sequential | nn.Sequential
    tensors: list[Tensor]  # weights and running statistics in the order of KEYS

    def __init__(self, inputs: Tensor, targets: Tensor, seed: int) -> None:
        self.inputs, self.targets = inputs, targets
        torch.manual_seed(seed)
        # A generator of its own, so that no other model in the process changes the batches.
        self.generator = torch.Generator().manual_seed(seed)

    @abstractmethod
    def _update(self, inputs: Tensor, targets: Tensor) -> float: ...

    def _loss(self, inputs: Tensor, targets: Tensor) -> Any:  # a tensor's backward has no type
        return functional.cross_entropy(self.model(inputs), targets)

    def train(self, steps: int) -> list[float]:
        """Take further steps and return the loss of each, in nats."""
        self.model.train(True)
        losses = []
        for _ in range(steps):
            rows = torch.randint(0, len(self.inputs), (BATCH,), generator=self.generator)
            losses.append(self._update(self.inputs[rows], self.targets[rows]))
        return losses

    def load(self, weights: dict[str, np.ndarray]) -> None:
        """Set the weights and statistics, by the names in `KEYS`; kernels are `[in, out]`."""
        for key, tensor in zip(KEYS, self.tensors, strict=True):
            if tensor.shape != weights[key].shape:  # copy_ would broadcast
                raise ValueError(f"{key}: {weights[key].shape}, expected {tuple(tensor.shape)}")
            tensor.data.copy_(torch.tensor(weights[key]))

    def logits(self, inputs: Tensor) -> np.ndarray:
        """Return the logits `[B, V]` of windows `[B, 8]`, with the running statistics."""
        self.model.train(False)
        with torch.no_grad():
            logits: np.ndarray = self.model(inputs).numpy()
        return logits

    def nll_nats(self, inputs: Tensor, targets: Tensor) -> float:
        """Return the mean loss over windows `[N, 8]` and targets `[N]`, all in one batch."""
        loss = functional.cross_entropy(torch.from_numpy(self.logits(inputs)), targets)
        return float(loss)

    def sample(self, number: int, seed: int) -> list[str]:
        """Sample names, one after the other."""
        generator = torch.Generator().manual_seed(seed)
        self.model.train(False)
        with torch.no_grad():
            return [self._sample_name(generator) for _ in range(number)]

    def _sample_name(self, generator: torch.Generator) -> str:
        context, name = [END] * WINDOW, ""
        while True:
            probabilities = functional.softmax(self.model(torch.tensor([context])), dim=1)
            token = int(torch.multinomial(probabilities, 1, generator=generator).item())
            if token == END:
                return name
            context = [*context[1:], token]
            name += CHARACTERS[token]


class ByHand(Lecture):
    """The lecture's way: layers and update written by hand over tensors."""

    model: Sequential

    def __init__(self, inputs: Tensor, targets: Tensor, seed: int) -> None:
        super().__init__(inputs, targets, seed)
        self.step = 0
        layers: list[Layer] = [Embedding(27, 24)]
        for fan_in in FAN_IN:
            layers += [FlattenConsecutive(2), Linear(fan_in, 128, bias=False)]
            layers += [BatchNorm1d(128), Tanh()]
        head = Linear(128, 27)
        head.weight *= HEAD_SCALE
        layers.append(head)
        self.model = Sequential(*layers)
        self.tensors = [t for layer in layers for t in (*layer.trained, *layer.running)]
        for parameter in self.model.trained:
            parameter.requires_grad = True

    def _update(self, inputs: Tensor, targets: Tensor) -> float:
        loss = self._loss(inputs, targets)
        for parameter in self.model.trained:
            parameter.grad = None
        loss.backward()
        rate = LEARNING_RATE if self.step < DECAY_STEP else LEARNING_RATE * DECAY
        for parameter in self.model.trained:
            parameter.data += -rate * parameter.grad
        self.step += 1
        return float(loss.item())


class Pairs(nn.Module):
    """Neighbours side by side, rows end to end for BatchNorm1d: `[..., C] -> [M, 2·C]`."""

    def forward(self, x: Tensor) -> Tensor:
        """Pair the last dimension's neighbours."""
        return x.reshape(-1, 2 * x.shape[-1])


class TorchNN(Lecture):
    """Today's way: torch.nn, torch.optim and, with `compiled`, torch.compile for the loss."""

    model: nn.Sequential

    def __init__(self, inputs: Tensor, targets: Tensor, seed: int, compiled: bool = False) -> None:
        super().__init__(inputs, targets, seed)
        layers: list[nn.Module] = [nn.Embedding(27, 24)]
        for fan_in in FAN_IN:
            linear = nn.Linear(fan_in, 128, bias=False)
            nn.init.normal_(linear.weight, std=fan_in**-0.5)
            layers += [Pairs(), linear, nn.BatchNorm1d(128), nn.Tanh()]
        head = nn.Linear(128, 27)
        nn.init.normal_(head.weight, std=HEAD_SCALE * head.in_features**-0.5)
        nn.init.zeros_(head.bias)
        self.model = nn.Sequential(*layers, head)
        # BatchNorm1d also counts its batches, in tensors without dimensions: not weights.
        embedding, *others = (tensor for tensor in self.model.state_dict().values() if tensor.ndim)
        self.tensors = [embedding, *(tensor.t() for tensor in others)]
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=LEARNING_RATE, fused=True)
        self.schedule = torch.optim.lr_scheduler.MultiStepLR(self.optimizer, [DECAY_STEP], DECAY)
        # One graph or an error: no part may fall back to eager mode unnoticed.
        self.loss = torch.compile(self._loss, fullgraph=True) if compiled else self._loss

    def nll_nats(self, inputs: Tensor, targets: Tensor) -> float:
        """Return the mean loss over windows `[N, 8]` and targets `[N]`, in batches."""
        self.model.train(False)
        with torch.no_grad():
            nats = sum(
                functional.cross_entropy(self.model(x), y, reduction="sum").item()
                for x, y in zip(inputs.split(EVAL_BATCH), targets.split(EVAL_BATCH), strict=True)
            )
        return nats / len(targets)

    def _update(self, inputs: Tensor, targets: Tensor) -> float:
        loss = self.loss(inputs, targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return float(loss.item())
