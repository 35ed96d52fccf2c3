"""What devices of a pod have to tell each other in a step, on paper.

A step sends, in XLA's program for any number of devices n > 1, with P parameters and L layers with
BatchNorm of H channels:

    messages = 1 + 4·L                         the gradients together; of each BatchNorm the mean,
                                               the variance, and two on the way back
    bytes    = 4 · (P + 4·L·H + 1)             float32; 2·H forward, 3·H back, one of which is the
                                               gradient of the bias; the loss
    sent     = 2·(n-1)/n · bytes               by each device, in a ring
    seconds  = sent / bandwidth + messages · latency
    compute  = 6·P·positions / (share·peak)    of a device's positions, forward and backward

Nothing overlaps.  Communication is a tenth of a step where compute = 9 · seconds.
"""

from functools import partial
from typing import NamedTuple

import jax
from common.tables import markdown

from wavenet_jax.config import Config, preset
from wavenet_jax.nn import WaveNet, count_parameters, init_variables

VOCAB = {"list": 27, "text": 66}  # of the lecture's names and of Shakespeare
DEVICES = 8
PEAK, SHARE = 989e12, 0.1  # operations a second of an H100 in bf16; what narrow layers reach of it
NAMES = ("makemore", "makemore-fast", "shakespeare", "wavenet")


class Link(NamedTuple):
    """What connects devices; assumed, not measured."""

    bandwidth: float  # bytes a second of a device
    latency: float  # seconds of a message


LINKS = {
    "Ethernet, 25 GB/s": Link(25e9, 50e-6),
    "TPU ICI, 90 GB/s": Link(90e9, 10e-6),
    "NVLink, 450 GB/s": Link(450e9, 10e-6),
}


class Traffic(NamedTuple):
    """What a step sends between devices."""

    messages: int
    bytes: int  # of the results


def count(config: Config, vocab_size: int) -> int:
    """Return the number of parameters."""
    init = partial(init_variables, WaveNet(config.model, vocab_size))
    return count_parameters(jax.eval_shape(init, jax.random.key(0))["params"])


def traffic(config: Config, vocab_size: int) -> Traffic:
    """Return what a step of a configuration sends."""
    model = config.model
    layers = len(model.dilations) if model.norm == "batch" else 0
    width = 2 * model.n_hidden if model.layer == "gated" else model.n_hidden
    parameters = count(config, vocab_size)
    return Traffic(1 + 4 * layers, 4 * (parameters + 4 * layers * width + 1))


def seconds(sent: Traffic, link: Link, devices: int = DEVICES) -> float:
    """Return how long the messages of a step take."""
    share = 2 * (devices - 1) / devices
    return share * sent.bytes / link.bandwidth + sent.messages * link.latency


def positions(parameters: int, communication: float) -> float:
    """Return a device's positions of a step whose communication is a tenth of it."""
    return 9 * communication * SHARE * PEAK / (6 * parameters)


def table() -> str:
    """Return what each preset sends, the positions of a device that are worth it, and its own."""
    head = ["preset", "parameters", "messages", "kB sent", *LINKS, "preset"]
    rows = []
    for name in NAMES:
        config = preset(name)
        vocab_size = VOCAB[config.data.kind or "list"]
        parameters = count(config, vocab_size)
        sent = traffic(config, vocab_size)
        kilobytes = 2 * (DEVICES - 1) / DEVICES * sent.bytes / 1e3
        enough = [positions(parameters, seconds(sent, link)) for link in LINKS.values()]
        own = config.train.batch_size * config.train.seq_len
        numbers = [parameters, sent.messages, kilobytes, *enough, own]
        rows.append([name, *(f"{number:,.0f}" for number in numbers)])
    return markdown(head, rows)
