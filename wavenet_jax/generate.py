"""What a `SampleConfig` asks of a run: documents of a list, or texts."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

import jax

from wavenet_jax import constraints, rules, sample
from wavenet_jax.automata import Automaton
from wavenet_jax.corpus import Splits
from wavenet_jax.errors import InputError, counted, require
from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.model import Variables
from wavenet_jax.runs import Run
from wavenet_jax.sample import Sample
from wavenet_jax.sample_config import SampleConfig
from wavenet_jax.strategies import Strategy
from wavenet_jax.vocab import Vocab

DOCUMENTS = 20  # drawn unless told otherwise
LENGTH = 1_000  # characters of a text, likewise
_MAX_DRAWN, _MAX_DRAWN_EACH = 1_000_000, 1_000  # documents, and for each one asked for


class Found(NamedTuple):
    """A document drawn, and where it comes from."""

    sample: Sample
    origin: str  # the first split that holds it, `train`, `val` or `test`; else `new`

    @property
    def is_new(self) -> bool:
        """Tell whether the data do not hold it."""
        return self.origin == "new"


def number(run: Run, config: SampleConfig) -> int:
    """Return how many documents or texts are asked of a run."""
    return config.n or (1 if run.data.is_stream else DOCUMENTS)


def documents(
    run: Run, variables: Variables, config: SampleConfig = SampleConfig()
) -> Iterator[Found]:
    """Return the documents that are asked of a run trained on a list.

    Documents 0, 1, 2, ... are drawn in order; those not new, or drawn before, are skipped where
    `new` or `unique` is set.  Raises `InputError` where there are not enough, before anything is
    drawn where that can be known.
    """
    config.require_for(str(run.folder), stream=False)
    max_length = config.max_length or 2 * max(map(len, run.data.parts.train))
    automaton = _automaton(run.data.vocab, config, config.min_length, max_length)
    if config.unique or config.new:
        _require_enough(run, config, automaton, max_length)
    origin = _origins(run.data.parts)
    draw = partial(
        sample.draw_samples,
        run.model,
        variables,
        run.data.vocab,
        root_key(config.seed, Purpose.SAMPLE),
        max_length=max_length,
        rules=rules.tables(automaton),
        exact=config.exact,
        strategy=_strategy(config, run.data.vocab),
    )
    n = number(run, config)
    # What may fail is drawn whole, before the first one is given.
    may_fail = config.unique or config.new or config.exact
    drawn = _select(draw, n, config, origin) if may_fail else draw(n=n)
    return (Found(one, origin.get(one.text, "new")) for one in drawn)


def texts(
    run: Run, variables: Variables, config: SampleConfig = SampleConfig()
) -> Iterator[Iterator[str]]:
    """Return the texts that are asked of a run trained on one, each in pieces as it is drawn.

    Raises `InputError` where no text of that length is as wanted.
    """
    config.require_for(str(run.folder), stream=True)
    vocab, length = run.data.vocab, config.length or LENGTH
    # Prefix, allow and forbid never run out where they let one character through.
    automaton = _automaton(vocab, config, 1, length)
    draw = partial(
        sample.draw_stream,
        run.model,
        variables,
        vocab,
        length=length,
        rules=rules.tables(automaton),
        strategy=_strategy(config, vocab),
    )
    root = root_key(config.seed, Purpose.SAMPLE)
    return (draw(jax.random.fold_in(root, index)) for index in range(number(run, config)))


def _automaton(vocab: Vocab, config: SampleConfig, min_length: int, max_length: int) -> Automaton:
    """Compile what samples must be like; raise `InputError` where none of that length is."""
    prefix = config.prefix
    require(
        len(prefix) <= max_length,
        f"prefix {prefix[:60]!r} has {counted(len(prefix), 'character')}, expected at most the "
        f"{max_length:,} of a sample; shorten it or draw longer ones.",
    )
    parts = {}
    if prefix:
        parts[f"prefix {prefix!r}"] = constraints.beginning(vocab, prefix)
    if config.pattern is not None:
        parts[f"pattern {config.pattern!r}"] = constraints.pattern(vocab, config.pattern)
    if config.allow is not None:
        parts[f"allow {config.allow!r}"] = constraints.alphabet(vocab, config.allow, "")
    if config.forbid:
        parts[f"forbid {config.forbid!r}"] = constraints.alphabet(vocab, None, config.forbid)
    return constraints.require_feasible(vocab, parts, min_length, max_length)


def _strategy(config: SampleConfig, vocab: Vocab) -> Strategy:
    top_k = config.top_k and min(config.top_k, len(vocab))  # int32 holds no larger one
    return Strategy(config.temperature, top_k, config.top_p)


def _origins(documents: Splits[list[str]]) -> dict[str, str]:
    """Return the first split that holds each document."""
    held = reversed(list(documents._asdict().items()))
    return {document: split for split, part in held for document in part}


def _require_enough(run: Run, config: SampleConfig, automaton: Automaton, max_length: int) -> None:
    """Refuse what cannot be, however long it were tried."""
    known = set().union(*run.data.parts) if config.new else set()
    wanted = number(run, config) if config.unique else 1
    exist = constraints.count(automaton, max_length, enough=wanted + len(known))
    if exist < wanted + len(known):
        exist -= sum(
            len(text) <= max_length and constraints.accepts(automaton, run.data.vocab, text)
            for text in known
        )
    if exist < wanted:
        raise InputError(
            f"{counted(exist, 'new document' if config.new else 'document')} of up to "
            f"{counted(max_length, 'character')} can be had, expected at least {wanted:,}; "
            f"{'ask for fewer or ' if wanted > 1 else ''}loosen the constraints."
        )


def _select(
    draw: Callable[..., Iterator[Sample]], n: int, config: SampleConfig, origin: dict[str, str]
) -> Iterator[Sample]:
    """Yield the first n samples that are as wanted, all of them or none."""
    limit = min(_MAX_DRAWN + _MAX_DRAWN_EACH * n, 2**31 - 1)  # their numbers are int32
    if config.draws_one:
        limit = n  # more would be the same document
    kept: list[Sample] = []
    seen = set(origin) if config.new else set()
    first = 0
    while len(kept) < n and first < limit:
        count = min(max(n - len(kept), first), limit - first)
        for one in draw(first=first, n=count):
            if one.text not in seen:
                kept.append(one)
                if config.unique:
                    seen.add(one.text)
        first += count
    kinds = " and ".join(name for name in ("unique", "new") if getattr(config, name))
    require(
        len(kept) >= n,
        f"{len(kept):,} of {counted(first, 'document')} drawn {'is' if len(kept) == 1 else 'are'} "
        f"{kinds}, expected {n:,}; {'ask for fewer, ' if n > 1 else ''}raise the temperature or "
        "loosen the constraints.",
    )
    yield from islice(kept, n)
