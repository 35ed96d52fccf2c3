"""What a `SampleConfig` asks for, and what comes of it."""

import itertools
import re
from collections.abc import Generator, Iterator
from typing import Any, get_args

import pytest
from support.corpora import NAMES, TEXT
from support.models import randomised

from wavenet_jax.config import DataConfig, DataKind, ModelConfig, SampleConfig
from wavenet_jax.data import (
    Dataset,
    Splits,
    Vocab,
    dataset_from_documents,
    vocab_from_characters,
    vocab_from_documents,
)
from wavenet_jax.errors import InputError
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.sampling import (
    DocumentSampler,
    DocumentStream,
    GeneratedDocument,
    Sample,
    generate_documents,
    generate_texts,
    num_samples,
    sample_text,
)

SMALL = ModelConfig(n_embd=4, n_hidden=8)
DATASET = dataset_from_documents(NAMES, vocab_from_documents(NAMES), DataConfig())
VOCAB = vocab_from_characters(TEXT)


def model_of(vocab: Vocab) -> tuple[WaveNet, Variables]:
    model = WaveNet(SMALL, len(vocab))
    return model, randomised(model, seed=3)


MODEL, TEXT_MODEL = model_of(DATASET.vocab), model_of(VOCAB)


def seeded(**options: Any) -> SampleConfig:
    return SampleConfig(**{"seed": 0, **options})


def generated(
    dataset: Dataset = DATASET, max_sampled: int | None = None, **options: Any
) -> list[GeneratedDocument]:
    return list(generate_documents(*MODEL, dataset, seeded(**options), max_sampled))


def texts(**options: Any) -> list[str]:
    return [each.sample.text for each in generated(**options)]


def until_refused(
    max_sampled: int | None = None, **options: Any
) -> tuple[list[GeneratedDocument], InputError]:
    """Return the documents that come before the error, and the error."""
    found: list[GeneratedDocument] = []
    documents = generate_documents(*MODEL, DATASET, seeded(**options), max_sampled)
    with pytest.raises(InputError) as caught:
        found.extend(documents)  # keeps what comes before an error
    return found, caught.value


def generated_text(**options: Any) -> str:
    (chunks,) = generate_texts(*TEXT_MODEL, VOCAB, seeded(**options))
    return "".join(chunks)


def test_generated_documents_meet_all_constraints_together() -> None:
    options: dict[str, Any] = {"prefix": "ma", "pattern": ".*[aeiou]", "forbid": "qxl"}
    lengths: dict[str, Any] = {"min_length": 5, "max_length": 8}
    found = generated(n=50, forbid_text=("an", "oo"), new=True, unique=True, **options, **lengths)
    names = {each.sample.text for each in found}
    assert len(found) == len(names) == 50
    assert not names & set(NAMES)
    assert all(re.fullmatch("ma[^l]{2,5}[aeiou]", name) for name in names)
    assert not any("an" in name or "oo" in name for name in names)
    assert all(each.is_new and each.origin == "new" for each in found)
    assert any("an" in name for name in texts(n=50, **options, **lengths))


def test_numbers_and_lengths_have_defaults() -> None:
    found = list(generate_documents(*MODEL, DATASET))
    assert len(found) == num_samples(SampleConfig(), "list") == 20
    assert all(1 <= len(each.sample.text) <= 2 * len("charlotte") for each in found)
    assert num_samples(SampleConfig(), "text") == 1
    assert len(generated_text()) == 1_000
    for kind in get_args(DataKind):
        assert num_samples(SampleConfig(n=7), kind) == 7


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"unique": True, "max_length": 3},
        {"new": True, "pattern": "ava|mia|zoe|lee|ann"},
        {"unique": True, "new": True, "pattern": "[aeiou]?[lmn][aeiou]"},
        {"unique": True, "temperature": 0.5, "max_length": 4},
        {"unique": True, "exact": True, "pattern": "[a-m]*", "max_length": 9},
    ],
    ids=["all", "unique", "new", "both", "cold", "exact"],
)
def test_first_documents_are_the_same_whatever_their_number(options: dict[str, Any]) -> None:
    most = generated(n=70, **options)
    assert len(most) == 70
    for n in (1, 20, 69):
        assert generated(n=n, **options) == most[:n]
    assert generated(n=20, seed=1, **options) != most[:20]


def test_skipped_documents_are_those_that_came_before() -> None:
    options: dict[str, Any] = {"pattern": "[aeiou]{2}|ava|mia"}
    every = texts(n=3_000, **options)
    unique = list(dict.fromkeys(every))
    assert {"ava", "mia"} <= set(unique)
    assert texts(n=20, unique=True, **options) == unique[:20]
    new = [each for each in every if each not in NAMES]
    assert texts(n=500, new=True, **options) == new[:500]
    both = [each for each in unique if each not in NAMES]
    assert texts(n=20, unique=True, new=True, **options) == both[:20]


def test_all_documents_that_can_exist_are_found() -> None:
    pairs = {"".join(pair) for pair in itertools.product("aeilnz", repeat=2)}
    assert set(texts(n=36, unique=True, pattern="[aeilnz]{2}")) == pairs
    of_splits = [part[0] for part in DATASET.split_documents]
    pattern = "|".join([*of_splits, "lee", "annalee"])
    assert set(texts(n=2, unique=True, new=True, pattern=pattern)) == {"lee", "annalee"}
    short: dict[str, Any] = {"max_length": 3, "pattern": "ava|lee|emma|charlotte"}
    assert texts(n=1, unique=True, new=True, **short) == ["lee"]
    assert set(texts(n=5, unique=True, pattern=pattern)) == {"lee", "annalee", *of_splits}


def test_origin_is_the_first_split_that_contains_a_document() -> None:
    # No two splits of NAMES share a document, these do.
    splits = Splits(["ava", "mia"], ["mia", "zoe"], ["ava", "zoe", "emma"])
    dataset = DATASET._replace(split_documents=splits)
    found = generated(dataset, n=5, unique=True, max_length=4, pattern="ava|mia|zoe|emma|lee")
    assert {each.sample.text: each.origin for each in found} == {
        "ava": "train",
        "mia": "train",
        "zoe": "val",
        "emma": "test",
        "lee": "new",
    }
    assert all(each.is_new == (each.origin == "new") for each in found)


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"top_k": 1}], ids=["cold", "top_k"])
def test_greedy_documents_are_the_same_for_every_seed(options: dict[str, Any]) -> None:
    order: dict[str, Any] = {"prefix": "ma", "pattern": ".*[aeiou]", "forbid": "l"}
    for more in ({}, order | {"max_length": 7}):
        first = generated(n=1, **options, **more)
        assert generated(n=3, seed=5, **options, **more) == first * 3
        assert generated(n=1, unique=True, **options, **more) == first
        assert first == generated(n=1, temperature=0.0, **more)


def test_forbidding_what_the_vocabulary_lacks_changes_nothing() -> None:
    assert generated(forbid="9é. \n", forbid_text=("a9", "é")) == generated()


def test_exact_documents_end_and_tell_their_attempts() -> None:
    found = generated(n=100, exact=True, pattern="[^l]*[aeiou]", max_length=5)
    for each in found:
        assert each.sample.ended
        assert re.fullmatch("[^l]{,4}[aeiou]", each.sample.text)
    assert sum(each.sample.attempts for each in found) > 200
    assert all(each.sample.attempts == 1 for each in generated(n=100, max_length=5, masked=True))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"n": 37, "unique": True, "pattern": "[aeilnz]{2}"}, "36 documents of up to 18 char"),
        ({"unique": True, "max_length": 1, "forbid": "abcd"}, "18 documents .* at least 20; red"),
        (
            {"n": 3, "new": True, "pattern": "ava|mia|zoe"},
            "0 new documents .* can exist, expected",
        ),
        ({"n": 2, "new": True, "unique": True, "pattern": "ava|lee"}, "1 new document of"),
        ({"min_length": 99}, "min_length is 99, expected a number from 0 to the 18 char"),
        ({"text_length": 9}, "text_length is 9, but .* a list"),
        ({"prefix": "a" * 19}, "prefix is 'a+', 19 characters, expected at most the 18 of"),
        ({"prefix": "anna", "forbid_text": ("nn",)}, "prefix 'anna' and forbid_text 'nn' together"),
    ],
)
def test_what_cannot_exist_is_refused_before_anything_is_sampled(
    options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=f"^{sentence}"):
        generate_documents(*MODEL, DATASET, SampleConfig(**options))


def test_a_top_k_above_the_vocabulary_keeps_every_character() -> None:
    assert generated(n=9, top_k=2**31 - 1) == generated(n=9)


def test_documents_of_any_length_are_counted() -> None:
    assert len(generated(n=2, unique=True, max_length=4_000)) == 2  # numbers too long for Python


def test_documents_found_come_before_the_error_that_they_are_too_few() -> None:
    pattern = "[aeilnz]{2}"
    unique = list(dict.fromkeys(texts(n=460, pattern=pattern)))
    assert 1 < len(unique) < 36
    found, error = until_refused(460, n=36, unique=True, pattern=pattern)
    assert [each.sample.text for each in found] == unique
    assert re.match(f"{len(unique)} of 460 sampled documents are unique, exp.* 36;", str(error))


@pytest.mark.parametrize(("temperature", "sampled"), [(0.0, 3), (1e-3, 130)])
def test_a_greedy_document_is_sampled_as_often_as_wanted_at_most(
    temperature: float, sampled: int
) -> None:
    options: dict[str, Any] = {
        "n": 3,
        "new": True,
        "pattern": "ava|zoeava",
        "temperature": temperature,
    }
    found, error = until_refused(130, **options)
    assert found == []
    sentence = f"0 of {sampled} sampled documents are new, expected 3; reduce n, raise the temp"
    assert str(error).startswith(sentence)


def test_by_default_a_million_documents_and_more_for_each_are_sampled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the documents themselves, which take long."""

    def run(*_: Any) -> Generator[Sample, None, int]:
        yield from ()
        return 0

    monkeypatch.setattr(DocumentSampler, "run", run)
    with pytest.raises(InputError, match=r"^0 of 1,003,000 sampled documents are new"):
        texts(n=3, new=True)


def test_exact_yields_what_it_finds_before_its_attempts_are_used_up() -> None:
    options: dict[str, Any] = {"exact": True, "pattern": "[^l]*[aeiou]", "max_length": 5}
    every = generated(n=9, **options)
    half = sum(each.sample.attempts for each in every) // 2
    found, error = until_refused(n=9, max_attempts=half, **options)
    assert 0 < len(found) < 9
    in_order = iter(every)
    assert all(each in in_order for each in found)
    sentence = f"exact found {len(found)} documents? in {half:,} attempts, expected 9; loosen"
    assert re.match(sentence, str(error))
    assert until_refused(n=9, exact=True, pattern="(.*z){4}", max_attempts=1_000)[0] == []


@pytest.mark.parametrize("max_attempts", [100, 101, 1_000, 5_000])
def test_attempts_for_unique_documents_count_in_all(
    max_attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over all the batches that are sampled until enough are found."""
    made: list[int] = []
    accepted = DocumentSampler._accepted

    def record(*arguments: Any) -> Any:
        samples, attempts = accepted(*arguments)
        made.append(attempts)
        return samples, attempts

    monkeypatch.setattr(DocumentSampler, "_accepted", record)
    options: dict[str, Any] = {"unique": True, "exact": True, "pattern": "[aeilnz]|aa"}
    found, error = until_refused(n=7, max_attempts=max_attempts, **options)
    assert sum(made) == max_attempts
    assert len(made) > 2 or max_attempts < 5_000
    assert len(found) == len({each.sample.text for each in found}) < 7
    number = "1 unique document" if len(found) == 1 else f"{len(found)} unique documents"
    assert str(error).startswith(f"exact found {number} in {max_attempts:,} attempts, expected 7;")


def test_texts_differ_by_their_index_alone() -> None:
    three, two = (
        ["".join(each) for each in generate_texts(*TEXT_MODEL, VOCAB, config)]
        for config in (seeded(n=3, text_length=90), seeded(n=2, text_length=90))
    )
    assert len(set(three)) == 3
    assert three[:2] == two
    assert three[0] == generated_text(text_length=90)


def test_a_text_meets_its_constraints() -> None:
    assert set(generated_text(text_length=200, allow="tobe ")) == set("tobe ")
    text = generated_text(text_length=200, forbid="e\nZ", prefix="to ")
    assert text.startswith("to ")
    assert not set("e\n") & set(text)
    assert generated_text(text_length=70, allow="q") == "q" * 70
    assert generated_text(text_length=3, prefix="to ") == "to "
    assert generated_text(text_length=130, prefix=TEXT[:100]).startswith(TEXT[:100])
    both: dict[str, Any] = {"text_length": 200, "allow": "ab"}
    assert "ab" in generated_text(**both)
    assert "ab" not in generated_text(**both, forbid_text=("ab",), prefix="a")


def test_a_greedy_text_is_the_likeliest() -> None:
    likeliest = generated_text(text_length=90, temperature=0.0)
    assert generated_text(text_length=90, temperature=0.0, seed=7) == likeliest
    assert generated_text(text_length=90, top_k=1, seed=7) == likeliest
    assert generated_text(text_length=90, top_p=1e-6, seed=7) == likeliest
    assert generated_text(text_length=90, top_p=1.0) == generated_text(text_length=90)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"text_length": 4, "prefix": "to be"}, "prefix is 'to be', 5 .* expected at most the 4"),
        ({"allow": "", "text_length": 9}, "allow '' allows no document"),
        ({"forbid": "t", "prefix": "to"}, "prefix 'to' and forbid 't' together allow no document"),
        ({"allow": "Z"}, "allow is 'Z', of which this vocabulary has no character"),
        ({"unique": True}, "unique is True, but .* one text"),
        ({"forbid_text": ("a", "b"), "allow": "ab"}, "allow 'ab' and .* together allow no docu"),
    ],
)
def test_a_text_that_cannot_exist_is_refused_before_anything_is_sampled(
    options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=f"^{sentence}"):
        generate_texts(*TEXT_MODEL, VOCAB, SampleConfig(**options))


def test_a_text_that_cannot_go_on_is_refused_and_no_boundary_is_sampled() -> None:
    ends = SampleConfig(allow="to", forbid_text=("tt", "oo", "to"), text_length=30)
    with pytest.raises(InputError, match="the constraints allow no text that goes on"):
        generate_texts(*TEXT_MODEL, VOCAB, ends)
    goes_on = SampleConfig(allow="to", forbid_text=("tt", "oo"), text_length=30)
    (pieces,) = generate_texts(*TEXT_MODEL, VOCAB, goes_on)
    assert "".join(pieces) in ("to" * 15, "ot" * 15)


def stream(config: SampleConfig) -> DocumentStream:
    return generate_documents(*MODEL, DATASET, config)


@pytest.mark.parametrize(
    ("options", "has_constraints", "is_exact"),
    [
        ({}, False, False),
        ({"prefix": "ma", "forbid": "9"}, False, False),
        ({"prefix": "MA", "ignore_case": True}, False, False),
        ({"min_length": 0}, False, False),
        ({"exact": True}, False, True),
        ({"pattern": ".*[aeiou]"}, True, True),
        ({"pattern": ".*[aeiou]", "masked": True}, True, False),
        ({"pattern": ".*[aeiou]", "temperature": 0.0}, True, False),
        ({"prefix": "ma", "forbid": "l"}, True, True),
        ({"min_length": 2}, True, True),
        ({"max_length": 9}, True, True),
        ({"pattern": "(.*z){4}"}, True, False),
        ({"pattern": "(.*z){4}", "exact": True}, True, True),
    ],
    ids=str,
)
def test_exact_is_the_default_where_it_accepts_one_in_a_hundred(
    options: dict[str, Any], has_constraints: bool, is_exact: bool
) -> None:
    drawn = stream(seeded(n=3, **options))
    assert (drawn.has_constraints, drawn.is_exact) == (has_constraints, is_exact)
    for n, seed in ((1, 0), (1_000, 0), (3, 9)):  # the choice depends on neither
        assert stream(SampleConfig(n=n, seed=seed, **options)).is_exact == is_exact


def test_what_is_chosen_gives_the_documents_of_that_option() -> None:
    common: dict[str, Any] = {"n": 30, "pattern": ".*[aeiou]"}
    assert generated(**common) == generated(exact=True, **common)
    rare: dict[str, Any] = {"n": 30, "pattern": "(.*z){4}"}
    assert generated(**rare) == generated(masked=True, **rare)
    assert generated(**common) != generated(masked=True, **common)


def test_the_limit_of_attempts_that_nobody_gave_is_said_without_options_that_nobody_gave() -> None:
    unique: dict[str, Any] = {"n": 36, "unique": True, "pattern": "[aeilnz]{2}", "min_length": 2}
    found, error = until_refused(400, **unique)
    assert 0 < len(found) < 36
    sentence = "exact found .* in 720,000 attempts|.* of 400 sampled documents are unique"
    assert re.match(sentence, str(error))
    assert "max_attempts" not in str(error)


def test_whole_documents_of_at_most_a_length_are_drawn_and_others_are_cut() -> None:
    methods: list[dict[str, Any]] = [{"masked": True}, {"exact": True}, {}]
    for options in methods:
        found = generated(n=60, max_length=4, **options)
        assert all(each.sample.ended and len(each.sample.text) <= 4 for each in found)
        assert {len(each.sample.text) for each in found} >= {2, 3, 4}
    cut = generated(n=60, cut_at=4)
    assert {each.sample.ended for each in cut} == {True, False}
    assert all(len(each.sample.text) == 4 for each in cut if not each.sample.ended)
    free = texts(n=60)
    assert [each.sample.text for each in cut] == [text[:4] for text in free]


def test_a_seed_is_drawn_where_none_is_given_and_repeats_the_documents() -> None:
    one, other = stream(SampleConfig(n=9)), stream(SampleConfig(n=9))
    assert one.seed != other.seed
    found = list(one)
    assert found != list(other)
    assert found == generated(n=9, seed=one.seed)
    free = [
        "".join(*generate_texts(*TEXT_MODEL, VOCAB, SampleConfig(text_length=64))) for _ in "ab"
    ]
    assert free[0] != free[1]


def test_samples_of_a_prefix_do_not_go_on_as_those_of_another() -> None:
    """Which they would from the same random numbers, a model of some characters' memory."""
    ends = [[text[2:] for text in texts(n=200, prefix=prefix)] for prefix in ("ma", "la", "na")]
    for one, other in itertools.combinations(ends, 2):
        assert sum(map(str.__eq__, one, other)) < 20
    assert texts(n=5, prefix="ma") == texts(n=200, prefix="ma")[:5]


def test_cases_are_ignored_by_all_constraints() -> None:
    options: dict[str, Any] = {
        "prefix": "MA",
        "pattern": "M.*[AEIOU]",
        "forbid": "L",
        "max_length": 9,
    }
    lower: dict[str, Any] = {
        "prefix": "ma",
        "pattern": "m.*[aeiou]",
        "forbid": "l",
        "max_length": 9,
    }
    upper = generated(ignore_case=True, allow="A-Z", forbid_text=("AN",), **options)
    same = generated(allow="a-z", forbid_text=("an",), **lower)
    for found in (upper, same):
        names = [each.sample.text for each in found]
        assert all(re.fullmatch("ma(|[^l]*[aeiou])", name) and "an" not in name for name in names)
    with pytest.raises(InputError, match="'MA' contains 'A' 'M', unknown"):
        stream(seeded(prefix="MA"))


def test_a_text_begins_at_the_beginning_of_a_line_unless_it_shall_begin_as_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contexts: list[str] = []

    def record(*arguments: Any) -> Iterator[str]:
        _, _, vocab, _, params, _ = arguments
        contexts.append(vocab.characters[params.context_id])
        return sample_text(*arguments)

    monkeypatch.setattr("wavenet_jax.sampling.generate.sample_text", record)
    generated_text(text_length=9)
    generated_text(text_length=9, text_start=True)
    without = vocab_from_characters(set(TEXT) - {"\n"})
    next(generate_texts(*model_of(without), without, seeded(text_length=9)))
    assert contexts == ["\n", "\0", "\0"]


def test_the_pilot_is_the_same_for_every_seed_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    count_accepted = DocumentSampler.count_accepted

    def record(sampler: DocumentSampler, attempts: int) -> int:
        counts.append(count_accepted(sampler, attempts))
        return counts[-1]

    monkeypatch.setattr(DocumentSampler, "count_accepted", record)
    for n, seed in ((1, 0), (500, 0), (1, 1), (1, 2), (1, 3)):
        stream(SampleConfig(n=n, seed=seed, pattern=".*[aeiou]"))
    assert len(counts) == 5
    assert len(set(counts)) == 1
    assert 3 < counts[0] < 250
