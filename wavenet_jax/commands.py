"""What each command does once its arguments are parsed: read, compute, print, write."""

import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import jaxlib.version

from wavenet_jax import checkpoint, console, corpus, download, model, vocab
from wavenet_jax import config as configs
from wavenet_jax import evaluate as evaluation
from wavenet_jax import sample as sampling
from wavenet_jax import train as training
from wavenet_jax.checkpoint import Run
from wavenet_jax.config import Config, require

SAMPLES_AFTER_TRAINING = 20


def train(config: Config, folder: Path | None, *, resume: bool, overwrite: bool) -> int:
    """Train a new run, or continue one; return 0, or 130 if interrupted."""
    _use_compilation_cache()
    require(
        not (resume and overwrite),
        "--resume and --overwrite are both given, expected one: continue the run or replace it.",
    )
    run = _continued(folder, config) if resume else _new_run(folder, config, overwrite=overwrite)
    total = config.train.total_steps(run.splits.train.predictions)
    with checkpoint.checkpoints(run) as states, _stop_signals() as should_stop:
        state = states.restore("latest") if resume else None
        done = int(state.step) if state else 0
        checkpoint.cut_metrics(run, done)
        _announce(run, total, done)
        with console.training_progress(total, done) as progress:
            reports = training.fit(run.model, config, run.splits, state, should_stop)
            for report in reports:
                checkpoint.append_metrics(run, _metrics(report))
                if report.val is not None:
                    states.save(report.state, report.val.nats_per_character)
                progress.show(report)
                done = report.step
    if done < total:
        console.stderr.print(
            f"Interrupted at step {done:,} of {total:,}, which is saved; continue with "
            f"`wavenet-jax train --run-dir {run.folder} --resume`."
        )
        return 130
    _finish(run)
    return 0


def _new_run(folder: Path | None, config: Config, *, overwrite: bool) -> Run:
    folder = folder or Path("runs") / time.strftime("%Y%m%d-%H%M%S")
    require(
        overwrite or not checkpoint.holds_run(folder),
        f"run folder {str(folder)!r} already holds a run; continue it with --resume, replace it "
        "with --overwrite, or choose another --run-dir.",
    )
    documents = corpus.read_documents(corpus.find(config.data.data))
    return checkpoint.create(folder, config, documents, vocab.from_documents(documents))


def _continued(folder: Path | None, config: Config) -> Run:
    require(folder is not None, "--resume is given without --run-dir, the run to continue.")
    assert folder is not None
    run = checkpoint.load(folder)
    changed = configs.differences(run.config, config)
    require(
        not changed,
        f"run folder {str(folder)!r} was trained with another configuration "
        f"({', '.join(changed)}), expected the same to continue it; leave these options out, or "
        "train a new run in another --run-dir.",
    )
    return run


def _announce(run: Run, total: int, done: int) -> None:
    shapes = jax.eval_shape(lambda: model.init(run.model, jax.random.key(0)))
    settings = run.config.train
    size = model.count_parameters(shapes["params"])
    epochs = total * settings.batch_size / run.splits.train.predictions
    console.stderr.print(
        f"{'Continuing' if done else 'Training'} {size:,} parameters "
        f"(receptive field {run.config.model.receptive_field}) on {run.config.data.data}: "
        f"{len(run.documents.train):,} / {len(run.documents.val):,} / {len(run.documents.test):,} "
        f"documents, {len(run.vocab)} characters {run.vocab.characters!r}\n"
        f"{f'From step {done:,} to' if done else 'For'} {total:,} steps of {settings.batch_size} "
        f"windows ({epochs:.3g} epochs), in {run.folder}"
    )


def _metrics(report: training.Report) -> dict[str, Any]:
    line = {
        "step": report.step,
        "train_loss": report.train_loss,
        "learning_rate": report.learning_rate,
        "steps_per_second": round(report.steps_per_second, 1),
    }
    if report.val is not None:
        line["val_loss"] = report.val.nats_per_character
    return line


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a wish to stop; a second one acts as ever."""
    received: list[int] = []

    def note(number: int, _: Any) -> None:
        received.append(number)
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, note)
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finish(run: Run) -> None:
    """Draw the loss curve and samples of the best state, and say where all lies."""
    metrics = checkpoint.read_metrics(run)
    validated = [line for line in metrics if "val_loss" in line]
    best, last = min(validated, key=lambda line: line["val_loss"]), validated[-1]
    if find_spec("matplotlib"):
        from wavenet_jax import plots  # noqa: PLC0415  an optional extra

        title = Path(run.config.data.data).name
        plots.draw_loss_curve(metrics, title, run.folder / "loss.png")
    else:
        console.stderr.print("No loss curve drawn: pip install 'wavenet-jax[plots]' for that.")
    with checkpoint.checkpoints(run) as states:
        state = states.restore("best")
    samples, origins = _sample(run, state, SAMPLES_AFTER_TRAINING, seed=0, max_length=None)
    table = console.samples_table(samples, origins)
    (run.folder / "samples.txt").write_text(table + "\n", "utf-8")
    print(
        f"{run.folder}: val {last['val_loss']:.4f} at the last step, {last['step']:,}; "
        f"best {best['val_loss']:.4f} at step {best['step']:,}"
    )
    console.stderr.print(
        f"Next: `wavenet-jax evaluate {run.folder}`, `wavenet-jax sample {run.folder}`."
    )


def evaluate(folder: Path, which: str, *, as_json: bool) -> int:
    """Print the losses of a run on its three splits; return 0."""
    run, state = _restored(folder, which)
    console.stderr.print(
        f"Losses of {folder} at step {int(state.step):,} ({which} checkpoint); unseen are "
        "documents that do not occur in train"
    )
    losses = evaluation.evaluate(run.model, state.variables, run.splits)
    if as_json:
        head = {"run": str(folder), "checkpoint": which, "step": int(state.step)}
        print(json.dumps(head | {"splits": console.losses_json(losses)}, indent=2))
    else:
        print(console.losses_table(losses))
    return 0


def sample(
    folder: Path, which: str, *, n: int, seed: int, max_length: int | None, as_json: bool
) -> int:
    """Print new documents drawn from a run; return 0."""
    run, state = _restored(folder, which)
    console.stderr.print(
        f"{n:,} samples of {folder} at step {int(state.step):,} ({which} checkpoint), seed {seed}"
    )
    samples, origins = _sample(run, state, n, seed, max_length)
    if as_json:
        for one, origin in zip(samples, origins, strict=True):
            line = {"text": one.text, "ended": one.ended, "origin": origin}
            print(json.dumps(line, ensure_ascii=False))
    else:
        print(console.samples_table(samples, origins))
    counts = Counter("new" if origin == "new" else f"in {origin}" for origin in origins)
    console.stderr.print(", ".join(f"{count:,} {mark}" for mark, count in counts.most_common()))
    return 0


def data(name: str) -> int:
    """Download a data set and print where it lies; return 0."""
    console.stderr.print(f"Fetching the data set {name!r} into {download.cache_dir()}")
    print(download.download(name))
    return 0


def _restored(folder: Path, which: str) -> tuple[Run, training.TrainState]:
    _use_compilation_cache()
    run = checkpoint.load(folder)
    with checkpoint.checkpoints(run) as states:
        return run, states.restore(which)


def _sample(
    run: Run, state: training.TrainState, n: int, seed: int, max_length: int | None
) -> tuple[list[sampling.Sample], list[str]]:
    samples = sampling.sample(
        run.model,
        state.variables,
        run.vocab,
        jax.random.key(seed),
        n=n,
        max_length=max_length or 2 * max(map(len, run.documents.train)),
    )
    return samples, sampling.origins(samples, run.documents)


def _use_compilation_cache() -> None:
    """Keep compiled programs between commands, in the user's cache.

    A folder that the user has set, by JAX_COMPILATION_CACHE_DIR or otherwise, is respected;
    JAX_ENABLE_COMPILATION_CACHE=false turns the cache off.
    """
    if jax.config.jax_compilation_cache_dir is not None:  # type: ignore[attr-defined]
        return
    folder = download.cache_dir() / "compiled" / f"jaxlib-{jaxlib.version.__version__}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return  # a home that cannot be written is no reason to fail
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
