"""Tables as Markdown, which a terminal shows as well."""

from collections.abc import Mapping, Sequence


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with its columns aligned."""
    cells = [list(head), *map(list, rows)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line([c.ljust(w) for c, w in zip(r, widths, strict=True)]) for r in cells]
    return "\n".join([lines[0], _line(["-" * width for width in widths]), *lines[1:]])


def by_row(title: str, rows: Mapping[str, Mapping[str, str]], columns: Sequence[str]) -> str:
    """Return a table of named rows and columns; where a row has no such column, a dash."""
    return markdown(
        [title, *columns],
        [[name, *(row.get(column, "–") for column in columns)] for name, row in rows.items()],
    )


def with_error(estimate: Sequence[float] | None, sign: str = "") -> str:
    """Return an estimate and its standard error as text; nothing where there is none."""
    return "" if estimate is None else f"{estimate[0]:{sign}.4f} ± {estimate[1]:.4f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
