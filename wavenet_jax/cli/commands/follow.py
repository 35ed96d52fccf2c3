"""What the processes do that train along with the first, which writes the run folder and prints."""

import hashlib
import json
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from wavenet_jax.cli.arguments import Train
from wavenet_jax.config import config_to_dict
from wavenet_jax.data import load_dataset
from wavenet_jax.devices import PACKAGES, environment, require_same, share
from wavenet_jax.errors import require
from wavenet_jax.runs import Run, load_run, open_checkpoints
from wavenet_jax.training import StepInfo, TrainState


def read_new_run(command: Train, folder: Path) -> Run:
    """Return the run that the first process has prepared in a folder, from data read here.

    Raises `InputError` where the processes do not share the folder, or as `load_dataset` does.
    """
    _require_shared(folder)
    dataset = load_dataset(command.recipe.data_config(), None)
    return Run(folder, command.recipe.config(dataset.extent), dataset)


def read_old_run(folder: Path) -> tuple[Run, TrainState]:
    """Return the run that the first process has opened in a folder, and its latest state."""
    _require_shared(folder)
    run = load_run(folder)
    with open_checkpoints(run) as checkpoints:
        return run, checkpoints.restore_state()


def _require_shared(folder: Path) -> None:
    require(
        folder.is_dir(),
        f"{str(folder)!r} is no folder here, expected that of the first process; choose one on a "
        "file system that all processes share.",
        "run_dir",
    )


def require_same_run(run: Run, *options: float | None) -> None:
    """Raise `InputError` in every process unless all train the same run on the same data.

    In the same folder, too, and with the same options beside the configuration.
    """
    versions = {name: environment()[name] for name in ("wavenet-jax", *PACKAGES)}
    program = [config_to_dict(run.config), versions, str(run.folder.resolve()), options]
    digest = hashlib.sha256(json.dumps(program).encode())
    digest.update(run.data.vocab.characters.encode())
    for corpus in run.data.splits:
        digest.update(corpus.tokens.data)
    require_same("the configuration, the data, the folder or a version", digest.hexdigest())


def until_signal(
    infos: Iterator[StepInfo], signals: Callable[[], list[int]], received: list[int]
) -> Generator[StepInfo, None, None]:
    """Yield infos until a signal has come to any of the processes, which is added to `received`."""
    for info in infos:
        yield info
        here = signals()
        signal = max(map(int, share(str(here[0] if here else 0))))
        if signal:
            received.append(signal)
            return
