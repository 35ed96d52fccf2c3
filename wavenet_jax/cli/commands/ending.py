"""What is left to do when a run has ended: pictures, samples, and the losses in a line."""

import math
import shlex
from contextlib import suppress
from pathlib import Path

from wavenet_jax.cli import process, tables
from wavenet_jax.cli.arguments import PROGRAM
from wavenet_jax.cli.commands.sounds import show_sounds
from wavenet_jax.cli.watch import draw_loss_curve
from wavenet_jax.config import SampleConfig
from wavenet_jax.nn import Variables
from wavenet_jax.runs import Run, open_checkpoints, read_metrics, write_whole
from wavenet_jax.sampling import generate_documents, generate_texts

RUNS = Path("runs")


def link_latest(folder: Path) -> None:
    """Let runs/latest be the run that was trained last, where its folder is in runs/."""
    link = RUNS / "latest"
    if folder.parent != RUNS.resolve() or (link.exists() and not link.is_symlink()):
        return
    with suppress(OSError):  # not every file system has links
        link.unlink(missing_ok=True)
        link.symlink_to(folder.name, target_is_directory=True)


def finish(run: Run, *, is_interrupted: bool = False) -> int:
    """Draw the loss curve and samples of the best state, print the losses and what is next."""
    metrics = read_metrics(run.folder)
    if why := draw_loss_curve(run, metrics):
        process.say(why)
    with open_checkpoints(run) as checkpoints:
        best_step, variables = checkpoints.restore_variables("best")
    if run.data.kind == "audio":
        show_sounds(run, variables)
    else:
        write_whole(run.folder / "samples.txt", _samples(run, variables) + "\n")
    losses = {line["step"]: line["val_loss"] for line in metrics if "val_loss" in line}
    if losses:
        last_step = max(losses)
        what = "step" if last_step == metrics[-1]["step"] else "validation"
        best = f"{losses[best_step]:.4f} " if best_step in losses else ""
        print(
            f"{run.folder}: val {losses[last_step]:.4f} at the last {what}, {last_step:,}; best "
            f"{best}at step {best_step:,}"
        )
        if not is_interrupted:
            _warn_of_divergence(run, metrics[0]["train_loss"], metrics[-1]["train_loss"])
    elif metrics:
        last = metrics[-1]
        print(f"{run.folder}: train {last['train_loss']:.4f} at the last step, {last['step']:,}")
    folder = shlex.quote(str(run.folder))
    process.say(f"Next: `{PROGRAM} evaluate {folder}`, `{PROGRAM} sample {folder}`.")
    return 0


def _warn_of_divergence(run: Run, first: float, loss: float) -> None:
    guessing = math.log(len(run.data.vocab))
    if loss > max(first, guessing):
        process.say(
            f"The model is worse than guessing among {len(run.data.vocab)} tokens (train "
            f"{loss:.4f}, guessing {guessing:.4f}): train again with a lower --learning-rate than "
            f"{run.config.optim.learning_rate:g}."
        )


def _samples(run: Run, variables: Variables) -> str:
    """Return what `wavenet-jax sample` prints with seed 0."""
    seeded = SampleConfig(seed=0)
    if run.data.is_text:
        return "".join(next(generate_texts(run.model, variables, run.data.vocab, seeded)))
    return tables.documents_table(list(generate_documents(run.model, variables, run.data, seeded)))
