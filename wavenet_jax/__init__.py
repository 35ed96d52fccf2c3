"""WaveNet in JAX: train it on names, a text or sound, evaluate it, sample from it.

    import wavenet_jax as wn

    model = wn.train("makemore", data="names.txt")     # or wn.load("runs/demo")
    model.evaluate().val
    model.score(["anna", "xnna"])
    model.sample(20, prefix="ma", pattern=".*[aeiou]", seed=0)

Glossary.  Shapes are written `[B, T, C]`; the letters mean the same everywhere:

    B  rows of a batch             V  vocabulary, boundary included
    T  positions of a row          L  layers
    C  channels in                 K  kernel size: the taps of a layer
    H  hidden channels             d  dilation: the distance between taps
    N  predictions in a corpus     R  receptive field = 1 + (K - 1) · Σd
    M  nodes of a batch in a row   D  documents
    S  states of an automaton      J  kinds of labels
    E  channels of a label         G  combinations of labels
    W  channels of a layer before its non-linearity: H, or 2·H where it is gated

    document         what the model learns to end: a name, a line of a list; a text is one document
    boundary         the token before and after every document, id 0
    corpus           documents laid end to end, as one array of tokens
    tap              one of the K positions that a layer combines
    node             the value of a layer at a position
    boundary state   a layer's input node on endless boundaries, as before every document
    skip             what a layer gives the head
    run folder       configuration, data, metrics and checkpoints of a training run
    runs             the four ways to compute the same logits: window, sequence, decode step
                     and distinct contexts
    age              positions since the boundary before
    history          positions of a row that are seen but not scored
    mode             which run of the stack is trained: window or sequence
    mask             the table of tokens that a constraint allows next
    slot             one of the sequences that are decoded side by side
    label            what a document is known to be, such as its language; of each kind it has one
    condition        what labels add in a layer before its non-linearity
    recording        a document of sound: a token is the level of a sample, one of 256

Losses are in nats per character, of sound per sample; the boundary that ends a document counts as
one.

The wings, lowest first.  A wing imports only wings that are listed before it; nn and constraints do
not import each other.

    errors, machine       the sentence of a mistake; regular files of a bounded size, and memory
    paths                 the user's cache
    keys, devices         root keys of randomness; the devices and processes that train together
    config                frozen dataclasses, presets, the plan, JSON
    data                  files -> documents, a text or recordings -> splits -> corpus
    nn                    the network and its runs
    constraints           regular expressions and others -> automata -> token masks
    evaluation            exact losses, scores of texts
    training              state, step, loop
    sampling              strategies, decoding, constrained and unconstrained samples
    runs                  run folders and checkpoints
    api                   the lines above
    cli                   the command line
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wavenet_jax.api import LanguageModel, load, resume, train
    from wavenet_jax.config import (
        Config,
        DataConfig,
        ModelConfig,
        OptimConfig,
        SampleConfig,
        TrainConfig,
    )
    from wavenet_jax.errors import InputError
    from wavenet_jax.nn import WaveNet
    from wavenet_jax.training import DivergenceError, StepInfo, fit

__version__ = "0.1.0"

__all__ = [
    "Config",
    "DataConfig",
    "DivergenceError",
    "InputError",
    "LanguageModel",
    "ModelConfig",
    "OptimConfig",
    "SampleConfig",
    "StepInfo",
    "TrainConfig",
    "WaveNet",
    "__version__",
    "fit",
    "load",
    "resume",
    "train",
]

# Imported when first used (PEP 562), so that `import wavenet_jax` and `--help` import no JAX.
_WING_OF = {
    "Config": "config",
    "DataConfig": "config",
    "DivergenceError": "training",
    "InputError": "errors",
    "LanguageModel": "api",
    "ModelConfig": "config",
    "OptimConfig": "config",
    "SampleConfig": "config",
    "StepInfo": "training",
    "TrainConfig": "config",
    "WaveNet": "nn",
    "fit": "training",
    "load": "api",
    "resume": "api",
    "train": "api",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its wing."""
    if name not in _WING_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WING_OF[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
