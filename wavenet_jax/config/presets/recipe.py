"""What a user asks for, and the configuration that follows from it and from the data."""

import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from wavenet_jax.config.data import DataConfig
from wavenet_jax.config.model import ModelConfig
from wavenet_jax.config.presets.named import PRESETS, preset, require_preset
from wavenet_jax.config.presets.plan import Extent, plan
from wavenet_jax.config.run import Config, load_config, replace_fields
from wavenet_jax.errors import conform, require, show_value

AUTO = "auto"
OF_LABELS = ("label_dropout", "n_label")  # fields without effect where documents have no labels
TYPICAL = Extent("list", num_predictions=100_000, document_length=8)  # of data not yet read


class Recipe(NamedTuple):
    """What a user asks for: what to start from, and the fields that replace its.

    It starts from a preset, `auto`, a configuration, or the path of one.  The configuration of a
    run follows from it and from the data.
    """

    base: str | Config
    given: Mapping[str, Any] = {}

    def data_config(self) -> DataConfig:
        """Return which data to read.

        Raises `InputError` as `config` does, so that a mistake is known before data are read.
        """
        return self._with_options(self._start(TYPICAL)).data

    def config(self, extent: Extent) -> Config:
        """Return the configuration for these data, with the numbers of its steps.

        Raises `InputError` for unknown names, values that are not allowed, and those without effect
        beside the others.
        """
        for name in OF_LABELS if not extent.has_labels else ():
            require(
                name not in self.given,
                f"{name} is {show_value(self.given.get(name))}, but the documents have no labels, "
                "expected no such option; leave it out.",
                name,
            )
        config = self._with_options(self._start(extent), kind=extent.kind, rate=extent.rate)
        counts = config.train.count_steps(extent.num_predictions)
        return replace(config, train=replace(config.train, **counts._asdict()))

    def _start(self, extent: Extent) -> Config:
        """Return what the options change."""
        if not isinstance(self.base, str):
            return self.base
        if self.base == AUTO:
            source = self.given.get("init_from")
            return plan(extent, self.given, None if source is None else _model_of(source))
        loaded = None if self.base in PRESETS else _load_preset(Path(self.base))
        if loaded is None:
            require_preset(self.base, [AUTO, *PRESETS])
        return loaded or preset(self.base)

    def _is_loaded(self) -> bool:
        """Tell whether the configuration is that of a run, with what was guessed of its data."""
        return isinstance(self.base, str) and self.base not in (AUTO, *PRESETS)

    def _with_options(self, start: Config, **known: Any) -> Config:
        steps, epochs = self.given.get("steps"), self.given.get("epochs")
        require(
            steps is None or epochs is None,
            f"steps is {steps} and epochs is {epochs}, expected one of them; leave one out.",
            "steps",
        )
        if "data" in self.given and "kind" not in self.given and self._is_loaded():
            start = replace(start, data=replace(start.data, kind=None))  # to be guessed again
        if epochs is not None:  # the steps of a run's configuration follow from its own epochs
            start = replace(start, train=replace(start.train, steps=None))
        given = {**self.given, **known}
        if os.path.islink(source := str(given.get("init_from", ""))):  # such as runs/latest
            given["init_from"] = os.path.realpath(source)
        config = replace_fields(start, **given)
        if config.train.init_from is not None:
            _require_same_model(config.model, config.train.init_from)
        return config


def _load_preset(path: Path) -> Config | None:
    """Return the configuration of a run's folder, or of its config.json; None if there is none.

    Its intervals follow from the steps again, as these may be replaced, and its weights are new.
    """
    found = [
        each
        for each in (path / "config.json", path)
        if each.suffix == ".json" and os.path.isfile(each)
    ]
    if not found:
        return None
    config = load_config(found[0])
    fresh = replace(config.train, report_every=None, eval_every=None, init_from=None)
    return replace(config, train=fresh)


def _model_of(folder: Any) -> ModelConfig:
    """Return the model of the run in a folder; raise `InputError` when there is none."""
    path = Path(conform("init_from", folder, str)) / "config.json"
    require(
        os.path.isfile(path),
        f"init_from is {str(folder)!r}, which holds no run, expected the folder of a run.",
        "init_from",
    )
    return load_config(path).model


FREE = ("dropout", "precision", "ordered")  # on which the parameters' shapes do not depend


def _require_same_model(model: ModelConfig, folder: str) -> None:
    """Raise `InputError` with the fields in which a model differs from that of a run."""
    meant, free = _model_of(folder), {*FREE}
    if not os.path.isfile(Path(folder) / "labels.json"):
        free.add("n_label")  # of which the run has none
    differing = [
        f"{field.name} {show_value(getattr(meant, field.name))} and not "
        f"{show_value(getattr(model, field.name))}"
        for field in fields(ModelConfig)
        if field.name not in free and getattr(model, field.name) != getattr(meant, field.name)
    ]
    require(
        not differing,
        f"init_from is {folder!r}, whose model has {', '.join(differing)}, expected the same "
        "model; leave these out, or choose the preset auto, which takes the model of that run.",
        "init_from",
    )
