"""Which data a run reads, and how they are split."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wavenet_jax.errors import (
    conform_fields,
    require,
    require_between,
    require_default,
    require_fraction,
    require_utf8,
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
    """Leave out lines, or characters of a text, that are no plain UTF-8 text, and recordings that
    are cut short, empty or damaged."""
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
        require_utf8(self, "data", "column")
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

    @staticmethod
    def ignored(values: Mapping[str, Any]) -> dict[str, str]:
        """Return the fields that the other values leave without effect, and why."""
        of_text = ("column", "lower", "normalize", "max_vocab")
        of_sound = ("rate", "trim_db", "peak")
        return {
            None: {},
            "list": dict.fromkeys(of_sound, "but a list has no sound"),
            "text": {
                "split_seed": "but a text is split by position",
                "column": "but a text has no columns",
                **dict.fromkeys(of_sound, "but a text has no sound"),
            },
            "audio": dict.fromkeys(of_text, "but recordings have no text"),
        }[values["kind"]]

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

    def cuts(self, count: int) -> tuple[int, int]:
        """Return the positions at which val and test begin among `count` items in order."""
        # Rounded before it is truncated: 1 - 0.3 - 0.3 is a little less than 0.4.
        val = int(round((1 - self.val_fraction - self.test_share) * count, 6))
        return val, int(round((1 - self.test_share) * count, 6))

    @property
    def test_share(self) -> float:
        """Return the fraction of the data for the test."""
        if self.test_fraction is None:
            return 0.0 if self.is_text else 0.1
        return self.test_fraction
