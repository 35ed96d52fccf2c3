"""What is measured of spoken digits and names is right where the answer is known."""

import math
from pathlib import Path

import numpy as np
import pytest
from spoken_digits_study import names, recogniser, references, sounds
from spoken_digits_study.ngrams import END, NGram
from spoken_digits_study.recordings import RATE, Recording, lay_out, read_digits

from wavenet_jax.data import Splits, decode_levels, level_vocab, wav_writer
from wavenet_jax.data.sound import encode_levels

LISTS = {
    "Dutch": ["Jansen", "Bakker", "Visser", "Smit", "Meijer", "Mulder"],
    "Polish": ["Nowak", "Wójcik", "Kowalski", "Mazur", "Bakker"],
}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of digits that are tones, by speakers who differ in an overtone."""
    folder = tmp_path_factory.mktemp("recordings")
    random = np.random.default_rng(0)
    for digit, hertz in (("1", 300), ("7", 900)):
        for speaker, overtone in (("ann", 2), ("bob", 3)):
            for index in range(9):
                time = np.arange(500 + 20 * index) / RATE
                tone = np.sin(2 * np.pi * hertz * time) + np.sin(
                    2 * np.pi * hertz * overtone * time
                )
                noise = random.normal(0, 0.01, len(time))
                with wav_writer(folder / f"{digit}_{speaker}_{index}.wav", RATE) as write:
                    write(0.2 * tone + noise)
    return folder


@pytest.fixture(scope="module")
def digits(recordings: Path) -> Splits[list[Recording]]:
    return read_digits(str(recordings))


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "lists"
    folder.mkdir()
    for language, found in LISTS.items():
        (folder / f"{language}.txt").write_text("\n".join([*found, found[0]]), "utf-8")
    return folder


@pytest.fixture
def spoken_sound() -> np.ndarray:
    """Return a second of a tone of 125 hertz that fades."""
    time = np.arange(RATE) / RATE
    return 0.5 * np.exp(-2 * time) * np.sign(np.sin(2 * np.pi * 125 * time))


def test_the_official_test_is_recordings_0_to_4(digits: Splits[list[Recording]]) -> None:
    assert [len(part) for part in digits] == [14, 2, 20]
    assert {each.path.stem.split("_")[2] for each in digits.test} == set("01234")
    every = [each.path for part in digits for each in part]
    assert len(set(every)) == len(every) == 36
    first = digits.test[0]
    assert first.labels == {"digit": "1", "speaker": "ann"}
    corpus = lay_out(digits.test)
    np.testing.assert_array_equal(corpus.lengths, [len(each.levels) for each in digits.test])


def test_frequencies_and_pairs_are_distributions(digits: Splits[list[Recording]]) -> None:
    corpora = Splits(*map(lay_out, digits))
    every = np.arange(len(level_vocab()))
    unseen = corpora.test._replace(tokens=np.concatenate([[0], every]))
    assert np.exp(-references.unigram_nll(corpora.train, unseen)).sum() == pytest.approx(1)
    context = int(corpora.train.tokens[1])
    pairs = np.stack([np.full_like(every, context), every], axis=1).reshape(-1)
    nll = references.bigram_nll(corpora._replace(test=unseen._replace(tokens=pairs)))
    assert np.exp(-nll[::2]).sum() == pytest.approx(1)


def test_linear_prediction_is_least_squares_of_the_past() -> None:
    random = np.random.default_rng(0)
    short, long, middle = (random.normal(size=size) for size in (40, 60, 50))
    forgetting, ridge, last = 0.9, 0.1, 39
    found = references.predict_linearly([short, long, middle], forgetting, ridge)
    assert [len(each) for each in found] == [40, 60, 50]
    predicted = found[0]
    order = references.ORDER
    padded = np.concatenate([np.zeros(order), short])
    past = np.lib.stride_tricks.sliding_window_view(padded, order)[: last + 1]
    share = np.sqrt(forgetting ** np.arange(last - 1, -1, -1))
    rows = np.concatenate([share[:, None] * past[:last], math.sqrt(ridge) * np.eye(order)])
    aims = np.concatenate([share * short[:last], np.zeros(order)])
    weights = np.linalg.lstsq(rows, aims)[0]
    assert predicted[last] == pytest.approx(weights @ past[last])
    assert predicted[0] == 0


def test_levels_of_a_linear_prediction_are_a_distribution() -> None:
    past = encode_levels(0.3 * np.sin(np.arange(30)))
    shares = np.full(9, 1 / 9)
    linear = references.Linear(0.99, 1e-4, shares, end_rate=0.25)
    nll = [
        references.linear_nll(linear, [Recording(Path(), np.append(past, np.uint8(level)), {})])
        for level in range(256)
    ]
    assert np.exp(-np.array(nll)[:, -2]).sum() == pytest.approx(0.75, abs=1e-5)
    assert np.exp(-nll[0][-1]) == pytest.approx(0.25)


def test_shares_of_a_mixture_are_those_of_the_likeliest_component() -> None:
    cells = np.array([[0.9, 1e-9], [0.8, 1e-9], [0.7, 1e-9], [1e-9, 0.6]])
    np.testing.assert_allclose(references.fit_shares(cells), [0.75, 0.25], atol=1e-6)


def test_digits_and_speakers_are_recognised(digits: Splits[list[Recording]]) -> None:
    pytest.importorskip("sklearn")
    trained = recogniser.train_recogniser(digits.train)
    found = recogniser.recognise(trained, [each.levels for each in digits.test])
    wanted = [each.labels for each in digits.test]
    assert recogniser.accuracy(found, wanted) == {"digit": 1, "speaker": 1}
    swapped = [{**each, "digit": "8"} for each in wanted]
    assert recogniser.accuracy(found, swapped) == {"digit": 0, "speaker": 1}


def test_features_do_not_depend_on_silence_around() -> None:
    tone = encode_levels(0.3 * np.sin(np.arange(1_280)))
    silence = np.full(640, 128, np.uint8)
    inside = recogniser.features(tone)
    padded = recogniser.features(np.concatenate([silence, tone, silence]))
    bands = slice(0, recogniser.BANDS)
    assert np.abs(inside[bands] - padded[bands]).max() < 3  # against 9, the range of the bands
    assert np.ptp(inside[bands]) > 9
    assert len(recogniser.features(tone[:10])) == len(inside)


def test_witten_bell_is_as_on_paper() -> None:
    model = NGram(["ab", "a"], 2, vocab_size=3)
    # Without a past: a twice, b once, ends twice of 5, 3 kinds; all else 1/3.
    p_a, p_b, p_end = ((count + 3 / 3) / 8 for count in (2, 1, 2))
    first = (2 + p_a) / 3  # a twice after the beginning, 1 kind
    then_b, then_end = (1 + 2 * p_b) / 4, (1 + 2 * p_end) / 4  # b and the end once after a, 2 kinds
    last = (1 + p_end) / 2  # the end once after b
    assert model.nll("ab") == pytest.approx(-math.log(first * then_b * last))
    assert model.nll("a") == pytest.approx(-math.log(first * then_end))
    one = [model._probability("a", character) for character in ("a", "b", END)]
    assert sum(one) == pytest.approx(1)


def test_a_name_of_two_languages_counts_for_each(lists: Path) -> None:
    found = names.read_names(lists)
    assert len(found) == 11  # the repeated lines are left out
    parts = Splits(found[:9], [], [names.Name("Bakker", "Dutch"), names.Name("Bakker", "Polish")])
    counted = names.count_shared(found, parts)
    assert (counted["names"], counted["names of several languages"]) == (10, 1)
    assert counted["pairs of test whose name is in train"] == 2
    assert counted["best accuracy"] == 0.5


def test_languages_are_told_by_bayes() -> None:
    wanted = [names.Name("x", "A"), names.Name("y", "A"), names.Name("z", "B")]
    nll = -np.log([[0.5, 0.1], [0.1, 0.9], [0.1, 0.3]])
    scores = names.Languages(["A", "B"], np.log([0.75, 0.25]), nll)
    found = names.classify(scores, wanted)
    posterior = [0.375 / 0.4, 0.075 / 0.3, 0.075 / 0.15]
    assert found["log-loss"] == pytest.approx(-np.log(posterior).mean())
    assert found["accuracy"] == pytest.approx(1 / 3)  # of the third, A is listed first
    assert names.with_label(scores, wanted).nll_nats == pytest.approx(-np.log(0.5 * 0.1 * 0.3))


def test_a_tone_is_periodic_and_noise_is_not(spoken_sound: np.ndarray) -> None:
    assert sounds.periodicity(spoken_sound, RATE).min() > 0.95
    noise = np.random.default_rng(0).normal(0, 0.1, RATE)
    found = sounds.describe([noise, noise], RATE)
    assert found["periodicity"] < 0.35
    assert found["decibels"] == pytest.approx(-20, abs=0.2)
    assert found["pitched"] == 0
    assert found["seconds"] == 1


def test_the_loudest_second_is_found(spoken_sound: np.ndarray) -> None:
    quiet = np.zeros(RATE // 2)
    whole = np.concatenate([quiet, quiet, spoken_sound, quiet])
    np.testing.assert_array_equal(sounds.loudest_second(whole, RATE), spoken_sound)


def test_samples_are_decoded_before_they_are_predicted() -> None:
    np.testing.assert_array_equal(encode_levels(decode_levels(np.arange(256))), np.arange(256))
    inner = references.EDGES[1:-1]
    assert (np.diff(inner) > 0).all()
    np.testing.assert_array_equal(encode_levels(inner + 1e-9), np.arange(1, 256))
