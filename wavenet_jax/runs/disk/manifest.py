"""What a run's files were when they were written: their SHA-256, to be checked before use.

manifest.json holds a record of each file that does not change, and of each checkpoint once it is
complete.  A checkpoint counts from the moment that it stands there: whatever is in checkpoints/
beside it is left from a save that was interrupted.  Of metrics.jsonl, which grows, the lines up to
each checkpoint have a record with it.
"""

import hashlib
import os
import sys
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

from wavenet_jax.config import MAX_STEPS, read_json
from wavenet_jax.errors import InputError, require
from wavenet_jax.machine import MIB, open_regular, reason
from wavenet_jax.runs.disk.files import fsync_folder, write_json

MANIFEST = "manifest.json"
CHECKPOINTS = "checkpoints"
METRICS = "metrics.jsonl"
ALWAYS = ("config.json", "vocab.json", "environment.json")  # files that every run has
MAX_NAME = 1_000  # characters
_PIECE = MIB  # bytes hashed at a time


class FileRecord(NamedTuple):
    """A file as it was written."""

    sha256: str
    size: int  # bytes
    mtime_ns: int  # of the last change; a copy of the folder may have another


class MetricsRecord(NamedTuple):
    """The lines of metrics.jsonl up to a step; none where they were not recorded."""

    size: int = 0  # bytes
    sha256: str = ""


class CheckpointRecord(NamedTuple):
    """A complete checkpoint."""

    val_loss: float | None
    files: dict[str, str]  # SHA-256 by the path below the checkpoint's folder
    metrics: MetricsRecord = MetricsRecord()


class Manifest(NamedTuple):
    """The records of a run."""

    files: dict[str, FileRecord]
    checkpoints: dict[int, CheckpointRecord]  # by step

    @property
    def metrics(self) -> MetricsRecord:
        """Return the lines of metrics up to the latest checkpoint."""
        return max((each.metrics for each in self.checkpoints.values()), default=MetricsRecord())

    def ranked(self, which: str) -> list[int]:
        """Return the steps of the checkpoints, the `best` or the `latest` first.

        Without a validation loss a state is behind those that have one.
        """
        if which == "latest":
            return sorted(self.checkpoints, reverse=True)
        return sorted(self.checkpoints, key=lambda step: (self._loss(step), -step))

    def _loss(self, step: int) -> float:
        loss = self.checkpoints[step].val_loss
        return float("inf") if loss is None else loss


def record_file(path: Path) -> FileRecord:
    """Return the record of a file, after it has reached the disk."""
    with open_regular(path) as file:
        os.fsync(file.fileno())
        status = os.fstat(file.fileno())
        return FileRecord(_digest(file), status.st_size, status.st_mtime_ns)


def _digest(file: BinaryIO, size: int = sys.maxsize) -> str:
    """Return the SHA-256 of a file, or of no more than its first bytes."""
    digest = hashlib.sha256()
    while piece := file.read(min(_PIECE, size)):
        digest.update(piece)
        size -= len(piece)
    return digest.hexdigest()


def record_checkpoint(folder: Path, val_loss: Any) -> CheckpointRecord:
    """Return the record of a complete checkpoint, after it has reached the disk.

    What is no loss, such as NaN, is recorded as none.
    """
    files = {path.relative_to(folder).as_posix(): record_file(path) for path in _files(folder)}
    for each in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        fsync_folder(each)
    fsync_folder(folder.parent)
    sums = {name: record.sha256 for name, record in files.items()}
    return CheckpointRecord(val_loss if _is_loss(val_loss) else None, sums)


def record_metrics(lines: str) -> MetricsRecord:
    """Return the record of lines of metrics."""
    content = lines.encode("utf-8")
    return MetricsRecord(len(content), hashlib.sha256(content).hexdigest())


def _is_loss(value: Any) -> bool:
    return isinstance(value, int | float) and value >= 0  # which NaN is not


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if not path.is_dir())


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a run; raise `InputError` where it is missing or damaged."""
    path = folder / MANIFEST
    require(
        path.exists(),
        f"{path} is missing, expected the records of the run's files: it was not created to its "
        f"end, or the file was removed; {_REMEDY}",
    )
    values = read_json(path)
    try:
        return _from_json(values)
    except (TypeError, ValueError, KeyError, AttributeError):
        raise InputError(
            f"{path} is damaged, expected the records of the run's files; {_REMEDY}"
        ) from None


_REMEDY = "restore it, or let `wavenet-jax verify` accept the files as they are."


def _from_json(values: Any) -> Manifest:
    manifest = Manifest(
        {name: FileRecord(**each) for name, each in values["files"].items()},
        {int(step): _checkpoint(**each) for step, each in values[CHECKPOINTS].items()},
    )
    for each in manifest.checkpoints.values():
        is_loss = each.val_loss is None or _is_loss(each.val_loss)
        is_metrics = tuple(map(type, each.metrics)) == (int, str)
        if not is_loss or not is_metrics or not isinstance(each.files, dict):
            raise TypeError
    names = {*manifest.files}.union(*(each.files for each in manifest.checkpoints.values()))
    steps = manifest.checkpoints.keys()
    if not all(map(_is_inside, names)) or any(not 0 <= step <= MAX_STEPS for step in steps):
        raise ValueError
    if not set(ALWAYS) <= manifest.files.keys():
        raise KeyError
    return manifest


def _checkpoint(metrics: Any = None, **values: Any) -> CheckpointRecord:
    return CheckpointRecord(**values, metrics=MetricsRecord(**(metrics or {})))


def _is_inside(name: str) -> bool:
    """Tell whether a name of a file, perhaps a stranger's, leads to no other folder."""
    path = PurePosixPath(name)
    is_plain = len(name) <= MAX_NAME and name.isprintable() and "\\" not in name
    return is_plain and not path.is_absolute() and ".." not in path.parts


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a run, whole or not at all."""
    files = {name: each._asdict() for name, each in manifest.files.items()}
    steps = {
        str(step): each._asdict() | {"metrics": each.metrics._asdict()}
        for step, each in manifest.checkpoints.items()
    }
    write_json(folder / MANIFEST, {"files": files, CHECKPOINTS: steps})


def damage_of_file(folder: Path, name: str, record: FileRecord, *, whole: bool) -> str | None:
    """Return what is wrong with a file, in some words; None where it is as it was.

    Unless `whole`, a file with the size and time of its record is taken to be.
    """
    path = folder / name
    if not path.exists():
        return f"{path} is missing"
    status = path.stat()
    if not whole and (status.st_size, status.st_mtime_ns) == (record.size, record.mtime_ns):
        return None
    if path.is_file() and status.st_size != record.size:
        return f"{path} is damaged"  # however large it may be
    return _damage(path, record.sha256)


def damage_of_metrics(folder: Path, record: MetricsRecord) -> str | None:
    """Return what is wrong with the lines that have a record, in some words; None if nothing is."""
    path = folder / METRICS
    if record.size == 0:
        return None
    return _damage(path, record.sha256, record.size) if path.exists() else f"{path} is missing"


def _damage(path: Path, sha256: str, size: int = sys.maxsize) -> str | None:
    try:
        with open_regular(path) as file:
            return None if _digest(file, size) == sha256 else f"{path} is damaged"
    except OSError as error:
        return f"{path} cannot be read ({reason(error)})"


def damage_of_checkpoint(folder: Path, record: CheckpointRecord) -> str | None:
    """Return what is wrong with a checkpoint in a folder, in some words; None where it is whole."""
    link = next((path for path in (folder, *folder.rglob("*")) if path.is_symlink()), None)
    if link is not None:
        return f"{link} is a link"
    for name, sha256 in record.files.items():
        if found := _damage(folder / name, sha256):
            return found
    others = {path.relative_to(folder).as_posix() for path in _files(folder)} - set(record.files)
    return f"{folder / min(others)} is no part of it" if others else None


def states(folder: Path) -> list[Path]:
    """Return the folders of states in checkpoints/, complete or not, and no other files."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.name.split(".")[0].isdecimal()]
