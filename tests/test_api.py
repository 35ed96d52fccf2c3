"""The lines that people write: train, load, evaluate, score, sample."""

import dataclasses
import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from support.corpora import NAMES, TEXT
from support.runs import assert_same_data, changed

import wavenet_jax as wn
from wavenet_jax.config import Config
from wavenet_jax.data import dataset_from_documents, vocab_from_documents
from wavenet_jax.errors import InputError
from wavenet_jax.evaluation import evaluate_splits, score_texts
from wavenet_jax.sampling import generate_documents, generate_texts
from wavenet_jax.training import DivergenceError, StepInfo, fit

# The learning rate rises at the end, so that a validation before the last is the best.
RISING: dict[str, Any] = {"learning_rate": 0.3, "decay": 100.0, "seed": 3}


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> tuple[wn.LanguageModel, Path]:
    """Return a model of a list of names, and the folder of its run."""
    place = tmp_path_factory.mktemp("listed")
    (place / "list.txt").write_text("\n".join(NAMES))
    options: dict[str, Any] = {"n_embd": 4, "n_hidden": 8, "batch_size": 8, "steps": 60}
    every: dict[str, Any] = {"report_every": 10, "eval_every": 20}
    data, folder = str(place / "list.txt"), place / "run"
    return wn.train("makemore", data=data, run_dir=folder, **options, **every, **RISING), folder


@pytest.fixture
def text_config(tiny: Config, text_file: Path) -> Config:
    config = changed(tiny, data=str(text_file), kind="text", mode="sequence", seq_len=16)
    return changed(config, batch_size=2, learning_rate=0.5)


def assert_same_model(a: wn.LanguageModel, b: wn.LanguageModel) -> None:
    assert a.config == b.config
    jax.tree.map(np.testing.assert_array_equal, a.variables, b.variables)
    jax.tree.map(np.testing.assert_array_equal, a.evaluate(), b.evaluate())  # NaN equals NaN
    assert a.sample(2, seed=1) == b.sample(2, seed=1)


def test_a_run_loaded_is_the_model_that_was_trained(
    listed: tuple[wn.LanguageModel, Path],
) -> None:
    trained, folder = listed
    loaded = wn.load(folder)
    assert_same_model(loaded, trained)
    assert loaded.data.documents == trained.data.documents
    assert_same_model(wn.load(str(folder), "best"), trained)


def test_the_variables_are_the_best_by_validation_loss(
    listed: tuple[wn.LanguageModel, Path],
) -> None:
    trained, folder = listed
    losses: dict[int, float] = {}
    kept: dict[int, Any] = {}
    for info in fit(trained.network, trained.config, trained.data.splits):
        if info.val is not None:
            losses[info.step] = info.val.nats_per_character
            kept[info.step] = jax.device_get(info.variables)
    best = min(losses, key=lambda step: losses[step])
    assert sorted(losses) == [20, 40, 60]
    assert best != 60
    jax.tree.map(np.testing.assert_array_equal, trained.variables, kept[best])
    assert trained.evaluate().val.all.nats_per_character == pytest.approx(losses[best])
    latest = wn.load(folder, "latest")
    jax.tree.map(np.testing.assert_array_equal, latest.variables, kept[60])


def test_a_run_in_memory_is_the_run_in_a_folder(
    tiny: Config, names_file: Path, tmp_path: Path
) -> None:
    """Of a list of one's own; nothing is written for the run in memory."""
    before = set(tmp_path.rglob("*"))
    config = changed(tiny, data=str(names_file), kind="list", **RISING)
    infos: list[StepInfo] = []
    model = wn.train(tiny, data=str(names_file), on_step=infos.append, **RISING)
    assert set(tmp_path.rglob("*")) == before
    assert model.config == config
    assert [info.step for info in infos] == [10, 20, 30, 40, 50, 60]
    assert [info.val is not None for info in infos] == [False, True] * 3
    assert str(infos[1]).startswith("step 20  train ")
    in_folder = wn.train(config, run_dir=tmp_path / "run")
    assert_same_model(model, in_folder)
    with pytest.raises(InputError, match="already holds a run"):
        wn.train(tiny, run_dir=tmp_path / "run")
    other = wn.train(tiny, data=str(names_file), seed=1, run_dir=tmp_path / "run", overwrite=True)
    assert wn.load(tmp_path / "run").config == other.config != in_folder.config


def test_a_run_that_diverges_leaves_no_folder(tiny: Config, tmp_path: Path) -> None:
    with pytest.raises(DivergenceError):
        wn.train(tiny, learning_rate=1e30, run_dir=tmp_path / "place" / "run")
    assert list(tmp_path.iterdir()) == []


def test_methods_hand_on_to_the_wings(listed: tuple[wn.LanguageModel, Path]) -> None:
    model, _ = listed
    network, variables, data = model.network, model.variables, model.data
    losses = evaluate_splits(network, variables, data.splits)
    jax.tree.map(np.testing.assert_array_equal, model.evaluate(), losses)
    texts = ["anna", "zvzv", "anna"]
    scores = model.score(iter(texts))
    assert scores == score_texts(network, variables, data.vocab, texts, is_text=False)
    assert [score.rank for score in scores] == [1, 3, 1]
    assert scores[0].characters == "anna\0"
    options: dict[str, Any] = {"prefix": "ma", "pattern": ".*[aeiou]", "forbid_text": ("an",)}
    config = wn.SampleConfig(n=5, seed=2, **options)
    documents = generate_documents(network, variables, data, config)
    names = model.sample(5, seed=2, **options)
    assert names == [document.sample.text for document in documents]
    assert len(model.sample()) == 20


def test_a_model_of_a_text(text_config: Config, text_file: Path, tmp_path: Path) -> None:
    """Its run needs nothing but its folder."""
    model = wn.train(text_config, run_dir=tmp_path / "run")
    text_file.unlink()
    assert_same_model(wn.load(tmp_path / "run"), model)
    (text,) = model.sample(text_length=70, prefix="to be", seed=4)
    assert len(text) == 70
    assert text.startswith("to be")
    config = wn.SampleConfig(n=3, text_length=70, seed=0)
    texts = generate_texts(model.network, model.variables, model.data.vocab, config)
    assert model.sample(3, text_length=70, seed=0) == ["".join(chunks) for chunks in texts]
    assert [score.characters for score in model.score(["to", "be "])] == ["to", "be "]
    assert model.evaluate().val.unseen is None
    with pytest.raises(InputError, match=r"pattern is 'a', but .* one text"):
        model.sample(pattern="a")


def test_a_model_is_a_frozen_value(listed: tuple[wn.LanguageModel, Path]) -> None:
    model, _ = listed
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.config = Config()  # type: ignore[misc]


def test_values_show_themselves_in_a_line(
    listed: tuple[wn.LanguageModel, Path], text_config: Config
) -> None:
    model, folder = listed
    assert repr(model) == (
        f"LanguageModel({str(folder.parent / 'list.txt')!r}, a list of {len(NAMES)} documents, "
        "22 characters, 667 parameters, 3 plain layers of 8, receptive field 8)"
    )
    (score,) = model.score(["anna"])
    assert re.fullmatch(
        r"Score\('anna', \d+\.\d{4} nats, \d\.\d{4} bits per character, rank 1\)", repr(score)
    )
    losses = model.evaluate()
    number = r"\d\.\d{4} ± \d\.\d{4}"
    part = rf"Evaluation\({number} nats per character, unseen (nan ± nan|{number})\)"
    assert re.fullmatch(rf"Splits\(train={part}, val={part}, test={part}\)", repr(losses))
    assert re.fullmatch(
        rf"Loss\({number} nats per character, \d+ predictions\)", repr(losses.val.all)
    )
    for splits in (model.data.splits, model.data.split_documents):
        assert re.fullmatch(r"Splits\(train=.{,80}, val=.{,80}, test=.{,80}\)", repr(splits))
    infos: list[StepInfo] = []
    text = wn.train(text_config, on_step=infos.append)
    assert ", a text, " in repr(text)
    assert re.fullmatch(r"StepInfo\(step 10  train \d\.\d{4}\)", repr(infos[0]))
    assert repr(infos[-1].state) == "TrainState(step 60, 654 parameters)"
    assert re.fullmatch(r"Corpus\(text, [\d,]+ predictions\)", repr(text.data.splits.train))
    assert "unseen" not in repr(text.evaluate())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"temprature": 0.5}, "option 'temprature' is unknown; did you mean 'temperature'?"),
        ({"temperature": -1}, "temperature is -1, expected"),
        ({"n": "5"}, "n is '5', expected a whole number; leave it out"),
        ({"n": 3.0}, "n is 3.0, expected a whole number"),
        ({"n": True}, "n is True, expected a whole number"),
        ({"prefix": 5}, "prefix is 5, expected a text"),
        ({"text_length": 9}, "text_length is 9, but the run was trained on a list"),
        ({"unique": True, "max_length": 1, "n": 99}, "22 documents of up to 1 character can"),
    ],
)
def test_sample_refuses_options_by_name(
    options: dict[str, Any], sentence: str, listed: tuple[wn.LanguageModel, Path]
) -> None:
    with pytest.raises(InputError) as caught:
        listed[0].sample(**options)
    assert str(caught.value).startswith(sentence)


def test_samples_that_are_too_few_are_an_error(listed: tuple[wn.LanguageModel, Path]) -> None:
    with pytest.raises(InputError, match="exact found 0 documents in 10 attempts, expected 2;"):
        listed[0].sample(2, pattern="(.*z){4}", exact=True, max_attempts=10)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"n_hiden": 8}, "n_hiden"),
        ({"n_hidden": -8}, "n_hidden"),
        ({"config": "makemor"}, "preset"),
        ({"data": "missing.txt"}, "data"),
        ({"mode": "windows"}, "mode"),
        ({"config": "makemore", "dilations": (1, 3)}, "dilations"),
        ({"dilations": 4}, "dilations"),
        ({"steps": 1e3}, "steps"),
        ({"data": None}, "data"),
        ({"config": None}, "config"),
        ({"config": 5}, "config"),
    ],
)
def test_train_refuses_options_by_name(options: dict[str, Any], field: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        wn.train(run_dir=tmp_path / "run", **options)
    assert caught.value.field == field
    assert list(tmp_path.iterdir()) == []


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(InputError, match=r"^option 'n_hiden' is unknown; did you mean 'n_hidden'"):
        wn.train(n_hiden=8)
    with pytest.raises(InputError, match=r"^preset is 'makemor', .*; did you mean makemore\?"):
        wn.train("makemor")


def test_values_of_numpy_lists_and_paths_are_taken(
    listed: tuple[wn.LanguageModel, Path],
) -> None:
    model, folder = listed
    int_of_numpy: Any = np.int64(3)
    assert model.sample(int_of_numpy, seed=np.uint8(2)) == model.sample(3, seed=2)
    assert model.sample(9, forbid_text="an", seed=0) == model.sample(9, forbid_text=["an"], seed=0)
    assert model.score(np.array(["anna"])) == model.score({"anna": 1}.keys())
    same = wn.train(
        dataclasses.replace(model.config, model=wn.ModelConfig(n_embd=4, n_hidden=8)),
        data=folder.parent / "list.txt",
        dilations=[1, 2, np.int32(4)],
        steps=np.int64(60),
    )
    assert same.config == model.config
    assert_same_model(same, model)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ("anna", "texts is 'anna', expected a list of texts; put it in [ ]."),
        (None, "texts is None, expected a list, each a text."),
        (5, "texts is 5, expected a list, each a text."),
        (["anna", 5], "texts is ['anna', 5], expected a list, each a text."),
        ([], "no text is given"),
    ],
)
def test_score_wants_a_list_of_texts(
    texts: Any, sentence: str, listed: tuple[wn.LanguageModel, Path]
) -> None:
    with pytest.raises(InputError) as caught:
        listed[0].score(texts)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(("text", "character"), [("Anna", "A"), ("an.na", r"\.")])
def test_unknown_characters_are_named(
    text: str, character: str, listed: tuple[wn.LanguageModel, Path]
) -> None:
    """The boundary, which the vocabulary has, is unknown inside a document."""
    with pytest.raises(InputError, match=f"^'{text}' contains '{character}', unknown"):
        listed[0].score(["emma", text])


def test_load_names_what_is_missing(listed: tuple[wn.LanguageModel, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run"):
        wn.load(tmp_path)
    with pytest.raises(InputError, match="checkpoint is 'last', expected best or latest"):
        wn.load(listed[1], "last")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="holds no run"):
        wn.load("long" * 999)


@pytest.mark.parametrize(("run_dir", "shown"), [("", "''"), (5, "5"), (b"a", "b'a'")])
def test_what_names_no_folder_is_refused(run_dir: Any, shown: str) -> None:
    for call in (wn.load, partial(wn.train, "makemore-fast", steps=100)):
        with pytest.raises(InputError, match=f"^run_dir is {shown}, expected a folder"):
            call(run_dir=run_dir)
    with pytest.raises(InputError, match=r"^run_dir is None, expected a folder"):
        wn.load(None)  # type: ignore[arg-type]


def test_models_compare_by_identity(listed: tuple[wn.LanguageModel, Path]) -> None:
    model, _ = listed
    same = dataclasses.replace(model)
    assert model == model != same  # noqa: PLR0124
    assert len({model, same}) == 2


def test_parts_of_different_models_make_no_model(
    listed: tuple[wn.LanguageModel, Path], names: list[str]
) -> None:
    model, _ = listed
    place = "['batch_stats']['layers_0']['norm']['mean']"
    with pytest.raises(InputError, match=re.escape(f"variables{place} is (8,), expected (9,) for")):
        dataclasses.replace(model, config=changed(model.config, n_hidden=9))
    fewer = [name for name in names if "z" not in name]
    data = dataset_from_documents(fewer, vocab_from_documents(fewer), model.config.data)
    with pytest.raises(InputError, match=r"and these 2\d characters; give those of the same model"):
        dataclasses.replace(model, data=data)
    more = {**model.variables, "ema": {"x": np.ones(2)}}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"variables": None}, r"variables\[.* is missing, expected \(8,\) for"),
        ({"variables": {}}, r"variables\[.* is missing, expected \(8,\) for"),
        (
            {"variables": model.variables["params"]},
            r"variables\[.* is missing, expected \(8,\) for",
        ),
        ({"variables": more}, r"variables\['ema'\]\['x'\] is \(2,\), expected nothing for"),
        ({"data": None}, r"data is None, expected a Dataset\."),
        ({"config": "makemore"}, r"config is 'makemore', expected a Config\."),
    ]
    for change, sentence in wrong:
        with pytest.raises(InputError, match=f"^{sentence}"):
            dataclasses.replace(model, **change)


def test_a_stopped_run_is_the_best_so_far_and_goes_on_to_the_uninterrupted_end(
    tiny: Config, names: list[str], tmp_path: Path
) -> None:
    def stop(info: StepInfo) -> None:
        if info.step == 30:
            raise KeyboardInterrupt

    options: dict[str, Any] = {"documents": names, **RISING}
    whole = wn.train(tiny, **options, run_dir=tmp_path / "whole")
    with pytest.warns(UserWarning, match="interrupted after step 30"):
        stopped = wn.train(tiny, **options, run_dir=tmp_path / "run", on_step=stop)
    assert stopped.evaluate().val.all.nats_per_character > 0
    steps: list[int] = []
    resumed = wn.resume(tmp_path / "run", on_step=lambda info: steps.append(info.step))
    assert steps == [40, 50, 60]
    assert_same_model(resumed, whole)
    wn.resume(tmp_path / "run", on_step=lambda info: steps.append(info.step))
    assert steps == [40, 50, 60]  # a finished run is loaded as it is


def test_documents_are_given_with_their_labels(
    tiny: Config, names: list[str], tmp_path: Path
) -> None:
    labels = {"end": [name[-1] for name in names]}
    model = wn.train(tiny, documents=names, labels=labels, split_by="end", run_dir=tmp_path / "run")
    assert model.data.labels.names == ["end"]
    for split, numbers in zip(model.data.split_documents, model.data.numbers, strict=True):
        found = [model.data.labels.decode(ids)["end"] for ids in model.data.label_ids[numbers]]
        assert found == [name[-1] for name in split]
    assert_same_data(wn.load(tmp_path / "run").data, model.data)
    with pytest.raises(InputError, match="labels is 'end', expected a list for each kind beside d"):
        wn.train(documents=names, labels="end")
    with pytest.raises(InputError, match="labels is end, but no column has the documents"):
        wn.train(labels="end")
    with pytest.raises(InputError, match=r"labels is {'end': .*expected a list, each a text"):
        wn.train(labels=labels)


def test_an_interrupt_before_the_first_info_is_not_swallowed(
    tiny: Config, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("wavenet_jax.training.loop.train_chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        wn.train(tiny, documents=names)


def test_a_text_that_a_program_holds_is_trained_on_and_kept(tiny: Config, tmp_path: Path) -> None:
    sequences: dict[str, Any] = {"mode": "sequence", "seq_len": 16, "batch_size": 2}
    model = wn.train(tiny, text=TEXT, **sequences, run_dir=tmp_path / "run")
    assert model.data.is_text
    assert_same_model(wn.load(tmp_path / "run"), model)
    with pytest.raises(InputError, match="data and text are given"):
        wn.train(text=TEXT, data="names")


def test_what_a_user_should_know_of_the_data_is_logged(
    tiny: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.csv").write_text("name,country\nParis,France\nLima,Peru\nOslo,Norway\n")
    model = wn.train(tiny, data=tmp_path / "a.csv")
    assert [record.getMessage() for record in caplog.records] == list(model.data.notes)
    assert "looks like a table of 2 columns" in caplog.text


def test_damage_is_logged_and_another_state_is_loaded(
    trained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    (run / "checkpoints" / "60" / "_CHECKPOINT_METADATA").write_text("{}")
    wn.load(run, checkpoint="latest")
    assert "_CHECKPOINT_METADATA is damaged; step " in caplog.text


def test_a_model_of_many_files_shows_itself_in_a_line(
    tiny: Config, names: list[str], tmp_path: Path
) -> None:
    paths = [tmp_path / f"{index}.txt" for index in range(4)]
    for path in paths:
        path.write_text("".join(f"{name}\n" for name in names), "utf-8")
    model = wn.train(tiny, data=tuple(map(str, paths)), kind="list", steps=10)
    assert repr(model).startswith(f"LanguageModel('{paths[0]} and 3 more', a list of ")
