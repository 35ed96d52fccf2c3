"""A new run that starts from the weights of another, and a finished run that trains for longer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wavenet_jax.config import Config, extend
from wavenet_jax.data import Dataset, LabelVocab, Vocab
from wavenet_jax.errors import pluralize, require
from wavenet_jax.nn import change_labels, change_vocab, network_for
from wavenet_jax.runs.checkpoints import open_checkpoints
from wavenet_jax.runs.disk import damage_of_metrics, only_writer, read_manifest
from wavenet_jax.runs.folder import (
    Run,
    changed_environment,
    load_run,
    load_run_config,
    rewrite_config,
)
from wavenet_jax.runs.metrics import is_finished
from wavenet_jax.training import TrainState, init_state, make_trainer

MAX_LISTED = 20  # fresh characters that the note lists


class WarmStart(NamedTuple):
    """The state before the first step, and what a user should know of it."""

    state: TrainState
    note: str  # perhaps of several lines


def warm_start(config: Config, data: Dataset) -> WarmStart | None:
    """Return the state of a run that starts from the best weights of another; else None.

    Characters that the other run does not know are fresh.  Raises `InputError` where it knows none
    of them, or is damaged.
    """
    if config.train.init_from is None:
        return None
    source = load_run(Path(config.train.init_from))
    with open_checkpoints(source) as checkpoints:
        step, variables = checkpoints.restore_variables("best")
    steps = config.train.count_steps(data.splits.train.num_predictions).steps
    trainer = make_trainer(network_for(config.model, data), config, steps)
    fresh = init_state(trainer).variables
    if data.vocab != source.data.vocab:
        ids = _ids(data, source.data.vocab, source.folder)
        variables = change_vocab(variables, fresh, ids)
    start = f"Starting from {source.folder} at step {step:,}"
    start += _difference(data.vocab, source.data.vocab)
    if data.labels != source.data.labels:
        variables = change_labels(variables, fresh, _label_ids(data.labels, source.data.labels))
        start += _label_difference(data.labels, source.data.labels)
    return WarmStart(init_state(trainer, variables), "\n".join([*checkpoints.notes, start]))


def _ids(data: Dataset, old: Vocab, folder: Path) -> np.ndarray:
    """Return the id of each character in the old vocabulary, -1 of one that it does not know."""
    symbols, same = "characters", "the same script"
    if data.kind == "audio":
        symbols, same = "levels", "recordings"
    ids = {character: index for index, character in enumerate(old.characters)}
    found = np.array([ids.get(character, -1) for character in data.vocab.characters])
    require(
        max(found[1:]) >= 0,
        f"init_from is {str(folder)!r}, which knows none of the {len(data.vocab) - 1} {symbols} of "
        f"the data, expected a run on {same}.",
        "init_from",
    )
    return found


def _difference(vocab: Vocab, old: Vocab) -> str:
    """Return how two vocabularies differ, as the end of a sentence."""
    fresh = [each for each in vocab.characters[1:] if each not in old.characters]
    gone = [each for each in old.characters[1:] if each not in vocab.characters]
    if not fresh and not gone:
        return ", with its vocabulary."
    listed = " ".join(map(repr, fresh[:MAX_LISTED])) + " ..." * (len(fresh) > MAX_LISTED)
    new = f"{pluralize(len(fresh), 'character')} fresh ({listed})" if fresh else "none fresh"
    kept = len(vocab) - 1 - len(fresh)
    return f": {pluralize(kept, 'character')} kept, {new}, {len(gone):,} dropped."


def _label_ids(labels: LabelVocab, old: LabelVocab) -> np.ndarray:
    """Return the id of each label in the old vocabulary, 0 of one that it does not know."""
    ids = {
        (kind, label): number
        for kind, known in old.kinds
        for label, number in zip(known, old.ids(kind), strict=True)
    }
    return np.array([ids.get((kind, each), 0) for kind, known in labels.kinds for each in known])


def _label_difference(labels: LabelVocab, old: LabelVocab) -> str:
    """Return how two vocabularies of labels differ, as a sentence."""
    if not labels.kinds:
        return "  Its labels are dropped."
    kept = int((_label_ids(labels, old) > 0).sum())
    fresh = pluralize(labels.num_labels - kept, "label")
    return f"  {fresh} fresh, {kept:,} kept, {old.num_labels - kept:,} dropped."


class Reopened(NamedTuple):
    """A run to train on, and what a user should know of it."""

    run: Run
    state: TrainState  # the latest whole one
    notes: list[str]


@contextmanager
def reopen_run(folder: Path) -> Iterator[Reopened]:
    """Load a run and its latest state to train on; no other process may train it meanwhile.

    Raises `InputError` as `load_run`, `only_writer` and `Checkpoints.restore_state` do.
    """
    load_run_config(folder)  # is there a run at all?
    with only_writer(folder, "run") as held:
        run = load_run(folder)._replace(held=held)
        changed_environment(run)  # is refused where all numbers would differ
        with open_checkpoints(run) as checkpoints:
            state = checkpoints.restore_state()
            _require_metrics(folder, int(state.step))
            checkpoints.discard_leftovers()
        yield Reopened(run, state, checkpoints.notes)


def _require_metrics(folder: Path, step: int) -> None:
    """Raise `InputError` where the lines up to a state, which a run goes on from, have changed."""
    damage = damage_of_metrics(folder, read_manifest(folder).checkpoints[step].metrics)
    require(
        damage is None,
        f"{damage}, expected the lines that were written up to step {step:,}; restore it, or let "
        "`wavenet-jax verify` accept it as it is.",
    )


def extend_run(
    run: Run, done: int, *, steps: int | None = None, epochs: float | None = None
) -> Run:
    """Return a run that is finished after `done` steps with more of them, and write that down.

    Raises `InputError` as `extend` does, for both numbers, and where the run is not finished.
    """
    settings, total = run.config.train, run.data.splits.train.num_predictions
    require(
        is_finished(run, done),
        f"{str(run.folder)!r} is at step {done:,} of {run.total_steps:,}, expected a finished run "
        "to train for longer; resume it first, without steps and epochs.",
        "steps",
    )
    require(
        steps is None or epochs is None,
        f"steps is {steps} and epochs is {epochs}, expected one of them; leave one out.",
        "steps",
    )
    more = replace(
        settings,
        steps=steps,
        epochs=1.0 if epochs is None else epochs,
        eval_every=None,
        report_every=1,
    )
    counts = more.count_steps(total)
    config = extend(run.config, done, counts.steps)
    between = config.train.count_steps(total).eval_every
    if counts.eval_every > between:  # many more steps are validated less often
        unit = config.train.report_every or between
        between = counts.eval_every // unit * unit
        config = replace(config, train=replace(config.train, eval_every=max(between, unit)))
    return rewrite_config(run, config)
