"""What the commands share that read a run: the run, its checkpoint, and JSON lines."""

from collections.abc import Iterable
from pathlib import Path

from wavenet_jax.cli import process
from wavenet_jax.cli.arguments import Evaluate, Sample, Score
from wavenet_jax.cli.mistakes import all_options, in_flags
from wavenet_jax.nn import Variables
from wavenet_jax.runs import Run, load_run, open_checkpoints


def restore(folder: Path, command: Evaluate | Score | Sample) -> tuple[Run, int, Variables]:
    """Return a run that a command reads, with the step and variables of its checkpoint."""
    run = load_run(folder)
    with open_checkpoints(run) as checkpoints:
        step, variables = checkpoints.restore_variables(command.checkpoint)
    print_notes(checkpoints.notes)
    return run, step, variables


def print_notes(notes: Iterable[str]) -> None:
    """Print what a user should know, a line each, with its fields as options."""
    for note in notes:
        process.say(f"Note: {in_flags(note, all_options())}")


def describe(run: Run, command: Evaluate | Score | Sample, step: int) -> str:
    """Return a run and which of its checkpoints is read, in words."""
    averages = ", averaged weights" if run.config.optim.has_averages else ""
    return f"{run.folder} at step {step:,} ({command.checkpoint} checkpoint{averages})"
