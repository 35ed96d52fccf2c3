"""What the pictures share: titles that are literal text, and files."""

import warnings
from pathlib import Path

from matplotlib.figure import Figure

MAX_TITLE = 60  # characters, which fit above the curves
MAX_LINE = 90  # of a title in smaller type


def literal(title: str, width: int = MAX_TITLE) -> str:
    """Return a title in a line that can be drawn: signs that print nothing are spelled out."""
    short = title if len(title) <= width else f"{title[: width - 1]}…"
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in short)


def save(figure: Figure, path: Path, dpi: int = 120) -> None:
    """Write a figure as PNG, in the place of a link, not through it."""
    if path.is_symlink():
        path.unlink()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a sign that the font lacks is drawn as a box
        figure.savefig(path, dpi=dpi)


def set_title(figure: Figure, title: str) -> None:
    """Give a figure a title of a few lines, each of them literal text."""
    lines = "\n".join(literal(line, MAX_LINE) for line in title.split("\n"))
    figure.suptitle(lines, fontsize=11, parse_math=False)
