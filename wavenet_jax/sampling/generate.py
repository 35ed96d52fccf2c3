"""Documents or texts that meet a `SampleConfig`."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

import jax
import numpy as np

from wavenet_jax import constraints
from wavenet_jax.config import DataKind, SampleConfig
from wavenet_jax.constraints import Automaton, compile_mask
from wavenet_jax.data import BOUNDARY_ID, Dataset, Splits, Vocab
from wavenet_jax.errors import InputError, pluralize, require
from wavenet_jax.evaluation import line_start
from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.sampling.decode import DecodeParams
from wavenet_jax.sampling.documents import (
    ATTEMPTS_PER_DOCUMENT,
    DocumentSampler,
    Sample,
    decode_params,
)
from wavenet_jax.sampling.labels import labels_to_draw
from wavenet_jax.sampling.strategies import sampling_params
from wavenet_jax.sampling.streams import sample_text, text_params

DEFAULT_DOCUMENTS = 20
DEFAULT_TEXT_LENGTH = 1_000  # characters
PILOT_ATTEMPTS = 256  # after which exact is chosen, or masking
MAX_SAMPLED, MAX_SAMPLED_EACH = 1_000_000, 1_000  # with new or unique: in all, and per document


class GeneratedDocument(NamedTuple):
    """A document, and where the data contain it."""

    sample: Sample
    origin: str  # the first split that contains it, `train`, `val` or `test`; else `new`
    labels: dict[str, str]  # by their kinds

    @property
    def is_new(self) -> bool:
        """Tell whether no split contains it."""
        return self.origin == "new"


@dataclass(frozen=True)
class DocumentStream(Iterator[GeneratedDocument]):
    """Documents as they are drawn, and how.

    Attributes:
        documents: The documents.
        seed: The seed, given or drawn, that repeats them.
        is_exact: Whether documents that break the constraints are rejected, instead of masked.
        has_constraints: Whether there are constraints that a sample could break.
        max_length: Characters beyond which no document goes.
    """

    documents: Iterator[GeneratedDocument]
    seed: int
    is_exact: bool
    has_constraints: bool
    max_length: int

    def __next__(self) -> GeneratedDocument:
        """Draw the next document."""
        return next(self.documents)


def num_samples(config: SampleConfig, kind: DataKind) -> int:
    """Return the number of documents, texts or recordings to sample."""
    return config.n or (DEFAULT_DOCUMENTS if kind == "list" else 1)


def generate_documents(
    model: WaveNet,
    variables: Variables,
    dataset: Dataset,
    config: SampleConfig = SampleConfig(),
    max_sampled: int | None = None,
) -> DocumentStream:
    """Return the documents that meet the configuration, of a model trained on a list.

    Documents 0, 1, 2, ... are sampled in order, exactly or masked as `config` says, by default as
    a pilot finds.  With `new` or `unique`, documents that the data contain or that repeat are
    skipped, until `max_sampled` are sampled: by default a million, and a thousand more per
    document.  Raises `InputError` at once where too few documents can exist, and after the
    documents that are found where too few are found.
    """
    config.require_kind("list")
    config = config.seeded()
    n, limit = num_samples(config, "list"), _max_length(config, dataset)
    automaton = _automaton(dataset.vocab, config, config.min_length, limit)
    if config.unique or config.new:
        _require_enough(dataset, config, automaton, limit)
    labels = labels_to_draw(dataset, config)
    params = _params(config, automaton, limit)._replace(labels=labels)
    sampler = DocumentSampler(model, variables, dataset.vocab, _key(config), params)
    has_constraints = _has_constraints(config, dataset.vocab, automaton, limit)
    if config.exact or (has_constraints and not config.masked and _exact_pays(config, sampler)):
        sampler = _rejecting(sampler)
    origins = document_origins(dataset.split_documents)
    max_sampled = max_sampled or MAX_SAMPLED + MAX_SAMPLED_EACH * n
    sampler = replace(sampler, max_attempts=_max_attempts(config, n, max_sampled))
    samples: Iterator[Sample] = sampler.run(0, n)
    if config.unique or config.new:
        samples = _require_found(sampler, config, n, set(origins), max_sampled)
    documents = (
        GeneratedDocument(
            each,
            origins.get(each.text, "new"),
            {} if labels is None else dataset.labels.decode(labels.ids[each.label]),
        )
        for each in samples
    )
    return DocumentStream(
        documents, config.seed or 0, bool(sampler.params.exact), has_constraints, limit
    )


def _max_length(config: SampleConfig, dataset: Dataset) -> int:
    """Return the length at which a document ends at the latest, or is cut off."""
    longest = max(map(len, dataset.split_documents.train))
    return config.max_length or config.cut_at or 2 * longest


def _params(config: SampleConfig, automaton: Automaton, max_length: int) -> DecodeParams:
    sampling = sampling_params(config, automaton.transitions.shape[1])
    is_cut = config.max_length is None
    return decode_params(compile_mask(automaton), max_length, sampling, is_cut=is_cut)


def _key(config: SampleConfig) -> jax.Array:
    """Return the root key: a prefix has one of its own, whatever other prefixes there are.

    Else the samples of two prefixes would go on alike, from the same random numbers.
    """
    assert config.seed is not None
    if not config.prefix:
        return root_key(config.seed, Purpose.SAMPLE)
    number = zlib.crc32(config.prefix.encode("utf-8", "surrogatepass"))
    return jax.random.fold_in(root_key(config.seed, Purpose.PREFIX), number)


def _has_constraints(
    config: SampleConfig, vocab: Vocab, automaton: Automaton, max_length: int
) -> bool:
    """Tell whether masking may change probabilities; that of the prefix alone does not."""
    prefix = config.prefix
    if config.ignore_case:
        prefix = constraints.fold_case(vocab, prefix)
    prefix_alone = SampleConfig(prefix=prefix)
    free = _automaton(vocab, prefix_alone, min(config.min_length, 1), max_length)
    is_free = all(map(np.array_equal, automaton, free))  # both are minimal
    return config.max_length is not None or not is_free


def _exact_pays(config: SampleConfig, sampler: DocumentSampler) -> bool:
    """Tell whether exact accepts more than one attempt in a hundred, as far as a pilot finds.

    The pilot depends on the model and the options, but not on the seed or n.
    """
    if config.is_greedy:
        return False
    pilot = replace(_rejecting(sampler), key=root_key(0, Purpose.PILOT))
    return 100 * pilot.count_accepted(PILOT_ATTEMPTS) > PILOT_ATTEMPTS


def _rejecting(sampler: DocumentSampler) -> DocumentSampler:
    """Return the sampler that rejects documents which break the constraints, or go on too long."""
    return replace(sampler, params=sampler.params._replace(exact=True, is_cut=False))


def _max_attempts(config: SampleConfig, n: int, max_sampled: int) -> int:
    """Return how many attempts exact may make in all."""
    if config.max_attempts is not None:
        return config.max_attempts
    attempts = ATTEMPTS_PER_DOCUMENT * n
    return attempts if config.exact else max(attempts, max_sampled)


def generate_texts(
    model: WaveNet, variables: Variables, vocab: Vocab, config: SampleConfig = SampleConfig()
) -> Iterator[Iterator[str]]:
    """Return the texts that meet the configuration, each in pieces as it is decoded.

    The model is trained on one text.  A text begins after the end of a line, where the vocabulary
    has one.  Raises `InputError` where no text of that length can exist.
    """
    config.require_kind("text")
    length = config.text_length or DEFAULT_TEXT_LENGTH
    mask = compile_mask(constraints.endless(_automaton(vocab, config, 1, length)))
    require(
        int(mask.min_remaining[0].min()) <= length,
        "the constraints allow no text that goes on, expected at least one character after each "
        "text; loosen them.",
    )
    context = "" if config.text_start else line_start(vocab)
    context_id = int(vocab.encode(context)[0]) if context else BOUNDARY_ID
    params = text_params(mask, sampling_params(config, len(vocab)), context_id=context_id)
    root = _key(config.seeded())
    return (
        sample_text(model, variables, vocab, jax.random.fold_in(root, index), params, length)
        for index in range(num_samples(config, "text"))
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
    parts, quote, cases = {}, constraints.quote, {"ignore_case": config.ignore_case}
    if prefix:
        parts[f"prefix {quote(prefix)}"] = constraints.starts_with(vocab, prefix, **cases)
    if config.pattern is not None:
        regex = constraints.pattern(vocab, config.pattern, max_length, **cases)
        parts[f"pattern {quote(config.pattern)}"] = regex
    if config.allow is not None:
        parts[f"allow {quote(config.allow)}"] = constraints.charset(vocab, config.allow, **cases)
    if config.forbid:
        forbidden = constraints.excludes_charset(vocab, config.forbid, **cases)
        parts[f"forbid {quote(config.forbid)}"] = forbidden
    for text in config.forbid_text:
        parts[f"forbid_text {quote(text)}"] = constraints.excludes(vocab, text, **cases)
    return constraints.combine(vocab, parts, min_length, max_length)


def document_origins(documents: Splits[list[str]]) -> dict[str, str]:
    """Return the first split that contains each document."""
    splits = reversed(list(documents._asdict().items()))
    return {document: split for split, part in splits for document in part}


def _require_enough(
    dataset: Dataset, config: SampleConfig, automaton: Automaton, max_length: int
) -> None:
    """Raise `InputError` where fewer documents exist than are wanted."""
    known = set().union(*dataset.split_documents) if config.new else set()
    wanted = num_samples(config, "list") if config.unique else 1
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
            f"{pluralize(sampler.max_attempts or 0, 'attempt')}, expected {n:,}; "
            + (
                "loosen the constraints, raise max_attempts, or leave exact out."
                if config.exact
                else "loosen the constraints, or give masked."
            ),
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
