"""The run folder: what a run is and what it reported, in plain files.

config.json       the configuration, and the format of the folder
manifest.json     SHA-256 of the files that do not change, and of each checkpoint
vocab.json        the characters in order of their ids
documents.txt     the documents of a list, as read, so that a run needs nothing but its folder
train.bin, val.bin, test.bin
                  instead of it, the tokens of each split of a text
environment.json  versions and devices
metrics.jsonl     a line per report
checkpoints/      the two latest states, and the best one by validation loss
loss.png          the loss curve, where matplotlib is installed
tensorboard/      what metrics.jsonl holds, for TensorBoard, where that was asked for
samples.txt       documents sampled at the end of training
inspect/          pictures of the latest state, where they have been asked for
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from wavenet_jax.backend import SETTINGS, environment
from wavenet_jax.config import (
    Config,
    DataConfig,
    Recipe,
    config_to_dict,
    load_config,
    read_json,
)
from wavenet_jax.data import (
    BOUNDARY,
    TOKEN_FILES,
    Dataset,
    Vocab,
    dataset_from_documents,
    load_dataset,
    load_documents,
    map_text_dataset,
    write_text_dataset,
)
from wavenet_jax.errors import InputError, require
from wavenet_jax.nn import WaveNet
from wavenet_jax.runs import manifest
from wavenet_jax.runs.files import (
    PARTIAL,
    fsync_folder,
    only_writer,
    remove,
    require_savable,
    write_json,
    write_whole,
)

CONFIG = "config.json"
LARGE = ("documents.txt", *TOKEN_FILES)  # may be large, so that their time tells of a change
FIXED = ("vocab.json", *LARGE, "environment.json")
CONTENTS = (
    CONFIG,
    manifest.NAME,
    *FIXED,
    manifest.METRICS,
    manifest.CHECKPOINTS,
    "loss.png",
    "samples.txt",
    "tensorboard",
    "inspect",
)


class Run(NamedTuple):
    """The contents of a run folder, without the states."""

    folder: Path
    config: Config
    data: Dataset
    staged_tokens: Path | None = None  # folder of a text's tokens until `create_run` moves them
    recorded: dict[str, manifest.FileRecord] | None = None  # of the folder that it was loaded from

    @property
    def model(self) -> WaveNet:
        """Return the model, without its variables."""
        return WaveNet(self.config.model, len(self.data.vocab))

    @property
    def total_steps(self) -> int:
        """Return the steps of the whole run."""
        return self.config.train.count_steps(self.data.splits.train.num_predictions).steps


def require_vacant(folder: Path, *, overwrite: bool) -> None:
    """Raise `InputError` unless a new run may be written here.

    A folder that holds a run needs `overwrite`.  Files with the names of a run's that belong to no
    run are never replaced.
    """
    place = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    require(
        place.is_dir() or not place.exists(),
        f"run_dir is {str(folder)!r}, but {str(place)!r} is a file, expected a folder; choose "
        "another.",
        "run_dir",
    )
    if any(_exists(folder / name) for name in CONTENTS):
        require(
            overwrite,
            f"run_dir is {str(folder)!r}, which already holds a run, expected a new folder; resume "
            "the run, overwrite it, or choose another folder.",
            "run_dir",
        )
        require(
            _holds_config(folder),
            f"run_dir is {str(folder)!r}, whose files are no run's, expected a run to overwrite; "
            "choose another folder, or remove this one.",
            "run_dir",
        )


def _holds_config(folder: Path) -> bool:
    """Tell whether a folder has the configuration of a run, of any format."""
    try:
        values = read_json(folder / CONFIG)
    except InputError:
        return False
    return isinstance(values, dict) and {"data", "model", "train"} <= set(values)


@contextmanager
def prepare_run(
    folder: Path,
    recipe: Recipe,
    load: Callable[[DataConfig, Path | None], Dataset] = load_dataset,
    *,
    overwrite: bool = False,
) -> Iterator[Run]:
    """Read the data of a new run, which `create_run` writes later; else nothing is left behind.

    No other process may train in the folder meanwhile.  The tokens of a text wait in a temporary
    folder inside it.  Raises `InputError` as `require_vacant`, `only_writer`, `load` and the recipe
    do.
    """
    require_savable(folder)
    require_vacant(folder, overwrite=overwrite)
    staged = folder / f"tokens-{uuid.uuid4().hex}{PARTIAL}"
    missing = [parent for parent in staged.absolute().parents if not parent.exists()]
    _make(folder)
    with only_writer(folder, "run_dir"):
        try:
            require_vacant(folder, overwrite=overwrite)
            for rest in folder.glob(f"tokens-*{PARTIAL}"):  # of a process that was killed
                remove(rest)
            dataset = load(recipe.data_config(), staged)
            # Only a text that was read from files is staged.
            tokens = staged if staged.exists() else None
            yield Run(folder, recipe.config(dataset.extent), dataset, tokens)
        finally:
            remove(staged)
            with suppress(OSError):  # a folder that is not empty stays, and so do those above it
                for parent in missing:
                    parent.rmdir()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error) from error


def _not_writable(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"run_dir is {str(folder)!r}, which cannot be written ({error.strerror or error}), "
        "expected a writable folder; choose another.",
        "run_dir",
    )


def create_run(run: Run, *, overwrite: bool = False) -> None:
    """Write the folder of a new run.  It replaces the files of an old run, but no other files.

    Raises `InputError` as `require_vacant` does, and when the folder cannot be written, which then
    holds no run.
    """
    folder, data = run.folder, run.data
    require_vacant(folder, overwrite=overwrite)
    _make(folder)
    try:
        _clear(folder)
        write_json(folder / CONFIG, config_to_dict(run.config))
        write_json(folder / "vocab.json", {"characters": data.vocab.characters})
        if data.is_text:
            _write_tokens(run)
        else:
            lines = "".join(f"{document}\n" for document in data.documents)
            write_whole(folder / "documents.txt", lines)
        write_json(folder / "environment.json", environment())
        # Last, so that a folder without it was not created to its end.
        manifest.write_manifest(folder, manifest.Manifest(record_files(folder), {}))
    except OSError as error:
        with suppress(OSError):
            _clear(folder)  # half a run is none
        raise _not_writable(folder, error) from error


def _clear(folder: Path) -> None:
    """Remove the files of a run, its configuration last: an interruption leaves a run's files."""
    for name in reversed(CONTENTS):
        if name == manifest.CHECKPOINTS and not (folder / name).is_symlink():
            for state in manifest.states(folder / name):
                remove(state)
            with suppress(OSError):  # files of others stay
                (folder / name).rmdir()
        else:
            remove(folder / name)


def record_files(folder: Path) -> dict[str, manifest.FileRecord]:
    """Return the records of the files of a run that do not change."""
    names = (name for name in (CONFIG, *FIXED) if (folder / name).exists())
    return {name: manifest.record_file(folder / name) for name in names}


def load_run(folder: Path) -> Run:
    """Read the folder of a run; raise `InputError` when it holds none or is damaged."""
    require_no_links(folder)
    finish_rewriting(folder)
    config = load_run_config(folder)
    recorded = _require_whole(folder)
    dataset = _load_data(folder, config)
    return Run(folder, config, dataset, recorded=recorded)


def rewrite_config(run: Run, config: Config) -> Run:
    """Return a run with another configuration, after that is written down.

    Killed on its way, it leaves a whole run: `load_run` finishes what its record tells of.
    """
    new = run.folder / (CONFIG + PARTIAL)
    write_json(new, config_to_dict(config))
    known = manifest.read_manifest(run.folder)
    files = known.files | {CONFIG: manifest.record_file(new)}
    manifest.write_manifest(run.folder, known._replace(files=files))
    finish_rewriting(run.folder)
    return run._replace(config=config, recorded=files)


def finish_rewriting(folder: Path) -> None:
    """Let a new configuration take its place, if its record stands in the manifest already."""
    new = folder / (CONFIG + PARTIAL)
    if not os.path.isfile(new) or os.path.islink(new):  # a name may be too long
        return
    record = manifest.read_manifest(folder).files.get(CONFIG)
    if record is not None and manifest.damage_of_file(folder, new.name, record, whole=True) is None:
        new.replace(folder / CONFIG)
        fsync_folder(folder)


def _load_data(folder: Path, config: Config) -> Dataset:
    vocab = _load_vocab(folder / "vocab.json")
    if config.data.is_text:
        return map_text_dataset(folder, vocab, config.data)
    documents = load_documents(folder / "documents.txt")
    return dataset_from_documents(documents, vocab, config.data)


def require_run(folder: Path) -> None:
    """Raise `InputError` unless the files of a folder, recorded or not, are those of a run."""
    require_no_links(folder)
    _load_data(folder, load_run_config(folder))


def require_no_links(folder: Path) -> None:
    """Raise `InputError` where a file of the run is a link, which may lead anywhere."""
    paths = [folder / name for name in CONTENTS]
    link = next((path for path in paths if os.path.islink(path)), None)  # a name may be too long
    require(
        link is None,
        f"{link} is a link, expected a file of the run: nothing outside the folder is read or "
        "written; put the file in its place.",
    )


def _require_whole(folder: Path) -> dict[str, manifest.FileRecord]:
    """Return the records of the files that do not change; raise `InputError` where one has."""
    recorded = manifest.read_manifest(folder).files
    for name, record in recorded.items():
        damage = manifest.damage_of_file(folder, name, record, whole=name not in LARGE)
        require(
            damage is None,
            f"{damage}, expected the file that the run was created with; restore it, or train the "
            "run again.",
        )
    return recorded


def _load_vocab(path: Path) -> Vocab:
    values = read_json(path)
    characters = values.get("characters") if isinstance(values, dict) else None
    require(
        isinstance(characters, str)
        and len(characters) == len(set(characters)) > 1
        and characters[0] == BOUNDARY,
        f"{path} is damaged, expected {BOUNDARY!r} and the characters of the data, each once; "
        "restore it or train again.",
    )
    return Vocab(str(characters))


def load_run_config(folder: Path) -> Config:
    """Read the configuration of the run in a folder; raise `InputError` when there is none."""
    require(
        os.path.isfile(folder / CONFIG),  # Path.is_file raises where a name is too long
        f"{str(folder)!r} holds no run, expected a folder that `wavenet-jax train` made.",
    )
    return load_config(folder / CONFIG)


def changed_environment(run: Run) -> list[str]:
    """Return what the run began with and no longer has, such as `jax 0.10.2`.

    Raises `InputError` where it is a setting that would change all numbers.
    """
    now, path = environment(), run.folder / "environment.json"
    before = read_json(path)
    require(isinstance(before, dict), f"{path} is damaged, expected versions; restore it.")
    for name in SETTINGS:
        value = before.get(name, now[name])
        require(
            now[name] == value,
            f"{name} is {now[name]!r}, but the run began with {value!r}, expected the same: all "
            "numbers would differ; set it back.",
        )
    return [f"{name} {value}" for name, value in before.items() if now.get(name) != value]


def _write_tokens(run: Run) -> None:
    if run.staged_tokens is None:
        write_text_dataset(run.data, run.folder)
        return
    for name in TOKEN_FILES:
        (run.staged_tokens / name).replace(run.folder / name)  # a mapped file stays mapped


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()
