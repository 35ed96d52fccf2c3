"""Documents or texts that meet a `SampleConfig`."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import jax

from wavenet_jax import constraints
from wavenet_jax.config import SampleConfig
from wavenet_jax.constraints import Automaton, compile_mask
from wavenet_jax.data import Dataset, Splits, Vocab
from wavenet_jax.errors import InputError, pluralize, require
from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.sampling.documents import (
    ATTEMPTS_PER_DOCUMENT,
    DocumentSampler,
    Sample,
    decode_params,
)
from wavenet_jax.sampling.strategies import SamplingParams
from wavenet_jax.sampling.text import sample_text, text_params

DEFAULT_DOCUMENTS = 20
DEFAULT_TEXT_LENGTH = 1_000  # characters
MAX_SAMPLED, MAX_SAMPLED_EACH = 1_000_000, 1_000  # with new or unique: in all, and per document


class GeneratedDocument(NamedTuple):
    """A document, and where the data contain it."""

    sample: Sample
    origin: str  # the first split that contains it, `train`, `val` or `test`; else `new`

    @property
    def is_new(self) -> bool:
        """Tell whether no split contains it."""
        return self.origin == "new"


def num_samples(config: SampleConfig, *, is_text: bool) -> int:
    """Return the number of documents or texts to sample."""
    return config.n or (1 if is_text else DEFAULT_DOCUMENTS)


def generate_documents(
    model: WaveNet,
    variables: Variables,
    dataset: Dataset,
    config: SampleConfig = SampleConfig(),
    max_sampled: int | None = None,
) -> Iterator[GeneratedDocument]:
    """Return the documents that meet the configuration, of a model trained on a list.

    Documents 0, 1, 2, ... are sampled in order.  With `new` or `unique`, documents that the data
    contain or that repeat are skipped, until `max_sampled` are sampled: by default a million, and a
    thousand more per document.  Raises `InputError` at once where too few documents can exist, and
    after the documents that are found where too few are found.
    """
    config.require_kind(is_text=False)
    n, vocab = num_samples(config, is_text=False), dataset.vocab
    max_length = config.max_length or 2 * max(map(len, dataset.split_documents.train))
    automaton = _automaton(vocab, config, config.min_length, max_length)
    if config.unique or config.new:
        _require_enough(dataset, config, automaton, max_length)
    sampling = _sampling_params(config, vocab)
    params = decode_params(compile_mask(automaton), max_length, sampling, exact=config.exact)
    key = root_key(config.seed, Purpose.SAMPLE)
    attempts = config.max_attempts or ATTEMPTS_PER_DOCUMENT * n
    sampler = DocumentSampler(model, variables, vocab, key, params, max_attempts=attempts)
    origins = _origins(dataset.split_documents)
    samples: Iterator[Sample] = sampler.run(0, n)
    if config.unique or config.new:
        limit = max_sampled or MAX_SAMPLED + MAX_SAMPLED_EACH * n
        samples = _require_found(sampler, config, n, set(origins), limit)
    return (GeneratedDocument(each, origins.get(each.text, "new")) for each in samples)


def generate_texts(
    model: WaveNet, variables: Variables, vocab: Vocab, config: SampleConfig = SampleConfig()
) -> Iterator[Iterator[str]]:
    """Return the texts that meet the configuration, each in pieces as it is decoded.

    The model is trained on one text.  Raises `InputError` where no text of that length can exist.
    """
    config.require_kind(is_text=True)
    length = config.text_length or DEFAULT_TEXT_LENGTH
    mask = compile_mask(constraints.endless(_automaton(vocab, config, 1, length)))
    require(
        int(mask.min_remaining[0].min()) <= length,
        "the constraints allow no text that goes on, expected at least one character after each "
        "text; loosen them.",
    )
    params = text_params(mask, _sampling_params(config, vocab))
    root = root_key(config.seed, Purpose.SAMPLE)
    return (
        sample_text(model, variables, vocab, jax.random.fold_in(root, index), params, length)
        for index in range(num_samples(config, is_text=True))
    )


def _automaton(vocab: Vocab, config: SampleConfig, min_length: int, max_length: int) -> Automaton:
    """Compile the constraints; raise `InputError` where no sample of these lengths meets them."""
    prefix = config.prefix
    require(
        len(prefix) <= max_length,
        f"prefix is {prefix[:60]!r}, {pluralize(len(prefix), 'character')}, expected at most the "
        f"{max_length:,} of a sample; shorten it or sample longer ones.",
        "prefix",
    )
    parts = {}
    if prefix:
        parts[f"prefix {prefix!r}"] = constraints.starts_with(vocab, prefix)
    if config.pattern is not None:
        regex = constraints.pattern(vocab, config.pattern, max_length)
        parts[f"pattern {config.pattern!r}"] = regex
    if config.allow is not None:
        parts[f"allow {config.allow!r}"] = constraints.charset(vocab, config.allow, "")
    if config.forbid:
        parts[f"forbid {config.forbid!r}"] = constraints.charset(vocab, None, config.forbid)
    for text in config.forbid_text:
        parts[f"forbid_text {text!r}"] = constraints.excludes(vocab, text)
    return constraints.combine(vocab, parts, min_length, max_length)


def _sampling_params(config: SampleConfig, vocab: Vocab) -> SamplingParams:
    top_k = config.top_k and min(config.top_k, len(vocab))  # a larger one may exceed int32
    return SamplingParams(config.temperature, top_k, config.top_p)


def _origins(documents: Splits[list[str]]) -> dict[str, str]:
    """Return the first split that contains each document."""
    splits = reversed(list(documents._asdict().items()))
    return {document: split for split, part in splits for document in part}


def _require_enough(
    dataset: Dataset, config: SampleConfig, automaton: Automaton, max_length: int
) -> None:
    """Raise `InputError` where fewer documents exist than are wanted."""
    known = set().union(*dataset.split_documents) if config.new else set()
    wanted = num_samples(config, is_text=False) if config.unique else 1
    existing = constraints.count_documents(automaton, max_length, enough=wanted + len(known))
    if existing < wanted + len(known):
        existing -= sum(
            len(text) <= max_length and constraints.accepts(automaton, dataset.vocab, text)
            for text in known
        )
    require(
        existing >= wanted,
        f"{pluralize(existing, 'new document' if config.new else 'document')} of up to "
        f"{pluralize(max_length, 'character')} can exist, expected at least {wanted:,}; "
        f"{'reduce n or ' if wanted > 1 else ''}loosen the constraints.",
    )


def _require_found(
    sampler: DocumentSampler, config: SampleConfig, n: int, known: set[str], limit: int
) -> Iterator[Sample]:
    """Yield the first n wanted samples; raise `InputError` after them where there are fewer."""
    if config.is_greedy:
        limit = n  # more would be the same document
    sampled = _stream(sampler, n, min(limit, 2**31 - 1))  # documents are numbered in int32
    wanted = _unseen(sampled, known if config.new else set(), config.unique)
    kinds = " and ".join(name for name in ("unique", "new") if getattr(config, name))
    found = 0
    try:
        for sample in islice(wanted, n):
            found += 1
            yield sample
    except InputError as error:  # exact has made all its attempts
        raise InputError(
            f"exact found {pluralize(found, f'{kinds} document')} in "
            f"{pluralize(sampler.max_attempts or 0, 'attempt')}, expected {n:,}; loosen the "
            "constraints, raise max_attempts, or leave exact out.",
            "exact",
        ) from error
    require(
        found == n,
        f"{found:,} of {pluralize(limit, 'sampled document')} {'is' if found == 1 else 'are'} "
        f"{kinds}, expected {n:,}; {'reduce n, ' if n > 1 else ''}raise the temperature or loosen "
        "the constraints.",
    )


def _stream(sampler: DocumentSampler, n: int, limit: int) -> Iterator[Sample]:
    """Yield the documents 0, ..., limit - 1, sampled in batches of n, n, 2·n, 4·n, ...

    The attempts of all batches together are at most `sampler.max_attempts`.
    """
    first, left = 0, sampler.max_attempts
    while first < limit:
        count = min(max(n, first), limit - first)
        made = yield from replace(sampler, max_attempts=left).run(first, count)
        first, left = first + count, left and left - made


def _unseen(samples: Iterator[Sample], seen: set[str], unique: bool) -> Iterator[Sample]:
    """Yield the samples that are not in `seen`; where unique, none twice."""
    for sample in samples:
        if sample.text not in seen:
            if unique:
                seen.add(sample.text)
            yield sample
