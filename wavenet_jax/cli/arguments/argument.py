"""An argument as its field describes it: its name, its spellings and its values."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from tyro.conf import FlagCreatePairsOff, Positional, UseAppendAction


@dataclass(frozen=True)
class Argument:
    """An option or a positional argument of a command, as its field describes it."""

    name: str
    kind: Any  # the type of the field
    marks: tuple[Any, ...] = ()  # tyro's, about the field

    @property
    def kinds(self) -> list[Any]:
        """Return the types that a value may have."""
        return [self.kind, *(get_args(self.kind) if get_origin(self.kind) is not Literal else ())]

    @property
    def flags(self) -> list[str]:
        """Return the spellings of an option; a positional argument has none."""
        words = self.name.replace("_", "-")
        if Positional in self.marks:
            return []
        short = [f"-{words}"] if len(words) == 1 else []
        is_pair = self._is(bool) and FlagCreatePairsOff not in self.marks
        return [f"--{words}", *short, *([f"--no-{words}"] if is_pair else [])]

    def own(self, values: list[str]) -> list[str]:
        """Return those of the values after an option that are its own."""
        is_list = any(get_origin(kind) is tuple for kind in self.kinds)
        if is_list and UseAppendAction not in self.marks:
            return values
        return [] if self._is(bool) else values[:1]

    def _is(self, kind: type) -> bool:
        """Tell whether this is the type of the field, perhaps among others such as None."""
        return any(kind in (each, get_origin(each)) for each in (self.kind, *get_args(self.kind)))


def list_arguments(command: Callable[..., Any]) -> Iterator[Argument]:
    """Yield the arguments of a dataclass or a function, and those of the dataclasses in it."""
    for name, hint in get_type_hints(command, include_extras=True).items():
        kind, *marks = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
        if is_dataclass(kind):
            yield from list_arguments(cast("type", kind))
        elif name != "return":
            yield Argument(name, kind, tuple(marks))
