"""What one accelerator does: training in both precisions, names by slots, and a text."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
from common.timing import Call, seconds

from scaling_study.speed import Trained, train_chunks, train_whole
from wavenet_jax.config import preset, replace_fields
from wavenet_jax.constraints import any_text, compile_mask
from wavenet_jax.data import Dataset, Vocab
from wavenet_jax.sampling import (
    CHUNK_SIZE,
    DocumentSampler,
    Limits,
    decode_params,
    sample_text,
    text_params,
)

MAX_LENGTH = 30  # characters of a name
WHOLE = "makemore-fast"  # the preset that is trained to its end


class Extent(NamedTuple):
    """How much is measured."""

    steps: Mapping[str, int]  # of a chunk, by preset
    precisions: tuple[str, ...]
    chunks: int
    slots: tuple[int, ...]
    names: int
    names_per_slot: int  # at most
    characters: int  # of a text
    changes: Mapping[str, Any]  # of every preset


FULL = Extent(
    steps={"makemore": 2_000, WHOLE: 500, "shakespeare": 100, "wavenet": 50},
    precisions=("float32", "bf16"),
    chunks=5,
    slots=(64, 1_024, 4_096, 16_384),
    names=1_000_000,
    names_per_slot=2_000,
    characters=5_000,
    changes={},
)
QUICK = Extent(
    steps={WHOLE: 2, "shakespeare": 2},
    precisions=("float32",),
    chunks=1,
    slots=(4,),
    names=10,
    names_per_slot=2,
    characters=70,
    changes={"n_embd": 4, "n_hidden": 8, "dilations": (1,), "seq_len": 16, "steps": 4},
)


def measure(names: Dataset, text: Dataset, extent: Extent) -> None:
    """Print every row as soon as it is measured."""
    device = jax.devices()[0].device_kind
    print(f"{device}, jax {jax.__version__}, without compilation")
    trained: dict[str, Trained] = {}
    print("preset         precision   steps/s   positions/s  val")
    for name in extent.steps:
        for precision in extent.precisions:
            run = _train(name, precision, text if _is_text(name) else names, extent)
            trained[name] = trained.get(name, run)  # in float32
    print("names, of makemore-fast in float32\n slots  names        names/s")
    for slots in extent.slots:
        _print_sampling(trained[WHOLE], names.vocab, slots, extent)
    print("one text, in float32\npreset         characters/s")
    for name in filter(_is_text, extent.steps):
        _print_text(name, trained[name], text.vocab, extent.characters)


def _is_text(name: str) -> bool:
    return preset(name).data.kind == "text"


def _train(name: str, precision: str, data: Dataset, extent: Extent) -> Trained:
    config = replace_fields(preset(name), precision=precision, **extent.changes)
    steps, val = extent.steps[name], ""
    if name == WHOLE:
        run = train_whole(config, data, steps)
        val = f"{run.last.val_loss:.4f} after {run.last.step:,} steps, {run.last.seconds:.1f} s"
    else:
        run = train_chunks(config, data, steps, extent.chunks)
    settings = config.train
    positions = run.steps_per_second * settings.batch_size * settings.seq_len
    row = f"{name:13}  {precision:9}  {run.steps_per_second:8,.1f}  {positions:12,.0f}  {val}"
    print(row.rstrip(), flush=True)
    return run


def _print_sampling(run: Trained, vocab: Vocab, slots: int, extent: Extent) -> None:
    params = decode_params(compile_mask(any_text(vocab)), MAX_LENGTH)
    limits = Limits(slots, batch_size=32 * slots, batch_tokens=2**30)
    key, count = jax.random.key(0), min(extent.names, extent.names_per_slot * slots)
    sampler = DocumentSampler(run.model, run.last.variables, vocab, key, params, limits)
    list(sampler.run(0, slots))
    per_second = count / seconds(lambda: list(sampler.run(0, count)))
    print(f"{slots:6,}  {count:9,}  {per_second:9,.0f}", flush=True)


def _print_text(name: str, run: Trained, vocab: Vocab, characters: int) -> None:
    params, key = text_params(compile_mask(any_text(vocab))), jax.random.key(0)
    variables = run.last.variables

    def write(length: int) -> Call:
        return lambda: list(sample_text(run.model, variables, vocab, key, params, length))

    write(2 * CHUNK_SIZE)()
    print(f"{name:13}  {characters / seconds(write(characters)):12,.0f}", flush=True)
