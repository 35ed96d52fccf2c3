"""What is to be drawn from a run: a frozen dataclass, checked where it is made; imports no JAX."""

from dataclasses import dataclass, fields
from typing import Annotated

from tyro.conf import arg

from wavenet_jax.errors import require

OF_A_LIST = ("max_length", "min_length", "pattern", "unique", "new", "exact")
OF_A_TEXT = ("length",)
MOST = 10_000_000  # documents, which are held in memory
LONGEST = 1_000_000  # characters of a document, likewise
HOTTEST = 1_000_000


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
    """Characters at which a document is cut off; by default twice the longest of training."""
    length: Annotated[int | None, arg(metavar="INT", help_behavior_hint="")] = None
    """Characters of a text, printed as they are drawn; by default 1000."""
    temperature: float = 1.0
    """Below 1 likely characters are drawn more often still, above 1 less; 0 takes the likeliest."""
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
            help="Draw from the model's own distribution given the constraints, by throwing away "
            "what breaks them; else what they forbid is left out character by character, which is "
            "faster, but bends the distribution."
        ),
    ] = False

    def __post_init__(self) -> None:
        """Refuse values that have no meaning."""
        for name in ("n", "max_length", "length", "top_k"):
            value = getattr(self, name)
            require(value is None or value >= 1, f"{name} is {value}, expected at least 1.")
        for name, most in (("n", MOST), ("max_length", LONGEST)):
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
            0 <= self.temperature <= HOTTEST,
            f"temperature is {self.temperature}, expected 0 to {HOTTEST:,}; 0 takes the likeliest "
            "character each time.",
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
            not (self.draws_one and self.unique and (self.n or 2) > 1),
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
                field.name not in (OF_A_LIST if stream else OF_A_TEXT) or value == field.default,
                f"{field.name} is {value!r}, but {name} was trained on {what}, expected none; "
                f"leave it out{f' or give {instead}' if 'length' in field.name else ''}.",
            )
