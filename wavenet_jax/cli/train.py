"""What `wavenet-jax train` and `resume` do with their arguments."""

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax

from wavenet_jax.cli import process, tables
from wavenet_jax.cli.arguments import PROGRAM, Resume, Train
from wavenet_jax.errors import InputError, pluralize, require
from wavenet_jax.nn import Variables, count_parameters, init_variables
from wavenet_jax.runs import (
    Run,
    changed_environment,
    load_run,
    open_checkpoints,
    prepare_run,
    read_metrics,
    record_new,
    record_resumed,
)
from wavenet_jax.sampling import generate_documents, generate_texts
from wavenet_jax.training import (
    MAX_VAL_TOKENS,
    NonFiniteLossError,
    StepInfo,
    TrainState,
    fit,
    require_row_fits,
)

Infos = Iterator[StepInfo]


def train(command: Train) -> int:
    """Train a new run; return 0, or 128 + the signal that interrupted it."""
    process.use_compilation_cache()
    name = command.run_dir
    require(name != "", "run_dir is '', expected a folder such as runs/names.", "run_dir")
    folder = Path(name) if name else Path("runs") / time.strftime("%Y%m%d-%H%M%S")
    overwrite = command.overwrite
    with (
        process.signals_unwind(),
        prepare_run(folder, command.config, overwrite=overwrite) as run,
    ):
        return _train(run, None, partial(record_new, run, overwrite=overwrite))


def resume(command: Resume) -> int:
    """Continue a run from its latest state; return as `train` does."""
    process.use_compilation_cache()
    run = load_run(command.run)
    with open_checkpoints(run) as checkpoints:
        state = checkpoints.restore_state()
    return _train(run, state, partial(record_resumed, run, step=int(state.step)))


def _train(run: Run, state: TrainState | None, record: Callable[[Infos], Infos]) -> int:
    """Train from a state, or from the start, to the last step or to a signal."""
    require_row_fits(run.data.splits.train, run.config.train, run.config.model.receptive_field)
    done, total = int(state.step) if state else 0, run.total_steps
    _announce(run, done)
    with (
        process.stop_signals() as received,
        process.training_progress(total, done) as progress,
        _failures_explained(run),
    ):
        model, splits = run.model, run.data.splits
        infos = fit(model, run.config, splits, state, should_stop=lambda: bool(received))
        for info in record(infos):
            progress.show(info)
            done = info.step
    if done < total:
        process.stderr.print(
            f"Interrupted at step {done:,} of {total:,}, which is saved; continue with "
            f"`{PROGRAM} resume {shlex.quote(str(run.folder))}`."
        )
        return 128 + received[0]
    _finish(run)
    return 0


@contextmanager
def _failures_explained(run: Run) -> Iterator[None]:
    """Turn the failures that another configuration would avoid into an `InputError`."""
    try:
        yield
    except NonFiniteLossError as error:
        raise InputError(f"{error} ({_kept(run)}).") from error
    except jax.errors.JaxRuntimeError as error:
        if "memory" not in str(error):
            raise
        raise InputError(
            f"the run does not fit this machine ({str(error).splitlines()[0][:100]}), expected "
            "less memory; lower --n-hidden, --batch-size, --seq-len or --report-every."
        ) from error


def _kept(run: Run) -> str:
    """Say which state a run that failed keeps."""
    if (run.folder / "checkpoints").is_dir():
        with open_checkpoints(run) as checkpoints:
            step = checkpoints.latest_step()
        if step is not None:
            return f"{run.folder} keeps the state of step {step:,}"
    return "nothing was saved yet"


def _announce(run: Run, done: int) -> None:
    """Print what is trained, on which data, and for how many steps."""
    shapes = jax.eval_shape(lambda: init_variables(run.model, jax.random.key(0)))
    settings, total = run.config.train, run.total_steps
    per_step = settings.batch_size * settings.seq_len
    epochs = total * per_step / run.data.splits.train.num_predictions
    process.stderr.print(
        f"{'Continuing' if done else 'Training'} {count_parameters(shapes['params']):,} parameters "
        f"(receptive field {run.config.model.receptive_field:,}) on {run.config.data.title}: "
        f"{_extent(run)}, {tables.vocab_line(run.data.vocab)}\n"
        f"{f'From step {done:,} to' if done else 'For'} {total:,} steps of "
        f"{_rows(run)} ({epochs:.3g} epochs), in {run.folder}"
    )
    if done and (changed := changed_environment(run)):
        process.stderr.print(
            f"The run began with {', '.join(changed)}: its last digits may differ."
        )


def _extent(run: Run) -> str:
    """Return the sizes of the splits."""
    if run.data.is_text:
        lengths = [corpus.num_predictions for corpus in run.data.splits]
        return f"{' / '.join(f'{length:,}' for length in lengths if length)} characters"
    return f"{' / '.join(f'{len(split):,}' for split in run.data.split_documents)} documents"


def _rows(run: Run) -> str:
    """Return what a step trains on, and what validation leaves out."""
    settings = run.config.train
    rows = pluralize(settings.batch_size, "window")
    if settings.mode == "sequence":
        rows = f"{pluralize(settings.batch_size, 'sequence')} of {settings.seq_len:,}"
    if run.data.splits.val.num_predictions > MAX_VAL_TOKENS:
        rows += f", validated on the first {MAX_VAL_TOKENS:,} characters of val"
    return rows


def _finish(run: Run) -> None:
    """Draw the loss curve and samples of the best state, and print the losses and what is next."""
    metrics = read_metrics(run)
    _draw_loss_curve(run, metrics)
    with open_checkpoints(run) as checkpoints:
        best_step, variables = checkpoints.restore_variables("best")
    (run.folder / "samples.txt").write_text(_samples(run, variables) + "\n", "utf-8")
    losses = {line["step"]: line["val_loss"] for line in metrics if "val_loss" in line}
    if losses:
        last_step = max(losses)
        print(
            f"{run.folder}: val {losses[last_step]:.4f} at the last step, {last_step:,}; "
            f"best {losses[best_step]:.4f} at step {best_step:,}"
        )
    folder = shlex.quote(str(run.folder))
    process.stderr.print(f"Next: `{PROGRAM} evaluate {folder}`, `{PROGRAM} sample {folder}`.")


def _draw_loss_curve(run: Run, metrics: list[dict[str, Any]]) -> None:
    if not metrics:
        return
    if find_spec("matplotlib") is None:
        process.stderr.print(
            "No loss curve is drawn without matplotlib; `pip install matplotlib` adds it."
        )
        return
    from wavenet_jax.cli import plots  # noqa: PLC0415  an optional extra

    title = Path(run.config.data.title).name
    plots.draw_loss_curve(metrics, title, run.folder / "loss.png")


def _samples(run: Run, variables: Variables) -> str:
    """Return what `wavenet-jax sample` prints by default."""
    if run.data.is_text:
        return "".join(next(generate_texts(run.model, variables, run.data.vocab)))
    return tables.documents_table(list(generate_documents(run.model, variables, run.data)))
