"""How long is a design, and how much of it is BatchNorm?"""

import ast
import io
import tokenize
from pathlib import Path

from designs import load_design

ADDED = "# BN"  # at the end of a line that BatchNorm adds or changes
AFTER = "# What the comparison needs"  # is no part of the design


def count_lines(name: str) -> tuple[int, int]:
    """Return the lines of code of a design, and how many of them BatchNorm adds or changes.

    Imports and docstrings do not count.
    """
    source = Path(load_design(name).__file__).read_text("utf-8").split(AFTER)[0]
    code = code_lines(source)
    lines = source.splitlines()
    return len(code), sum(lines[number - 1].rstrip().endswith(ADDED) for number in code)


def code_lines(source: str) -> set[int]:
    """Return the numbers of the lines, from 1, that hold code."""
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Expr) and not is_call(node):
            skipped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    numbers = {t.start[0] for t in tokens if t.type not in blank and t.string}
    return numbers - skipped


def is_call(node: ast.AST) -> bool:
    """Tell whether a statement is an expression that does something: no docstring."""
    return isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
