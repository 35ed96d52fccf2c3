"""Which data a run reads, and how they are split."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from wavenet_jax.errors import (
    InputError,
    conform_fields,
    require,
    require_between,
    require_default,
    require_fraction,
    require_utf8,
    show_short,
    show_value,
)

DataKind = Literal["list", "text", "audio"]
MIN_RATE, MAX_RATE = 100, 1_000_000  # samples per second, from infrasound to ultrasound
Normalization = Literal["NFC", "NFD", "NFKC", "NFKD"]


@dataclass(frozen=True)
class DataConfig:
    """Which documents, and how they are split."""

    data: str | tuple[str, ...] = "names"
    """Files or folders of text or recordings, `-` for standard input, or `names` (bundled),
    `strings` (plucked ones, computed), `makemore` or `shakespeare` (downloaded)."""
    kind: DataKind | None = None
    """A list with one document a line, one text that is split by position, or recordings, each a
    document; by default what the data look like."""
    column: str | None = None
    """The column of a table that holds the documents: its name in the first line, or its number
    from 1."""
    labels: tuple[str, ...] = ()
    """The columns of the table that are labels of its documents, by their names in the first
    line."""
    label_pattern: str | None = None
    """A regular expression that is searched in the path of each file; its named groups are labels
    of the documents in the file, as in `(?P<digit>[0-9])_(?P<speaker>[a-z]+)_`."""
    lower: bool = False
    """Turn capitals into small letters."""
    normalize: Normalization | None = None
    """Bring letters that Unicode writes in several ways into one form, such as NFC."""
    rate: int | None = None
    """Samples per second to which recordings are resampled; by default their own."""
    trim_db: float | None = None
    """Cut from both ends of a recording what is more than this many decibels below its loudest
    hundredth of a second; by default nothing."""
    peak: float | None = None
    """The loudest sample that each recording is brought to, such as 0.95; by default its own."""
    skip_bad: bool = False
    """Leave out lines, or characters of a text, that are no plain UTF-8 text, recordings that are
    cut short, empty or damaged, and documents that lack a label."""
    test_pattern: str | None = None
    """A regular expression that is found in the path of the files that are the test, and of no
    others."""
    split_by: str | None = None
    """A kind of label: documents with the same label go to the same split."""
    split_seed: int = 42
    """Seed of the shuffle before documents are split. The training seed does not affect it."""
    val_fraction: float = 0.1
    """Fraction of the documents, or of the text, for validation; 0 for none."""
    test_fraction: float | None = None
    """Fraction for the test, after validation; by default 0.1 of a list or recordings and 0 of a
    text."""
    max_vocab: int = 10_000
    """Most distinct characters that the data may hold."""

    def __post_init__(self) -> None:
        conform_fields(self)
        if len(self.sources) == 1:  # one source is the same, however it is given
            object.__setattr__(self, "data", self.sources[0])
        require(
            len(self.sources) > 0,
            "data is (none), expected a file, a folder or a known name.",
            "data",
        )
        require_utf8(self, "data", "column", "labels", "label_pattern", "test_pattern", "split_by")
        require_between(self, max_vocab=(1, 0x110000), rate=(MIN_RATE, MAX_RATE))
        require_between(self, split_seed=(-(2**63), 2**63 - 1), trim_db=(1, 200), peak=(0.01, 1))
        require_fraction(self, "val_fraction", "test_fraction")
        held_out = self.val_fraction + self.test_share
        require(
            held_out < 1,
            f"val_fraction {self.val_fraction} and test_fraction {self.test_share} add up to "
            f"{held_out:g}, expected less than 1, so that something is left to train on.",
            "val_fraction",
        )
        for name, why in self.ignored(vars(self)).items():
            require_default(self, why, name)
        self._require_labels()

    def _require_labels(self) -> None:
        """Raise `InputError` unless each kind of label has one source, and patterns are such."""
        require(
            not self.labels or self.column is not None,
            f"labels is {show_value(self.labels)}, but no column has the documents, expected "
            "one beside those of their labels; set column to its name.",
            "labels",
        )
        if self.test_pattern is not None:
            compile_pattern("test_pattern", self.test_pattern)
        require(
            self.label_pattern is None or len(self.label_groups) > 0,
            f"label_pattern is '{self.label_pattern}', which names no group, expected "
            "one for each kind of label, such as (?P<speaker>[a-z]+); name its groups.",
            "label_pattern",
        )
        require(
            self.column not in self.labels,
            f"labels is {show_value(self.labels)}, of which {show_short(self.column)} has the "
            "documents themselves, expected other columns; leave it out.",
            "labels",
        )
        kinds = [*self.labels, *self.label_groups]
        twice = next((kind for kind in kinds if kinds.count(kind) > 1), None)
        require(
            twice is None,
            f"labels {show_short(twice)} are given twice, expected one column, or one group of "
            "label_pattern, for each kind; leave one out.",
            "labels",
        )

    @staticmethod
    def ignored(values: Mapping[str, Any]) -> dict[str, str]:
        """Return the fields that the other values leave without effect, and why."""
        of_text = ("column", "lower", "normalize", "max_vocab")
        of_sound = ("rate", "trim_db", "peak")
        of_documents = ("labels", "label_pattern", "test_pattern", "split_by")
        ignored = {
            None: {},
            "list": dict.fromkeys(of_sound, "but a list has no sound"),
            "text": {
                "split_seed": "but a text is split by position",
                "column": "but a text has no columns",
                **dict.fromkeys(of_documents, "but a text is not made of documents"),
                **dict.fromkeys(of_sound, "but a text has no sound"),
            },
            "audio": {
                "labels": "but recordings are no table",
                **dict.fromkeys(of_text, "but recordings have no text"),
            },
        }[values["kind"]]
        if values["test_pattern"] is not None and values["kind"] != "text":
            ignored["test_fraction"] = "but test_pattern tells which files are the test"
        return ignored

    def whole(self, data: str) -> "DataConfig":
        """Return how other data are read like these, all of them for train."""
        return replace(
            self, data=data, val_fraction=0.0, test_fraction=0.0, test_pattern=None, split_by=None
        )

    @property
    def label_groups(self) -> tuple[str, ...]:
        """Return the kinds of labels that paths tell."""
        if self.label_pattern is None:
            return ()
        return tuple(compile_pattern("label_pattern", self.label_pattern).groupindex)

    @property
    def has_documents(self) -> bool:
        """Tell whether the fields are those of documents, so that the data can be no text."""
        given = (self.column, self.label_pattern, self.test_pattern, self.split_by)
        return any(each is not None for each in given)

    @property
    def is_cut(self) -> bool:
        """Tell whether the fractions alone say how many documents a split has."""
        return self.test_pattern is None and self.split_by is None

    @property
    def sources(self) -> tuple[str, ...]:
        """Return what `data` names, one or several."""
        return (self.data,) if isinstance(self.data, str) else self.data

    @property
    def title(self) -> str:
        """Return the data in a few words, such as `a.txt` and `a.txt and 2 more`."""
        first, *more = ["standard input" if name == "-" else name for name in self.sources]
        return f"{first} and {len(more):,} more" if more else first

    @property
    def is_text(self) -> bool:
        """Tell whether the data are one text instead of documents; None counts as documents."""
        return self.kind == "text"

    @property
    def unit(self) -> str:
        """Return what a prediction is of, in a word."""
        return "sample" if self.kind == "audio" else "character"

    def cuts(self, count: int) -> tuple[int, int]:
        """Return the positions at which val and test begin among `count` items in order."""
        # Rounded before it is truncated: 1 - 0.3 - 0.3 is a little less than 0.4.
        val = int(round((1 - self.val_fraction - self.test_share) * count, 6))
        return val, int(round((1 - self.test_share) * count, 6))

    @property
    def test_share(self) -> float:
        """Return the fraction for the test, of the data that no pattern has chosen for it."""
        if self.test_pattern is not None:
            return 0.0
        if self.test_fraction is None:
            return 0.0 if self.is_text else 0.1
        return self.test_fraction


def compile_pattern(name: str, pattern: str) -> re.Pattern[str]:
    """Return a regular expression; raise `InputError` with the name of its field if it is none."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of what may mean more in later Pythons
            return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(
            f"{name} is '{pattern}', expected a regular expression ({error}); mend it.",
            name,
        ) from error
