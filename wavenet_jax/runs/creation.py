"""A new run: its folder is prepared, and then written whole or not at all."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wavenet_jax.config import DataConfig, Recipe, config_to_dict, read_json
from wavenet_jax.data import (
    TOKEN_FILES,
    Dataset,
    label_rows,
    load_dataset,
    rows_to_tsv,
    write_dataset,
)
from wavenet_jax.devices import environment
from wavenet_jax.errors import InputError, require
from wavenet_jax.runs.disk import (
    CHECKPOINTS,
    PARTIAL,
    Manifest,
    only_writer,
    read_manifest,
    remove,
    require_savable,
    states,
    write_json,
    write_manifest,
    write_whole,
)
from wavenet_jax.runs.folder import CONFIG, CONTENTS, LABEL_VOCAB, LABELS, Run, record_files


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
            _holds_config(folder) or _holds_manifest(folder),
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


def _holds_manifest(folder: Path) -> bool:
    """Tell whether a folder has the records of a run, whose configuration may be damaged."""
    try:
        read_manifest(folder)
    except InputError:
        return False
    return True


@contextmanager
def prepare_run(
    folder: Path,
    recipe: Recipe,
    load: Callable[[DataConfig, Path | None], Dataset] = load_dataset,
    *,
    overwrite: bool = False,
) -> Iterator[Run]:
    """Read the data of a new run, which `create_run` writes later; else nothing is left behind.

    No other process may train in the folder meanwhile.  Tokens that were written wait in a
    temporary folder inside it.  Raises `InputError` as `require_vacant`, `only_writer`, `load` and
    the recipe do.
    """
    require_savable(folder)
    require_vacant(folder, overwrite=overwrite)
    staged = folder / f"tokens-{uuid.uuid4().hex}{PARTIAL}"
    missing = [parent for parent in staged.absolute().parents if not parent.exists()]
    _make(folder)
    with only_writer(folder, "run_dir") as held:
        try:
            require_vacant(folder, overwrite=overwrite)
            for rest in folder.glob(f"tokens-*{PARTIAL}"):  # of a process that was killed
                remove(rest)
            dataset = load(recipe.data_config(), staged)
            # Only what was read from files is staged, and no list.
            tokens = staged if staged.exists() else None
            yield Run(folder, recipe.config(dataset.extent), dataset, tokens, held=held)
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
        if data.kind == "list":
            lines = "".join(f"{document}\n" for document in data.documents)
            write_whole(folder / "documents.txt", lines)
        else:
            _write_tokens(run)
        if data.labels.kinds or run.config.data.test_pattern is not None:
            write_json(folder / LABEL_VOCAB, dict(data.labels.kinds))
            write_whole(folder / LABELS, rows_to_tsv(label_rows(data)))
        write_json(folder / "environment.json", environment())
        # Last, so that a folder without it was not created to its end.
        write_manifest(folder, Manifest(record_files(folder), {}))
    except OSError as error:
        with suppress(OSError):
            _clear(folder)  # half a run is none
        raise _not_writable(folder, error) from error


def _clear(folder: Path) -> None:
    """Remove the files of a run, its configuration last: an interruption leaves a run's files."""
    for name in reversed(CONTENTS):
        if name == CHECKPOINTS and not (folder / name).is_symlink():
            for state in states(folder / name):
                remove(state)
            with suppress(OSError):  # files of others stay
                (folder / name).rmdir()
        else:
            remove(folder / name)


def _write_tokens(run: Run) -> None:
    if run.staged_tokens is None:
        write_dataset(run.data, run.folder)
        return
    for name in TOKEN_FILES:
        (run.staged_tokens / name).replace(run.folder / name)  # a mapped file stays mapped


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()
