"""Exact samples: each the first accepted attempt at it, within a limit of attempts in all."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from support.three_letters import first_accepted, mask_of, params_of, sample, sampler

from wavenet_jax.errors import InputError
from wavenet_jax.sampling import Limits, Sample
from wavenet_jax.sampling.batching import decode_rows

MOST = 128  # attempts at a rare document
RARE: dict[str, Any] = {"mask": mask_of("[ab]c"), "exact": True}  # 1 attempt in 20
HARDLY_POSSIBLE: dict[str, Any] = {"mask": mask_of("a?(bc){12}"), "exact": True, "max_length": 30}
SLOTS = [Limits(slots=slots) for slots in (1, 7, 64)]
every_slots = pytest.mark.parametrize("limits", SLOTS, ids=["1", "7", "64"])


class Work(NamedTuple):
    """A call of the program, by what it was given and what it returned."""

    attempts: int  # that were made for its rows
    depth: int  # the most that a slot had to make, one after the other


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[Work]:
    """Record every call of the program."""
    calls: list[Work] = []

    def record(*arguments: Any) -> Any:
        *_, rows, shape = arguments
        count, most = int(rows.num_rows), int(rows.num_attempts)
        decoded = decode_rows(*arguments)
        made = np.where(decoded.length >= 0, decoded.attempt - rows.first_attempt + 1, most)
        calls.append(Work(int(made[:count].sum()), -(-count // shape.slots) * most))
        return decoded

    monkeypatch.setattr("wavenet_jax.sampling.documents.decode_rows", record)
    return calls


@cache
def rare() -> list[Sample]:
    """Return the first 100 rare documents, of attempts made alone."""
    return first_accepted(params_of(**RARE), range(100), most=MOST)


def rare_attempts(n: int) -> list[int]:
    return [each.attempts for each in rare()[:n]]


def until_refused(n: int, **options: Any) -> tuple[list[Sample], InputError]:
    """Return the samples that come before the error, and the error."""
    found: list[Sample] = []
    with pytest.raises(InputError) as caught:
        found.extend(sampler(**options).run(0, n))  # keeps what comes before an error
    return found, caught.value


def test_exact_samples_all_end_in_time() -> None:
    samples = sample(300, max_length=2, exact=True)
    assert all(each.ended for each in samples)
    assert {len(each.text) for each in samples} == {0, 1, 2}
    rejected = sum(each.attempts - 1 for each in samples)
    assert rejected > 30
    # A first attempt that is not rejected is the sample without exact.
    unconstrained = sample(300, max_length=2)
    for one, other in zip(samples, unconstrained, strict=True):
        assert one.attempts > 1 or one.text == other.text
        assert (one.attempts > 1) != other.ended


@every_slots
def test_a_sample_is_the_first_accepted_attempt_whatever_is_sampled_beside_it(
    limits: Limits,
) -> None:
    """Against attempts made one by one; later attempts of other slots never take their place."""
    assert max(rare_attempts(100)) > 64  # of some documents, many rounds of attempts
    for first, n in ((0, 1), (0, 3), (0, 100), (37, 1), (37, 3), (5, 70), (99, 1)):
        samples = sample(n, first=first, limits=limits, **RARE)
        expected = rare()[first : first + n]
        assert [each.text for each in samples] == [each.text for each in expected]
        assert [each.attempts for each in samples] == [each.attempts for each in expected]
        assert all(each.ended for each in samples)


@every_slots
def test_a_document_alone_is_found_within_as_many_attempts_as_it_takes(limits: Limits) -> None:
    for number in (0, 1, int(np.argmax(rare_attempts(100)))):
        attempts = rare_attempts(100)[number]
        options = {**RARE, "limits": limits}
        (found,) = sample(1, first=number, max_attempts=attempts, **options)
        assert found.attempts == attempts
        if attempts > 1:
            with pytest.raises(InputError, match=f"found 0 documents in {attempts - 1} attempt"):
                sample(1, first=number, max_attempts=attempts - 1, **options)


def test_the_limit_counts_attempts_in_all(work: list[Work]) -> None:
    """With one slot no attempt is made beyond the accepted one, so the least limit is known."""
    n, one_slot = 20, {**RARE, "limits": Limits(slots=1)}
    needed = sum(rare_attempts(n))
    expected = sample(n, max_attempts=needed, **one_slot)
    assert sum(call.attempts for call in work) == needed
    assert [each.attempts for each in expected] == rare_attempts(n)
    found, error = until_refused(n, max_attempts=needed - 1, **one_slot)
    assert len(found) == n - 1
    sentence = f"exact found {n - 1} documents in {needed - 1:,} attempts, expected {n}; loosen"
    assert str(error).startswith(sentence)


@every_slots
@pytest.mark.parametrize("n", [1, 100])
def test_attempts_never_exceed_the_limit(limits: Limits, n: int, work: list[Work]) -> None:
    for max_attempts in (1, 2, 63, 65, 200, 1_000):
        work.clear()
        found, error = until_refused(n, max_attempts=max_attempts, limits=limits, **HARDLY_POSSIBLE)
        assert found == []
        assert sum(call.attempts for call in work) == max_attempts
        assert f"exact found 0 documents in {max_attempts:,} attempt" in str(error)


@every_slots
def test_samples_found_before_the_limit_come_before_the_error(
    limits: Limits, work: list[Work]
) -> None:
    everything = sample(100, limits=limits, **RARE)
    total = sum(call.attempts for call in work)
    for max_attempts in (150, 400, 1_000):
        work.clear()
        found, error = until_refused(100, max_attempts=max_attempts, limits=limits, **RARE)
        assert sum(call.attempts for call in work) == max_attempts < total
        assert 0 < len(found) < 100
        in_order = iter(everything)
        assert all(each in in_order for each in found)
        assert f"found {len(found)} documents in {max_attempts:,} attempts, exp" in str(error)
        assert error.field == "exact"


def test_by_default_the_limit_is_20_000_attempts_a_document(work: list[Work]) -> None:
    found, error = until_refused(1, **HARDLY_POSSIBLE)
    assert found == []
    assert "in 20,000 attempts, expected 1;" in str(error)
    assert sum(call.attempts for call in work) == 20_000


def test_attempts_at_few_documents_are_spread_over_all_slots(work: list[Work]) -> None:
    """So that each slot makes about its share of them."""
    hardest = int(np.argmax(rare_attempts(100)))
    attempts = rare_attempts(100)[hardest]
    sample(1, first=hardest, **RARE)
    assert sum(call.depth for call in work) <= 32 + 2 + 2 * attempts / 64  # 32 alone at first
    work.clear()
    until_refused(3, max_attempts=64_000, **HARDLY_POSSIBLE)
    assert sum(call.depth for call in work) <= 64_000 / (63 - 3) + 64


def test_few_calls_are_made_for_many_attempts(work: list[Work]) -> None:
    """A call costs as much as some attempts."""
    until_refused(1, max_attempts=64_000, **HARDLY_POSSIBLE)
    assert len(work) < 64_000 / 64 / 32 + 10


@pytest.mark.parametrize("exact", [False, True])
def test_a_run_returns_the_attempts_that_it_made(exact: bool) -> None:
    made: list[int] = []

    def run() -> Iterator[Sample]:
        sampling = sampler(mask=mask_of("[ab]*"), exact=exact, limits=Limits(slots=1))
        made.append((yield from sampling.run(3, 50)))

    samples = list(run())
    assert len(samples) == 50
    assert made == [sum(each.attempts for each in samples)]


def test_without_exact_a_rare_document_needs_one_attempt() -> None:
    options = HARDLY_POSSIBLE | {"exact": False}
    assert {each.attempts for each in sample(50, **options)} == {1}
