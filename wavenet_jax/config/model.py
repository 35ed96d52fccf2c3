"""The shape of the network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wavenet_jax.errors import (
    conform_fields,
    pluralize,
    require,
    require_between,
    require_default,
    show_value,
)

# Bounds that hold on every machine; what fits the memory of one is asked where it is allocated.
MAX_CHANNELS = 2**20
MAX_LAYERS = 250
MAX_KERNEL = 256
MAX_TAPS = 1_000  # of all layers together, each a step of the program that is compiled
MAX_SHOWN = 20  # layers of a tree in a message
MAX_POSITIONS = 2**31 - 1  # which 32 bits count


@dataclass(frozen=True)
class ModelConfig:
    """The stack: embedding, one layer per dilation, head."""

    layer: Literal["plain", "gated"] = "plain"
    """The lecture's layer (linear, norm, activation), or the paper's (tanh ⊙ σ, residual, skip)."""
    n_embd: int = 24
    """Channels of the character embedding."""
    n_label: int = 16
    """Channels of the label embedding, if the documents have labels (E)."""
    n_hidden: int = 128
    """Channels of every layer (H); the residual channels of a gated layer."""
    n_skip: int = 64
    """Skip channels of a gated stack, and the channels of its head."""
    kernel_size: int = 2
    """Positions that a layer combines (K)."""
    dilations: tuple[int, ...] = (1, 2, 4)
    """Distance between the taps of each layer (d); a tree has 1, K, K², ..."""
    norm: Literal["batch", "none"] = "batch"
    """BatchNorm before the activation, as in the lecture, or a bias, as in the paper."""
    activation: Literal["tanh", "relu", "gelu", "silu"] = "tanh"
    """Activation of plain layers."""
    residual: bool = False
    """Add its newest tap to the output of a plain layer, where their channels agree."""
    ordered: bool = False
    """Begin with weights that are alike for neighbouring ids, which are ordered as levels are."""
    dropout: float = 0.0
    """Dropout rate of a layer's activations."""
    precision: Literal["float32", "bf16"] = "float32"
    """Numbers in which layers compute; parameters, statistics and logits are always float32."""

    def __post_init__(self) -> None:
        conform_fields(self)
        channels = (1, MAX_CHANNELS)
        require_between(self, n_embd=channels, n_label=channels)
        require_between(self, n_hidden=channels, n_skip=channels)
        self._require_stack()
        require(
            0 <= self.dropout < 1,
            f"dropout is {self.dropout}, expected a rate from 0 to less than 1, such as 0.1.",
            "dropout",
        )
        for name, why in self.ignored(vars(self)).items():
            require_default(self, why, name)

    def _require_stack(self) -> None:
        require(
            self.kernel_size >= 2,
            f"kernel_size is {self.kernel_size}, expected 2 or more: a layer combines at least two "
            "positions.",
            "kernel_size",
        )
        require(
            len(self.dilations) <= MAX_LAYERS,
            f"dilations has {len(self.dilations):,} layers, expected at most {MAX_LAYERS:,}; "
            "choose fewer and larger dilations.",
            "dilations",
        )
        require(
            len(self.dilations) > 0 and min(self.dilations) >= 1,
            f"dilations is {show_value(self.dilations)}, expected one distance of 1 or more per "
            "layer, such as 1 2 4.",
            "dilations",
        )
        most = min(MAX_KERNEL, MAX_TAPS // len(self.dilations))
        require(
            self.kernel_size <= most,
            f"kernel_size is {self.kernel_size:,}, expected at most {most:,} in each of "
            f"{pluralize(len(self.dilations), 'layer')}; choose larger dilations to see as far.",
            "kernel_size",
        )
        require(
            self.receptive_field <= MAX_POSITIONS,
            f"dilations is {show_value(self.dilations)}, whose receptive field is "
            f"{self.receptive_field:,} positions, expected at most {MAX_POSITIONS:,}; choose "
            "smaller dilations.",
            "dilations",
        )

    @staticmethod
    def ignored(values: Mapping[str, Any]) -> dict[str, str]:
        """Return the fields that the other values leave without effect, and why."""
        if values["layer"] == "gated":
            return {
                "activation": "but gated layers use tanh ⊙ σ",
                "residual": "but gated layers always have a residual",
            }
        ignored = {"n_skip": "but plain layers have no skips"}
        if len(values["dilations"]) == 1 and values["n_embd"] != values["n_hidden"]:
            ignored["residual"] = (
                f"but the only layer turns {values['n_embd']} channels into {values['n_hidden']}"
            )
        return ignored

    @property
    def receptive_field(self) -> int:
        """Return R = 1 + (K - 1) · Σd, the positions that a prediction sees."""
        return 1 + (self.kernel_size - 1) * sum(self.dilations)

    @property
    def head_reads_skips(self) -> bool:
        """Tell whether the head reads a skip of every layer, or the last layer alone."""
        return self.layer == "gated"

    def require_tree(self) -> None:
        """Raise `InputError` unless the dilations are 1, K, K², ..., as window mode needs."""
        tree = tuple(self.kernel_size**layer for layer in range(len(self.dilations)))
        require(
            self.dilations == tree,
            f"dilations is {show_value(self.dilations)} with kernel_size {self.kernel_size}, "
            f"expected the tree {show_value(tree[:MAX_SHOWN])}{' …' * (len(tree) > MAX_SHOWN)} "
            f"(receptive field {self.kernel_size ** len(tree)}), which window mode computes; or "
            "choose mode sequence, with a seq_len such as 512.",
            "dilations",
        )
