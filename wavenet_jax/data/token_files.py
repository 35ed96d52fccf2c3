"""The tokens of the splits in files of a run folder, which training maps instead of holding them.

Of a text, and of recordings.  A page that is not read takes no memory.
"""

import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from wavenet_jax.config import DataConfig
from wavenet_jax.data.corpus import Corpus, Splits, split_documents
from wavenet_jax.data.vocab import BOUNDARY_ID, Vocab
from wavenet_jax.errors import InputError, require
from wavenet_jax.machine import open_regular, reason

TOKEN_FILES = Splits("train.bin", "val.bin", "test.bin")
Write = Callable[[Sequence[BinaryIO]], None]


def make_corpora(
    write: Write, vocab: Vocab, config: DataConfig, folder: Path | None
) -> Splits[Corpus]:
    """Let the tokens of each split be written to a file of a folder, and map them.

    None keeps them in memory.
    """
    if folder is not None:
        write_token_files(write, folder)
        return map_token_files(folder, vocab, config)
    buffers = [io.BytesIO() for _ in TOKEN_FILES]
    write(buffers)
    return Splits(*(Corpus(np.frombuffer(each.getvalue(), vocab.dtype)) for each in buffers))


def write_token_files(write: Write, folder: Path) -> None:
    """Let the tokens of each split be written; raise `InputError` where they cannot be."""
    with _room_in(folder), ExitStack() as stack:
        write([stack.enter_context((folder / name).open("wb")) for name in TOKEN_FILES])


@contextmanager
def scratch_file(folder: Path | None) -> Iterator[BinaryIO]:
    """Open a file without a name, in a folder if one is given; raise `InputError` if it is full."""
    if folder is None:
        with tempfile.TemporaryFile() as file:
            yield file
    else:
        with _room_in(folder), tempfile.TemporaryFile(dir=folder) as file:
            yield file


@contextmanager
def _room_in(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written ({error.strerror}), expected a writable folder with room "
            "for the tokens of the data; choose another."
        ) from error


def map_token_files(folder: Path, vocab: Vocab, config: DataConfig) -> Splits[Corpus]:
    """Map the tokens of the splits from the files that were written to a folder.

    Raises `InputError` where a file is missing or damaged, and where their sizes are not those
    that the configuration splits the data into, so that one of them must have been cut short.
    """
    paths = [folder / name for name in TOKEN_FILES]
    splits = Splits(*(Corpus(_map(path, vocab, is_text=config.is_text)) for path in paths))
    sizes = [each.num_predictions if config.is_text else len(each.starts) for each in splits]
    units = "characters" if config.is_text else "recordings"
    require(
        (not config.is_cut or sizes == _sizes(sum(sizes), config))
        and sizes[0] > 0
        and (sizes[1] > 0 or config.val_fraction == 0),
        f"{folder} is damaged: {', '.join(TOKEN_FILES)} hold "
        f"{' / '.join(f'{size:,}' for size in sizes)} {units}, expected the fractions of the "
        "configuration; restore them or train again.",
    )
    return splits


def _sizes(total: int, config: DataConfig) -> list[int]:
    """Return how many of all characters, or recordings, each split has."""
    if not config.is_text:
        return [len(part) for part in split_documents(list(range(total)), config)]
    val_start, test_start = config.cuts(total)
    return [val_start, test_start - val_start, total - test_start]


def _map(path: Path, vocab: Vocab, *, is_text: bool) -> np.ndarray:
    try:
        with open_regular(path) as file:
            tokens = np.memmap(file, vocab.dtype, mode="r")  # stays mapped
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({reason(error)}); restore it or train again."
        ) from error
    what = "the characters" if is_text else "the recordings, a boundary after each,"
    require(
        tokens[0] == BOUNDARY_ID
        and (len(tokens) == 1 or (tokens[-1] == BOUNDARY_ID) == (not is_text)),
        f"{path} is damaged, expected a boundary, then {what} of a split; restore it or train "
        "again.",
    )
    return tokens
