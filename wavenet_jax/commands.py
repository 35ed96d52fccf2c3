"""What the commands that read a run do once their arguments are parsed: compute and print."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax

from wavenet_jax import checkpoint, console, constraints, download, evaluate, process, runs, sample
from wavenet_jax.constraints import Rules
from wavenet_jax.errors import require
from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.model import Variables
from wavenet_jax.runs import Run
from wavenet_jax.vocab import Vocab

SAMPLES = 20  # documents drawn unless told otherwise
STREAM_LENGTH = 1_000  # characters of a stream, likewise


class Limits(NamedTuple):
    """What the documents to draw must be like, as the command line says it."""

    pattern: str | None = None
    allow: str | None = None
    forbid: str = ""
    min_length: int = 0

    def rules(self, vocab: Vocab, max_length: int, prefix: str) -> Rules:
        """Compile the limits; raise `InputError` where no document keeps them."""
        parts = {}
        if self.pattern is not None:
            parts[f"pattern {self.pattern!r}"] = constraints.pattern(vocab, self.pattern)
        if self.allow is not None:
            parts[f"allow {self.allow!r}"] = constraints.alphabet(vocab, self.allow, "")
        if self.forbid:
            parts[f"forbid {self.forbid!r}"] = constraints.alphabet(vocab, None, self.forbid)
        lengths = self.min_length, max_length
        automaton = constraints.require_feasible(vocab, parts, *lengths, prefix)
        return constraints.rules(automaton, *lengths)


def evaluate_run(folder: Path, which: str, *, as_json: bool) -> int:
    """Print the losses of a run on its splits; return 0."""
    run, step, variables = _restored(folder, which)
    note = "" if run.data.is_stream else "; unseen are documents that do not occur in train"
    console.stderr.print(f"Losses of {folder} at step {step:,} ({which} checkpoint){note}")
    losses = evaluate.evaluate_splits(run.model, variables, run.data.splits, console.watched)
    if as_json:
        head = {"run": str(folder), "checkpoint": which, "step": step}
        print(json.dumps(head | {"splits": console.losses_json(losses)}, indent=2))
    else:
        print(console.losses_table(losses))
    return 0


def score_run(folder: Path, which: str, texts: list[str], *, as_json: bool) -> int:
    """Print how likely a run holds each of the texts; return 0."""
    run, step, variables = _restored(folder, which)
    require(
        not run.data.is_stream or all(texts),
        "text '' is empty, expected at least one character: a text has no end to be scored.",
    )
    for text in texts:
        run.data.vocab.encode_text(text)  # to say what is unknown before anything is printed
    ends = "the text" if run.data.is_stream else "the document, its end counting as a character"
    console.stderr.print(
        f"{console.count(len(texts), 'score')} by {folder} at step {step:,} ({which}), from the "
        f"start of {ends}"
    )
    nats = evaluate.score(run.model, variables, run.data.vocab, texts, stream=run.data.is_stream)
    scores = [
        console.Score(text, len(each), float(each.sum(dtype=float)))
        for text, each in zip(texts, nats, strict=True)
    ]
    if as_json:
        for score in scores:
            print(json.dumps(score._asdict(), ensure_ascii=False))
    else:
        print(console.scores_table(scores))
    return 0


def sample_run(
    folder: Path,
    which: str,
    *,
    n: int | None,
    seed: int,
    max_length: int | None,
    length: int | None,
    prefix: str,
    limits: Limits,
    as_json: bool,
) -> int:
    """Print new documents drawn from a run, or text as it is drawn; return 0."""
    run, step, variables = _restored(folder, which)
    stream = run.data.is_stream
    require(
        max_length is None or not stream,
        f"max_length is {max_length}, but {folder} was trained on one text, which does not end; "
        "give --length instead.",
    )
    require(
        length is None or stream,
        f"length is {length}, but {folder} was trained on a list, whose documents end themselves; "
        "give --max-length instead.",
    )
    require(
        limits == Limits() or not stream,
        f"{folder} was trained on one text, whose samples are cut from an endless one, expected no "
        "pattern, allow, forbid or min_length; leave them out.",
    )
    n = n or (1 if stream else SAMPLES)
    length = length or max_length or (STREAM_LENGTH if stream else _usual_length(run))
    require(
        len(prefix) <= length,
        f"prefix {prefix!r} has {console.count(len(prefix), 'character')}, expected at most the "
        f"{length:,} to draw; raise {'--length' if stream else '--max-length'}.",
    )
    vocab = run.data.vocab
    vocab.encode_text(prefix)  # to say what is unknown before anything is printed
    rules = None if limits == Limits() else limits.rules(vocab, length, prefix)
    console.stderr.print(
        f"{console.count(n, 'sample')} of {folder} at step {step:,} ({which}), seed {seed}"
    )
    if stream:
        for index in range(n):
            pieces = draw_text(run, variables, length=length, seed=seed, index=index, prefix=prefix)
            _print_text(pieces, index, as_json=as_json)
    else:
        drawn = draw_documents(
            run, variables, n=n, seed=seed, max_length=length, prefix=prefix, rules=rules
        )
        _print_documents(*drawn, as_json=as_json)
    return 0


def _print_documents(samples: list[sample.Sample], origins: list[str], *, as_json: bool) -> None:
    if as_json:
        for one, origin in zip(samples, origins, strict=True):
            line = {"text": one.text, "ended": one.ended, "origin": origin}
            print(json.dumps(line, ensure_ascii=False))
    else:
        print(console.samples_table(samples, origins))
    counts = Counter("new" if origin == "new" else f"in {origin}" for origin in origins)
    console.stderr.print(", ".join(f"{count:,} {mark}" for mark, count in counts.most_common()))


def _print_text(pieces: Iterator[str], index: int, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"text": "".join(pieces), "ended": False}, ensure_ascii=False))
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


def draw_documents(
    run: Run,
    variables: Variables,
    *,
    n: int = SAMPLES,
    seed: int = 0,
    max_length: int | None = None,
    prefix: str = "",
    rules: Rules | None = None,
) -> tuple[list[sample.Sample], list[str]]:
    """Draw documents from a run trained on a list, and tell which split holds each."""
    samples = sample.draw_samples(
        run.model,
        variables,
        run.data.vocab,
        root_key(seed, Purpose.SAMPLE),
        n=n,
        max_length=max_length or _usual_length(run),
        prefix=prefix,
        rules=rules,
    )
    return samples, sample.origins(samples, run.data.parts)


def draw_text(
    run: Run,
    variables: Variables,
    *,
    length: int = STREAM_LENGTH,
    seed: int = 0,
    index: int = 0,
    prefix: str = "",
) -> Iterator[str]:
    """Yield sample `index` of a run trained on a stream, as it is drawn."""
    key = jax.random.fold_in(root_key(seed, Purpose.SAMPLE), index)
    return sample.draw_stream(
        run.model, variables, run.data.vocab, key, length=length, prefix=prefix
    )


def _usual_length(run: Run) -> int:
    return 2 * max(map(len, run.data.parts.train))
