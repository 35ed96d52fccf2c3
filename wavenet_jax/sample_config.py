"""What is to be drawn from a run: a frozen dataclass, checked where it is made; imports no JAX."""

from dataclasses import dataclass, fields
from typing import Annotated

from tyro.conf import arg

from wavenet_jax.errors import require

LIST_ONLY = ("max_length", "min_length", "pattern", "unique", "new", "exact")
TEXT_ONLY = ("length",)
MAX_DOCUMENTS = 10_000_000  # documents, which are held in memory
MAX_LENGTH = 1_000_000  # characters of a document, likewise
MAX_STREAM = 1_000_000_000  # characters of a text, whose positions are int32
MAX_TEMPERATURE = 1_000_000  # where all characters are as likely, to a few digits


@dataclass(frozen=True)
class SampleConfig:
    """How many documents or texts are drawn, what they must be like, how they are drawn."""

    n: Annotated[int | None, arg(aliases=["-n"], metavar="INT", help_behavior_hint="")] = None
    """How many to draw; by default 20 documents, or 1 text."""
    seed: int = 0
    """Sample i depends on the checkpoint, the seed, what is asked and i, not on how many."""
    prefix: Annotated[str, arg(metavar="CHARACTERS", help_behavior_hint="")] = ""
    """Characters that each sample begins with."""
    pattern: Annotated[str | None, arg(metavar="REGEX", help_behavior_hint="")] = None
    """A regular expression that the whole document matches, such as 'ma.*[aeiou]'."""
    allow: Annotated[str | None, arg(metavar="CHARACTERS", help_behavior_hint="")] = None
    """The only characters that a sample may hold."""
    forbid: Annotated[str, arg(metavar="CHARACTERS", help_behavior_hint="")] = ""
    """Characters that no sample holds."""
    min_length: int = 1
    """Characters that a document has at least."""
    max_length: Annotated[int | None, arg(metavar="INT", help_behavior_hint="")] = None
    """Characters at which a document is cut off, and marked; by default twice the longest."""
    length: Annotated[int | None, arg(metavar="INT", help_behavior_hint="")] = None
    """Characters of a text, printed as they are drawn; by default 1000."""
    temperature: float = 1.0
    """Below 1 favours likely characters, above 1 unlikely ones; 0 always takes the likeliest."""
    top_k: Annotated[int | None, arg(metavar="INT", help_behavior_hint="")] = None
    """Draw each character from this many likeliest ones."""
    top_p: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint="")] = None
    """Draw each character from the likeliest ones that together reach this probability."""
    unique: bool = False
    """Draw no document twice."""
    new: bool = False
    """Draw no document that the data hold."""
    exact: Annotated[
        bool,
        arg(
            help="Draw from the model's own distribution given the constraints, by rejecting what "
            "breaks them; by default what they forbid is masked at each character, which is "
            "faster but biased."
        ),
    ] = False

    def __post_init__(self) -> None:
        """Refuse values that have no meaning."""
        for name in ("n", "max_length", "length", "top_k"):
            value = getattr(self, name)
            require(value is None or value >= 1, f"{name} is {value}, expected at least 1.")
        limits = {"n": MAX_DOCUMENTS, "max_length": MAX_LENGTH, "length": MAX_STREAM}
        for name, most in limits.items():
            value = getattr(self, name)
            require(
                value is None or value <= most, f"{name} is {value}, expected at most {most:,}."
            )
        require(
            0 <= self.seed < 2**32,
            f"seed is {self.seed}, expected a whole number from 0 to {2**32 - 1}.",
        )
        require(self.min_length >= 0, f"min_length is {self.min_length}, expected 0 or more.")
        require(
            0 <= self.temperature <= MAX_TEMPERATURE,
            f"temperature is {self.temperature}, expected 0 to {MAX_TEMPERATURE:,}; 0 takes the "
            "likeliest character each time.",
        )
        require(
            self.top_p is None or 0 < self.top_p <= 1,
            f"top_p is {self.top_p}, expected a probability above 0, at most 1.",
        )
        self._require_chance()

    @property
    def draws_one(self) -> bool:
        """Tell whether every sample is the same."""
        return self.temperature == 0 or self.top_k == 1

    def _require_chance(self) -> None:
        why = f"temperature is {self.temperature}" if self.temperature == 0 else "top_k is 1"
        require(
            not (self.draws_one and self.exact),
            f"{why}, which leaves nothing to chance, expected more with exact; leave one out.",
        )
        require(
            not (self.draws_one and self.unique and self.n != 1),
            f"{why}, which draws one and the same document each time, expected more with unique; "
            "leave one out.",
        )

    def require_for(self, name: str, *, stream: bool) -> None:
        """Refuse options that mean nothing for a run of that name, on one text or on a list."""
        what, instead = (
            ("one text, whose samples are cut from an endless one", "length")
            if stream
            else ("a list, whose documents end themselves", "max_length")
        )
        for field in fields(self):
            value = getattr(self, field.name)
            require(
                field.name not in (LIST_ONLY if stream else TEXT_ONLY) or value == field.default,
                f"{field.name} is {value!r}, but {name} was trained on {what}, expected none; "
                f"leave it out{f' or give {instead}' if 'length' in field.name else ''}.",
            )
