"""The configuration of a run, and its form in JSON."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavenet_jax.config.data import DataConfig
from wavenet_jax.config.model import ModelConfig
from wavenet_jax.config.optim import OptimConfig
from wavenet_jax.config.train import TrainConfig
from wavenet_jax.errors import InputError, nearest, require, require_fields

FORMAT = 2  # of config.json and the run folder beside it


@dataclass(frozen=True)
class Config:
    """Everything that, with the data and the library versions, determines a run."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optim: OptimConfig = OptimConfig()
    train: TrainConfig = TrainConfig()

    def __post_init__(self) -> None:
        if self.train.mode == "window":
            self.model.require_tree()


def config_to_dict(config: Config) -> dict[str, Any]:
    """Return the configuration as plain values: its format, and a dictionary per section."""
    return {"format": FORMAT, **dataclasses.asdict(config)}


def config_from_dict(values: dict[str, Any]) -> Config:
    """Rebuild the configuration that `config_to_dict` returned, also after JSON.

    Raises `InputError` when the format is another, a section or a field is unknown, or a value is
    not allowed.
    """
    written, sections = values.get("format"), {k: v for k, v in values.items() if k != "format"}
    require(
        written == FORMAT,
        f"format is {written!r}, expected {FORMAT}: another version of wavenet_jax wrote it; train "
        "again into a new folder, or load it with that version.",
        "format",
    )
    types = {field.name: field.type for field in dataclasses.fields(Config)}
    for name, part in sections.items():
        require(name in types, f"section {name!r} is unknown, expected {', '.join(types)}.")
        require(isinstance(part, dict), f"section {name!r} is {part!r}, expected its fields.")
    built: dict[str, Any] = {}
    for name, part in sections.items():
        section: Any = types[name]
        built[name] = section(**_checked(section, part))
    return Config(**built)


def _checked(section: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Return values for the fields of a section, lists as tuples, of the right types."""
    plain = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    require_fields(section, plain)
    return plain


def read_json(path: Path) -> Any:
    """Return the value in a JSON file; raise `InputError` when it cannot be read."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({error}), expected JSON; restore it or train again."
        ) from error


def load_config(path: Path) -> Config:
    """Return the configuration in a JSON file; raise `InputError` when it holds none."""
    values = read_json(path)
    sections = {field.name for field in dataclasses.fields(Config)}
    require(
        isinstance(values, dict) and ("format" not in values or sections <= set(values)),
        f"{path} is damaged, expected the sections {', '.join(sorted(sections))}; restore it or "
        "train again.",
    )
    try:
        return config_from_dict(values)
    except InputError as error:
        raise InputError(f"{path} cannot be used: {error}") from error


def replace_fields(config: Config, **values: Any) -> Config:
    """Return the configuration with fields of any section replaced, such as `steps=1_000`.

    Raises `InputError` for a name that is no field, with the nearest field.
    """
    sections = {
        section.name: getattr(config, section.name) for section in dataclasses.fields(config)
    }
    owners = {f.name: name for name, part in sections.items() for f in dataclasses.fields(part)}
    for field in values:
        near = nearest(field, owners)
        remedy = f"did you mean {near!r}?" if near else "see the fields of Config."
        require(field in owners, f"option {field!r} is unknown; {remedy}", field)
    replaced = {}
    for name, section in sections.items():
        own = {field: value for field, value in values.items() if owners[field] == name}
        replaced[name] = dataclasses.replace(section, **_checked(type(section), own))
    return Config(**replaced)
