"""README and manual: Python blocks run, commands parse, links lead somewhere."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.corpora import TEXT

import wavenet_jax as wn
from wavenet_jax.cli.main import parse_command
from wavenet_jax.config import PRESETS, Config, ModelConfig, Preset, TrainConfig
from wavenet_jax.paths import bundled_names

ROOT = Path(wn.__file__).parents[1]
MANUAL = [
    ROOT / "README.md",
    ROOT / "experiments" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
PAGES = [*MANUAL, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]
SMALL = ModelConfig(n_embd=4, n_hidden=8, dilations=(1, 2))
SHORT = TrainConfig(steps=20, batch_size=8, report_every=10, eval_every=20)

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`(wavenet-jax [^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path, language: str) -> list[str]:
    return [code for name, code in BLOCK.findall(page.read_text("utf-8")) if name == language]


def commands(page: Path) -> Iterator[str]:
    """Yield the commands of a page: lines of its shell blocks, and code in its text."""
    for block in blocks(page, "sh"):
        lines = block.replace("\\\n", "").splitlines()
        yield from (line for line in lines if line.startswith("wavenet-jax"))
    yield from CODE_SPAN.findall(page.read_text("utf-8"))


def is_understood(command: str) -> bool:
    _, *words = shlex.split(command.partition(" < ")[0], comments=True)
    try:
        return words == ["--version"] or bool(parse_command(*words))
    except SystemExit as leave:  # how help leaves
        return leave.code == 0


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.fixture(scope="module")
def tiny_presets() -> Iterator[None]:
    """Let every preset train twenty steps of a tiny network, on the data that it is for."""
    with pytest.MonkeyPatch.context() as patch:
        for name, (summary, config) in PRESETS.items():
            tiny = Config(config.data, SMALL, train=SHORT)
            patch.setitem(PRESETS, name, Preset(summary, tiny))
        tiny = Config(model=SMALL, train=SHORT)
        patch.setattr("wavenet_jax.config.presets.recipe.plan", lambda *_: tiny)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_presets: None) -> Path:  # noqa: ARG001
    """Return a folder as the pages assume it: after `make demo`, with files of the reader's own."""
    folder = tmp_path_factory.mktemp("docs")
    wn.train("makemore", run_dir=folder / "runs" / "demo")
    (folder / "cheeses.txt").write_text(bundled_names().read_text("utf-8"), "utf-8")
    (folder / "book.txt").write_text("It was so. " + TEXT, "utf-8")
    return folder


@pytest.mark.parametrize("page", [p for p in MANUAL if blocks(p, "python")], ids=lambda p: p.name)
def test_python_blocks_of_a_page_run_one_after_the_other(
    page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    for code in blocks(page, "python"):
        exec(compile(code, page.name, "exec"), names)


@every_page
def test_commands_are_understood(page: Path) -> None:
    assert [command for command in commands(page) if not is_understood(command)] == []


def test_commands_are_found() -> None:
    found = {command.split()[1] for page in PAGES for command in commands(page)}
    assert found >= {"train", "resume", "evaluate", "inspect", "sample", "score", "verify", "data"}


@every_page
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    links = [inline or reference for inline, reference in LINK.findall(page.read_text("utf-8"))]
    for link in (link for link in links if not link.startswith("https://")):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_index_links_every_page_of_the_manual() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    pages = [page.name for page in MANUAL if page.parent.name == "docs"]
    assert [name for name in pages if f"({name})" not in index] == ["index.md"]


def test_the_citation_has_the_version() -> None:
    assert f"\nversion: {wn.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
