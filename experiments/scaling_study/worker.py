"""A process that trains on the devices it has, alone or with others, and prints what a step costs.

    python -m scaling_study.worker NAMES TEXT [COORDINATOR PROCESSES PROCESS]

Prints a line of JSON: for each preset the milliseconds of a step, and the messages between devices
in the compiled step with their bytes.
"""

import json
import re
import statistics
import sys
from typing import NamedTuple

import jax
from common.timing import seconds

from scaling_study.presets import CONFIGS, STEPS
from wavenet_jax.config import Config, DataConfig
from wavenet_jax.data import Dataset, load_dataset
from wavenet_jax.devices import is_first, join_processes, make_mesh, replicate
from wavenet_jax.nn import WaveNet
from wavenet_jax.training import init_state, make_trainer, train_chunk

CHUNKS = 3
BYTES = {"f32": 4, "bf16": 2, "s32": 4, "u32": 4}
_MESSAGE = re.compile(r"= (.+?) (?:all-reduce|all-gather|all-to-all|collective-permute)\(")


class Step(NamedTuple):
    """What a training step costs."""

    milliseconds: float  # median of chunks
    messages: int  # operations between devices
    bytes: int  # of their results


def main(names: str, text: str, *place: str) -> None:
    """Measure all presets, and print where this is the first process."""
    if place:
        coordinator, processes, process = place
        join_processes(coordinator, int(processes), int(process), sys.exit)
    lists, texts = load_dataset(DataConfig(names, "list")), load_dataset(DataConfig(text, "text"))
    found = {
        name: measure(config, texts if config.data.kind == "text" else lists, STEPS[name])
        for name, config in CONFIGS.items()
    }
    if is_first():
        print(json.dumps(found))


def measure(config: Config, data: Dataset, steps: int) -> Step:
    """Return what a step costs, of chunks of so many."""
    trainer = make_trainer(WaveNet(config.model, len(data.vocab)), config, steps)
    mesh = make_mesh(config.train.batch_size)
    state, corpus = replicate(mesh, init_state(trainer)), replicate(mesh, data.splits.train)
    compiled = train_chunk.lower(trainer._replace(mesh=mesh), state, corpus, steps).compile()

    def train() -> None:
        jax.block_until_ready(compiled(state, corpus))

    train()
    times = [seconds(train) for _ in range(CHUNKS)]
    program = compiled.as_text() or ""
    return Step(1e3 * statistics.median(times) / steps, *count_messages(program))


def count_messages(program: str) -> tuple[int, int]:
    """Return the messages between devices in a compiled program, and the bytes of their results."""
    messages = [match[1] for match in _MESSAGE.finditer(program)]
    arrays = [array for each in messages for array in re.findall(r"(\w+)\[([\d,]*)\]", each)]
    sizes = [BYTES[kind] * _product(shape) for kind, shape in arrays]
    return len(messages), sum(sizes)


def _product(shape: str) -> int:
    size = 1
    for length in filter(None, shape.split(",")):
        size *= int(length)
    return size


if __name__ == "__main__":
    main(*sys.argv[1:])
