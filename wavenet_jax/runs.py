"""The run folder: what a run is and what it reported, in plain files.

config.json       the configuration
vocab.json        the characters in order of their ids
documents.txt     the documents of a list, as read, so that a run needs nothing but its folder
tokens.bin        instead of it, the characters of a stream as numbers, each part behind a boundary
environment.json  versions and devices
metrics.jsonl     a line per report
checkpoints/      the latest state and the best one by validation loss
loss.png          the loss curve, where matplotlib is installed
samples.txt       documents drawn at the end of training
"""

import json
import os
import platform
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jax

from wavenet_jax import config_file, streams
from wavenet_jax import corpus as corpora
from wavenet_jax.config import Config
from wavenet_jax.corpus import Dataset
from wavenet_jax.errors import InputError, require
from wavenet_jax.model import WaveNet
from wavenet_jax.vocab import BOUNDARY, STREAM_BOUNDARY, Vocab

PACKAGES = ("wavenet-jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")
PARTIAL = ".partial"  # ending of a file that is not whole yet
CONTENTS = (
    "config.json",
    "vocab.json",
    "documents.txt",
    "tokens.bin",
    "environment.json",
    "metrics.jsonl",
    "checkpoints",
    "loss.png",
    "samples.txt",
)


class Run(NamedTuple):
    """What a run folder says, but for the states."""

    folder: Path
    config: Config
    data: Dataset
    prepared: Path | None = None  # where the tokens of a stream wait for the run to be created

    @property
    def model(self) -> WaveNet:
        """Return the model, without its variables."""
        return WaveNet(self.config.model, len(self.data.vocab))

    @property
    def total_steps(self) -> int:
        """Return the steps of the whole run."""
        return self.config.train.total_steps(self.data.splits.train.predictions)


def require_room(folder: Path, *, overwrite: bool) -> None:
    """Raise `InputError` unless a new run may be written here.

    A folder that holds a run needs `overwrite`; files of these names that no run of ours wrote are
    never replaced.
    """
    if any(_exists(folder / name) for name in CONTENTS):
        require(
            overwrite,
            f"run folder {str(folder)!r} already holds a run; continue it with --resume, replace "
            "it with --overwrite, or choose another --run-dir.",
        )
        load_config(folder)


@contextmanager
def prepare(folder: Path, config: Config, *, overwrite: bool) -> Iterator[Run]:
    """Read the data of a new run, which `create` then writes, or nothing is left.

    The tokens of a stream wait in the folder under a name of their own meanwhile.  Raises
    `InputError` as `require_room` and `corpus.load` do.
    """
    require_room(folder, overwrite=overwrite)
    tokens = folder / f"tokens-{uuid.uuid4().hex}{PARTIAL}"
    missing = [parent for parent in tokens.absolute().parents if not parent.exists()]
    try:
        yield Run(folder, config, corpora.load(config.data, tokens), tokens)
    finally:
        tokens.unlink(missing_ok=True)
        with suppress(OSError):  # the first that holds something stays, and so do those above it
            for parent in missing:
                parent.rmdir()


def create(run: Run, *, overwrite: bool = False) -> None:
    """Write the folder of a new run; an old run's files there give way, no others do.

    Raises `InputError` as `require_room` does, and when the folder cannot be written.
    """
    folder, data = run.folder, run.data
    require_room(folder, overwrite=overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The configuration goes last and comes first: what a kill leaves behind is still a run's.
        for name in reversed(CONTENTS):
            _remove(folder / name)
        _write_json(folder / "config.json", config_file.to_dict(run.config))
        _write_json(folder / "vocab.json", {"characters": data.vocab.characters})
        if data.is_stream:
            _write_tokens(run)
        else:
            lines = "".join(f"{document}\n" for document in data.documents)
            _replace(folder / "documents.txt", lines)
        _write_json(folder / "environment.json", environment())
    except OSError as error:
        raise InputError(
            f"run folder {str(folder)!r} cannot be written ({error.strerror or error}); "
            "choose another."
        ) from error


def load(folder: Path) -> Run:
    """Read the folder of a run; raise `InputError` when there is none or it is damaged."""
    config = load_config(folder)
    path = folder / "vocab.json"
    said = config_file.read_json(path)
    characters = said.get("characters") if isinstance(said, dict) else None
    boundary = STREAM_BOUNDARY if config.data.stream else BOUNDARY
    require(
        isinstance(characters, str)
        and len(characters) == len(set(characters)) > 1
        and characters[0] == boundary,
        f"{path} is damaged, expected {boundary!r} and the characters of the data, each once; "
        "restore it or train anew.",
    )
    vocab = Vocab(str(characters))
    if config.data.stream:
        return Run(folder, config, corpora.map_stream(folder / "tokens.bin", vocab, config.data))
    documents = corpora.read_documents(folder / "documents.txt")
    return Run(folder, config, corpora.prepare(documents, vocab, config.data))


def load_config(folder: Path) -> Config:
    """Read the configuration of the run in a folder; raise `InputError` when there is none."""
    require(
        (folder / "config.json").is_file(),
        f"{str(folder)!r} holds no run, expected a folder that `wavenet-jax train` made.",
    )
    return config_file.load(folder / "config.json")


def append_metrics(run: Run, line: dict[str, Any]) -> None:
    """Add a line to the metrics of a run."""
    with (run.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read_metrics(run: Run) -> list[dict[str, Any]]:
    """Return the lines of the metrics of a run, a last line cut short left out."""
    path = run.folder / "metrics.jsonl"
    text = path.read_text("utf-8") if path.exists() else ""
    try:
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}); remove it to go on without it.") from error


def cut_metrics(run: Run, step: int) -> None:
    """Drop the lines after a step, which a run resumed there writes again."""
    kept = [json.dumps(line) + "\n" for line in read_metrics(run) if line["step"] <= step]
    _replace(run.folder / "metrics.jsonl", "".join(kept))


def environment() -> dict[str, Any]:
    """Return the versions and devices on which a run's numbers depend to the last bit."""
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "devices": [device.device_kind for device in jax.devices()],
    }


def changed_environment(run: Run) -> list[str]:
    """Return what the run began with and has no longer, such as `jax 0.10.2`."""
    now, path = environment(), run.folder / "environment.json"
    if not path.exists():
        return []  # no reason not to go on
    began = config_file.read_json(path)
    require(isinstance(began, dict), f"{path} is damaged; remove it to go on.")
    return [f"{name} {value}" for name, value in began.items() if now.get(name) != value]


def _write_tokens(run: Run) -> None:
    path = run.folder / "tokens.bin"
    if run.prepared is not None:
        run.prepared.replace(path)  # what is mapped from it stays mapped
    else:
        streams.write_parts([part.tokens for part in run.data.splits], path)


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write_json(path: Path, value: Any) -> None:
    _replace(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + PARTIAL)
    partial.write_text(text, "utf-8")
    partial.replace(path)
