"""What the path of a file tells of its documents: their labels, and whether they are the test."""

from collections.abc import Sequence
from typing import NamedTuple

from wavenet_jax.config import DataConfig, compile_pattern
from wavenet_jax.data.files import PIPED, STRINGS, SourceFile
from wavenet_jax.data.labels.found import is_label
from wavenet_jax.errors import pluralize, require

PATHLESS = (STRINGS, PIPED)  # what is no file that a user knows
NOTE = "note"  # the kind of label that plucked strings have


class LabelledFiles(NamedTuple):
    """Files that know what their paths tell, the kinds of their labels, and notes for the user."""

    files: list[SourceFile]
    kinds: tuple[str, ...]
    notes: list[str]


def label_files(files: Sequence[SourceFile], config: DataConfig) -> LabelledFiles:
    """Return files with the labels in their paths, and those of the test known.

    Plucked strings alone tell their note themselves.  Raises `InputError` for a pattern that does
    not match as it has to; files without a label are left out where the configuration says so.
    """
    labelled, kinds, notes = list(files), config.label_groups, list[str]()
    nowhere = next((file.name for file in files if file.name in PATHLESS), None)
    require(
        nowhere is None or config.label_pattern is None,
        f"label_pattern is '{config.label_pattern}', but {nowhere} has no path to search, expected "
        "files alone; leave it out, or give files.",
        "label_pattern",
    )
    if config.label_pattern is not None:
        labelled, notes = _with_labels(labelled, config.label_pattern, config)
    elif all(file.name == STRINGS for file in files):
        kinds = (NOTE,)
    if config.test_pattern is not None:
        labelled = _with_tests(labelled, config.test_pattern)
    return LabelledFiles(labelled, kinds, notes)


def _with_labels(
    files: list[SourceFile], pattern: str, config: DataConfig
) -> tuple[list[SourceFile], list[str]]:
    regex, labelled, lacking = compile_pattern("label_pattern", pattern), [], []
    for file in files:
        match = regex.search(file.name)
        labels = tuple(match[kind] for kind in regex.groupindex) if match else ()
        if labels and all(map(is_label, labels)):
            labelled.append(file._replace(labels=labels))
        else:
            lacking.append(file.name)
    if not lacking:
        return labelled, []
    shown = f"label_pattern is '{pattern}', which"
    require(
        len(labelled) > 0,
        f"{shown} finds no labels in any path, such as {lacking[0]!r}, expected a "
        "regular expression that is found in each; mend it.",
        "label_pattern",
    )
    require(
        config.skip_bad,
        f"{shown} does not find all labels in {len(lacking):,} of {pluralize(len(files), 'path')}, "
        f"such as {lacking[0]!r}, expected one that does; mend it, or set skip_bad to "
        "leave out what is bad.",
        "label_pattern",
    )
    count = pluralize(len(lacking), "file")
    return labelled, [f"{count} without labels in the path left out, the first {lacking[0]}."]


def _with_tests(files: list[SourceFile], pattern: str) -> list[SourceFile]:
    regex = compile_pattern("test_pattern", pattern)
    marked = [file._replace(is_test=regex.search(file.name) is not None) for file in files]
    number = sum(file.is_test for file in marked)
    require(
        0 < number < len(files),
        f"test_pattern is '{pattern}', which is found in {'all' if number else 'none'} "
        f"of {pluralize(len(files), 'path')}, such as {files[0].name!r}, expected a "
        "regular expression that is found in those of the test alone; mend it.",
        "test_pattern",
    )
    return marked
