import json
from itertools import chain
from pathlib import Path

import jax
import pytest
from conftest import assert_same, changed

from wavenet_jax import checkpoint, optim, train, vocab
from wavenet_jax.checkpoint import Run
from wavenet_jax.config import Config, InputError


@pytest.fixture
def run(tmp_path: Path, tiny: Config, names: list[str]) -> Run:
    return checkpoint.create(tmp_path / "run", tiny, names, vocab.from_documents(names))


def fit_and_save(run: Run) -> train.TrainState:
    with checkpoint.checkpoints(run) as states:
        for report in train.fit(run.model, run.config, run.splits):
            if report.val is not None:
                states.save(report.state, report.val.nats_per_character)
    return report.state


def saved_steps(run: Run) -> list[int]:
    return sorted(int(path.name) for path in (run.folder / "checkpoints").iterdir())


def test_folder_says_all_that_its_run_is(run: Run, tiny: Config, names: list[str]) -> None:
    loaded = checkpoint.load(run.folder)
    assert loaded.config == tiny
    assert loaded.vocab == run.vocab
    assert loaded.documents == run.documents
    assert sorted(chain(*loaded.documents)) == sorted(names)
    environment = json.loads((run.folder / "environment.json").read_text())
    assert environment["packages"]["jax"] == jax.__version__


def test_state_comes_back_to_the_bit(run: Run) -> None:
    state = fit_and_save(run)
    with checkpoint.checkpoints(checkpoint.load(run.folder)) as states:
        assert_same(states.restore("latest"), state)


def test_states_saved_in_mid_run_are_those_of_their_steps(run: Run) -> None:
    """A save runs in the background while the next chunk takes over the state's memory."""
    kept: dict[int, train.TrainState] = {}
    with checkpoint.checkpoints(run) as states:
        for report in train.fit(run.model, run.config, run.splits):
            if report.val is not None:
                kept[report.step] = jax.tree.map(lambda leaf: leaf.copy(), report.state)
                states.save(report.state, val_loss=report.step)
    with checkpoint.checkpoints(run) as states:
        assert_same(states.restore("best"), kept[20])
        assert_same(states.restore("latest"), kept[60])


def test_latest_and_best_are_kept(run: Run) -> None:
    state = train.init(run.model, optim.optimizer(run.config.optim, 60), seed=0)
    with checkpoint.checkpoints(run) as states:
        for step, loss in enumerate([3.0, 1.0, 2.0, float("inf"), 2.5], start=1):
            states.save(state._replace(step=state.step + step), loss)
    assert saved_steps(run) == [2, 5]
    with checkpoint.checkpoints(run) as states:
        assert int(states.restore("latest").step) == 5
        assert int(states.restore("best").step) == 2


def test_folder_without_checkpoint_is_named(run: Run) -> None:
    with checkpoint.checkpoints(run) as states, pytest.raises(InputError, match="no checkpoint"):
        states.restore("latest")


def test_leftover_of_a_killed_save_is_no_checkpoint(run: Run) -> None:
    (run.folder / "checkpoints" / "20.orbax-checkpoint-tmp").mkdir(parents=True)
    with checkpoint.checkpoints(run) as states, pytest.raises(InputError, match="no checkpoint"):
        states.restore("latest")


def test_damaged_checkpoint_is_named(run: Run) -> None:
    fit_and_save(run)
    for path in (run.folder / "checkpoints" / "60" / "state").rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    with (
        checkpoint.checkpoints(run) as states,
        pytest.raises(InputError, match=r"checkpoint 60 .* cannot be read"),
    ):
        states.restore("latest")


def test_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no run.*train"):
        checkpoint.load(tmp_path)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"model": []}', '{"model": {"taps": "2"}}', '{"model": {"dilations": 1}}'],
)
def test_damaged_config_is_named(run: Run, content: str) -> None:
    (run.folder / "config.json").write_text(content)
    with pytest.raises(InputError, match=r"config\.json (cannot be read|is damaged)"):
        checkpoint.load(run.folder)


def test_new_run_replaces_the_old_ones_files_and_no_others(run: Run, names: list[str]) -> None:
    fit_and_save(run)
    (run.folder / "notes.txt").write_text("mine")
    config = changed(run.config, seed=1)
    checkpoint.create(run.folder, config, names, run.vocab)
    assert checkpoint.load(run.folder).config == config
    assert not (run.folder / "checkpoints").exists()
    assert (run.folder / "notes.txt").read_text() == "mine"


def test_folder_that_cannot_be_written_is_named(tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        checkpoint.create(tmp_path / "file" / "run", run.config, ["a"] * 3, run.vocab)


def test_metrics_after_the_resumed_step_are_dropped(run: Run) -> None:
    for step in (10, 20, 30):
        checkpoint.append_metrics(run, {"step": step})
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4')  # a line cut short by a kill
    checkpoint.cut_metrics(run, 20)
    checkpoint.append_metrics(run, {"step": 30})
    assert [line["step"] for line in checkpoint.read_metrics(run)] == [10, 20, 30]
