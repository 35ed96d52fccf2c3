"""What does a type checker catch?  Five mistakes written into copies of the designs, and mypy."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "designs"


class Edit(NamedTuple):
    """A mistake: what stands in a design's file, and what is written in its place."""

    old: str
    new: str


SEEDED: dict[str, dict[str, Edit]] = {
    "keyword misspelt": {
        "functions": Edit("stats, inputs, training=True)", "stats, inputs, trainig=True)"),
        "linen": Edit("(params), training=True)", "(params), trainig=True)"),
        "nnx": Edit("momentum=MOMENTUM", "momentun=MOMENTUM"),
        "equinox": Edit("momentum=MOMENTUM", "momentun=MOMENTUM"),
        "torch": Edit("momentum=1 - MOMENTUM", "momentun=1 - MOMENTUM"),
    },
    "argument forgotten": {
        "functions": Edit("stats, inputs, training=True)", "stats, inputs)"),
        "linen": Edit("(params), training=True)", "(params))"),
        "nnx": Edit("Layer(sizes.fan_in(index), sizes.n_hidden, ", "Layer(sizes.fan_in(index), "),
        "equinox": Edit("sizes.n_hidden, key=others[index])", "sizes.n_hidden)"),
        "torch": Edit("Layer(sizes.fan_in(index), sizes.n_hidden)", "Layer(sizes.fan_in(index))"),
    },
    "pair taken for one, or one for a pair": {
        "functions": Edit("logits, stats = apply(params", "logits = apply(params"),
        "linen": Edit('inputs, mutable=["batch_stats"])', "inputs)"),
        "nnx": Edit("loss, gradients = nnx.value", "loss = gradients = nnx.value"),
        "equinox": Edit("logits, running = apply(net", "logits = apply(net"),
        "torch": Edit("loss = functional", "loss, _ = functional"),
    },
    "arguments swapped": {
        "functions": Edit(
            "apply(params, stats, inputs, training=True)",
            "apply(stats, params, inputs, training=True)",
        ),
        "linen": Edit(
            "net.apply(variables, inputs, mutable", "net.apply(inputs, variables, mutable"
        ),
        "nnx": Edit("optimizer.update(net, gradients)", "optimizer.update(gradients, net)"),
        "equinox": Edit("apply(net, running, inputs)", "apply(running, net, inputs)"),
        "torch": Edit("(state.net(inputs), targets)", "(targets, state.net(inputs))"),
    },
    "name of a part misspelt": {
        "functions": Edit("state.stats, inputs", "state.stat, inputs"),
        "linen": Edit("state.batch_stats, inputs", "state.batch_stat, inputs"),
        "nnx": Edit("self.norm(x)", "self.nrom(x)"),
        "equinox": Edit("self.norm(x.T", "self.nrom(x.T"),
        "torch": Edit("self.norm(x.flatten", "self.nrom(x.flatten"),
    },
    "key of a dictionary misspelt": {
        "functions": Edit('params["head"]["kernel"]', 'params["haed"]["kernel"]'),
        "linen": Edit('updated["batch_stats"]', 'updated["batch_stat"]'),
    },
}
OPTIONS = (
    "--config-file= --follow-imports=silent --ignore-missing-imports --check-untyped-defs "
    "--no-error-summary --hide-error-context --no-pretty"
)


def caught(names: Sequence[str], folder: Path) -> dict[str, dict[str, str | None]]:
    """Return what the checker says of each mistake, None where it says nothing new."""
    for name in names:
        source = (FOLDER / f"{name}.py").read_text("utf-8")
        copies = {"0": source} | {
            str(number): edited(source, edits[name])
            for number, edits in enumerate(SEEDED.values(), start=1)
            if name in edits
        }
        for number, text in copies.items():
            (folder / f"{name}_{number}.py").write_text(text, "utf-8")
    found = check(folder)
    return {
        title: {
            name: new(found.get(f"{name}_{number}", []), found.get(f"{name}_0", []))
            for name in names
            if name in SEEDED[title]
        }
        for number, title in enumerate(SEEDED, start=1)
    }


def edited(source: str, edit: Edit) -> str:
    """Return a source with the mistake in it; what it replaces must be there."""
    if edit.old not in source:
        raise AssertionError(f"{edit.old!r} is not in the design")
    return source.replace(edit.old, edit.new, 1)


def check(folder: Path) -> dict[str, list[str]]:
    """Return the errors of each file of a folder."""
    command = [sys.executable, "-m", "mypy", *OPTIONS.split(), f"--cache-dir={folder / 'cache'}"]
    environment = os.environ | {"MYPYPATH": str(FOLDER.parent)}
    done = subprocess.run(
        [*command, str(folder)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode > 1 or done.stderr:
        raise AssertionError(done.stdout + done.stderr)
    errors: dict[str, list[str]] = {}
    for match in re.finditer(r"(\w+)\.py:\d+: error: (.*)", done.stdout):
        errors.setdefault(match[1], []).append(match[2])
    return errors


def new(errors: list[str], known: list[str]) -> str | None:
    """Return the first error that is not known of the design without the mistake."""
    return next((error for error in errors if error not in known), None)
