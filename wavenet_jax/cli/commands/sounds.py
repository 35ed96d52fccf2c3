"""Samples of sound as WAV files, for `wavenet-jax sample` and at the end of a run."""

import errno
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wavenet_jax.cli import process, tables
from wavenet_jax.cli.arguments import Sample
from wavenet_jax.cli.commands.common import print_notes
from wavenet_jax.config import SampleConfig
from wavenet_jax.data import FIRST_LEVEL_ID, decode_levels, read_levels, wav_writer
from wavenet_jax.errors import InputError, require
from wavenet_jax.machine import reason
from wavenet_jax.nn import Variables
from wavenet_jax.runs import Run
from wavenet_jax.sampling import Sound, generate_sounds

SHOWN = 3  # recordings at the end of a run, and as many real ones beside them
SHOWN_SECONDS = 1.0


class Take(NamedTuple):
    """A sampled recording in its file."""

    path: Path
    levels: np.ndarray  # [T] uint8, those of the prompt included
    nll_nats: float  # of what was sampled
    ended: bool
    labels: dict[str, str]


def sample_sounds(
    run: Run, variables: Variables, command: Sample, config: SampleConfig, head: str
) -> None:
    """Write the recordings to files in a folder, and print a line of each when it is whole."""
    config.require_kind("audio")
    require(
        command.out is not None,
        "out is not given, expected a folder for the WAV files, such as --out takes.",
        "out",
    )
    require(
        command.prefix_file is None and not command.plain,
        "--prefix-file and --plain are of words, but the run was trained on recordings, expected "
        "neither; leave them out.",
    )
    assert command.out is not None
    prompt, notes = None, list[str]()
    if command.prompt is not None:
        prompt, notes = read_levels(command.prompt, run.config.data)
    print_notes(notes)
    run.data.given_labels(config.labels)  # is refused before anything is said
    process.say(f"{head}, in {command.out}")
    for take in write_takes(run, variables, config, command.out, prompt):
        seconds = len(take.levels) / _rate(run)
        if command.json:
            values = {"path": str(take.path), "seconds": seconds, "nll_nats": take.nll_nats}
            process.print_json(values | {"ended": take.ended, **tables.labels_json(take.labels)})
        else:
            end = "  cut off" if config.seconds is None and not take.ended else ""
            words = f"  {tables.show_labels(take.labels)}" if take.labels else ""
            loss = f"{take.nll_nats:,.2f} nats"
            print(f"{take.path}  {seconds:.2f} s  {loss}{words}{end}", flush=True)


def write_takes(
    run: Run,
    variables: Variables,
    config: SampleConfig,
    folder: Path,
    prompt: np.ndarray | None = None,
) -> Iterator[Take]:
    """Write sampled recordings to 0.wav, 1.wav, ... as they are decoded, and yield each.

    Each begins with the prompt, levels `[T]`.  Raises `InputError` where they cannot be written.
    """
    rate, begun = _rate(run), np.zeros(0, np.uint8) if prompt is None else prompt
    sounds = generate_sounds(run.model, variables, run.data, config, prompt)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index, sound in enumerate(sounds):
            path = folder / f"{index}.wav"
            if path.exists() and not path.is_file():
                raise OSError(errno.EINVAL, f"{path.name} is no file")  # a pipe would wait
            yield _write_take(path, rate, begun, sound)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written ({reason(error)}), expected a folder with room for WAV "
            "files; choose another.",
            "out",
        ) from error


def _write_take(path: Path, rate: int, begun: np.ndarray, sound: Sound) -> Take:
    levels, nll_nats, ended = [begun], 0.0, False
    with wav_writer(path, rate) as write:
        write(decode_levels(begun))
        for piece in sound.pieces:
            write(decode_levels(piece.levels))
            levels.append(piece.levels)
            nll_nats, ended = piece.nll_nats, piece.ended
    return Take(path, np.concatenate(levels), nll_nats, ended, sound.labels)


def show_sounds(run: Run, variables: Variables) -> None:
    """Leave a few recordings in samples/ of a run, and a picture of them beside real ones."""
    folder = run.folder / "samples"
    config = SampleConfig(n=SHOWN, seed=0, seconds=SHOWN_SECONDS)
    drawn = [decode_levels(take.levels) for take in write_takes(run, variables, config, folder)]
    if find_spec("matplotlib") is None:
        return
    from wavenet_jax.cli import plots  # noqa: PLC0415  an optional extra

    plots.draw_sounds(drawn, _real(run), _rate(run), folder / "samples.png")


def _real(run: Run) -> list[np.ndarray]:
    """Return the beginnings of the first recordings of val, or of train where that is empty."""
    corpus = run.data.splits.val if run.data.splits.val.num_predictions else run.data.splits.train
    most = round(SHOWN_SECONDS * _rate(run))
    return [
        decode_levels(corpus.tokens[start + 1 : start + 1 + min(length, most)] - FIRST_LEVEL_ID)
        for start, length in zip(corpus.starts[:SHOWN], corpus.lengths[:SHOWN], strict=True)
    ]


def _rate(run: Run) -> int:
    assert run.data.rate is not None  # of recordings it is known
    return run.data.rate
