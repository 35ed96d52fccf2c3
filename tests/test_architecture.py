"""What import-linter does not hold: the sizes of the house, and where flags may be spelled."""

import ast
import re
from pathlib import Path

import pytest

import wavenet_jax

HOUSE = Path(wavenet_jax.__file__).parent
WINGS = sorted(path.parent for path in HOUSE.glob("*/__init__.py"))
FLAG = re.compile(r"(^|[\s`(])--[a-z]")


def strings(path: Path) -> list[str]:
    tree = ast.parse(path.read_text("utf-8"))
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [value for value in constants if isinstance(value, str)]


def test_the_house_has_a_few_files_beside_its_wings() -> None:
    assert len(list(HOUSE.glob("*.py"))) <= 8


@pytest.mark.parametrize("wing", WINGS, ids=lambda wing: wing.name)
def test_a_wing_has_at_most_seven_modules(wing: Path) -> None:
    modules = {path.stem for path in wing.glob("*.py")} - {"__init__"}
    assert 0 < len(modules) <= 7


def test_flags_are_spelled_in_the_command_line_alone() -> None:
    spelled = [
        (path.relative_to(HOUSE), text)
        for path in HOUSE.rglob("*.py")
        if "cli" not in path.parts
        for text in strings(path)
        if FLAG.search(text)
    ]
    assert spelled == []
