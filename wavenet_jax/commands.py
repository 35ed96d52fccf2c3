"""What the commands that read a run do once their arguments are parsed: compute and print."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from wavenet_jax import checkpoint, console, download, evaluate, generate, process, results, runs
from wavenet_jax.errors import counted, require
from wavenet_jax.model import Variables
from wavenet_jax.runs import Run
from wavenet_jax.sample_config import SampleConfig


def evaluate_run(folder: Path, which: str, *, as_json: bool) -> int:
    """Print the losses of a run on its splits; return 0."""
    run, step, variables = _restored(folder, which)
    note = "" if run.data.is_stream else "; unseen are documents that do not occur in train"
    console.stderr.print(f"Losses of {folder} at step {step:,} ({which} checkpoint){note}")
    losses = evaluate.evaluate_splits(run.model, variables, run.data.splits, console.watched_blocks)
    if as_json:
        head = {"run": str(folder), "checkpoint": which, "step": step}
        print(json.dumps(head | {"splits": results.losses_json(losses)}, indent=2))
    else:
        print(results.losses_table(losses))
    return 0


def score_run(folder: Path, which: str, texts: list[str], *, per_char: bool, as_json: bool) -> int:
    """Print how likely a run holds each of the texts, by default those piped in; return 0."""
    run, step, variables = _restored(folder, which)
    vocab, stream = run.data.vocab, run.data.is_stream
    texts = texts or _piped(stream=stream)
    require(len(texts) > 0, "no text is given, expected at least one to score.")
    require(
        not stream or all(texts),
        "text '' is empty, expected at least one character: a text has no end to be scored.",
    )
    for text in texts:
        vocab.encode_text(text)  # to say what is unknown before anything is printed
    ends = "the text" if stream else "the document, its end counting as a character"
    console.stderr.print(
        f"{counted(len(texts), 'score')} by {folder} at step {step:,} ({which}), from the "
        f"start of {ends}"
    )
    nats = evaluate.score(run.model, variables, vocab, texts, stream=stream)
    scores = results.scores(texts, nats, end="" if stream else vocab.boundary)
    if as_json:
        for score in scores:
            print(json.dumps(results.score_json(score, per_char=per_char), ensure_ascii=False))
    else:
        print(results.scores_table(scores, per_char=per_char))
    return 0


def _piped(*, stream: bool) -> list[str]:
    """Return the documents on standard input, one a line as in a list, or the text that it is."""
    text = sys.stdin.read().replace("\ufeff", "") if sys.stdin else ""
    if stream:
        return [text] if text else []
    return [line.strip() for line in text.split("\n") if line.strip()]


def sample_run(folder: Path, which: str, config: SampleConfig, *, as_json: bool) -> int:
    """Print new documents drawn from a run, or text as it is drawn; return 0."""
    run, step, variables = _restored(folder, which)
    head = (
        f"{counted(generate.number(run, config), 'sample')} of {folder} at step {step:,} "
        f"({which}), seed {config.seed}"
    )
    if run.data.is_stream:
        texts = generate.texts(run, variables, config)
        console.stderr.print(head)
        for index, pieces in enumerate(texts):
            _print_text(run, variables, pieces, index, as_json=as_json)
    else:
        found = generate.documents(run, variables, config)
        console.stderr.print(head)
        watched = found if as_json else console.watched(found, generate.number(run, config))
        _print_documents(watched, exact=config.exact, as_json=as_json)
    return 0


def _print_documents(drawn: Iterator[generate.Found], *, exact: bool, as_json: bool) -> None:
    found = []
    for one in drawn:
        found.append(one)
        if as_json:
            print(json.dumps(results.found_json(one), ensure_ascii=False))
    if not as_json:
        print(results.found_table(found))
    console.stderr.print(results.summary(found, exact=exact))


def _print_text(
    run: Run, variables: Variables, pieces: Iterator[str], index: int, *, as_json: bool
) -> None:
    if as_json:
        text = "".join(pieces)
        (nats,) = evaluate.score(run.model, variables, run.data.vocab, [text], stream=True)
        line = {"text": text, "nll_nats": float(nats.sum(dtype=float)), "ended": False}
        print(json.dumps(line, ensure_ascii=False))
        return
    if index:
        print("-" * 8)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


def fetch_data(name: str) -> int:
    """Download a data set and print where it lies; return 0."""
    console.stderr.print(f"Fetching the data set {name!r} into {download.cache_dir()}")
    print(download.download(name))
    return 0


def _restored(folder: Path, which: str) -> tuple[Run, int, Variables]:
    process.use_compilation_cache()
    run = runs.load(folder)
    with checkpoint.checkpoints(run) as states:
        return run, *states.restore_variables(which)
