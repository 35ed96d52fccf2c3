"""What is measured of spoken digits and names is right where the answer is known."""

import dataclasses
import hashlib
import json
import math
import runpy
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import one_voice
import pytest
from spoken_digits_study import generated, guidance, labels, models, recogniser, references, sounds
from spoken_digits_study.names import network, pairs
from spoken_digits_study.names.ngrams import END, NGram
from spoken_digits_study.recordings import RATE, SPLIT, Recording, lay_out, read_digits

import wavenet_jax as wn
from wavenet_jax.config import DataConfig
from wavenet_jax.data import Splits, decode_levels, level_vocab, load_dataset, wav_writer
from wavenet_jax.data.sound import encode_levels

SCRIPT = Path(__file__).parents[2] / "experiments" / "spoken_digits.py"
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


@pytest.fixture(scope="module")
def work(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the run of a tiny preset that was trained for a moment, with labels."""
    folder = tmp_path_factory.mktemp("work")
    models.train(str(recordings), folder / "with-labels", models.QUICK.sound, labelled=True)
    return folder


@pytest.fixture(scope="module")
def labelled(work: Path) -> wn.LanguageModel:
    """Return the model of that run."""
    return wn.load(work / "with-labels")


def test_the_official_test_is_recordings_0_to_4(digits: Splits[list[Recording]]) -> None:
    assert [len(part) for part in digits] == [14, 2, 20]
    # The length of a recording tells its number.
    assert {len(each.levels) for each in digits.test} == {500, 520, 540, 560, 580}
    assert {tuple(each.labels.values()) for each in digits.test} == {
        (digit, speaker) for digit in "17" for speaker in ("ann", "bob")
    }


def test_runs_have_the_same_recordings(
    recordings: Path, digits: Splits[list[Recording]], labelled: wn.LanguageModel, work: Path
) -> None:
    alone = load_dataset(DataConfig(data=str(recordings), **SPLIT))
    assert (alone.labels.names, labelled.data.labels.names) == ([], ["digit", "speaker"])
    for split, real in digits._asdict().items():
        for data in (alone, labelled.data):
            tokens = getattr(data.splits, split).tokens
            np.testing.assert_array_equal(tokens, lay_out(real).tokens)
    again = models.train("missing", work / "with-labels", {}, labelled=True)
    assert again.config == labelled.config  # it is taken from its folder


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
        references.linear_nll(linear, [Recording(np.append(past, np.uint8(level)), {})])
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
    found = pairs.read_names(lists)
    assert len(found) == 11  # the repeated lines are left out
    parts = Splits(found[:9], [], [pairs.Name("Bakker", "Dutch"), pairs.Name("Bakker", "Polish")])
    counted = pairs.count_shared(found, parts)
    assert (counted["names"], counted["names of several languages"]) == (10, 1)
    assert counted["pairs of test whose name is in train"] == 2
    assert counted["best accuracy"] == 0.5


def test_languages_are_told_by_bayes() -> None:
    wanted = [pairs.Name("x", "A"), pairs.Name("y", "A"), pairs.Name("z", "B")]
    nll = -np.log([[0.5, 0.1], [0.1, 0.9], [0.1, 0.3]])
    scores = pairs.Languages(["A", "B"], np.log([0.75, 0.25]), nll)
    found = pairs.classify(scores, wanted)
    posterior = [0.375 / 0.4, 0.075 / 0.3, 0.075 / 0.15]
    assert found["log-loss"] == pytest.approx(-np.log(posterior).mean())
    assert found["accuracy"] == pytest.approx(1 / 3)  # of the third, A is listed first
    assert pairs.with_label(scores, wanted).nll_nats == pytest.approx(-np.log(0.5 * 0.1 * 0.3))


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


def test_a_forced_recording_follows_what_the_model_is_sure_of(
    digits: Splits[list[Recording]], labelled: wn.LanguageModel
) -> None:
    sure = jax.tree.map(jnp.zeros_like, labelled.variables)
    bias = jnp.zeros(257).at[jnp.array([0, 78])].set(100.0)  # the end and level 77
    sure["params"]["head"]["logits"]["bias"] = bias
    model = dataclasses.replace(labelled, variables=sure)
    real = digits.test[:2]
    forced = generated.force(model, real, seed=1)
    assert [each.levels.tolist() for each in forced] == [[77] * len(each.levels) for each in real]
    assert [each.labels for each in forced] == [each.labels for each in real]


def test_digits_come_as_ordered(labelled: wn.LanguageModel) -> None:
    ordered = generated.order(labelled, each=2, seed=0)
    wanted = [(digit, speaker) for digit in "17" for speaker in ("ann", "bob") for _ in range(2)]
    assert [tuple(each.labels.values()) for each in ordered] == wanted
    different = {each.levels.tobytes() for each in ordered}
    assert len(different) == len(ordered)
    first = generated.first_of(ordered, [{"digit": "7", "speaker": "ann"}])
    assert first == [ordered[4]]


def test_digits_with_guidance_come_as_ordered_too(labelled: wn.LanguageModel) -> None:
    free, guided, cold = (
        guidance.order(labelled, 1, *how, longest=900)
        for how in ((0.0, 1.0), (5.0, 1.0), (0.0, 1e-3))
    )
    wanted = [(digit, speaker) for digit in "17" for speaker in ("ann", "bob")]
    assert [tuple(each.labels.values()) for each in free] == wanted
    assert all(800 <= len(each.levels) <= 900 for each in (*free, *guided, *cold))
    assert any(not np.array_equal(a.levels, b.levels) for a, b in zip(free, guided, strict=True))
    assert len(np.unique(cold[0].levels)) < len(np.unique(free[0].levels))


def test_the_last_tenth_by_hash_is_the_test_of_one_voice(tmp_path: Path) -> None:
    for index in range(20):
        (tmp_path / "package" / "a").mkdir(parents=True, exist_ok=True)
        (tmp_path / "package" / "a" / f"{index}.wav").write_bytes(bytes([index]))
    one_voice.copy_split(tmp_path / "package", tmp_path / "prompts")
    hashes = {f"a/{index}.wav": hashlib.sha256(f"a/{index}.wav".encode()) for index in range(20)}
    *_, before, last = sorted(hashes, key=lambda path: hashes[path].hexdigest())
    tests = {path.name for path in (tmp_path / "prompts" / "test").iterdir()}
    assert tests == {before.replace("/", "_"), last.replace("/", "_")}
    assert len(list((tmp_path / "prompts" / "train").iterdir())) == 18


def test_labels_are_told_by_what_is_kept(labelled: wn.LanguageModel, tmp_path: Path) -> None:
    test = labelled.data.splits.test
    assert test.labels is not None
    fresh = labels.label_nats(labelled, test, tmp_path)
    other = dataclasses.replace(labelled, variables=jax.tree.map(jnp.ones_like, labelled.variables))
    kept = labels.label_nats(other, test, tmp_path)
    np.testing.assert_array_equal(kept, fresh)
    counts = labels.label_counts(labelled)
    likely = (counts.ids[:, None] == test.labels.ids).all(axis=-1)
    sure = labels.tell(labelled, test, list(np.where(likely, 0.0, 100.0)), "speaker")
    assert (sure["accuracy"], sure["macro accuracy"], sure["standard error"]) == (1, 1, 0)
    assert sure["log-loss"] == pytest.approx(0, abs=1e-6)
    even = labels.mix(labelled, [np.full(20, 7.0)] * len(counts.ids))
    np.testing.assert_allclose(even, 7)


def test_networks_have_the_split_of_the_n_grams(lists: Path, tmp_path: Path) -> None:
    names = pairs.read_names(lists)
    network.write_table(names, tmp_path / "names.tsv")
    table, column = str(tmp_path / "names.tsv"), "name"
    parts = pairs.split_names(names)._asdict()
    for kinds in (("language",), ()):
        data = load_dataset(DataConfig(data=table, kind="list", column=column, labels=kinds))
        splits, documents = data.splits._asdict(), data.split_documents._asdict()
        texts = {split: [name.text for name in part] for split, part in parts.items()}
        assert documents == texts
        languages = {
            split: [data.labels.decode(ids)["language"] for ids in corpus.labels.ids]
            for split, corpus in splits.items()
            if corpus.labels is not None
        }
        told = {split: [name.language for name in part] for split, part in parts.items()}
        assert languages == (told if kinds else {})


def test_everything_runs_for_a_moment(
    recordings: Path,
    lists: Path,
    tmp_path: Path,
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts = "references names labelled"
    options = f"{recordings} --names {lists} --quick --out {tmp_path} --work {work} --only {parts}"
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *options.split()])
    heard = {"digit": "1", "speaker": "ann"}
    monkeypatch.setattr(recogniser, "train_recogniser", lambda _: None)
    monkeypatch.setattr(recogniser, "recognise", lambda _, sounds: [heard] * len(sounds))
    for _ in range(2):  # the second time, everything is there
        with pytest.raises(SystemExit) as leaves:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        assert leaves.value.code == 0
    results = json.loads((tmp_path / "spoken_digits.json").read_text())
    assert set(results) == set(parts.split())
    levels, several, linear = (row["bits per sample"] for row in results["references"].values())
    assert levels > several > linear
    assert {"real", "forced", "free", "4 on order"} <= set(results["labelled"])
    assert results["labelled"]["real"]["pitched"] > 0.9
    assert results["labelled"]["4 on order"] == {"digit": 0.5, "speaker": 0.5}
    assert (tmp_path / "spoken_digits.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.count("| linear prediction of order 16 |") == 2


def test_samples_are_decoded_before_they_are_predicted() -> None:
    np.testing.assert_array_equal(encode_levels(decode_levels(np.arange(256))), np.arange(256))
    inner = references.EDGES[1:-1]
    assert (np.diff(inner) > 0).all()
    np.testing.assert_array_equal(encode_levels(inner + 1e-9), np.arange(1, 256))
