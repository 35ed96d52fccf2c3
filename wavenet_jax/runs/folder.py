"""The run folder: what a run is and what it reported, in plain files.

config.json       the configuration, and the format of the folder
manifest.json     SHA-256 of the files that do not change, of each checkpoint and the metrics to it
vocab.json        the characters in order of their ids; of recordings, one for each level
documents.txt     the documents of a list, as read, so that a run needs nothing but its folder
train.bin, val.bin, test.bin
                  instead of it, the tokens of each split of a text or of recordings
labels.json, labels.tsv
                  the labels of each kind, and those of each document, with its split; only where
                  documents have labels, or the files of the test were chosen
environment.json  versions and devices
metrics.jsonl     a line per report
checkpoints/      the two latest states, and the best one by validation loss
loss.png          the loss curve, where matplotlib is installed
tensorboard/      what metrics.jsonl holds, for TensorBoard, where that was asked for
samples.txt       documents sampled at the end of training
samples/          instead of it, sampled recordings as WAV, with a picture where matplotlib is there
inspect/          pictures of the latest state, where they have been asked for
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wavenet_jax.config import Config, config_to_dict, load_config, read_json
from wavenet_jax.data import (
    BOUNDARY,
    LABEL_FILES,
    TOKEN_FILES,
    Dataset,
    LabelRows,
    Vocab,
    dataset_from_documents,
    label_dataset,
    label_rows,
    load_documents,
    load_label_rows,
    map_dataset,
)
from wavenet_jax.devices import SETTINGS, environment
from wavenet_jax.errors import require
from wavenet_jax.nn import WaveNet, network_for
from wavenet_jax.runs.disk import (
    CHECKPOINTS,
    MANIFEST,
    METRICS,
    PARTIAL,
    FileRecord,
    damage_of_file,
    fsync_folder,
    is_at,
    read_manifest,
    record_file,
    write_json,
    write_manifest,
)

CONFIG = "config.json"
LABEL_VOCAB, LABELS = LABEL_FILES
# These may be large, so that their time tells of a change.
LARGE = ("documents.txt", *TOKEN_FILES, LABELS)
FIXED = ("vocab.json", LABEL_VOCAB, *LARGE, "environment.json")
CONTENTS = (
    CONFIG,
    MANIFEST,
    *FIXED,
    METRICS,
    CHECKPOINTS,
    "loss.png",
    "samples.txt",
    "samples",
    "tensorboard",
    "inspect",
)


class Run(NamedTuple):
    """The contents of a run folder, without the states."""

    folder: Path
    config: Config
    data: Dataset
    staged_tokens: Path | None = None  # folder of the tokens until `create_run` moves them
    recorded: dict[str, FileRecord] | None = None  # of the folder that it was loaded from
    held: int | None = None  # descriptor of the folder, while this process trains in it

    @property
    def model(self) -> WaveNet:
        """Return the model, without its variables."""
        return network_for(self.config.model, self.data)

    @property
    def total_steps(self) -> int:
        """Return the steps of the whole run."""
        return self.config.train.count_steps(self.data.splits.train.num_predictions).steps


def record_files(folder: Path) -> dict[str, FileRecord]:
    """Return the records of the files of a run that do not change."""
    names = (name for name in (CONFIG, *FIXED) if (folder / name).exists())
    return {name: record_file(folder / name) for name in names}


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
    known = read_manifest(run.folder)
    files = known.files | {CONFIG: record_file(new)}
    write_manifest(run.folder, known._replace(files=files))
    finish_rewriting(run.folder)
    return run._replace(config=config, recorded=files)


def finish_rewriting(folder: Path) -> None:
    """Let a new configuration take its place, if its record stands in the manifest already."""
    new = folder / (CONFIG + PARTIAL)
    if not os.path.isfile(new) or os.path.islink(new):  # a name may be too long
        return
    record = read_manifest(folder).files.get(CONFIG)
    if record is not None and damage_of_file(folder, new.name, record, whole=True) is None:
        new.replace(folder / CONFIG)
        fsync_folder(folder)


def _load_data(folder: Path, config: Config) -> Dataset:
    vocab, rows = _load_vocab(folder / "vocab.json"), load_label_rows(folder)
    if config.data.kind in ("text", "audio"):
        dataset = map_dataset(folder, vocab, config.data)
        _require_same_splits(folder, rows, dataset)
        return dataset if rows is None else label_dataset(dataset, rows)
    documents = load_documents(folder / "documents.txt")
    if rows is None:
        return dataset_from_documents(documents, vocab, config.data)
    require(len(rows.splits) == len(documents), _damaged_rows(folder))
    dataset = dataset_from_documents(documents, vocab, config.data, rows.table(config.data))
    _require_same_splits(folder, rows, dataset)
    return dataset


def _require_same_splits(folder: Path, rows: LabelRows | None, dataset: Dataset) -> None:
    require(
        rows is None or np.array_equal(rows.splits, label_rows(dataset).splits),
        _damaged_rows(folder),
    )


def _damaged_rows(folder: Path) -> str:
    return (
        f"{folder / LABELS} is damaged, expected a row for each document, with the split that the "
        "configuration gives it; restore it or train again."
    )


def require_in_place(run: Run) -> None:
    """Raise `InputError` where another folder stands in place of the one that a run holds."""
    require(
        run.held is None or is_at(run.held, run.folder),
        f"{str(run.folder)!r} was moved or replaced while the run trained in it, expected a folder "
        "that stays where it is; nothing has been written there since: resume the run where it is "
        "now.",
    )


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


def _require_whole(folder: Path) -> dict[str, FileRecord]:
    """Return the records of the files that do not change; raise `InputError` where one has."""
    recorded = read_manifest(folder).files
    for name, record in recorded.items():
        damage = damage_of_file(folder, name, record, whole=name not in LARGE)
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
        and characters[0] == BOUNDARY
        and not any("\ud800" <= each <= "\udfff" for each in characters),  # are no characters
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
