"""Every experiment answers a mistake by one sentence and exit code 2, and says what it claims."""

import ast
import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from packed_documents import pack

from wavenet_jax.config import DataConfig, TrainConfig
from wavenet_jax.data import Dataset, dataset_from_documents, vocab_from_documents

FOLDER = Path(__file__).parents[2] / "experiments"
SCRIPTS = {path.stem: path for path in sorted(FOLDER.glob("*.py"))}
DATA = {
    "averaged_statistics": "makemore",
    "large_text": "shakespeare",
    "lecture": "makemore",
    "lecture_speed": "makemore",
    "optimizers": "makemore",
    "packed_documents": "makemore",
    "plan_sizes": "makemore",
    "sampling_speed": "makemore",
    "shakespeare": "shakespeare",
}

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
    assert set(SCRIPTS) == {*DATA, "everyones_data", "functional_vs_stateful", "three_runs"}


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
        ("large_text --gigabytes 0", "--gigabytes is 0, expected a number above 0"),
        ("large_text --gigabytes inf", "--gigabytes is inf, expected a number above 0"),
        ("large_text --gigabytes nan", "--gigabytes is nan, expected a number above 0"),
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


def test_repeats_no_empty_text(refusal: Refusal, tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.write_text("")
    assert refusal("large_text", "--data", str(path)).endswith(
        "is empty, expected a text to repeat."
    )


@pytest.mark.parametrize("name", ["lecture_speed", "sampling_speed"])
def test_compares_on_the_letters_of_the_lecture(
    name: str, refusal: Refusal, other_names: Path
) -> None:
    assert "expected exactly a to z" in refusal(name, "--data", str(other_names))


def test_a_script_is_refused_in_a_process_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPTS["large_text"]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("large_text.py: --data 'shakespeare' is not downloaded yet")
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


def test_the_study_of_optimizers_runs_for_a_moment_and_goes_on(
    names_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    words = f"--quick --seeds 1 --data {names_file} --out {tmp_path}".split()
    monkeypatch.setattr(sys, "argv", [str(SCRIPTS["optimizers"]), *words])
    printed = []
    for _ in range(2):
        with pytest.raises(SystemExit) as leaves:
            runpy.run_path(str(SCRIPTS["optimizers"]), run_name="__main__")
        assert leaves.value.code == 0
        printed.append(capsys.readouterr().out)
    assert "1 of" in printed[0]
    assert "1 of" not in printed[1]  # everything is remembered
    assert printed[0].splitlines()[-1] == printed[1].splitlines()[-1]
    results = json.loads((tmp_path / "optimizers.json").read_text())
    rows = results["window"]["rows"]
    assert set(rows) == {"adamw", "schedule-free", "linear, ema 0.999"}
    assert rows["adamw"]["difference"][0] == 0.0
    assert rows["adamw"]["val"] != rows["schedule-free"]["val"]
    assert (tmp_path / "optimizers.png").read_bytes().startswith(b"\x89PNG")


def test_the_designs_are_compared_for_a_moment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    script = str(SCRIPTS["functional_vs_stateful"])
    monkeypatch.setattr(sys, "argv", [script, "--quick", "--out", str(tmp_path)])
    monkeypatch.setattr("design_study.typed.check", lambda _: {})  # a checker takes its time
    with jax.numpy_rank_promotion("allow"), pytest.raises(SystemExit) as leaves:
        runpy.run_path(script, run_name="__main__")
    assert leaves.value.code == 0
    results = json.loads((tmp_path / "functional_vs_stateful.json").read_text())
    assert set(results["agreement"]) == {"functions", "nnx", "package"}
    assert set(results["agreement"]["nnx"].values()) == {0.0}
    assert results["mistakes"]["tracer leaked"]["nnx"][0] == "raises"
    assert (tmp_path / "functional_vs_stateful.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out == (tmp_path / "functional_vs_stateful.md").read_text()
