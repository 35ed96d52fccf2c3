"""What `wavenet-jax train` and `resume` do with their arguments."""

import shlex
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax

from wavenet_jax.cli import process
from wavenet_jax.cli.arguments import PROGRAM, Resume, Train
from wavenet_jax.cli.commands.announce import announce
from wavenet_jax.cli.commands.common import print_notes
from wavenet_jax.cli.commands.ending import RUNS, finish, link_latest
from wavenet_jax.cli.commands.follow import (
    read_new_run,
    read_old_run,
    require_same_run,
    until_signal,
)
from wavenet_jax.cli.watch import Watch, has_board, require_tensorboard
from wavenet_jax.config import SampleConfig
from wavenet_jax.devices import (
    describe_lost_process,
    is_first,
    meet,
    meet_in_turn,
    process_count,
    share,
)
from wavenet_jax.errors import InputError, pluralize, require
from wavenet_jax.machine import require_open_files
from wavenet_jax.nn import Variables
from wavenet_jax.runs import (
    Run,
    extend_run,
    is_finished,
    open_checkpoints,
    prepare_run,
    read_validations,
    record_new,
    record_resumed,
    reopen_run,
    warm_start,
)
from wavenet_jax.sampling import generate_documents, generate_texts
from wavenet_jax.training import (
    DivergenceError,
    StepInfo,
    TrainState,
    fit,
    make_schedule,
    require_row_fits,
    steps_within,
)

Infos = Generator[StepInfo, None, None]
NOTHING_KEPT = "nothing was saved yet"
SAMPLES_DRAWN = 5  # times in a run
OPEN_FILES = 64  # that a run has at a time, and some more
FEW_DOCUMENTS, FEW_CHARACTERS = 5, 100


def train(command: Train) -> int:
    """Train a new run; return 0, or 128 + the signal that interrupted it."""
    folder, overwrite = _run_folder(command.run_dir), command.overwrite
    if command.tensorboard:
        require_tensorboard()
    with ExitStack() as stack:
        stops = stack.enter_context(process.signals_unwind())
        prepared = prepare_run(folder, command.recipe, overwrite=overwrite)
        run = meet_in_turn(
            lambda: stack.enter_context(prepared), lambda: read_new_run(command, folder)
        )
        stack.enter_context(_failures_explained(run))
        print_notes(run.data.notes)
        require_same_run(run, command.minutes, command.tensorboard)
        limited = _limited(run, command)
        start = meet(lambda: warm_start(limited.config, limited.data))
        if start is not None:
            process.say(start.note)
        record = partial(record_new, limited, overwrite=overwrite)
        state = None if start is None else start.state
        return _train(limited, state, record, tensorboard=command.tensorboard, stops=stops)


def resume(command: Resume) -> int:
    """Continue a run from its latest state; return as `train` does."""
    # The run that a link such as runs/latest leads to now.
    folder = command.run.resolve() if command.run.is_symlink() else command.run
    with ExitStack() as stack:
        run, state = meet_in_turn(
            lambda: _reopen(command, folder, stack), lambda: read_old_run(folder)
        )
        step = int(state.step)
        if is_finished(run, step):
            process.say(
                f"{run.folder} is finished at step {step:,} of {run.total_steps:,}: nothing is "
                "left to train; --steps trains it for longer."
            )
            return _finish_again(command, run) if is_first() else 0
        require_same_run(run, command.tensorboard)
        stack.enter_context(_failures_explained(run))
        record = partial(record_resumed, run, step=step)
        return _train(run, state, record, tensorboard=command.tensorboard)


def _reopen(command: Resume, folder: Path, stack: ExitStack) -> tuple[Run, TrainState]:
    """Return a run, longer where that is wanted, and its latest state, to train on."""
    run, state, notes = stack.enter_context(reopen_run(folder))
    print_notes(notes)
    if command.tensorboard:
        require_tensorboard()
    if command.steps is None and command.epochs is None:
        return run, state
    step = int(state.step)
    run = extend_run(run, step, steps=command.steps, epochs=command.epochs)
    rate = float(make_schedule(run.config.optim, run.total_steps)(step - 1))
    process.say(
        f"Going on for {pluralize(run.total_steps - step, 'step')} more, at the learning rate "
        f"with which the run ended, {rate:g}"
    )
    return run, state


def _finish_again(command: Resume, run: Run) -> int:
    Watch(run, tensorboard=command.tensorboard).close()
    return finish(run)


def _run_folder(name: str | None) -> Path:
    require(name != "", "run_dir is '', expected a folder such as runs/names.", "run_dir")
    require(
        name is None or not Path(name).is_symlink(),
        f"run_dir is {name!r}, which is a link, expected a folder; choose another, or the folder "
        "that it leads to.",
        "run_dir",
    )
    (default, *_) = share(str(RUNS / time.strftime("%Y%m%d-%H%M%S")))
    return Path(name or default)


def _limited(run: Run, command: Train) -> Run:
    """Return the run with no more steps than fit the minutes, by the speed of a few."""
    if command.minutes is None:
        return run
    process.say("Timing the first steps")
    steps = steps_within(run.model, run.config, run.data.splits, command.minutes)
    steps = int(share(str(steps))[0])
    if steps >= run.total_steps:
        return run
    given = command.recipe.given
    settings = replace(
        run.config.train,
        steps=steps,
        report_every=given.get("report_every"),
        eval_every=given.get("eval_every"),
    )
    counts = settings.count_steps(run.data.splits.train.num_predictions)
    settings = replace(settings, **counts._asdict())
    return run._replace(config=replace(run.config, train=settings))


def _train(
    run: Run,
    state: TrainState | None,
    record: Callable[[Infos], Infos],
    *,
    tensorboard: bool,
    stops: Sequence[int] = (),
) -> int:
    """Train from a state, or from the start, to the last step or to a signal, perhaps an earlier.

    The first of `stops` would be a signal that came before and was not heeded.  Of several
    processes, all train, and the first writes and prints.
    """
    require_row_fits(run.data.splits.train, run.config.train, run.config.model.receptive_field)
    require_open_files(OPEN_FILES)
    done, total, received = int(state.step) if state else 0, run.total_steps, list[int]()
    announce(run, done)
    validations = read_validations(run, done) if done else []
    with (
        process.stop_signals() as later,
        process.training_progress(total, done) as progress,
    ):
        infos = fit(
            *(run.model, run.config, run.data.splits, state, validations),
            gradient_norms=tensorboard or has_board(run),
        )
        stopped = until_signal(infos, lambda: [*stops, *later], received)
        with _kept(run, stopped, record, tensorboard=tensorboard) as shown:
            for info in shown:
                progress.show(info)
                done = info.step
    if not is_first():
        return 128 + received[0] if received and done < total else 0
    link_latest(run.folder.resolve())
    if received and not is_finished(run, done):
        process.say(
            f"Interrupted at step {done:,} of {total:,}, which is saved; continue with "
            f"`{PROGRAM} resume {shlex.quote(str(run.folder))}`."
        )
        finish(run, is_interrupted=True)
        return 128 + received[0]
    if done < total:
        process.say(
            f"Stopped early at step {done:,} of {total:,}: the validation loss has not improved "
            f"for {run.config.train.patience:.0%} of the steps."
        )
    return finish(run)


@contextmanager
def _kept(
    run: Run, infos: Infos, record: Callable[[Infos], Infos], *, tensorboard: bool
) -> Iterator[Infos]:
    """Yield the infos of a run as they are recorded, and in the first process drawn.

    Closing saves the last state.
    """
    with closing(record(_with_samples(run, infos) if is_first() else infos)) as recorded:
        if not is_first():
            yield recorded
            return
        with closing(_watched(run, recorded, tensorboard=tensorboard)) as shown:
            yield shown


def _watched(run: Run, infos: Infos, *, tensorboard: bool) -> Infos:
    """Yield the infos of a run, which has a folder from the first on, and show what is new."""
    watch: Watch | None = None
    try:
        for info in infos:
            watch = watch or Watch(run, tensorboard=tensorboard)
            if info.val is not None:
                watch.update()
            yield info
    except DivergenceError:  # when a curve is looked for
        if watch is not None:
            watch.update(at_once=True)
        raise
    finally:
        if watch is not None:
            watch.close()


def _with_samples(run: Run, infos: Infos) -> Infos:
    """Yield the infos, some of those that validate with a few samples of their state.

    Which ones follows from the step alone, so that a resumed run draws the same.
    """
    every = max(1, run.total_steps // SAMPLES_DRAWN)
    between = run.config.train.count_steps(run.data.splits.train.num_predictions).eval_every
    for info in infos:
        is_due = info.step // every > (info.step - between) // every
        if info.val is None or not (is_due or info.step == run.total_steps):
            yield info
        else:
            yield info._replace(samples=tuple(_few_samples(run, info.variables)))


def _few_samples(run: Run, variables: Variables) -> list[str]:
    """Return samples as strings; of sound, which is none, there are a few at the end of the run."""
    if run.data.kind == "audio":
        return []
    if run.data.is_text:
        config = SampleConfig(seed=0, text_length=FEW_CHARACTERS)
        return ["".join(next(generate_texts(run.model, variables, run.data.vocab, config)))]
    config = SampleConfig(seed=0, n=FEW_DOCUMENTS)
    documents = generate_documents(run.model, variables, run.data, config)
    return [document.sample.text for document in documents]


@contextmanager
def _failures_explained(run: Run) -> Iterator[None]:
    """Turn the failures that another configuration would avoid into an `InputError`."""
    try:
        yield
    except DivergenceError as error:
        raise InputError(f"{error} ({_state_kept(run)}).", "learning_rate") from error
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        if process_count() > 1 and not isinstance(error, InputError):
            kept = _state_kept(run)
            again = "train again" if kept == NOTHING_KEPT else "resume the run"
            raise InputError(
                f"{describe_lost_process(error)} ({kept}); {again} with all of them."
            ) from error
        if isinstance(error, ValueError) or "memory" not in str(error):
            raise
        raise InputError(
            f"the run does not fit this machine ({str(error).splitlines()[0][:100]}), expected "
            "less memory; lower --n-hidden, --batch-size, --seq-len or --report-every."
        ) from error


def _state_kept(run: Run) -> str:
    """Say which state a run that failed keeps."""
    if (run.folder / "checkpoints").is_dir():
        with open_checkpoints(run) as checkpoints:
            step = checkpoints.latest_step()
        if step is not None:
            return f"{run.folder} keeps the state of step {step:,}"
    return NOTHING_KEPT
