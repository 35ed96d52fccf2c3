"""What `wavenet-jax inspect` does with its arguments."""

import json
import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from wavenet_jax.cli import process, tables
from wavenet_jax.cli.arguments import Inspect
from wavenet_jax.cli.commands.common import print_notes
from wavenet_jax.errors import InputError, pluralize, require
from wavenet_jax.runs import Run, load_run, open_checkpoints
from wavenet_jax.training import (
    SATURATED,
    Batch,
    Diagnostics,
    LayerDiagnostics,
    Trainer,
    TrainState,
    diagnose,
    make_schedule,
    make_trainer,
    next_batch,
    require_row_fits,
)

MAX_COUNTED = 1_000_000  # predictions of train whose frequencies the embedding shows


def inspect(command: Inspect) -> int:
    """Draw the pictures of the next step of a run, print a table or JSON, and return 0."""
    require(
        find_spec("matplotlib") is not None,
        "inspect draws with matplotlib, which is not installed, expected the extra plots; add it "
        "by `pip install -e '.[plots]'` in a clone.",
    )
    require(
        command.out != "",
        "out is '', expected a folder for the pictures, such as pictures.",
        "out",
    )
    run = load_run(command.run)
    with open_checkpoints(run) as checkpoints:
        state = checkpoints.restore_state()
    print_notes(checkpoints.notes)
    require_row_fits(run.data.splits.train, run.config.train, run.config.model.receptive_field)
    folder, step = Path(command.out or run.folder / "inspect"), int(state.step)
    _make(folder)
    trainer, learning_rate, rate = _next_step(run, state)
    batch = next_batch(trainer, state, run.data.splits.train)
    found = diagnose(trainer, state, batch)
    where = f"{run.folder} at step {step:,}"
    words = f"one batch: {_rows(run, batch)}, loss {found.loss_nats:.4f} nats"
    _draw(run, found, (where, words, rate), folder)
    process.say(f"{where}, {words}, {rate}; pictures in {folder}")
    if command.json:
        head = {"run": str(command.run), "step": step, "learning_rate": learning_rate}
        print(json.dumps(head | _values(found), indent=2, ensure_ascii=not process.is_utf8()))
    else:
        print(_table(found))
    return 0


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"out is {str(folder)!r}, which cannot be written ({error.strerror or error}), "
            "expected a writable folder; choose another.",
            "out",
        ) from error


def _next_step(run: Run, state: TrainState) -> tuple[Trainer, float, str]:
    """Return the trainer of the next step, and its learning rate as a number and in words.

    Where the schedule has ended at 0, they are those of a run twice as long, which is half way.
    """
    optim, steps, note = run.config.optim, run.total_steps, ""
    if make_schedule(optim, steps)(state.step) == 0:
        steps, note = 2 * steps, " (that of half way: the schedule has ended at 0)"
    trainer = make_trainer(run.model, run.config, steps)
    rate = float(make_schedule(optim, steps)(state.step))
    return trainer, rate, f"learning rate {rate:.3g}{note}"


def _rows(run: Run, batch: Batch) -> str:
    """Return the size of a batch in words."""
    (number, length), unit = batch.inputs.shape, run.config.data.unit
    if run.config.train.mode == "window":
        return f"{pluralize(number, 'window')} of {pluralize(length, unit)}"
    return f"{pluralize(number, 'sequence')} of {pluralize(batch.targets.shape[1], unit)}"


def _draw(run: Run, found: Diagnostics, words: tuple[str, str, str], folder: Path) -> None:
    """Draw the pictures, which say of what state and batch they are, and the learning rate."""
    from wavenet_jax.cli import plots  # noqa: PLC0415  an optional extra

    vocab, train = run.data.vocab, run.data.splits.train
    counts = np.bincount(train.head(MAX_COUNTED).tokens[1:], minlength=len(vocab))
    where, batch, rate = words
    weights = " (its weights, not their averages)" if run.config.optim.has_averages else ""
    caption, activations = f"of {where}{weights}\n{batch}", _activation_words(run)
    plots.draw_activations(found.layers, activations, caption, folder / "activations.png")
    plots.draw_gradients(found, caption, folder / "gradients.png")
    plots.draw_updates(found.matrices, rate, caption, folder / "updates.png")
    embedding, path = found.matrices[0].weights, folder / "embedding.png"
    plots.draw_embedding(embedding, vocab.characters, counts, f"of {where}", path)


def _activation_words(run: Run) -> tuple[str, str]:
    """Say what the activations are, and when one is saturated."""
    model = run.config.model
    if model.layer == "gated":
        return "activation z = tanh ⊙ σ", "|tanh| > 0.97"
    saturated = {"tanh": "|tanh| > 0.97", "relu": "off"}
    return (
        f"activation ({model.activation})",
        saturated.get(model.activation, f"|slope| < {SATURATED:.2f}"),
    )


def _values(found: Diagnostics) -> dict[str, Any]:
    """Return the numbers of a step as plain values; undefined is null."""
    matrices = [
        {
            "place": matrix.place,
            "name": matrix.name,
            "shape": list(matrix.weights.shape),
            "std": _finite(matrix.weights.std()),
            "gradient_std": _finite(matrix.gradients.std()),
            "log10_update": _finite(matrix.log10_update),
        }
        for matrix in found.matrices
    ]
    layers = [_layer_values(layer) for layer in found.layers]
    return {"loss_nats": found.loss_nats, "layers": layers, "matrices": matrices}


def _layer_values(layer: LayerDiagnostics) -> dict[str, float | None]:
    return {
        "mean": _finite(layer.activations.mean()),
        "std": _finite(layer.activations.std()),
        "saturated": _finite(layer.saturated),
        "gradient_std": _finite(layer.gradients.std()),
    }


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _table(found: Diagnostics) -> str:
    """Return a row per weight matrix; the first one of a layer is that of its activations."""
    rows = [["", "mean", "std", "saturated", "gradient", "log10 update/weight"]]
    layers = iter(found.layers)
    for matrix in found.matrices:
        cells = ["–"] * 4
        if matrix.name == "linear":
            layer = next(layers)
            cells = [f"{layer.activations.mean():.3f}", f"{layer.activations.std():.3f}"]
            cells += [f"{layer.saturated:.1%}", f"{layer.gradients.std():.2e}"]
        name = matrix.place if matrix.place == matrix.name else f"{matrix.place} {matrix.name}"
        update = matrix.log10_update
        rows.append([name, *cells, f"{update:.2f}" if math.isfinite(update) else "–"])
    return "\n".join(tables.table(rows, "<>>>>>"))
