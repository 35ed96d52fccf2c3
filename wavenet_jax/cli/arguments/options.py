"""What the arguments of several commands are, and the sections of the configuration as options."""

import ast
import inspect
import textwrap
from dataclasses import dataclass, field, make_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

from tyro.conf import FlagCreatePairsOff, Positional, UseAppendAction, arg

from wavenet_jax.config import SECTIONS, SampleConfig

RunFolder = Annotated[Path, Positional, arg(metavar="RUN", help="The run folder.")]
Checkpoint = Annotated[
    Literal["best", "latest"],
    arg(help="The state with the best validation loss, or the last one."),
]
Device = Annotated[
    Literal["cpu", "gpu", "tpu"] | None,
    arg(help_behavior_hint="", help="What JAX runs on; by default the best device that it finds."),
]
Switch = FlagCreatePairsOff[bool]  # an option without its opposite, --no-...
Repeated = Annotated[tuple[str, ...], UseAppendAction]  # an option that is given for each value


def shown(metavar: str, text: str) -> Any:
    """Return how help shows a value and its meaning, without a default."""
    return arg(metavar=metavar, help=text, help_behavior_hint="")


@dataclass(frozen=True)
class Place:
    """The place of this process among others that train the same run."""

    coordinator: Annotated[str | None, arg(metavar="HOST:PORT", help_behavior_hint="")] = None
    """Where the first listens, or auto for what Slurm, Open MPI, Kubernetes or a TPU pod tell."""
    processes: Annotated[int | None, arg(metavar="N", help_behavior_hint="")] = None
    """How many processes there are."""
    process: Annotated[int | None, arg(metavar="I", help_behavior_hint="")] = None
    """The number of this one, from 0 to N - 1."""


def _attribute_docs(section: type) -> dict[str, str]:
    """Return the docstring below each field of a dataclass."""
    docs = {}
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    for pair in pairwise(cast("ast.ClassDef", tree).body):
        match pair:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(doc))),
            ):
                docs[name] = " ".join(doc.split())
    return docs


def _options(section: type) -> type:
    """Return the fields of a section of the configuration as options, None where not given."""
    docs, kinds = _attribute_docs(section), get_type_hints(section)
    options = [
        (
            name,
            Annotated[
                kind | None, arg(help=docs[name], help_behavior_hint="", metavar=_metavar(kind))
            ],
            field(default=None),
        )
        for name, kind in kinds.items()
    ]
    return make_dataclass(section.__name__, options, frozen=True)


def _metavar(kind: Any) -> str | None:
    """Return how help shows the values of an option that takes several, None for tyro's way."""
    for each in (kind, *get_args(kind)):
        if get_origin(each) is tuple:
            element = get_args(each)[0]
            return "NAME..." if element is str else f"{element.__name__.upper()}..."
    return None


DataOptions, ModelOptions, OptimOptions, TrainOptions = (
    _options(section) for section in SECTIONS.values()
)


class SampleOptions(SampleConfig):
    """A `SampleConfig` as help shows it: its short option, and what stands for each value."""

    n: Annotated[int | None, arg(aliases=["-n"], help_behavior_hint="")]
    seed: Annotated[int | None, arg(help_behavior_hint="")]
    prefix: Annotated[str, arg(metavar="CHARACTERS", help_behavior_hint="")]
    pattern: Annotated[str | None, arg(metavar="REGEX", help_behavior_hint="")]
    allow: Annotated[str | None, arg(metavar="CHARACTERS", help_behavior_hint="")]
    forbid: Annotated[str, arg(metavar="CHARACTERS", help_behavior_hint="")]
    ignore_case: Switch
    forbid_text: Annotated[
        Repeated,
        shown(
            "TEXT", "A text that no sample contains, such as 'ann'; give it again for each text."
        ),
    ]
    label: Annotated[
        Repeated,
        shown(
            "KIND=LABEL",
            "What each sample is to be, such as 'language=Italian'; give it again for each kind. "
            "Labels that are not given are drawn as often as the training documents have them.",
        ),
    ]
    max_length: Annotated[int | None, arg(help_behavior_hint="")]
    cut_at: Annotated[int | None, arg(help_behavior_hint="")]
    text_length: Annotated[int | None, arg(help_behavior_hint="")]
    text_start: Switch
    seconds: Annotated[float | None, arg(help_behavior_hint="")]
    top_k: Annotated[int | None, arg(help_behavior_hint="")]
    top_p: Annotated[float | None, arg(help_behavior_hint="")]
    unique: Switch
    new: Switch
    exact: Annotated[Switch, arg(help_behavior_hint="")]
    masked: Annotated[Switch, arg(help_behavior_hint="")]
    max_attempts: Annotated[int | None, arg(help_behavior_hint="")]
