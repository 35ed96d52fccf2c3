"""The run folder, and the checkpoints in it; the only user of Orbax.

config.json       the configuration
vocab.json        the characters in order of their ids
documents.txt     the documents, as read, so that a run needs nothing but its folder
environment.json  versions and devices
metrics.jsonl     a line per report
checkpoints/      the latest state and the best one by validation loss
loss.png          the loss curve, where matplotlib is installed
samples.txt       documents drawn at the end of training
"""

import json
import math
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jax
from orbax.checkpoint import v1 as ocp

from wavenet_jax import config as configs
from wavenet_jax import corpus as corpora
from wavenet_jax import optim, train
from wavenet_jax.config import Config, InputError, require
from wavenet_jax.corpus import Corpus, Splits
from wavenet_jax.model import WaveNet
from wavenet_jax.vocab import Vocab

PACKAGES = ("wavenet-jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")
CONTENTS = (
    "config.json",
    "vocab.json",
    "documents.txt",
    "environment.json",
    "metrics.jsonl",
    "checkpoints",
    "loss.png",
    "samples.txt",
)


class Run(NamedTuple):
    """All that a run folder says, but for the states."""

    folder: Path
    config: Config
    vocab: Vocab
    documents: Splits[list[str]]
    splits: Splits[Corpus]

    @property
    def model(self) -> WaveNet:
        """Return the model, without its variables."""
        return WaveNet(self.config.model, len(self.vocab))


def holds_run(folder: Path) -> bool:
    """Tell whether any part of a run lies in the folder."""
    return any((folder / name).exists() for name in CONTENTS)


def create(folder: Path, config: Config, documents: list[str], vocab: Vocab) -> Run:
    """Make the folder of a new run; the files of an old run there give way, no others do.

    Raises `InputError` when the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in CONTENTS:
            _remove(folder / name)
        (folder / "documents.txt").write_text("".join(f"{d}\n" for d in documents), "utf-8")
        _write_json(folder / "vocab.json", {"characters": vocab.characters})
        _write_json(folder / "environment.json", _environment())
        _write_json(folder / "config.json", configs.to_dict(config))
    except OSError as error:
        raise InputError(
            f"run folder {str(folder)!r} cannot be written ({error.strerror}); choose another."
        ) from error
    return _run(folder, config, documents, vocab)


def load(folder: Path) -> Run:
    """Read the folder of a run; raise `InputError` when there is none or it is damaged."""
    require(
        (folder / "config.json").is_file(),
        f"{str(folder)!r} holds no run, expected a folder that `wavenet-jax train` made.",
    )
    config = configs.load(folder / "config.json")
    vocab = Vocab(configs.read_json(folder / "vocab.json")["characters"])
    return _run(folder, config, corpora.read_documents(folder / "documents.txt"), vocab)


def _run(folder: Path, config: Config, documents: list[str], vocab: Vocab) -> Run:
    parts = corpora.split_documents(documents, config.data)
    splits = Splits(*(corpora.from_documents(part, vocab) for part in parts))
    return Run(folder, config, vocab, parts, splits)


class Checkpoints:
    """The states of a run: the latest and the best are kept, written in the background."""

    def __init__(self, checkpointer: ocp.training.Checkpointer, run: Run) -> None:
        self._checkpointer = checkpointer
        self._run = run

    def save(self, state: train.TrainState, val_loss: float) -> None:
        """Start to save a state; an error of the save before it is raised here."""
        # Without force, Orbax skips a save while the one before it is still being written.
        self._checkpointer.save_checkpointables_async(
            int(state.step), {"state": state}, metrics={"val_loss": val_loss}, force=True
        )

    def restore(self, which: str) -> train.TrainState:
        """Return the latest or the best state; raise `InputError` when there is none."""
        found = self._checkpointer.checkpoints
        require(
            len(found) > 0,
            f"run folder {str(self._run.folder)!r} holds no checkpoint, expected one in "
            "checkpoints/; train it anew with --overwrite.",
        )
        by = _val_loss if which == "best" else lambda checkpoint: -checkpoint.step
        chosen = min(found, key=by)
        try:
            loaded = self._checkpointer.load_checkpointables(
                chosen, {"state": _abstract_state(self._run)}
            )
        except (ValueError, KeyError, OSError) as error:
            raise InputError(
                f"checkpoint {chosen.step} of {str(self._run.folder)!r} cannot be read "
                f"({str(error).splitlines()[0]}); restore the folder or train anew."
            ) from error
        state: train.TrainState = loaded["state"]
        return state


@contextmanager
def checkpoints(run: Run) -> Iterator[Checkpoints]:
    """Open the checkpoints of a run; wait for the last save when closing."""
    policies = ocp.training.preservation_policies
    kept = policies.AnyPreservationPolicy(
        [
            policies.LatestN(1),
            policies.BestN(get_metric_fn=lambda metrics: metrics["val_loss"], reverse=True, n=1),
        ]
    )
    folder = (run.folder / "checkpoints").resolve()  # Orbax wants an absolute path
    with ocp.training.Checkpointer(folder, preservation_policy=kept) as checkpointer:
        yield Checkpoints(checkpointer, run)


def _val_loss(checkpoint: Any) -> float:
    return float((checkpoint.metrics or {}).get("val_loss", math.inf))


def _abstract_state(run: Run) -> train.TrainState:
    """Describe the state of a run, shapes and types and where to put it, without computing it."""
    steps = run.config.train.total_steps(run.splits.train.predictions)
    optimizer = optim.optimizer(run.config.optim, steps)
    state = jax.eval_shape(lambda: train.init(run.model, optimizer, run.config.train.seed))
    device = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    described: train.TrainState = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device), state
    )
    return described


def append_metrics(run: Run, line: dict[str, Any]) -> None:
    """Add a line to the metrics of a run."""
    with (run.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read_metrics(run: Run) -> list[dict[str, Any]]:
    """Return the lines of the metrics of a run, a last line cut short left out."""
    path = run.folder / "metrics.jsonl"
    text = path.read_text("utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def cut_metrics(run: Run, step: int) -> None:
    """Drop the lines after a step, which a run resumed there writes again."""
    kept = [json.dumps(line) + "\n" for line in read_metrics(run) if line["step"] <= step]
    _replace(run.folder / "metrics.jsonl", "".join(kept))


def _environment() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "packages": {package: version(package) for package in PACKAGES},
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "devices": [device.device_kind for device in jax.devices()],
    }


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write_json(path: Path, value: Any) -> None:
    _replace(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, "utf-8")
    partial.replace(path)
