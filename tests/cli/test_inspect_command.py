"""What `inspect` draws and prints, and what it refuses."""

import json
import math
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from support.commands import Prints, Says
from support.runs import changed, final_state

from wavenet_jax.cli.commands import inspection
from wavenet_jax.data import BOUNDARY
from wavenet_jax.runs import load_run
from wavenet_jax.training import Diagnostics, LayerDiagnostics, MatrixDiagnostics

plots = pytest.importorskip("wavenet_jax.cli.plots")
PICTURES = ["activations.png", "embedding.png", "gradients.png", "updates.png"]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return a dictionary that collects figures by the names of their files, not written."""
    figures: dict[str, Any] = {}

    def keep(figure: Any, path: Path, **_: Any) -> None:
        figures[path.name] = figure

    monkeypatch.setattr(plots.loss_curve.Figure, "savefig", keep)
    return figures


def test_pictures_of_a_list_are_written_beside_finite_numbers(
    trained: Path, prints: Prints, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "pictures"
    values = json.loads(prints("inspect", trained, "--out", folder, "--json"))
    assert sorted(path.name for path in folder.iterdir()) == PICTURES
    for path in folder.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")
    assert prints.err.startswith(f"{trained} at step 60, one batch: 8 windows of 8 characters, ")
    assert (values["run"], values["step"]) == (str(trained), 60)
    assert values["learning_rate"] == pytest.approx(0.3)
    assert 0 < values["loss_nats"] < math.log(27)
    assert [len(values[name]) for name in ("layers", "matrices")] == [3, 5]
    for row in values["layers"] + values["matrices"]:
        assert all(value is not None for value in row.values())


def test_pictures_show_the_numbers(
    trained: Path, prints: Prints, drawn: dict[str, Any], tmp_path: Path
) -> None:
    values = json.loads(prints("inspect", trained, "--out", tmp_path, "--json"))
    assert sorted(drawn) == PICTURES
    for figure in drawn.values():
        assert f"of {trained} at step 60" in figure.get_suptitle().replace("…", "")
    bars = drawn["activations.png"].axes[1].patches
    shares = [100 * layer["saturated"] for layer in values["layers"]]
    assert [bar.get_width() for bar in bars] == pytest.approx(shares)
    guide, *dots = drawn["updates.png"].axes[0].get_lines()
    assert list(guide.get_xdata()) == [-3, -3]
    updates = [matrix["log10_update"] for matrix in values["matrices"]]
    assert [float(dot.get_xdata()[0]) for dot in dots] == pytest.approx(updates)
    names = {text.get_text() for text in drawn["embedding.png"].axes[0].texts}
    characters = load_run(trained).data.vocab.characters
    assert names == {"<end>", *characters.replace(BOUNDARY, "")}


def test_table_of_a_text_has_a_row_per_matrix(
    trained_text: Path, prints: Prints, drawn: dict[str, Any]
) -> None:
    head, *rows = prints("inspect", trained_text).splitlines()
    assert head.split()[:4] == ["mean", "std", "saturated", "gradient"]
    names = ["embedding", "layer 1 linear", "layer 2 linear", "layer 3 linear", "head logits"]
    assert [row[: len(name)] for row, name in zip(rows, names, strict=True)] == names
    assert "one batch: 2 sequences of 32 characters" in prints.err
    assert (trained_text / "inspect").is_dir()
    (trained_text / "inspect").rmdir()
    assert r"\n" in {text.get_text() for text in drawn["embedding.png"].axes[0].texts}


def test_a_schedule_that_has_ended_at_0_is_taken_half_way(trained: Path) -> None:
    run, state = load_run(trained), final_state(trained)
    linear = {"schedule": "linear", "boundaries": (0.75,), "decay": 0.1, "learning_rate": 0.2}
    run = run._replace(config=changed(run.config, **linear))
    _, rate, words = inspection._next_step(run, state)
    assert rate == pytest.approx(0.1)
    assert "half way" in words
    _, rate, words = inspection._next_step(run, state._replace(step=jnp.array(15)))
    assert rate == pytest.approx(0.15)
    assert words == "learning rate 0.15"


def test_units_that_are_all_off_are_drawn_as_nothing(tmp_path: Path) -> None:
    off = np.zeros((6, 4), np.float32)
    layer = LayerDiagnostics(off, off, saturated=1.0)
    weights = [("embedding", "embedding"), ("layer 1", "linear"), ("layer 1", "residual")]
    matrices = [MatrixDiagnostics(*names, np.eye(6, 4), off, off) for names in weights]
    assert math.isinf(matrices[0].log10_update)
    dead = Diagnostics(3.0, [layer], matrices)
    plots.draw_activations([layer], ("relu", "off"), "of a run", tmp_path / "activations.png")
    plots.draw_gradients(dead, "of a run", tmp_path / "gradients.png")
    plots.draw_updates(matrices, "learning rate 0", "of a run", tmp_path / "updates.png")
    assert "inf" not in inspection._table(dead)
    assert "Infinity" not in json.dumps(inspection._values(dead))


def test_of_many_characters_the_most_frequent_ones_are_named(
    drawn: dict[str, Any], tmp_path: Path
) -> None:
    characters = BOUNDARY + "".join(map(chr, range(0x4E00, 0x4E00 + 79)))
    embedding, counts = np.random.default_rng(0).normal(size=(80, 3)), np.arange(80)[::-1]
    plots.draw_embedding(embedding, characters, counts, "of a run", tmp_path / "embedding.png")
    shown = [text.get_text() for text in drawn["embedding.png"].axes[0].texts]
    assert len(shown) == 50
    assert shown[:3] == ["<end>", "U+4E00", "U+4E01"]


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("a", "a"),
        ("$", "$"),
        ("é", "é"),
        (" ", "space"),
        ("\n", r"\n"),
        ("\x1b", r"\x1b"),
        ("\u00a0", r"\xa0"),
        ("\u0301", "◌\u0301"),
        ("漢", "U+6F22"),
        (BOUNDARY, "<end>"),
    ],
)
def test_every_character_has_a_name_that_can_be_drawn(character: str, name: str) -> None:
    assert plots.embedding.name_character(character) == name


def test_bad_use_is_answered_in_one_sentence(
    trained: Path, says: Says, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    sentence = says(f"inspect {trained} --out {tmp_path / 'file'}")
    assert sentence.startswith(f"wavenet-jax: --out is '{tmp_path / 'file'}', which cannot be")
    assert "--checkpoint" in says(f"inspect {trained} --checkpoint best")
    monkeypatch.setattr(inspection, "find_spec", lambda _: None)
    assert "matplotlib, which is not installed" in says(f"inspect {trained}")
