"""What to sample from a run."""

import secrets
from dataclasses import dataclass, fields, replace

from wavenet_jax.config.data import DataKind
from wavenet_jax.errors import conform_fields, require, require_between, show_short, show_value

LIST_ONLY = (
    *("max_length", "cut_at", "min_length", "pattern", "unique", "new"),
    *("exact", "masked", "max_attempts"),
)
TEXT_ONLY = ("text_length", "text_start")
DOCUMENTS_ONLY = ("label",)  # of lists and recordings
WORDS_ONLY = ("prefix", "allow", "forbid", "forbid_text", "ignore_case")  # of lists and texts
SOUND_ONLY = ("seconds",)
MAX_DOCUMENTS = 10_000_000  # documents, which are held in memory
MAX_LENGTH = 1_000_000  # characters of a document, held in memory too
MAX_TEXT_LENGTH = 1_000_000_000  # characters of a text, whose positions are int32
MAX_SECONDS = 10_000.0  # of a recording, so that a WAV file at every usual rate counts its bytes
MAX_SEED = 2**32 - 1
MAX_TEMPERATURE = 1_000_000  # at which all characters are equally likely to a few digits


def parse_labels(given: tuple[str, ...]) -> dict[str, str]:
    """Return labels by their kinds; raise `InputError` where they are not `KIND=LABEL`.

    >>> parse_labels(("digit=7", "speaker=ann"))
    {'digit': '7', 'speaker': 'ann'}
    """
    labels = dict[str, str]()
    for each in given:
        kind, equals, label = each.partition("=")
        require(
            bool(equals),
            f"label is {show_short(each)}, expected a kind and a label, such as "
            "'language=Italian'.",
            "label",
        )
        require(
            kind not in labels,
            f"label {show_short(kind)} is given twice, expected one label of each kind; leave one "
            "out.",
            "label",
        )
        labels[kind] = label
    return labels


@dataclass(frozen=True)
class SampleConfig:
    """How many samples to draw, which constraints they meet, and how to draw them."""

    n: int | None = None
    """Number of samples; by default 20 documents, or 1 text or recording."""
    seed: int | None = None
    """Seed of the random numbers, by default drawn. Sample i does not depend on n."""
    prefix: str = ""
    """Characters that each sample starts with."""
    pattern: str | None = None
    """A regular expression that the whole document matches, such as 'ma.*[aeiou]'."""
    allow: str | None = None
    """The only characters that a sample may contain, or ranges such as 'a-z'."""
    forbid: str = ""
    """Characters that no sample contains, or ranges such as '0-9'."""
    forbid_text: tuple[str, ...] = ()
    """Texts that no sample contains, such as 'ann'."""
    ignore_case: bool = False
    """Let prefix, pattern, allow, forbid and forbid-text match either case."""
    min_length: int = 1
    """Fewest characters of a document."""
    max_length: int | None = None
    """Most characters of a document, which ends within them."""
    cut_at: int | None = None
    """Characters at which a document is cut off and marked; by default twice the longest."""
    text_length: int | None = None
    """Characters of a text, printed as they are sampled; by default 1000."""
    text_start: bool = False
    """Begin as the whole text does, instead of at the beginning of a line."""
    label: tuple[str, ...] = ()
    """What each sample is to be, such as 'language=Italian'; labels that are not given are drawn as
    often as the training documents have them."""
    seconds: float | None = None
    """Seconds of a recording; by default it ends by itself, or is cut off after 10."""
    temperature: float = 1.0
    """Below 1 favours likely characters, above 1 unlikely ones; 0 always takes the likeliest."""
    top_k: int | None = None
    """Sample each character from the k likeliest."""
    top_p: float | None = None
    """Sample each character from the likeliest that together reach this probability."""
    unique: bool = False
    """Sample no document twice."""
    new: bool = False
    """Sample no document that the data contain."""
    exact: bool = False
    """Reject documents that break constraints: the default where one in a hundred meets them."""
    masked: bool = False
    """Mask characters that break constraints, which is faster but biased: else the default."""
    max_attempts: int | None = None
    """Most attempts with exact, over all samples; by default 20 thousand per sample."""

    def __post_init__(self) -> None:
        conform_fields(self)
        require_between(
            self,
            n=(1, MAX_DOCUMENTS),
            seed=(0, MAX_SEED),
            min_length=(0, MAX_LENGTH),
            max_length=(1, MAX_LENGTH),
            cut_at=(1, MAX_LENGTH),
            text_length=(1, MAX_TEXT_LENGTH),
            temperature=(0, MAX_TEMPERATURE),
            top_k=(1, 2**31 - 1),
            max_attempts=(1, 2**31 - 1),
        )
        require(
            "" not in self.forbid_text,
            "forbid_text is '', expected at least one character: every text contains the empty "
            "one; leave it out.",
            "forbid_text",
        )
        require(
            self.seconds is None or 0 < self.seconds <= MAX_SECONDS,
            f"seconds is {self.seconds}, expected a number above 0, at most {MAX_SECONDS:,.0f}.",
            "seconds",
        )
        require(
            self.top_p is None or 0 < self.top_p <= 1,
            f"top_p is {self.top_p}, expected a probability above 0, at most 1.",
            "top_p",
        )
        require(
            not self.masked or self.max_attempts is None,
            f"max_attempts is {self.max_attempts}, but masked rejects no documents, expected one "
            "of them; leave one out.",
            "max_attempts",
        )
        parse_labels(self.label)
        self._require_randomness()
        self._require_consistent()

    @property
    def labels(self) -> dict[str, str]:
        """Return the labels that are given, by their kinds."""
        return parse_labels(self.label)

    def seeded(self) -> "SampleConfig":
        """Return the configuration with a seed: its own, or one that is drawn."""
        return self if self.seed is not None else replace(self, seed=secrets.randbelow(MAX_SEED))

    @property
    def is_greedy(self) -> bool:
        """Tell whether every character is the likeliest, so that all samples are the same."""
        return self.temperature == 0 or self.top_k == 1

    def _require_randomness(self) -> None:
        why = f"temperature is {self.temperature}" if self.temperature == 0 else "top_k is 1"
        field = why.split(maxsplit=1)[0]
        require(
            not (self.is_greedy and self.exact),
            f"{why}, which leaves nothing to chance, expected more with exact; leave one out.",
            field,
        )
        require(
            not (self.is_greedy and self.unique and self.n != 1),
            f"{why}, which samples the same document each time, expected more with unique; leave "
            "one out.",
            field,
        )

    def _require_consistent(self) -> None:
        require(
            not (self.exact and self.masked),
            "exact and masked are both given, expected one of them; leave one out.",
            "exact",
        )
        require(
            self.max_length is None or self.cut_at is None,
            f"cut_at is {self.cut_at}, but documents of at most max_length, {self.max_length}, are "
            "never cut off, expected one of the two; leave one out.",
            "cut_at",
        )

    def require_kind(self, kind: DataKind) -> None:
        """Raise `InputError` for options that a run on data of this kind would ignore."""
        ignored, what, instead = {
            "list": (
                (*TEXT_ONLY, *SOUND_ONLY),
                "a list, whose documents end by themselves",
                "max_length",
            ),
            "text": (
                (*LIST_ONLY, *SOUND_ONLY, *DOCUMENTS_ONLY),
                "one text, whose samples are cut from an endless one",
                "text_length",
            ),
            "audio": (
                (*LIST_ONLY, *TEXT_ONLY, *WORDS_ONLY),
                "recordings, which have no characters",
                None,
            ),
        }[kind]
        lengths = ("min_length", "max_length", "cut_at", "text_length", "seconds")
        remedy = f" or give {instead}" if instead else ""
        for field in fields(self):
            value = getattr(self, field.name)
            shown = show_value(value) if isinstance(value, tuple) else repr(value)
            require(
                field.name not in ignored or value == field.default,
                f"{field.name} is {shown}, but the run was trained on {what}, expected no such "
                f"option; leave it out{remedy if field.name in lengths else ''}.",
                field.name,
            )
