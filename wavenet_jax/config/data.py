"""Which data a run reads, and how they are split."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wavenet_jax.errors import conform_fields, require, require_default, require_positive

DataKind = Literal["list", "text"]


@dataclass(frozen=True)
class DataConfig:
    """Which documents, and how they are split."""

    data: str = "names"
    """A text file, or `names` (bundled), `makemore` or `shakespeare` (downloaded)."""
    kind: DataKind = "list"
    """A list with one document a line, or one text that is split by position."""
    split_seed: int = 42
    """Seed of the shuffle before a list is split. The training seed does not affect the split."""
    val_fraction: float = 0.1
    """Fraction of the documents, or of the text, for validation."""
    test_fraction: float | None = None
    """Fraction for the test, after validation; by default 0.1 of a list and 0 of a text."""
    max_vocab: int = 10_000
    """Most distinct characters that the data may hold."""

    def __post_init__(self) -> None:
        conform_fields(self)
        require_positive(self, "val_fraction", "max_vocab")
        require(
            self.test_share > 0 or (self.is_text and self.test_share == 0),
            f"test_fraction is {self.test_fraction}, expected a number above 0"
            f"{' or 0' if self.is_text else ''}; leave it out for {self._default_test_share}.",
            "test_fraction",
        )
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
        if values["kind"] == "text":
            return {"split_seed": "but a text is split by position"}
        return {}

    @property
    def is_text(self) -> bool:
        """Tell whether the data are one text instead of a list of documents."""
        return self.kind == "text"

    def cuts(self, count: int) -> tuple[int, int]:
        """Return the positions at which val and test begin among `count` items in order."""
        # Rounded before it is truncated: 1 - 0.3 - 0.3 is a little less than 0.4.
        val = int(round((1 - self.val_fraction - self.test_share) * count, 6))
        return val, int(round((1 - self.test_share) * count, 6))

    @property
    def test_share(self) -> float:
        """Return the fraction of the data for the test."""
        return self._default_test_share if self.test_fraction is None else self.test_fraction

    @property
    def _default_test_share(self) -> float:
        return 0.0 if self.is_text else 0.1
