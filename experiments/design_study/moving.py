"""How does a checkpoint come and go?  Saved by Orbax, moved to another design, exported."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from designs import Sizes, initial_weights, load_design
from jax import export

from design_study.agreement import Batches


def trained(name: str, batches: Batches, sizes: Sizes) -> Any:
    """Return the state of a design after some steps."""
    design = load_design(name)
    state = design.from_weights(initial_weights(sizes))
    for batch in zip(*batches, strict=True):
        state, _ = design.train_step(state, *batch)
    return state


def saved_and_restored(name: str, state: Any, inputs: np.ndarray, folder: Path) -> str:
    """Save the variables by Orbax as they are and restore them: what became of the logits?"""
    variables, _, logits = load_design(name).pure(state)
    path = folder.resolve() / name
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(path, variables)
        checkpointer.wait_until_finished()
        shapes = jax.tree.map(ocp.utils.to_shape_dtype_struct, variables)
        restored = checkpointer.restore(path, shapes)
    return verdict(logits(restored, inputs), logits(variables, inputs))


def moved(state: Any, start: str, end: str, inputs: np.ndarray) -> str:
    """Move a state from one design to another, by the common names: what became of the logits?"""
    source, target = load_design(start), load_design(end)
    other = target.from_weights(source.to_weights(state))
    return verdict(target.logits(other, inputs), source.logits(state, inputs))


def exported(name: str, state: Any, inputs: np.ndarray) -> str:
    """Export the logits by `jax.export`, for any number of rows: what became of them?"""
    variables, _, logits = load_design(name).pure(state)
    rows = export.symbolic_shape("rows")[0]
    shape = jax.ShapeDtypeStruct((rows, inputs.shape[1]), jnp.int32)
    function = jax.jit(lambda inputs: logits(variables, inputs))
    program = export.export(function)(shape)
    given, size = inputs.astype(np.int32), len(program.mlir_module_serialized)
    return f"{size / 1024:,.0f} KiB, {verdict(program.call(given), logits(variables, given))}"


def verdict(one: Any, other: Any) -> str:
    """Return how far two arrays are from each other, in words."""
    gap = np.abs(np.asarray(one) - np.asarray(other)).max()
    return "equal to the bit" if gap == 0 else f"equal to {gap:.0e}"
