"""The configuration of a run, and its form in JSON."""

import dataclasses
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wavenet_jax.config.data import DataConfig
from wavenet_jax.config.model import ModelConfig
from wavenet_jax.config.optim import OptimConfig, OptimizerName
from wavenet_jax.config.train import TrainConfig
from wavenet_jax.errors import (
    DEFAULT,
    InputError,
    conform,
    conform_fields,
    require,
    require_names,
    show_short,
)
from wavenet_jax.machine import MIB, read_regular, reason

FORMAT = 2  # of config.json and the run folder beside it
MAX_DIGITS = 1_000  # of a whole number in JSON; more take their square in time


@dataclass(frozen=True)
class Config:
    """Everything that, with the data and the library versions, determines a run."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optim: OptimConfig = OptimConfig()
    train: TrainConfig = TrainConfig()

    def __post_init__(self) -> None:
        conform_fields(self)
        require(
            self.train.mode == "sequence" or self.model.norm == "none" or self.train.batch_size > 1,
            "batch_size is 1, but BatchNorm over a single window leaves nothing to learn from, "
            "expected 2 or more in window mode; raise it, or set norm to none.",
            "batch_size",
        )
        require(
            self.train.mode == "sequence"
            or self.model.norm == "none"
            or self.train.batch_size > self.train.accumulate,
            f"accumulate is {self.train.accumulate}, but BatchNorm over a single window leaves "
            f"nothing to learn from, expected fewer parts than the {self.train.batch_size} windows "
            "of batch_size; lower it, or set norm to none.",
            "accumulate",
        )
        if self.train.mode == "window":
            self.model.require_tree()


SECTIONS: dict[str, type[Any]] = {
    "data": DataConfig,
    "model": ModelConfig,
    "optim": OptimConfig,
    "train": TrainConfig,
}
# The section of each field: no two sections have a field of the same name.
OWNERS = {f.name: name for name, part in SECTIONS.items() for f in dataclasses.fields(part)}


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
        f"format is {show_short(written)}, expected {FORMAT}: another version of wavenet_jax wrote "
        "it; train again into a new folder, or load it with that version.",
        "format",
    )
    types = {field.name: field.type for field in dataclasses.fields(Config)}
    for name, part in sections.items():
        require(
            name in types, f"section {show_short(name)} is unknown, expected {', '.join(types)}."
        )
        require(
            isinstance(part, dict), f"section {name!r} is {show_short(part)}, expected its fields."
        )
    built: dict[str, Any] = {}
    for name, part in sections.items():
        section: Any = types[name]
        require_names(part, [field.name for field in dataclasses.fields(section)])
        built[name] = section(**part)
    return Config(**built)


def read_json(path: Path, most_bytes: int = 8 * MIB) -> Any:
    """Return the value in a JSON file; raise `InputError` when it cannot be read."""
    try:
        content = read_regular(path, most_bytes).decode("utf-8")
        return json.loads(content, parse_int=_whole_number)
    except (OSError, ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else reason(error)
        raise InputError(
            f"{path} cannot be read ({why}), expected JSON; restore it or train again."
        ) from error


def _whole_number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has {len(digits):,} digits")
    return int(digits)


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

    Another optimizer brings its own scale of the learning rate (`OptimConfig.with_optimizer`).
    Fields that the new values leave without effect return to their defaults: with
    `optimizer="sgd"`, the weight decay.  Raises `InputError` for a name that is no field, with the
    nearest field, and for new values that have no effect themselves.
    """
    conform("config", config, Config, ", or the name of a preset")
    require_names(values, OWNERS)
    optimizer = conform("optimizer", values.get("optimizer"), OptimizerName | None)
    if optimizer not in (None, config.optim.optimizer):
        config = replace(config, optim=config.optim.with_optimizer(optimizer))
    replaced = {}
    for name, section in SECTIONS.items():
        kinds = {f.name: f.type for f in dataclasses.fields(section)}
        given = {
            field: conform(field, value, kinds[field], DEFAULT)
            for field, value in values.items()
            if OWNERS[field] == name
        }
        merged = dataclasses.asdict(getattr(config, name)) | given
        ignored = section.ignored(merged)
        defaults = {f.name: f.default for f in dataclasses.fields(section) if f.name in ignored}
        replaced[name] = section(**merged | defaults | given)
    return Config(**replaced)


def extend(config: Config, done: int, more: int) -> Config:
    """Return the configuration of a run that has ended, after `done` steps, for `more` steps.

    The learning rate goes on as it was, and nothing ends the run early.  Raises `InputError` where
    the schedule was made to bring the learning rate to 0.
    """
    optim, before, total = config.optim, config.train.steps or done, done + more
    require(
        optim.schedule in ("constant", "piecewise"),
        f"steps is {more}, but the {optim.schedule} schedule of the run brings the learning rate "
        f"to 0 within its {before:,} steps, expected a constant or piecewise one; train a new run "
        "with init_from.",
        "steps",
    )
    require(
        optim.warmup * before <= done,
        f"steps is {more}, but the run ended at step {done:,}, while its learning rate was still "
        "rising, expected a run that had warmed up; train a new run with init_from.",
        "steps",
    )
    values: dict[str, Any] = {"warmup": optim.warmup * before / total}
    if optim.schedule == "piecewise":  # falls at the same steps, and no more
        falls = [round(each * before, 6) for each in optim.boundaries]  # 0.07 · 100 exceeds 7
        passed = [step for step in falls if step <= done]
        values["boundaries"] = tuple(step / total for step in passed)
    return replace(
        config,
        optim=replace(optim, **values),
        train=replace(config.train, steps=total, patience=None),
    )
