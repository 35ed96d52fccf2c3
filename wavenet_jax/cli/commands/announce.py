"""What `train` and `resume` say before the first step."""

import jax

from wavenet_jax.cli import process, tables
from wavenet_jax.config import ModelConfig, OptimConfig
from wavenet_jax.devices import devices_for
from wavenet_jax.errors import pluralize
from wavenet_jax.nn import count_parameters, init_variables
from wavenet_jax.runs import Run, changed_environment


def announce(run: Run, done: int) -> None:
    """Print what is trained, on which data, and for how many steps."""
    shapes = jax.eval_shape(lambda: init_variables(run.model, jax.random.key(0)))
    settings, total = run.config.train, run.total_steps
    per_step = settings.batch_size * settings.seq_len
    epochs = total * per_step / run.data.splits.train.num_predictions
    process.say(
        f"{'Continuing' if done else 'Training'} {count_parameters(shapes['params']):,} parameters "
        f"({_network(run.config.model)}) on {run.config.data.title}: "
        f"{_extent(run)}, {_vocab_line(run)}\n"
        f"{f'From step {done:,} to' if done else 'For'} {total:,} steps of "
        f"{_rows(run)} ({epochs:.3g} epochs), {_optimizer(run.config.optim)}, in {run.folder}"
    )
    if kinds := run.data.labels.kinds:
        counts = (f"{tables.visible(name)} ({len(labels):,})" for name, labels in kinds)
        process.say(f"Labels: {', '.join(counts)}")
    if jax.device_count() > 1:
        process.say(_devices(run))
    if typical := _typical_beyond(run):
        process.say(
            f"Many documents are {typical:,} characters long, of which a prediction sees "
            f"{run.config.model.receptive_field:,}; more --dilations may help."
        )
    if not run.data.splits.val.num_predictions:
        process.say("Nothing is held out for validation: the best state is the last.")
    if done and (changed := changed_environment(run)):
        process.say(f"The run began with {', '.join(changed)}: its last digits may differ.")


def _devices(run: Run) -> str:
    """Return how many devices share a step, and what would let all of them."""
    parts, there = run.config.train.accumulate, jax.device_count()
    rows = run.config.train.batch_size // parts
    used, more = devices_for(rows), -(-rows // there) * there * parts
    if used == there:
        return f"On {there} devices, with {pluralize(rows // used, 'row')} of a step each"
    return (
        f"On {used} of {there} devices, since a step has {pluralize(rows, 'row')}: a --batch-size "
        f"of {more}, or another multiple of {there * parts}, would use all"
    )


def _network(model: ModelConfig) -> str:
    layers = pluralize(len(model.dilations), f"{model.layer} layer")
    return f"{layers} of {model.n_hidden:,}, receptive field {model.receptive_field:,}"


def _optimizer(optim: OptimConfig) -> str:
    decay = f", weight decay {optim.weight_decay:g}" if optim.weight_decay else ""
    averages = f", averaged with decay {optim.ema:g}" if optim.ema else ""
    return f"{optim.optimizer} at {optim.learning_rate:g} ({optim.schedule}){decay}{averages}"


def _typical_beyond(run: Run) -> int:
    """Return how long many documents are, where that is twice the receptive field; else 0.

    Of recordings, nearly all of which are longer, it is 0.
    """
    length = run.data.extent.document_length if run.data.kind == "list" else 0
    return length if length > 2 * run.config.model.receptive_field else 0


def _extent(run: Run) -> str:
    """Return the sizes of the splits."""
    if run.data.is_text:
        lengths = [corpus.num_predictions for corpus in run.data.splits]
        return f"{' / '.join(f'{length:,}' for length in lengths if length)} characters"
    counts = " / ".join(f"{len(corpus.starts):,}" for corpus in run.data.splits)
    if run.data.rate is None:
        return f"{counts} documents"
    samples = sum(int(corpus.lengths.sum()) for corpus in run.data.splits)
    return f"{counts} recordings, {_duration(samples / run.data.rate)} in all"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} seconds"
    return f"{seconds / 60:.1f} minutes" if seconds < 7_200 else f"{seconds / 3_600:.1f} hours"


def _vocab_line(run: Run) -> str:
    if run.data.rate is None:
        return tables.vocab_line(run.data.vocab)
    return f"{len(run.data.vocab) - 1} levels at {run.data.rate:,} Hz"


def _rows(run: Run) -> str:
    """Return what a step trains on, and what validation leaves out."""
    settings = run.config.train
    rows = pluralize(settings.batch_size, "window")
    if settings.mode == "sequence":
        rows = f"{pluralize(settings.batch_size, 'sequence')} of {settings.seq_len:,}"
    if run.data.splits.val.num_predictions > settings.max_val:
        share = pluralize(settings.max_val, run.config.data.unit)
        rows += f", validated on the first {share} of val"
    return rows
