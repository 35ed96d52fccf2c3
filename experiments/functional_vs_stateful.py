"""Functional or stateful: what does each design of one network cost, and what does it forgive?

    pip install -e '.[dev,torch]'
    python experiments/functional_vs_stateful.py

The lecture's network with BatchNorm in five designs, each as its documentation writes it, in the
folder `designs`: plain functions over dictionaries, Flax Linen, Flax NNX, Equinox, and PyTorch as
the stateful reference.  The package's own network, which is Linen, joins the first comparison.
Weights are copied, never drawn again.  Asked are: whether all compute the same over 1,000 steps;
what a step costs; how checkpoints come and go; what happens when people make mistakes; and what a
type checker sees of them.  Equinox and PyTorch are left out where they are not installed.

Claim: all designs of JAX are the same program, and differ in what surrounds it.
Measured on 2026-11-26, seed 0, jax 0.10.2, flax 0.12.8, equinox 0.13.8, torch 2.13 in eager mode on
one thread, two cores of an AMD EPYC; it took 206 seconds:

                                  functions   Linen     NNX  Equinox  PyTorch
    largest difference of a loss          0       0       0     5e-7     7e-7
    of gradients                          0       0       0     1e-6     3e-6
    of running statistics                 0       0       0     3e-6     4e-6
    statements, for BatchNorm        50, 28  48, 20   43, 4   49, 22    45, 4
    µs a step, dispatched singly        649     617   1,231    1,307    1,166
    µs a step, inside lax.scan          477     483     474      758
    mistakes: silent / raise          3 / 2   2 / 2   3 / 1    4 / 1    2 / 0
    seeded types caught               3 / 6   4 / 6   3 / 5    4 / 5    3 / 5

The claim holds to the bit for functions, Linen and NNX.  Equinox normalises by other operations,
777 instead of 500, and would correct young statistics in evaluation, which
`from_weights` turns off.  PyTorch is compared within 5e-6; it keeps variances divided by n - 1.
All tables are in functional_vs_stateful.md, what follows from them in README.md.
"""

import json
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from common.command import require_package, require_rounds, run
from design_study import agreement, costs, mistakes, moving, typed
from design_study.lines import count_statements
from design_study.report import draw, tables
from designs import EXTRAS, JAX, Sizes, load_design

from wavenet_jax.config import DataConfig
from wavenet_jax.data import load_dataset

HERE = Path(__file__).parent
LIVES = {  # what no program can find out
    "parameters live in": {
        "functions": "a dictionary that goes in and out",
        "linen": "a collection that goes in and out",
        "nnx": "the module, as `nnx.Param`",
        "equinox": "the module, which goes in and out",
        "torch": "the module, as `Parameter`",
    },
    "running statistics live in": {
        "functions": "a second dictionary that goes in and out",
        "linen": "a second collection, if it is `mutable`",
        "nnx": "the module, as `nnx.BatchStat`",
        "equinox": "`eqx.nn.State`, which goes in and out",
        "torch": "the module, as buffers",
    },
    "randomness lives in": {
        "functions": "a key that goes in",
        "linen": "`rngs={...}`, which goes in",
        "nnx": "the module, as `nnx.Rngs`, which counts",
        "equinox": "a key that goes in",
        "torch": "one generator of the process",
    },
    "training or evaluation is": {
        "functions": "an argument of the call",
        "linen": "an attribute of the module",
        "nnx": "set in the module, `net.eval()`",
        "equinox": "set in a copy, `inference_mode(net)`",
        "torch": "set in the module, `net.eval()`",
    },
}
STEPS = {"tiny": 300, "the lecture's": 200, "larger": 30}  # of a timed call

Rows = dict[str, dict[str, str]]  # by row, then by design


def main(
    data: str = "names",
    steps: int = 1_000,
    rounds: int = 5,
    out: Path | None = None,
    quick: bool = False,
) -> None:
    """Ask all questions, print the tables, and write and draw them.

    Args:
        data: A list in the letters a to z, by default the bundled names.
        steps: Steps over which the designs are compared.
        rounds: Times that each way is timed; the median counts.
        out: Folder of functional_vs_stateful.json, .md and .png; by default that of this file, or
            with quick a temporary one.
        quick: Two designs and a few steps, to see that everything works.
    """
    require_package("matplotlib", "matplotlib", "plots")
    require_package("mypy", "mypy", "dev")
    require_rounds(rounds)
    out = out or (Path(tempfile.mkdtemp()) if quick else HERE)
    out.mkdir(parents=True, exist_ok=True)
    dataset = load_dataset(DataConfig(data=data))
    sizes, timed, forms = Sizes(), STEPS, list(load_design("nnx").FORMS)
    names = [name for name in (*JAX, "torch") if name not in EXTRAS or find_spec(name)]
    if quick:
        steps, rounds, sizes = 3, 1, Sizes(4, 8, 16)
        timed, forms, names = {"tiny": 2}, forms[:1], ["functions", "nnx"]
    batches = agreement.draw_batches(dataset.splits.train, steps, sizes.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        results = {
            "agreement": agree(names, sizes, batches),
            "times": times(names, forms, timed, rounds),
            "facts": facts(names, sizes, batches, Path(folder), min(rounds, 3)),
            "mistakes": made(names),
            "types": typed.caught(names, Path(folder)),
        }
    page = tables(results, names)
    print(page)
    (out / "functional_vs_stateful.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    (out / "functional_vs_stateful.md").write_text(page + "\n", "utf-8")
    draw(results["times"], out / "functional_vs_stateful.png")


def agree(names: list[str], sizes: Sizes, batches: agreement.Batches) -> dict[str, Any]:
    """Return how far each design is from plain functions, the package's own network among them."""
    found = agreement.compare([*names, "package"], sizes, batches)
    return {name: differences._asdict() for name, differences in found.items()}


def times(
    names: list[str], forms: list[str], timed: Mapping[str, int], rounds: int
) -> dict[str, Any]:
    """Return the microseconds of a step, for each work: alone, in each form of NNX, in a scan."""
    makers = load_design("nnx").FORMS
    jax_names = [name for name in names if name in JAX]
    result = {}
    for work, steps in timed.items():
        sizes = costs.WORK[work]
        alone = {name: costs.trainer(name, sizes) for name in names}
        alone |= {form: costs.form(makers[form], sizes) for form in forms}
        scanned = {name: costs.scanned(name, sizes) for name in jax_names}
        result[work] = {
            "alone": costs.microseconds(alone, steps, rounds),
            "scan": costs.microseconds(scanned, 4 * steps, rounds),
        }
    return result


def facts(
    names: list[str], sizes: Sizes, batches: agreement.Batches, folder: Path, rounds: int
) -> Rows:
    """Return what a row of the table says of each design."""
    rows: Rows = {"statements": {}, "of these, BatchNorm adds or changes": {}}
    for name in names:
        total, added = count_statements(name)
        rows["statements"][name] = str(total)
        rows["of these, BatchNorm adds or changes"][name] = str(added)
    rows |= LIVES
    few = agreement.Batches(*(part[:20] for part in batches))
    for name in (name for name in names if name in JAX):
        measured = costs_of(name, sizes, rounds) | checkpoints_of(name, names, sizes, few, folder)
        for row, text in measured.items():
            rows.setdefault(row, {})[name] = text
    return rows


def costs_of(name: str, sizes: Sizes, rounds: int) -> dict[str, str]:
    """Return what the rows say of the programs of a design of JAX."""
    program = costs.program(name, sizes, rounds)
    seeds, mean = (
        costs.microseconds({name: make(name, sizes)}, steps=20, rounds=rounds)[name]
        for make in (costs.side_by_side, costs.ensemble)
    )
    return {
        "tracing, s": f"{program.trace_seconds:.2f}",
        "compiling, s": f"{program.compile_seconds:.2f}",
        "operations before XLA": str(program.operations),
        "state in and out, KiB": f"{program.bytes_held / 1024:.0f}",
        "of these, donated, KiB": f"{program.bytes_donated / 1024:.0f}",
        f"{costs.SEEDS} seeds by vmap in a scan, µs a step": f"{seeds:,.0f}",
        f"ensemble of {costs.SEEDS}, µs a batch": f"{mean:,.0f}",
    }


def checkpoints_of(
    name: str, names: list[str], sizes: Sizes, batches: agreement.Batches, folder: Path
) -> dict[str, str]:
    """Return what the rows say of the checkpoints of a design of JAX."""
    state, inputs = moving.trained(name, batches, sizes), batches.inputs[0]
    others: dict[str, list[str]] = {}  # designs, by what became of the logits there
    for other in (other for other in names if other != name and other in JAX):
        kept = moving.moved(state, name, other, inputs)
        others.setdefault(kept, []).append(load_design(other).TITLE)
    return {
        "saved and restored by Orbax": moving.saved_and_restored(name, state, inputs, folder),
        "moved to another design": "; ".join(f"{', '.join(to)}: {k}" for k, to in others.items()),
        "exported by `jax.export`": moving.exported(name, state, inputs),
    }


def made(names: list[str]) -> dict[str, dict[str, list[str]]]:
    """Make every mistake in every design: verdict and message."""
    return {
        title: {
            name: list(mistakes.outcome(make))
            for name, make in ways.items()
            if name.split(",")[0] in names
        }
        for title, ways in mistakes.MISTAKES.items()
    }


if __name__ == "__main__":
    run(main)
