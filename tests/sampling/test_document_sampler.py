"""Laws of sampled documents: what each depends on, and the constraints that it meets."""

import re
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.automata_cases import ABC, PATTERNS
from support.three_letters import OPTIONS, every_option, mask_of, sample, sampler

from wavenet_jax import constraints
from wavenet_jax.errors import InputError
from wavenet_jax.sampling import DocumentSampler, Limits, SamplingParams, documents


@every_option
def test_a_sample_depends_on_its_number_and_the_key_alone(options: dict[str, Any]) -> None:
    n = Limits().batch_size + 2_000 if options == OPTIONS["plain"] else 500
    many = sample(n, **options)
    assert len(many) == n
    for number in (0, 1, 63, 64, 255, n // 2, n - 1):
        assert sample(1, first=number, **options) == [many[number]]
    assert sample(150, **options) == many[:150]
    assert sample(150, first=n - 150, **options) == many[-150:]
    assert len({each.nll_nats for each in many}) > 10
    assert sample(500, jax.random.key(8), **options) != many[:500]


@pytest.mark.parametrize("slots", [1, 7])
@every_option
def test_a_sample_is_the_same_however_many_are_decoded_beside_it(
    options: dict[str, Any], slots: int
) -> None:
    limits = Limits(slots=slots)
    for one, other in zip(
        sample(300, **options), sample(300, limits=limits, **options), strict=True
    ):
        assert one == other._replace(nll_nats=one.nll_nats)
        assert one.nll_nats == pytest.approx(other.nll_nats, abs=1e-5)


@pytest.mark.parametrize("limits", [Limits(batch_tokens=1_000), Limits(batch_size=1)], ids=str)
def test_a_sample_is_the_same_however_small_the_batches_are(limits: Limits) -> None:
    """Of 128 documents here, two for each slot, since the limits leave room for fewer."""
    expected = sample(1_000)
    for n in (127, 128, 129, 1_000):
        assert sample(n, limits=limits) == expected[:n]


class AtOnce(ThreadPoolExecutor):
    """Does what is submitted before it returns, as a fast device would."""

    def submit(self, *call: Any) -> Future[Any]:  # type: ignore[override]
        future = super().submit(*call)
        future.result()
        return future


def test_few_batches_are_decoded_ahead_of_what_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = list[int]()
    decode = DocumentSampler._decode_batch

    def note(self: DocumentSampler, variables: Any, *rest: Any, **options: Any) -> Any:
        decoded.append(len(rest[0]))
        return decode(self, variables, *rest, **options)

    monkeypatch.setattr(DocumentSampler, "_decode_batch", note)
    monkeypatch.setattr(documents, "ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr(documents, "_workers", lambda: 2)
    samples = sampler(limits=Limits(batch_size=1)).run(0, 5_000)
    next(samples)
    assert 128 < sum(decoded) <= 5 * 128


@pytest.mark.parametrize("exact", [False, True])
def test_no_samples_are_none(exact: bool) -> None:
    assert sample(0, exact=exact) == []


@settings(max_examples=120)
@given(
    PATTERNS,
    st.sampled_from([0, 0, 0, 2, 4]),
    st.integers(0, 6),
    st.sampled_from(["", "", "", "a", "cb"]),
    st.sampled_from(["abc", "abc", "ab", "bc"]),
    st.sampled_from(["aaaaaaa", "aaaaaaa", "b", "ab", "cc"]),
    st.booleans(),
    st.sampled_from(
        [
            SamplingParams(),
            SamplingParams(0.0),
            SamplingParams(3.0),
            SamplingParams(1.0, 2, 0.9),
        ]
    ),
    st.integers(0, 2**16),
)
def test_every_sample_meets_the_constraints(
    regex: str,
    min_length: int,
    more: int,
    prefix: str,
    allowed: str,
    excluded: str,
    exact: bool,
    sampling: SamplingParams,
    seed: int,
) -> None:
    max_length = min_length + more
    parts = {
        "prefix": constraints.starts_with(ABC, prefix),
        "pattern": constraints.pattern(ABC, regex),
        "allow": constraints.charset(ABC, allowed),
        "forbid_text": constraints.excludes(ABC, excluded),
    }
    try:
        automaton = constraints.combine(ABC, parts, min_length, max_length)
    except InputError:
        assume(False)
    key, mask = jax.random.key(seed), constraints.compile_mask(automaton)
    options: dict[str, Any] = {"mask": mask, "exact": exact, "sampling": sampling}
    try:
        samples = sample(64, key, max_length=max_length, max_attempts=20_000, **options)
    except InputError:
        assert exact
        return
    assert len(samples) == 64
    for each in samples:
        assert re.fullmatch(regex, each.text)
        assert each.text.startswith(prefix)
        assert set(each.text) <= {*allowed}
        assert excluded not in each.text
        assert min_length <= len(each.text) <= max_length
        assert each.ended or len(each.text) == max_length
        assert each.ended or not exact
        assert each.attempts == 1 or exact


@pytest.mark.parametrize("regex", [".*", "[a-c]*", "(a|b|c)*"])
def test_a_mask_that_allows_every_document_changes_nothing(regex: str) -> None:
    assert sample(300, mask=mask_of(regex)) == sample(300)


def test_maximum_length_cuts_off_and_shows_where_the_model_would_have_gone_on() -> None:
    whole, cut = sample(300, max_length=30), sample(300, max_length=2)
    assert [each.text for each in cut] == [each.text[:2] for each in whole]
    assert [each.ended for each in cut] == [len(each.text) <= 2 for each in whole]
    assert len(Counter((len(each.text), each.ended) for each in cut)) == 4
    for one, other in zip(whole, cut, strict=True):
        assert other.nll_nats == one.nll_nats if other.ended else other.nll_nats < one.nll_nats


@pytest.mark.parametrize("exact", [False, True])
def test_a_mask_that_no_document_meets_is_refused(exact: bool) -> None:
    with pytest.raises(InputError, match=r"^no document of up to 2 characters meets the") as caught:
        sample(3, max_length=2, mask=mask_of("abc"), exact=exact)
    assert caught.value.field == "max_length"


def test_accelerator_decodes_more_documents_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    assert documents.suitable_limits() == Limits()
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert documents.suitable_limits().slots > Limits().slots
