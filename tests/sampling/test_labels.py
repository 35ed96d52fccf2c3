"""Samples of labels: those that are given, and the others as frequent as in training."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from support.models import randomised

from wavenet_jax.config import DataConfig, ModelConfig, SampleConfig
from wavenet_jax.data import (
    Dataset,
    LabelVocab,
    Splits,
    corpus_from_documents,
    dataset_from_documents,
    level_vocab,
    vocab_from_documents,
)
from wavenet_jax.errors import InputError
from wavenet_jax.evaluation import score_texts
from wavenet_jax.nn import WaveNet
from wavenet_jax.sampling import GeneratedDocument, generate_documents, generate_sounds

KINDS = LabelVocab((("colour", ("blue", "red")), ("size", ("large", "small"))))
TRAIN = [(1, 3)] * 6 + [(1, 4)] * 3 + [(2, 4)] * 1  # nothing is red and large
DOCUMENTS = ["ab", "ba", "aab", "abb", "bab", "aba", "bb", "aa", "b", "a"]


def labelled(dataset: Dataset) -> Dataset:
    """Return a dataset whose training documents, all of it, have the labels."""
    train = corpus_from_documents(DOCUMENTS, dataset.vocab).with_labels(np.array(TRAIN))
    return dataset._replace(
        labels=KINDS,
        splits=dataset.splits._replace(train=train),
        split_documents=Splits(DOCUMENTS, [], []),
    )


WORDS = labelled(dataset_from_documents(DOCUMENTS, vocab_from_documents(DOCUMENTS), DataConfig()))
PLAIN = WaveNet(ModelConfig(n_embd=4, n_hidden=6, n_label=3), len(WORDS.vocab), num_labels=4)
VARIABLES = randomised(PLAIN, seed=0)
GATED = WaveNet(
    ModelConfig("gated", n_embd=4, n_hidden=5, n_skip=6, dilations=(1, 2), norm="none"),
    len(level_vocab()),
    num_labels=4,
)


def draw(**options: Any) -> list[GeneratedDocument]:
    return list(generate_documents(PLAIN, VARIABLES, WORDS, SampleConfig(seed=0, **options)))


def test_labels_that_are_not_given_are_as_frequent_as_in_training() -> None:
    counts = Counter(tuple(each.labels.values()) for each in draw(n=2_000))
    shares = {labels: count / 2_000 for labels, count in counts.items()}
    assert shares == pytest.approx(
        {("blue", "large"): 0.6, ("blue", "small"): 0.3, ("red", "small"): 0.1}, abs=0.04
    )


def test_given_labels_leave_the_others_to_documents_that_have_them() -> None:
    counts = Counter(each.labels["colour"] for each in draw(n=1_000, label=("size=small",)))
    assert counts["blue"] / 1_000 == pytest.approx(0.75, abs=0.05)
    assert {each.labels["size"] for each in draw(n=20, label=("size=large",))} == {"large"}


def test_labels_that_no_document_has_together_can_be_given() -> None:
    (only,) = draw(n=1, label=("size=large", "colour=red"))
    assert only.labels == {"colour": "red", "size": "large"}


@pytest.mark.parametrize(
    "options", [{}, {"label": ("colour=red",)}, {"exact": True, "prefix": "a"}]
)
def test_the_likelihood_is_that_of_the_document_with_its_labels(options: dict[str, Any]) -> None:
    for each in draw(n=30, **options):
        (score,) = score_texts(
            PLAIN,
            VARIABLES,
            WORDS.vocab,
            [each.sample.text],
            is_text=False,
            labels=KINDS.encode(each.labels),
        )
        if each.sample.ended:
            assert each.sample.nll_nats == pytest.approx(score.total_nats, rel=1e-4)


def test_exact_samples_have_the_joint_distribution_of_labels_and_documents() -> None:
    """P(labels, document | it begins with b and ends by two letters), by enumeration."""
    documents = ["b", "ba", "bb"]
    weights = dict[tuple[tuple[int, ...], str], float]()
    for labels, share in {(1, 3): 0.6, (1, 4): 0.3, (2, 4): 0.1}.items():
        scores = score_texts(
            PLAIN, VARIABLES, WORDS.vocab, documents, is_text=False, labels=np.array(labels)
        )
        weights |= {(labels, s.text): share * np.exp(-s.total_nats) for s in scores}
    drawn = draw(n=3_000, exact=True, prefix="b", max_length=2)
    counts = Counter(
        (tuple(KINDS.encode(each.labels).tolist()), each.sample.text) for each in drawn
    )
    total = sum(weights.values())
    for outcome, weight in weights.items():
        assert counts[outcome] / 3_000 == pytest.approx(weight / total, abs=0.035)


def test_a_sample_and_its_labels_depend_on_its_number_alone() -> None:
    few, many = draw(n=5), draw(n=300)
    assert [(each.sample.text, each.labels) for each in few] == [
        (each.sample.text, each.labels) for each in many[:5]
    ]


def test_the_labels_of_a_recording_are_drawn_or_given() -> None:
    sounds = WORDS._replace(kind="audio", vocab=level_vocab(), rate=100)

    def labels(*label: str) -> list[dict[str, str]]:
        config = SampleConfig(n=40, seed=1, seconds=0.05, label=label)
        found = generate_sounds(GATED, randomised(GATED, seed=2), sounds, config)
        return [sound.labels for sound in found]

    assert {tuple(each.values()) for each in labels()} == {
        ("blue", "large"),
        ("blue", "small"),
        ("red", "small"),
    }
    assert all(each == {"colour": "red", "size": "small"} for each in labels("colour=red"))


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("colour=green", "label colour is 'green', expected one of blue, red"),
        (
            "color=red",
            "'color' names no labels of the documents, expected colour or size; did you mean",
        ),
        ("red", "label is 'red', expected a kind and a label"),
    ],
)
def test_unknown_labels_are_refused_with_the_known_ones(label: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw(label=(label,))


def test_labels_of_data_without_any_are_refused() -> None:
    bare = WORDS._replace(labels=LabelVocab())
    with pytest.raises(InputError, match="but the documents of the run have no labels"):
        generate_documents(PLAIN, VARIABLES, bare, SampleConfig(label=("colour=red",)))
