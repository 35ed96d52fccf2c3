"""Runs that start from another run's weights, and finished runs that train for longer."""

import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from support.corpora import NAMES
from support.runs import assert_same, changed, final_state, losses

import wavenet_jax as wn
from wavenet_jax.config import (
    Config,
    DataConfig,
    Extent,
    ModelConfig,
    OptimConfig,
    Recipe,
    TrainConfig,
    extend,
    plan,
)
from wavenet_jax.data import dataset_from_list, level_vocab
from wavenet_jax.errors import InputError
from wavenet_jax.runs import WarmStart, extend_run, load_run, read_manifest, warm_start
from wavenet_jax.training import evaluation_variables, make_schedule, make_trainer

SMALL: dict[str, Any] = {
    **{"documents": NAMES, "n_embd": 4, "n_hidden": 8, "batch_size": 8, "learning_rate": 0.3},
    **{"report_every": 10, "eval_every": 20, "seed": 3},
}


def train(folder: Path, base: str = "makemore", **options: Any) -> wn.LanguageModel:
    return wn.train(base, run_dir=folder, **{**SMALL, **options})


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished run of constant learning rate."""
    folder = tmp_path_factory.mktemp("source") / "run"
    train(folder, steps=40, schedule="constant", momentum=0.5, warmup=0.5, ema=0.9)
    return folder


def test_run_that_starts_from_another_has_its_losses_before_the_first_step(source: Path) -> None:
    run = load_run(source)
    start = warm_start(changed(run.config, init_from=str(source)), run.data)
    assert start is not None
    assert start.note == f"Starting from {source} at step 40, with its vocabulary."
    jax.tree.map(np.testing.assert_array_equal, start.state.variables, wn.load(source).variables)
    assert int(start.state.step) == 0
    assert start.state.average is start.state.params  # the averages begin again


def test_damage_of_the_source_is_said(source: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(source, tmp_path / "run"))
    run = load_run(copy)
    best, other = read_manifest(copy).ranked("best")[:2]
    (copy / "checkpoints" / str(best) / "_CHECKPOINT_METADATA").write_text("{}")
    start = warm_start(changed(run.config, init_from=str(copy)), run.data)
    assert start is not None
    damage, beginning = start.note.splitlines()
    assert damage.endswith(f"_CHECKPOINT_METADATA is damaged; step {other} is taken instead.")
    assert beginning.startswith(f"Starting from {copy} at step {other}")


def test_warm_start_on_the_same_data_beats_a_cold_one(source: Path, tmp_path: Path) -> None:
    lr: dict[str, Any] = {"steps": 20, "learning_rate": 0.05}
    warm = train(tmp_path / "warm", init_from=source, **lr)
    cold = train(tmp_path / "cold", **lr)
    assert losses(tmp_path / "warm")[0]["learning_rate"] > 0
    assert warm.evaluate().val.all.nll_nats < cold.evaluate().val.all.nll_nats


def started(source: Path, documents: list[str]) -> tuple[Any, WarmStart, Any]:
    """Return the source, the start of a run on other documents, and their vocabulary."""
    old = load_run(source)
    data = dataset_from_list(documents, DataConfig())
    start = warm_start(changed(old.config, init_from=str(source)), data)
    assert start is not None
    return old, start, data.vocab


def test_characters_are_kept_by_themselves_and_not_by_their_ids(source: Path) -> None:
    """Of the data, two characters are new and come first, so that every id is another."""
    old, start, vocab = started(source, [f"-{name}1" for name in NAMES])
    table = np.asarray(start.state.params["embedding"]["embedding"])
    theirs = np.asarray(wn.load(source).variables["params"]["embedding"]["embedding"])
    shared = [each for each in old.data.vocab.characters if each in vocab.characters]
    assert len(shared) == len(vocab) - 2
    for each in shared:
        index = vocab.characters.index(each), old.data.vocab.characters.index(each)
        np.testing.assert_array_equal(table[index[0]], theirs[index[1]])


def test_what_became_of_the_characters_is_said(source: Path) -> None:
    old, start, _ = started(source, ["ab1", "ba2"] * 20)
    dropped = len(old.data.vocab) - 1 - 2
    assert start.note.endswith(
        f"step 40: 2 characters kept, 2 characters fresh ('1' '2'), {dropped} dropped."
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"documents": ["12", "21"] * 20}, "which knows none of the 2 characters of the data"),
        ({"n_hidden": 9}, "whose model has n_hidden 8 and not 9, expected the same model"),
        ({"n_embd": 5, "layer": "gated", "mode": "sequence", "seq_len": 8}, "layer plain and not"),
    ],
)
def test_run_that_does_not_fit_is_refused(
    source: Path, tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        train(tmp_path / "run", init_from=source, steps=1, **options)
    assert caught.value.field == "init_from"
    assert not (tmp_path / "run").exists()


def test_run_on_words_knows_no_level(source: Path) -> None:
    run = load_run(source)
    sound = run.data._replace(kind="audio", vocab=level_vocab())
    sentence = "which knows none of the 256 levels of the data, expected a run on recordings"
    with pytest.raises(InputError, match=sentence):
        warm_start(changed(run.config, init_from=str(source)), sound)


def test_folder_without_a_run_is_refused_before_data_are_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="which holds no run, expected the folder of a run"):
        wn.train(data="missing.txt", init_from=tmp_path)


def test_plan_takes_the_model_of_the_run_that_it_starts_from(source: Path) -> None:
    model = wn.train(documents=NAMES, init_from=source, steps=1)
    assert model.config.model == wn.load(source).config.model
    assert model.config.train.mode == "sequence"


def test_configuration_of_another_run_is_a_preset(source: Path) -> None:
    again = wn.train(str(source), documents=NAMES, report_every=10, eval_every=20)
    before, after = wn.load(source), again
    assert (after.config.model, after.config.optim) == (before.config.model, before.config.optim)
    jax.tree.map(np.testing.assert_array_equal, after.variables, before.variables)
    shorter = wn.train(source / "config.json", documents=NAMES, steps=3)
    assert shorter.config.train.steps == 3
    assert shorter.config.train.eval_every == 1


def test_weights_of_a_preset_are_new_and_its_data_are_looked_at_again(
    source: Path, tmp_path: Path
) -> None:
    train(tmp_path / "warm", init_from=source, steps=1)
    recipe = Recipe(str(tmp_path / "warm"), {"data": "book.txt"})
    config = recipe.config(Extent("text", num_predictions=1_000, document_length=0))
    assert config.train.init_from is None
    assert config.data.kind == "text"


def test_much_longer_run_is_validated_as_often_as_a_run_of_its_length(tmp_path: Path) -> None:
    train(tmp_path / "run", steps=40, schedule="constant")
    run = extend_run(load_run(tmp_path / "run"), 40, steps=40_000)
    assert run.config.train.eval_every == 2_000
    assert load_run(tmp_path / "run").config == run.config


def test_link_to_a_run_is_followed_when_the_run_begins(source: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(source)
    config = Recipe("auto", {"init_from": tmp_path / "latest"}).config(
        Extent("list", num_predictions=1_000, document_length=8)
    )
    assert config.train.init_from == str(source.resolve())


def test_longer_run_is_the_run_that_was_longer_from_the_start(tmp_path: Path) -> None:
    constant: dict[str, Any] = {"schedule": "constant", "momentum": 0.5, "ema": 0.9}
    train(tmp_path / "long", steps=60, warmup=1 / 3, **constant)
    folder = tmp_path / "longer"
    train(folder, steps=40, warmup=0.5, **constant)
    wn.resume(folder, steps=20)
    assert_same(final_state(folder), final_state(tmp_path / "long"))
    assert losses(folder) == losses(tmp_path / "long")
    assert load_run(folder).total_steps == 60


def test_longer_run_keeps_the_steps_at_which_the_learning_rate_fell(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(folder, steps=40, boundaries=(0.25, 0.75), patience=0.9)
    wn.resume(folder, epochs=1)
    rates = [line["learning_rate"] for line in losses(folder)]
    assert rates[:4] == pytest.approx([0.3, 0.03, 0.03, 0.003])
    assert rates[4:] == pytest.approx([0.003] * len(rates[4:]))
    assert load_run(folder).total_steps > 40
    assert load_run(folder).config.train.patience is None


def test_run_that_ended_early_goes_on_as_it_was() -> None:
    """It had not come to the second boundary, and comes to none."""
    config = OptimConfig(boundaries=(0.25, 0.75), warmup=0.125)
    run = Config(optim=config, train=TrainConfig(steps=40, patience=0.1))
    longer = extend(run, done=20, more=60)
    assert longer.train.steps == 80
    assert (longer.optim.boundaries, longer.optim.warmup) == ((0.125,), 0.0625)
    before, after = (make_schedule(each.optim, each.train.steps or 0) for each in (run, longer))
    np.testing.assert_allclose([after(s) for s in range(20)], [before(s) for s in range(20)])
    assert float(after(79)) == float(before(19))
    with pytest.raises(InputError, match="while its learning rate was still rising, expected"):
        extend(run, done=4, more=60)


def test_averages_of_an_interrupted_run_have_their_own_statistics(tmp_path: Path) -> None:
    """The interruption is where no validation was due."""

    def stop(info: wn.StepInfo) -> None:
        if info.step == 30:
            raise KeyboardInterrupt

    options: dict[str, Any] = {"steps": 60, "ema": 0.9, "val_fraction": 0.0}
    with pytest.warns(UserWarning, match="interrupted after step 30"):
        stopped = train(tmp_path / "run", on_step=stop, **options)
    saved = wn.load(tmp_path / "run")
    jax.tree.map(np.testing.assert_array_equal, saved.variables, stopped.variables)
    state, run = final_state(tmp_path / "run"), load_run(tmp_path / "run")
    trainer = make_trainer(run.model, run.config, 60)
    meant = evaluation_variables(trainer, state, run.data.splits.train)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 1e-4, 1e-5), saved.variables, meant)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "wsd"])
def test_run_whose_learning_rate_has_fallen_to_nothing_does_not_go_on(schedule: Any) -> None:
    run = Config(optim=OptimConfig(schedule=schedule), train=TrainConfig(steps=5))
    said = f"the {schedule} schedule of the run brings the learning rate to 0 within its 5 steps"
    with pytest.raises(InputError, match=said):
        extend(run, done=5, more=5)


def test_numbers_that_mean_nothing_are_refused(source: Path) -> None:
    with pytest.raises(InputError, match="steps is 5 and epochs is 1, expected one of them"):
        wn.resume(source, steps=5, epochs=1)
    with pytest.raises(InputError, match="steps is 0, expected a number from 1"):
        wn.resume(source, steps=0)
    for epochs in (0, -1):
        with pytest.raises(InputError, match=f"epochs is {epochs}, expected a number above 0"):
            wn.resume(source, epochs=epochs)


def test_run_that_is_not_finished_is_resumed_first(tmp_path: Path) -> None:
    def stop(_: wn.StepInfo) -> None:
        raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted after step 10"):
        train(tmp_path / "run", steps=40, on_step=stop)
    with pytest.raises(InputError, match="is at step 10 of 40, expected a finished run"):
        wn.resume(tmp_path / "run", steps=5)


def test_tiny_list_is_learned_from_any_network() -> None:
    network = ModelConfig(dilations=(1, 2, 1))
    planned = plan(Extent("list", num_predictions=20, document_length=4), {}, network)
    assert (planned.model, planned.train.mode) == (network, "sequence")
    assert planned.train.seq_len + network.receptive_field <= 20 + 1


@pytest.mark.parametrize(("before", "steps"), [("write_manifest", 40), ("finish_rewriting", 60)])
def test_run_that_is_killed_while_it_is_extended_is_whole(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, steps: int
) -> None:
    run = load_run(Path(shutil.copytree(source, tmp_path / "run")))

    def die(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(f"wavenet_jax.runs.folder.{before}", die)
    with pytest.raises(ZeroDivisionError):
        extend_run(run, 40, steps=20)
    monkeypatch.undo()
    assert load_run(run.folder).total_steps == steps
    assert int(final_state(run.folder).step) == 40
