"""Configurations with a name."""

from typing import NamedTuple

from wavenet_jax.config.data import DataConfig
from wavenet_jax.config.model import ModelConfig
from wavenet_jax.config.optim import OptimConfig
from wavenet_jax.config.run import Config
from wavenet_jax.config.train import TrainConfig
from wavenet_jax.errors import nearest, require


class Preset(NamedTuple):
    """A configuration with a name, and what it is in a line."""

    summary: str
    config: Config


def falling_adamw(learning_rate: float, weight_decay: float, warmup: float = 0.0) -> OptimConfig:
    """Return AdamW with a learning rate that falls in a line."""
    return OptimConfig(
        optimizer="adamw",
        learning_rate=learning_rate,
        schedule="linear",
        warmup=warmup,
        weight_decay=weight_decay,
    )


def averaged_adamw(learning_rate: float) -> OptimConfig:
    """Return AdamW with a learning rate that falls along a cosine, and averaged weights."""
    return OptimConfig(
        optimizer="adamw",
        learning_rate=learning_rate,
        schedule="cosine",
        warmup=0.02,
        weight_decay=0.1,
        ema=0.999,
    )


def far_sighted(stacks: int) -> tuple[int, ...]:
    """Return dilations of stacks that look near, 1 to 128, and of three layers that look far."""
    near = tuple(2**power for power in range(8))
    return near * stacks + (256, 512, 1_024)


PRESETS: dict[str, Preset] = {
    # The rows of the lecture's performance log that are configurations of one code.  Its remaining
    # row, the 22K tree before the BatchNorm fix, reduced the statistics over the wrong axes.
    "makemore": Preset("the lecture: a tree of 8 characters, BatchNorm, SGD", Config()),
    "makemore-22k": Preset(
        "the lecture's tree with 22 thousand parameters",
        Config(model=ModelConfig(n_embd=10, n_hidden=68)),
    ),
    "mlp-3": Preset(
        "the lecture's earlier net: one layer over 3 characters",
        Config(model=ModelConfig(n_embd=10, n_hidden=200, kernel_size=3, dilations=(1,))),
    ),
    "mlp-8": Preset(
        "the same over 8 characters",
        Config(model=ModelConfig(n_embd=10, n_hidden=200, kernel_size=8, dilations=(1,))),
    ),
    # Eight characters again and fewer parameters, in five layers and trained on whole sequences.
    "makemore-fast": Preset(
        "the lecture's names, better and in seconds",
        Config(
            model=ModelConfig(
                n_hidden=88, dilations=(1, 2, 1, 2, 1), activation="gelu", residual=True
            ),
            optim=falling_adamw(learning_rate=5e-3, weight_decay=0.5),
            train=TrainConfig(mode="sequence", batch_size=1, seq_len=512, epochs=8.4),
        ),
    ),
    # The stack of the paper's figure 4, scaled for a CPU: two blocks of dilations 1 to 512.
    "wavenet": Preset(
        "the paper's gated stack over 2,047 characters of a text",
        Config(
            data=DataConfig(data="shakespeare", kind="text"),
            model=ModelConfig(
                layer="gated",
                n_embd=32,
                n_hidden=32,
                n_skip=64,
                dilations=tuple(2**power for power in range(10)) * 2,
                norm="none",
            ),
            optim=falling_adamw(learning_rate=1e-2, weight_decay=0.1, warmup=0.05),
            train=TrainConfig(mode="sequence", batch_size=1, seq_len=2_048, epochs=4.0),
        ),
    ),
    # The paper's layers again, over a quarter of a second: two stacks up to 128, since short
    # dilations tell most of the next sample, and above them three layers that look far.  Steps are
    # fixed instead of passes: six minutes or so on two cores, whatever there is to hear.  A
    # validation scores 25 seconds, since that of a million samples takes as long as a hundred steps
    # and more.
    "speech": Preset(
        "sound at 8 kHz: the paper's gated layers over a quarter of a second",
        Config(
            data=DataConfig(data="strings", kind="audio", rate=8_000),
            model=ModelConfig(
                layer="gated",
                n_embd=32,
                n_hidden=32,
                n_skip=128,
                dilations=far_sighted(stacks=2),
                norm="none",
                ordered=True,
            ),
            optim=averaged_adamw(learning_rate=5e-3),
            train=TrainConfig(
                mode="sequence",
                batch_size=1,
                seq_len=4_096,
                steps=5_000,
                eval_every=500,
                max_val=200_000,
            ),
        ),
    ),
    # For one GPU: three such stacks, 14 times the weights and 8 times the samples of a step.
    "speech-gpu": Preset(
        "the same, larger, for a GPU",
        Config(
            data=DataConfig(data="strings", kind="audio", rate=8_000),
            model=ModelConfig(
                layer="gated",
                n_embd=64,
                n_hidden=128,
                n_skip=256,
                dilations=far_sighted(stacks=3),
                norm="none",
                ordered=True,
                dropout=0.1,
            ),
            optim=averaged_adamw(learning_rate=3e-3),
            train=TrainConfig(
                mode="sequence", batch_size=8, seq_len=4_096, steps=3_000, eval_every=500
            ),
        ),
    ),
    # Twelve layers that together see 29 characters; experiments/shakespeare.py explains why.
    "shakespeare": Preset(
        "a text: twelve layers of 144 over 29 characters",
        Config(
            data=DataConfig(data="shakespeare", kind="text"),
            model=ModelConfig(
                n_embd=144,
                n_hidden=144,
                dilations=(1, 2, 4) * 4,
                activation="relu",
                residual=True,
            ),
            optim=falling_adamw(learning_rate=6e-3, weight_decay=1.0, warmup=0.0125),
            train=TrainConfig(mode="sequence", batch_size=2, seq_len=1_024, epochs=7.1),
        ),
    ),
}


def preset(name: str) -> Config:
    """Return the preset of that name; raise `InputError` with the nearest one if unknown."""
    require_preset(name, list(PRESETS))
    return PRESETS[name].config


def require_preset(name: str, known: list[str]) -> None:
    """Raise `InputError` with the nearest preset where a name is not among those known."""
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else "choose one of these, or the folder of a run."
    require(name in known, f"preset is {name!r}, expected {', '.join(known)}; {hint}", "preset")
