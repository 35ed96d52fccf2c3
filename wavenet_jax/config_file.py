"""The configuration as JSON: written, read back, compared.  Imports no JAX."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from wavenet_jax.config import Config
from wavenet_jax.errors import InputError, require


def to_dict(config: Config) -> dict[str, dict[str, Any]]:
    """Return the configuration as plain values, a section each, ready for JSON."""
    return dataclasses.asdict(config)


def from_dict(sections: dict[str, dict[str, Any]]) -> Config:
    """Rebuild the configuration that `to_dict` returned, through JSON or not.

    Raises `InputError` when a section or a field is unknown or a value is not allowed.
    """
    parts = {field.name: field.type for field in dataclasses.fields(Config)}
    built = {}
    for name, values in sections.items():
        require(name in parts, f"section {name!r} is unknown, expected {', '.join(parts)}.")
        section: Any = parts[name]
        known = {field.name for field in dataclasses.fields(section)}
        unknown = sorted(set(values) - known)
        require(not unknown, f"{', '.join(unknown)} in section {name!r} is no known field.")
        # JSON knows lists only; every sequence of a configuration is a tuple.
        plain = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        for key, value in plain.items():
            default = getattr(section, key)
            require(
                _is_like(value, default),
                f"{key} is {value!r}, expected a value like {default!r}.",
            )
        built[name] = section(**plain)
    return Config(**built)


def _is_like(value: Any, default: Any) -> bool:
    """Tell whether a value of a file has the type of a field; whole numbers are numbers too."""
    if default is None:
        return value is None or type(value) in (int, float)
    if isinstance(default, tuple):
        return isinstance(value, tuple) and all(_is_like(each, default[0]) for each in value)
    return type(value) is type(default) or (type(default) is float and type(value) is int)


def read_json(path: Path) -> Any:
    """Return what a JSON file says; raise `InputError` when it cannot be read."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); restore it or train anew.") from error


def load(path: Path) -> Config:
    """Return the configuration in a JSON file; raise `InputError` when it holds none."""
    sections = read_json(path)
    whole = isinstance(sections, dict) and set(to_dict(Config())) <= set(sections)
    require(whole, f"{path} is damaged or no run's, expected the sections of a configuration.")
    try:
        return from_dict(sections)
    except (InputError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged ({error}); restore it or train anew.") from error


def differences(old: Config, new: Config) -> list[str]:
    """Return a sentence part `field old -> new` for every field in which two runs differ."""
    before, after = to_dict(old), to_dict(new)
    return [
        f"{field} {before[section][field]} -> {after[section][field]}"
        for section in before
        for field in before[section]
        if before[section][field] != after[section][field]
    ]
