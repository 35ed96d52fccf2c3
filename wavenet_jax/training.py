"""What `wavenet-jax train` does once its arguments are parsed."""

import shlex
import time
from collections.abc import Iterable
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import jax

from wavenet_jax import (
    batches,
    checkpoint,
    config_file,
    console,
    generate,
    model,
    process,
    results,
    runs,
    train,
)
from wavenet_jax.config import Config
from wavenet_jax.errors import InputError, counted, require
from wavenet_jax.runs import Run


def train_run(config: Config, folder: Path | None, *, resume: bool, overwrite: bool) -> int:
    """Train a new run, or continue one; return 0, or 128 + the signal that interrupted it."""
    process.use_compilation_cache()
    require(
        not (resume and overwrite),
        "--resume and --overwrite are both given, expected one: continue the run or replace it.",
    )
    if resume:
        return _train(_continued(folder, config), resume=True, overwrite=False)
    folder = folder or Path("runs") / time.strftime("%Y%m%d-%H%M%S")
    with process.signals_unwind(), runs.prepare(folder, config, overwrite=overwrite) as run:
        return _train(run, resume=False, overwrite=overwrite)


def _train(run: Run, *, resume: bool, overwrite: bool) -> int:
    batches.require_room(run.data.splits.train, run.config.train, run.config.model.receptive_field)
    state = _latest_state(run) if resume else None
    done = int(state.step) if state else 0
    _announce(run, done)
    with (
        process.stop_signals() as received,
        console.training_progress(run.total_steps, done) as progress,
    ):
        reports = train.fit(run.model, run.config, run.data.splits, state, lambda: bool(received))
        try:
            first = next(reports, None)
            if first is not None:
                # No run on disk is touched before the first steps have worked.
                runs.cut_metrics(run, done) if resume else runs.create(run, overwrite=overwrite)
                done = _keep(run, chain([first], reports), progress)
        except train.NonFiniteLossError as error:
            raise InputError(_advice(run, error)) from error
        except jax.errors.JaxRuntimeError as error:
            if "memory" not in str(error):
                raise
            raise InputError(
                f"the run does not fit this machine ({str(error).splitlines()[0][:100]}); lower "
                "n_hidden, batch_size, length or report_every."
            ) from error
    if done < run.total_steps:
        console.stderr.print(
            f"Interrupted at step {done:,} of {run.total_steps:,}, which is saved; continue with "
            f"`wavenet-jax train --run-dir {shlex.quote(str(run.folder))} --resume`."
        )
        return 128 + received[0]
    _finish(run)
    return 0


def _keep(run: Run, reports: Iterable[train.Report], progress: console.TrainingProgress) -> int:
    """Write down and show every report, save the states, and return the last step."""
    with checkpoint.checkpoints(run) as states:
        for report in reports:
            runs.append_metrics(run, _metrics(report))
            if report.val is not None:
                states.save(report.state, report.val.nats_per_character)
            progress.show(report)
        if report.val is None:
            # Interrupted off schedule: saved without a loss, so that the run, once resumed, keeps
            # the same best state as an uninterrupted one.
            states.save(report.state, None)
    return report.step


def _latest_state(run: Run) -> train.TrainState:
    with checkpoint.checkpoints(run) as states:
        return states.restore_state()


def _continued(folder: Path | None, config: Config) -> Run:
    if folder is None:
        raise InputError("--resume is given without --run-dir, expected the run to continue.")
    run = runs.load(folder)
    changed = config_file.differences(run.config, config)
    require(
        not changed,
        f"run folder {str(folder)!r} was trained with another configuration "
        f"({', '.join(changed)}), expected the same to continue it; leave these options out, or "
        "train a new run in another --run-dir.",
    )
    return run


def _announce(run: Run, done: int) -> None:
    shapes = jax.eval_shape(lambda: model.init(run.model, jax.random.key(0)))
    settings, data, total = run.config.train, run.data, run.total_steps
    size = model.count_parameters(shapes["params"])
    per_step = settings.batch_size * settings.length
    epochs = total * per_step / data.splits.train.predictions
    rows = counted(settings.batch_size, "window")
    if settings.run == "sequence":
        rows = f"{counted(settings.batch_size, 'sequence')} of {settings.length:,}"
    if data.splits.val.predictions > train.VALIDATED:
        rows += f", validated on the first {train.VALIDATED:,} characters of val"
    console.stderr.print(
        f"{'Continuing' if done else 'Training'} {size:,} parameters "
        f"(receptive field {run.config.model.receptive_field:,}) on {run.config.data.data}: "
        f"{_extent(run)}, {results.alphabet(data.vocab)}\n"
        f"{f'From step {done:,} to' if done else 'For'} {total:,} steps of "
        f"{rows} ({epochs:.3g} epochs), in {run.folder}"
    )
    if done and (changed := runs.changed_environment(run)):
        console.stderr.print(
            f"The run began with {', '.join(changed)}: it may end a little differently."
        )


def _extent(run: Run) -> str:
    if run.data.is_stream:
        lengths = [part.predictions for part in run.data.splits]
        return f"{' / '.join(f'{length:,}' for length in lengths if length)} characters"
    return f"{' / '.join(f'{len(part):,}' for part in run.data.parts)} documents"


def _metrics(report: train.Report) -> dict[str, Any]:
    line = {
        "step": report.step,
        "train_loss": report.train_loss,
        "learning_rate": report.learning_rate,
        "steps_per_second": report.steps_per_second and round(report.steps_per_second, 1),
    }
    if report.val is not None:
        line["val_loss"] = report.val.nats_per_character
    return line


def _advice(run: Run, error: train.NonFiniteLossError) -> str:
    """Say what became of a run that diverged."""
    kept = "nothing was saved yet"
    if (run.folder / "checkpoints").is_dir():
        with checkpoint.checkpoints(run) as states:
            step = states.latest_step()
        kept = f"{run.folder} keeps the state of step {step:,}" if step else kept
    return f"{error}; {kept}, train anew with a lower learning_rate or decay."


def _finish(run: Run) -> None:
    """Draw the loss curve and samples of the best state, and say where all lies."""
    metrics = runs.read_metrics(run)
    if metrics and find_spec("matplotlib"):
        from wavenet_jax import plots  # noqa: PLC0415  an optional extra

        title = Path(run.config.data.data).name
        plots.draw_loss_curve(metrics, title, run.folder / "loss.png")
    elif metrics:
        console.stderr.print("No loss curve drawn: pip install 'wavenet-jax[plots]' for that.")
    with checkpoint.checkpoints(run) as states:
        best_step, variables = states.restore_variables("best")
    if run.data.is_stream:
        text = "".join(next(generate.texts(run, variables)))
    else:
        text = results.found_table(list(generate.documents(run, variables)))
    (run.folder / "samples.txt").write_text(text + "\n", "utf-8")
    losses = {line["step"]: line["val_loss"] for line in metrics if "val_loss" in line}
    if losses:
        last_step = max(losses)
        print(
            f"{run.folder}: val {losses[last_step]:.4f} at the last step, {last_step:,}; "
            f"best {losses[best_step]:.4f} at step {best_step:,}"
        )
    folder = shlex.quote(str(run.folder))
    console.stderr.print(f"Next: `wavenet-jax evaluate {folder}`, `wavenet-jax sample {folder}`.")
