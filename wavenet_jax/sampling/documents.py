"""Documents of a model, each a function of the key, the parameters and its number.

Every attempt at a document has a key of its own.  The document is the first attempt that the
constraints accept, whatever slot, batch or order made the attempts.
"""

import os
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax.constraints import TokenMask, common_prefix_length
from wavenet_jax.data import BOUNDARY_ID, Vocab
from wavenet_jax.errors import pluralize, require
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.sampling.batching import Documents, Rows, Shape, decode_rows
from wavenet_jax.sampling.decode import DecodeParams
from wavenet_jax.sampling.strategies import SamplingParams

ATTEMPTS_PER_DOCUMENT = 20_000  # that exact makes by default, over all documents
_MIN_ROW_LENGTH = 32  # tokens of a document that fit a row; above it, powers of two
_MAX_ATTEMPTS_PER_ROW = 32  # before the attempts at unfinished documents are spread again


class Sample(NamedTuple):
    """One document as text."""

    text: str
    ended: bool  # False where the maximum length cut it off
    nll_nats: float  # by the model itself, with the boundary if it ended
    attempts: int  # documents sampled for it: more than 1 where some were rejected
    label: int = 0  # of the combinations of labels that may be drawn, its own


class Limits(NamedTuple):
    """Sizes of the compiled program, which change no document; the defaults suit a CPU."""

    slots: int = 64  # documents decoded side by side
    batch_size: int = 8_192  # documents of one call
    batch_tokens: int = 2**24  # of one call, unless two documents a slot take more


def suitable_limits() -> Limits:
    """Return the limits for the backend.

    An accelerator needs many slots to be busy (experiments/scaling.py).
    """
    if jax.default_backend() == "cpu":
        return Limits()
    return Limits(slots=1_024, batch_size=32_768)


def decode_params(
    mask: TokenMask,
    max_length: int,
    sampling: SamplingParams = SamplingParams(),
    *,
    exact: bool = False,
    is_cut: bool = True,
) -> DecodeParams:
    """Return what holds for documents of at most `max_length` characters.

    A document that would be longer is cut off there, or without `is_cut` masked so that it ends in
    time.

    Forbidden tokens are masked and the others renormalised, at each token: fast, but biased towards
    documents whose alternatives are forbidden.  With `exact`, documents that break the mask, or do
    not end in time, are rejected and sampled again, so that documents have the model's distribution
    given the constraints (rejection sampling, von Neumann, 1951).  Raises `InputError` where the
    mask allows no document.
    """
    require(
        int(mask.min_remaining[0].min()) <= max_length,
        f"no document of up to {max_length:,} characters meets the constraints, expected at least "
        "one; loosen them or raise the maximum.",
        "max_length",
    )
    # All accepted documents share their prefix.  So masking it, and the token after it, divides all
    # their probabilities by the same number, unless top-k or top-p look at the masked tokens.
    is_local = sampling.top_k is None and sampling.top_p is None
    num_masked_first = common_prefix_length(mask, max_length) + is_local
    return DecodeParams(
        mask, max_length, sampling, exact, num_masked_first, is_cut=is_cut and not exact
    )


@dataclass(frozen=True)
class DocumentSampler:
    """Samples documents of a model, each a function of the key, the parameters and its number.

    Attributes:
        model: The model.
        variables: Its parameters and running statistics.
        vocab: Turns tokens into text.
        key: Root key; document i has fold_in(key, i).
        params: The constraints, made by `decode_params`.
        limits: Sizes of the compiled program; by default those that suit the backend.
        max_attempts: Attempts that exact may make in one `run`; None for 20,000 a document.
    """

    model: WaveNet
    variables: Variables
    vocab: Vocab
    key: jax.Array
    params: DecodeParams
    limits: Limits = field(default_factory=suitable_limits)
    max_attempts: int | None = None

    def run(self, first: int, count: int) -> Generator[Sample, None, int]:
        """Yield the documents number first, ..., first + count - 1; return the attempts made.

        The numbers of slots and batches change `nll_nats` by rounding at most.  Raises `InputError`
        where exact has made all its attempts, after the documents that it found.
        """
        numbers = np.arange(first, first + count, dtype=np.int32)
        if self.params.exact:
            return (yield from self._run_exact(numbers))
        for sample in self._decode(numbers, np.zeros_like(numbers), num_attempts=1):
            assert sample is not None  # a mask never rejects
            yield sample
        return count

    def count_accepted(self, attempts: int) -> int:
        """Return how many of the documents 0, ..., attempts - 1 exact accepts at once."""
        numbers = np.arange(attempts, dtype=np.int32)
        samples = self._decode(numbers, np.zeros_like(numbers), num_attempts=1)
        return sum(sample is not None for sample in samples)

    def _run_exact(self, numbers: np.ndarray) -> Generator[Sample, None, int]:
        """Yield the documents of these numbers, in batches that keep their order."""
        left = ATTEMPTS_PER_DOCUMENT * len(numbers)
        left = left if self.max_attempts is None else self.max_attempts
        made, found = 0, 0
        size = _workers() * self._batch_size
        for start in range(0, len(numbers), size):
            batch = numbers[start : start + size]
            samples, attempts = self._accepted(batch, left - made)
            yield from samples
            made, found = made + attempts, found + len(samples)
            require(
                len(samples) == len(batch),
                f"exact found {pluralize(found, 'document')} in {pluralize(made, 'attempt')}, "
                f"expected {len(numbers):,}; loosen the constraints, raise max_attempts, or leave "
                "exact out.",
                "exact",
            )
        return made

    def _accepted(self, numbers: np.ndarray, budget: int) -> tuple[list[Sample], int]:
        """Return the accepted documents of these numbers in order, and the attempts made.

        Fewer are returned where the budget of attempts is used up.  In each round every missing
        document gets some rows, whose attempts follow each other.
        """
        accepted: dict[int, Sample] = {}
        missing, attempt, made, rounds = numbers, np.zeros_like(numbers), 0, 0
        while len(missing) and made < budget:
            tried = missing[: budget - made]
            spread, per_row = self._plan_round(rounds, len(tried), budget - made)
            first = attempt[: len(tried), None] + per_row * np.arange(spread, dtype=np.int32)
            rows = self._decode(np.repeat(tried, spread), first.reshape(-1), num_attempts=per_row)
            for number, begin in zip(np.repeat(tried, spread).tolist(), first.flat, strict=True):
                sample = next(rows)
                made += per_row if sample is None else sample.attempts - int(begin)
                if sample is not None:
                    accepted.setdefault(number, sample)  # of several, the earliest attempt
            attempt[: len(tried)] += per_row * spread
            is_missing = np.array([number not in accepted for number in missing.tolist()])
            missing, attempt, rounds = missing[is_missing], attempt[is_missing], rounds + 1
        return [accepted[number] for number in numbers.tolist() if number in accepted], made

    def _plan_round(self, rounds: int, tried: int, budget: int) -> tuple[int, int]:
        """Return the rows per document, and the attempts per row, which fit the budget together.

        In the first round, and while there are many documents, each has one row.  Later the
        attempts at each document are spread over the slots, a few at first.
        """
        spread = max(1, min(self.limits.slots, budget) // tried) if rounds else 1
        per_row = _MAX_ATTEMPTS_PER_ROW if spread == 1 else min(2**rounds, _MAX_ATTEMPTS_PER_ROW)
        return spread, max(1, min(per_row, budget // (spread * tried)))

    @property
    def _row_length(self) -> int:
        return max(_MIN_ROW_LENGTH, 1 << (self.params.max_length - 1).bit_length())

    @property
    def _batch_size(self) -> int:
        """Return the rows of a call, always as many, so that one program is compiled."""
        fitting = min(self.limits.batch_size, self.limits.batch_tokens // self._row_length)
        return max(2 * self.limits.slots, fitting)

    def _decode(
        self, numbers: np.ndarray, first_attempt: np.ndarray, num_attempts: int
    ) -> Iterator[Sample | None]:
        """Yield a row for each document number and attempts at it, None where all are rejected."""
        edges = self._batch_edges(len(numbers))
        decode = partial(self._decode_batch, num_attempts=num_attempts)
        devices = jax.local_devices()[: len(edges) - 1]
        copies = [jax.device_put(self.variables, device) for device in devices]
        if len(edges) > 2:
            for variables in copies:  # compiles once, instead of once per thread
                decode(variables, numbers[:0], first_attempt[:0])
        pending = deque[Future[list[Sample | None]]]()
        with ThreadPoolExecutor(_workers()) as pool:
            for variables, (a, b) in zip(cycle(copies), pairwise(edges), strict=False):
                if len(pending) == 2 * _workers():  # of all batches, as few are held at a time
                    yield from pending.popleft().result()
                pending.append(pool.submit(decode, variables, numbers[a:b], first_attempt[a:b]))
            while pending:
                yield from pending.popleft().result()

    def _batch_edges(self, count: int) -> list[int]:
        """Return where the batches begin and end: some for each worker, none below the slots."""
        workers = _workers()
        most = workers * -(-count // (workers * self._batch_size))
        batches = max(1, min(most, count // self.limits.slots))
        return [count * index // batches for index in range(batches + 1)]

    def _decode_batch(
        self,
        variables: Variables,
        numbers: np.ndarray,
        first_attempt: np.ndarray,
        num_attempts: int,
    ) -> list[Sample | None]:
        count, padding = len(numbers), (0, self._batch_size - len(numbers))
        number, first = (
            jnp.asarray(np.pad(values, padding)) for values in (numbers, first_attempt)
        )
        rows = Rows(self.key, number, first, jnp.array(count), jnp.array(num_attempts))
        shape = Shape(self.limits.slots, self._row_length)
        documents: Documents = jax.device_get(
            decode_rows(self.model, variables, self.params, rows, shape)
        )
        documents = jax.tree.map(lambda rows: rows[:count], documents)
        texts = _texts(self.vocab, *map(np.asarray, (documents.tokens, documents.length)))
        rest = (documents.ended, documents.nll_nats, documents.attempt + 1, documents.label)
        samples = map(Sample._make, zip(texts, *(part.tolist() for part in rest), strict=True))
        accepted = (documents.length >= 0).tolist()
        return [sample if ok else None for sample, ok in zip(samples, accepted, strict=True)]


def _workers() -> int:
    """Return how many batches to decode at a time: one for each device, or core of a CPU.

    A step is too little work for two cores.
    """
    devices = jax.local_device_count()
    if jax.default_backend() != "cpu":
        return devices
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return max(devices, len(allowed) or os.cpu_count() or 1)


def _texts(vocab: Vocab, tokens: np.ndarray, length: np.ndarray) -> list[str]:
    """Return the texts of rows `[N, T + 1]`, of which the first `length` `[N]` tokens count."""
    time = np.arange(tokens.shape[1])
    tokens = np.where(time < length[:, None], tokens, BOUNDARY_ID)
    joined = vocab.decode(tokens[time <= np.maximum(length, 0)[:, None]])  # a boundary after each
    return joined.split(vocab.boundary)[:-1]
