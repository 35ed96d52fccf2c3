"""How much memory a network takes, added up before anything is traced or allocated.

The sums are of what nothing can do without, so that what is refused would not have fitted.
"""

from collections.abc import Mapping
from itertools import pairwise

from wavenet_jax.config import Config, ModelConfig
from wavenet_jax.devices import memory_bytes
from wavenet_jax.errors import require
from wavenet_jax.machine import show_bytes

NUMBER = 4  # bytes
LARGE = 2**28  # bytes below which memory is not asked for


def require_memory(what: str, parts: Mapping[str, int], remedy: str, field: str) -> None:
    """Raise `InputError` where parts, in bytes by their names, do not fit the memory together."""
    total = sum(parts.values())
    if total <= LARGE or (memory := memory_bytes()) is None:
        return
    listed = ", ".join(f"{show_bytes(size)} of {name}" for name, size in parts.items())
    require(
        total <= memory,
        f"{what} would take at least {show_bytes(total)} of memory ({listed}), expected at most "
        f"the {show_bytes(memory)} of this machine; {remedy}.",
        field,
    )


def parameter_count(
    config: ModelConfig, vocab_size: int, num_embeddings: int = 0, num_labels: int = 0
) -> int:
    """Return the number of trained numbers of a network."""
    hidden, num_layers = config.n_hidden, len(config.dilations)
    is_gated, width = config.layer == "gated", layer_width(config)
    per_layer = width * (2 if config.norm == "batch" else 1)  # scale and bias, or a bias
    inputs = config.n_embd + hidden * (num_layers - 1)  # channels in, of all layers
    layers = config.kernel_size * inputs * width + per_layer * num_layers
    if num_labels:
        layers += (num_labels + num_layers * width) * config.n_label
    embedding = (num_embeddings or vocab_size) * config.n_embd
    if not is_gated:
        return embedding + layers + (hidden + 1) * vocab_size
    skip, residuals = config.n_skip, (num_layers - 1) * (hidden + 1) * hidden
    head = (num_layers * hidden + 1) * skip + (skip + 1) * skip + (skip + 1) * vocab_size
    return embedding + layers + residuals + head


def require_parameters_fit(
    config: ModelConfig, vocab_size: int, num_embeddings: int = 0, num_labels: int = 0
) -> None:
    """Raise `InputError` where the parameters of a network do not fit the memory."""
    parameters = NUMBER * parameter_count(config, vocab_size, num_embeddings, num_labels)
    remedy = "lower n_hidden, n_embd or kernel_size"
    require_memory("the network", {"parameters": parameters}, remedy, "n_hidden")


def require_training_fits(config: Config, vocab_size: int, num_labels: int = 0) -> None:
    """Raise `InputError` where the training of a network does not fit the memory.

    Counted are the parameters and their gradients, what a step keeps of a part of its rows for the
    way back, and the tokens of all steps between two reports, which are drawn together.
    """
    settings = config.train
    parameters = parameter_count(config.model, vocab_size, num_labels=num_labels)
    rows = settings.batch_size // settings.accumulate
    length = config.model.receptive_field - 1 + settings.seq_len
    parts = {
        "parameters and gradients": 2 * NUMBER * parameters,
        "activations of a step": NUMBER * rows * _kept_numbers(config, vocab_size, num_labels),
        "rows between reports": (settings.report_every or 1) * settings.batch_size * length,
    }
    remedy = "lower n_hidden, batch_size, seq_len or report_every"
    require_memory("the training", parts, remedy, "batch_size")


def require_cache_fits(config: ModelConfig, sequences: int) -> None:
    """Raise `InputError` where what decoding remembers of sequences does not fit the memory."""
    nodes = (config.receptive_field - 1) * max(config.n_embd, config.n_hidden)
    parts = {"earlier nodes of the layers": NUMBER * sequences * nodes}
    require_memory("sampling", parts, "sample from a run of smaller dilations", "dilations")


def require_conditions_fit(config: ModelConfig, combinations: int) -> None:
    """Raise `InputError` where what combinations of labels add does not fit the memory."""
    numbers = combinations * len(config.dilations) * layer_width(config)
    parts = {"what labels add": NUMBER * numbers}
    require_memory("sampling", parts, "give a label of each kind", "label")


def layer_width(config: ModelConfig) -> int:
    """Return W, the channels of a layer before its non-linearity: of a gated one twice H."""
    return config.n_hidden * (2 if config.layer == "gated" else 1)


def _kept_numbers(config: Config, vocab_size: int, num_labels: int) -> int:
    """Return how many numbers a step keeps of a row: the taps and nodes of layers, and logits."""
    model, settings = config.model, config.train
    positions = model.receptive_field - 1 + settings.seq_len
    widths = [model.n_embd, *[model.n_hidden] * len(model.dilations)]
    kept, nodes = vocab_size * settings.seq_len, positions
    if num_labels:
        kept += positions * (model.n_label + len(model.dilations) * layer_width(model))
    for inputs, outputs in pairwise(widths):
        nodes = nodes // model.kernel_size if settings.mode == "window" else positions
        kept += nodes * (model.kernel_size * inputs + outputs)
    return kept
