"""How long is a design, and how much of it is BatchNorm?"""

import ast
from pathlib import Path

from designs import load_design

ADDED = "# BN"  # at the end of a line of a statement that BatchNorm adds or changes
AFTER = "# What the comparison needs"  # is no part of the design


def count_statements(name: str) -> tuple[int, int]:
    """Return the statements of a design, and how many of them BatchNorm adds or changes.

    A statement counts once however its lines are broken; imports and docstrings do not count.
    """
    source = Path(load_design(name).__file__).read_text("utf-8").split(AFTER)[0]
    lines, found = source.splitlines(), statements(source)
    added = [any(lines[n - 1].rstrip().endswith(ADDED) for n in each) for each in found]
    return len(found), sum(added)


def statements(source: str) -> list[range]:
    """Return the lines of each statement, from 1; of one with a body, those of its head."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    return sorted((_head(node) for node in nodes if not _is_left_out(node)), key=lambda r: r.start)


def _head(node: ast.stmt) -> range:
    decorators = getattr(node, "decorator_list", [])
    start = min([node.lineno, *(each.lineno for each in decorators)])
    body = getattr(node, "body", None)
    return range(start, body[0].lineno if body else (node.end_lineno or start) + 1)


def _is_left_out(node: ast.stmt) -> bool:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_text or isinstance(node, ast.Import | ast.ImportFrom)
