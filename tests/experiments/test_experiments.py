"""Every experiment answers a mistake by one sentence and exit code 2, and says what it claims."""

import ast
import json
import random
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import crash_test
import dilated_vs_tree
import ensembles
import jax
import jax.numpy as jnp
import load
import numpy as np
import performance_log
import pytest
from common.distillation import learn
from common.study import Place
from design_study.agreement import Differences
from packed_documents import pack

from wavenet_jax.cli.main import parse_command
from wavenet_jax.config import Config, DataConfig, TrainConfig, replace_fields
from wavenet_jax.data import Dataset, dataset_from_documents, vocab_from_documents
from wavenet_jax.evaluation import document_nll, index_corpus
from wavenet_jax.nn import WaveNet, count_parameters, init_variables
from wavenet_jax.training import init_state, make_trainer, train_chunk

FOLDER = Path(__file__).parents[2] / "experiments"
SCRIPTS = {path.stem: path for path in sorted(FOLDER.glob("*.py"))}
DATA = {
    "averaged_statistics": "makemore",
    "dilated_vs_tree": "makemore",
    "ensembles": "makemore",
    "lecture": "makemore",
    "lecture_speed": "makemore",
    "optimizers": "makemore",
    "packed_documents": "makemore",
    "performance_log": "makemore",
    "plan_sizes": "makemore",
    "sampling_speed": "makemore",
    "shakespeare": "shakespeare",
}

ROOT = jax.random.key(0)
NONE = Differences(*[0.0] * 5)

Refusal = Callable[..., str]


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refusal:
    """Return a function that runs an experiment, and returns the sentence that refuses it."""

    def run(name: str, *words: str) -> str:
        monkeypatch.setattr(sys, "argv", [str(SCRIPTS[name]), *words])
        with pytest.raises(SystemExit) as leaves:
            runpy.run_path(str(SCRIPTS[name]), run_name="__main__")
        assert leaves.value.code == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        assert printed.err.startswith(f"{name}.py: ")
        return printed.err.removeprefix(f"{name}.py: ").rstrip("\n")

    return run


@pytest.fixture
def other_names(tmp_path: Path) -> Path:
    """Return a list whose characters are not the lecture's."""
    path = tmp_path / "list.txt"
    path.write_text("Émile\nZoé\nLéa\nNoël\n", "utf-8")
    return path


def test_every_experiment_is_known_here() -> None:
    assert set(SCRIPTS) == {
        *DATA,
        "crash_test",
        "everyones_data",
        "functional_vs_stateful",
        "load",
        "one_voice",
        "scaling",
        "spoken_digits",
        "three_runs",
    }


@pytest.mark.parametrize(("name", "data"), DATA.items())
def test_says_how_to_download_missing_data(name: str, data: str, refusal: Refusal) -> None:
    sentence = refusal(name)
    assert sentence.startswith(f"--data {data!r} is not downloaded yet, expected ")
    assert sentence.endswith(f"run `wavenet-jax data {data}` first.")


@pytest.mark.parametrize("name", DATA)
def test_names_a_file_that_is_not_there(name: str, refusal: Refusal) -> None:
    assert refusal(name, "--data", "missing.txt").startswith("--data 'missing.txt' is not there")


@pytest.mark.parametrize("name", ["lecture_speed", "sampling_speed"])
def test_says_how_to_install_pytorch(
    name: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert refusal(name, "--data", "names") == (
        "PyTorch is not installed, expected it for this experiment; run "
        "`pip install -e '.[torch]'` first."
    )


def test_says_how_to_install_matplotlib(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert refusal("three_runs").endswith("run `pip install -e '.[plots]'` first.")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("lecture --preset makemor", "--preset is 'makemor', expected makemore, "),
        ("lecture --preset makemor", "did you mean makemore?"),
        ("lecture --preset shakespeare", "--preset is 'shakespeare', which trains on one text"),
        ("lecture --seeds -1", "seed is -1, expected "),
        ("lecture --seeds", "--seeds is empty, expected at least one"),
        ("packed_documents --seeds", "--seeds is empty, expected at least one"),
        ("shakespeare --seeds", "--seeds is empty, expected at least one"),
        ("lecture_speed --rounds 0", "--rounds is 0, expected at least 1."),
        ("sampling_speed --rounds -3", "--rounds is -3, expected at least 1."),
        ("three_runs --rounds 0", "--rounds is 0, expected at least 1."),
        ("three_runs --picture missing/plot.png", "--picture is 'missing/plot.png', expected"),
        ("performance_log --seeds 1", "--seeds is 1, expected at least 2: an error needs two."),
        ("ensembles --seeds 0", "--seeds is 0, expected at least 2"),
        ("load --documents 99", "--documents is 99, expected at least 1,000."),
        ("spoken_digits x --only names", "--names is missing, expected a folder."),
        ("spoken_digits missing --only references", "--data 'missing' is not there"),
        ("spoken_digits x --names . --only names", "--names '.' holds "),
        ("load --samples -1", "--samples is -1, expected at least 1,000."),
    ],
)
def test_names_a_bad_option(words: str, says: str, refusal: Refusal) -> None:
    assert says in refusal(*words.split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("three_runs --rounds two", "--rounds is 'two', expected a whole number."),
        ("three_runs --round 2", "option --round is unknown; did you mean --rounds?"),
        ("lecture makemore", "argument 'makemore' is unexpected; see `lecture.py --help`."),
    ],
)
def test_answers_what_is_no_option(words: str, says: str, refusal: Refusal) -> None:
    assert refusal(*words.split()).endswith(says)


@pytest.mark.parametrize("name", ["lecture_speed", "sampling_speed"])
def test_compares_on_the_letters_of_the_lecture(
    name: str, refusal: Refusal, other_names: Path
) -> None:
    assert "expected exactly a to z" in refusal(name, "--data", str(other_names))


def test_a_script_is_refused_in_a_process_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPTS["shakespeare"]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("shakespeare.py: --data 'shakespeare' is not downloaded yet")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", SCRIPTS)
def test_head_says_question_command_claim_and_answer(name: str) -> None:
    head = ast.get_docstring(ast.parse(SCRIPTS[name].read_text("utf-8"))) or ""
    assert head.splitlines()[0].endswith("?")
    assert f"python experiments/{name}.py" in head
    assert "\nClaim: " in head
    assert "\nMeasured on 20" in head


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_experiment_imports_another(name: str) -> None:
    tree = ast.parse(SCRIPTS[name].read_text("utf-8"))
    imports = {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    imports |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert not imports & set(SCRIPTS)


@pytest.fixture
def letters() -> Dataset:
    """Return documents that no two share a letter, so that a letter tells its document."""
    documents = ["ab", "cde", "f", "ghij", "kl", "mno", "p", "qrst", "uv", "wxyz"]
    return dataset_from_documents(documents, vocab_from_documents(documents), DataConfig())


def test_packed_rows_are_whole_documents(letters: Dataset) -> None:
    settings = TrainConfig(mode="sequence", batch_size=1, seq_len=64)
    train = letters.splits.train
    batch = pack(train)(jax.random.key(0), train, settings, 8)
    inputs, targets = np.asarray(batch.inputs), np.asarray(batch.targets)
    assert inputs.shape == targets.shape == (1, 64)
    np.testing.assert_array_equal(inputs[0, 1:], targets[0, :-1])
    *whole, cut = letters.vocab.decode(inputs[0]).removeprefix("\0").split("\0")
    known = letters.split_documents.train
    assert len(set(whole)) > 1
    assert set(whole) <= set(known)
    assert any(document.startswith(cut) for document in known)
    other = pack(train)(jax.random.key(1), train, settings, 8)
    assert not np.array_equal(other.inputs, inputs)


class Quick(NamedTuple):
    """What a quick run of a study printed, and what it wrote."""

    printed: str
    results: Any
    picture: bytes


RunQuickly = Callable[..., Quick]


@pytest.fixture
def quick(
    names_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> RunQuickly:
    """Return a function that runs a study for a moment, on a small list."""

    def run(name: str, *words: str) -> Quick:
        options = f"--quick --data {names_file} --out {tmp_path}".split()
        monkeypatch.setattr(sys, "argv", [str(SCRIPTS[name]), *options, *words])
        with pytest.raises(SystemExit) as leaves:
            runpy.run_path(str(SCRIPTS[name]), run_name="__main__")
        assert leaves.value.code == 0
        results = json.loads((tmp_path / f"{name}.json").read_text())
        return Quick(capsys.readouterr().out, results, (tmp_path / f"{name}.png").read_bytes())

    return run


def test_the_study_of_optimizers_runs_for_a_moment_and_goes_on(quick: RunQuickly) -> None:
    first, second = (quick("optimizers", "--seeds", "2") for _ in range(2))
    assert "1 of" in first.printed
    assert "1 of" not in second.printed  # everything is remembered
    assert first.printed.splitlines()[-1] == second.printed.splitlines()[-1]
    rows = first.results["window"]["rows"]
    assert set(rows) == {"adamw", "schedule-free", "linear, ema 0.999"}
    assert rows["adamw"]["difference"][0] == 0.0
    assert rows["adamw"]["val"] != rows["schedule-free"]["val"]
    assert first.picture.startswith(b"\x89PNG")


def test_the_performance_log_runs_for_a_moment(quick: RunQuickly) -> None:
    done = quick("performance_log", "--seeds", "2")
    with_bug, mended = (done.results["rows"][f"tree 22K{bug}"] for bug in (", bug", ""))
    assert with_bug["parameters"] == mended["parameters"]
    assert mended["val"][0] - with_bug["val"][0] == pytest.approx(mended["val_difference"][0])
    assert with_bug["val"] != mended["val"]
    assert "val - lecture's" in done.printed
    assert done.picture.startswith(b"\x89PNG")


def test_dilations_and_the_tree_run_for_a_moment(quick: RunQuickly) -> None:
    done = quick("dilated_vs_tree", "--seeds", "2")
    rows = done.results["rows"]
    assert list(rows) == ["windows, SGD", "sequences"]
    assert rows["windows, SGD"]["val_from_first"] == [0.0, 0.0]
    for row in rows.values():
        step = row["microseconds_per_step"] / 1e6
        assert row["steps"] * step == pytest.approx(done.results["seconds"], abs=step)
        assert row["parameters"] == pytest.approx(2_000, rel=0.05)
    assert done.picture.startswith(b"\x89PNG")


def test_ensembles_run_for_a_moment(quick: RunQuickly) -> None:
    done = quick("ensembles", "--seeds", "2")
    rows = done.results["rows"]
    assert list(rows) == ["1 net", "2 nets", "distilled", "letters alone"]
    assert rows["1 net"]["val"]["difference"] == [0.0, 0.0]
    assert rows["2 nets"]["val"]["difference"][0] < 0  # -log is convex
    assert done.picture.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", list(dilated_vs_tree.VARIANTS))
def test_compared_nets_are_of_the_same_size(name: str) -> None:
    study = dilated_vs_tree.Study(Place("dilated_vs_tree", "names", Path(), 0), (0, 1))
    config = dilated_vs_tree.configuration(study, dilated_vs_tree.VARIANTS[name])
    variables = jax.eval_shape(partial(init_variables, WaveNet(config.model, 27)), ROOT)
    assert count_parameters(variables["params"]) == pytest.approx(76_579, rel=0.05)


def test_the_norm_with_the_bug_is_that_of_the_lecture() -> None:
    x = np.random.default_rng(0).normal(2, 3, (5, 4, 3)).astype(np.float32)  # [B, T, H]
    scale, bias = np.arange(1, 4, dtype=np.float32), np.arange(4, 7, dtype=np.float32)
    mean, var = x.mean(0, keepdims=True), x.var(0, keepdims=True)  # the lecture's mean(0)
    expected = scale * (x - mean) / np.sqrt(var + 1e-5) + bias
    norm = performance_log.PositionNorm(4, training=True)
    empty = norm.init(ROOT, jnp.zeros((20, 3)))
    variables = {**empty, "params": {"scale": scale, "bias": bias}}
    y, updated = norm.apply(variables, x.reshape(20, 3), mutable=["batch_stats"])
    np.testing.assert_allclose(y, expected.reshape(20, 3), rtol=2e-5, atol=2e-5)
    running = updated["batch_stats"]["BatchNorm_0"]
    np.testing.assert_allclose(running["mean"], 0.1 * mean.reshape(-1), rtol=1e-5)
    np.testing.assert_allclose(running["var"], 0.9 + 0.1 * var.reshape(-1), rtol=1e-5)
    still = performance_log.PositionNorm(4, training=False)
    y = still.apply({**variables, **updated}, x.reshape(20, 3))
    mean, var = 0.1 * mean, 0.9 + 0.1 * var
    expected = scale * (x - mean) / np.sqrt(var + 1e-5) + bias
    np.testing.assert_allclose(y, expected.reshape(20, 3), rtol=2e-5, atol=2e-5)


def test_windows_are_scored_as_distinct_contexts_are(data: Dataset, tiny: Config) -> None:
    model = WaveNet(tiny.model, len(data.vocab))
    variables, corpus = init_variables(model, ROOT), data.splits.val
    nats, predictions = performance_log.score_windows(model, variables, corpus)
    expected = document_nll(model, variables, corpus, index_corpus(model, corpus))
    np.testing.assert_allclose(nats, expected[0], rtol=1e-5)
    np.testing.assert_array_equal(predictions, expected[1])


def test_distilling_the_letters_that_occurred_is_ordinary_training(
    data: Dataset, tiny: Config
) -> None:
    config = replace_fields(tiny, mode="sequence", batch_size=2, seq_len=16)
    trainer = make_trainer(WaveNet(config.model, len(data.vocab)), config, 5)
    corpus, state = jax.device_put(data.splits.train), init_state(trainer)
    letters = jax.nn.one_hot(corpus.tokens[1:], len(data.vocab))
    expected, _ = train_chunk(trainer, state, corpus, 5)
    distilled = learn(trainer, state, corpus, letters, 5)
    assert distilled.step == expected.step
    pair = distilled.variables, expected.variables
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6), *pair)


def test_an_ensemble_predicts_the_mean_probability() -> None:
    p = np.array([[0.5, 0.1], [0.25, 0.3], [0.1, 0.2], [0.9, 0.4]])  # [k, N]
    pairs = (-np.log(p[:2].mean(0)) - np.log(p[2:].mean(0))) / 2
    np.testing.assert_allclose(ensembles.ensemble_nll(-np.log(p), 2), pairs)
    np.testing.assert_allclose(ensembles.ensemble_nll(-np.log(p), 4), -np.log(p.mean(0)))
    np.testing.assert_allclose(ensembles.ensemble_nll(-np.log(p), 1), -np.log(p).mean(0))


def test_the_designs_are_compared_for_a_moment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    script = str(SCRIPTS["functional_vs_stateful"])
    monkeypatch.setattr(sys, "argv", [script, "--quick", "--out", str(tmp_path)])
    # A checker takes its time, the agreement has a test of its own, and other tests compile again
    # what is cleared.
    monkeypatch.setattr("design_study.typed.check", lambda _: {})
    monkeypatch.setattr(
        "design_study.agreement.compare", lambda names, *_: dict.fromkeys(names, NONE)
    )
    monkeypatch.setattr(jax, "clear_caches", lambda: None)
    with jax.numpy_rank_promotion("allow"), pytest.raises(SystemExit) as leaves:
        runpy.run_path(script, run_name="__main__")
    assert leaves.value.code == 0
    results = json.loads((tmp_path / "functional_vs_stateful.json").read_text())
    assert set(results["agreement"]) == {"functions", "nnx", "package"}
    assert results["facts"]["moved to another design"]["nnx"].endswith("equal to the bit")
    assert results["mistakes"]["tracer leaked"]["nnx"][0] == "raises"
    assert (tmp_path / "functional_vs_stateful.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out == (tmp_path / "functional_vs_stateful.md").read_text()


def test_no_flipped_bit_of_a_run_is_used_silently(trained: Path, tmp_path: Path) -> None:
    counts = crash_test.damage(trained, tmp_path, 8, random.Random(0), others=())
    assert sum(counts["bit flipped"].values()) == 8
    assert counts["bit flipped"]["SILENT"] == 0
    assert counts["bit flipped"]["noticed"] > 0


def test_runs_that_differ_are_told_apart(trained: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(trained, tmp_path / "run"))
    assert crash_test.differences(trained, other) == []
    (other / "tokens.partial").touch()
    lines = (other / "metrics.jsonl").read_text().splitlines(keepends=True)
    (other / "metrics.jsonl").write_text("".join(lines[1:]))
    assert crash_test.differences(trained, other) == ["metrics", "tokens.partial"]


def test_data_of_a_load_depend_on_the_seed_and_fewer_begin_like_more(tmp_path: Path) -> None:
    for write, sizes in ((load.write_list, (1_000, 10_500)), (load.write_text, (999, 700_000))):
        few, many, again, other = (tmp_path / name for name in ("few", "many", "again", "other"))
        write(few, sizes[0], 0)
        write(many, sizes[1], 0)
        write(again, sizes[1], 0)
        write(other, sizes[1], 1)
        assert many.read_text().startswith(few.read_text())
        assert many.read_bytes() == again.read_bytes() != other.read_bytes()
        content = many.read_text()
        assert sizes[1] in (len(content), content.count("\n"))


def test_each_command_is_measured_on_a_tenth_and_on_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    piped = []

    def measure(words: list[str], source: Path | None) -> load.Cost:
        parse_command(*words, *(["emma"] if source else []))
        if source:
            piped.append(source.read_text().count("\n"))
        grown = float(len(words[-1]))
        return load.Cost(grown, 1.0, 10**6)

    monkeypatch.setattr(load, "measure", measure)
    load.main(documents=2_000, characters=10_000, samples=1_000)
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["size", *"CPU s wall s MB CPU x MB x".split()]
    tasks = (*load.ON_A_LIST, *load.SCORES, *load.SAMPLES, *load.ON_A_TEXT)
    assert len(rows) == 2 * len(tasks)
    assert piped == [200, 2_000]
    assert [row.split()[-1] == "1.0" for row in rows] == [False, True] * (len(rows) // 2)


def test_a_process_is_measured_and_its_failure_shown(capsys: pytest.CaptureFixture[str]) -> None:
    cost = load.measure(["--version"], None)
    assert 0 < cost.cpu_seconds < 60
    assert cost.peak_bytes > 10**6
    with pytest.raises(SystemExit) as leaves:
        load.measure(["verify", "missing"], None)
    assert leaves.value.code == 2
    assert "holds no run" in capsys.readouterr().err
