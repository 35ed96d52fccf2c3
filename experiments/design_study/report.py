"""The results of `functional_vs_stateful.py` as a page of tables, and as a picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.study import COLORS
from common.tables import by_row
from designs import JAX, load_design

from design_study import agreement


def tables(results: dict[str, Any], names: list[str]) -> str:
    """Return all results as a page of Markdown."""
    titles = {name: load_design(name).TITLE for name in (*names, "package")}
    agreement_rows = {
        titles[name]: {each: "0" if gap == 0 else f"{gap:.0e}" for each, gap in row.items()}
        for name, row in results["agreement"].items()
    }
    microseconds = {
        f"{work}, {how}": {name: f"{value:,.0f}" for name, value in each.items()}
        for work, ways in results["times"].items()
        for how, each in ways.items()
    }
    forms = {
        form: {w: f"{ways['alone'][form]:,.0f}" for w, ways in results["times"].items()}
        for form in load_design("nnx").FORMS
        if all(form in ways["alone"] for ways in results["times"].values())
    }
    verdicts = {
        title: {name: verdict for name, (verdict, _) in ways.items()}
        for title, ways in results["mistakes"].items()
    }
    seen = {
        title: {name: "caught" if text else "not" for name, text in ways.items()}
        for title, ways in results["types"].items()
    }
    columns = {name: titles[name] for name in names}
    parts = {
        "The largest differences from plain functions": by_row(
            "design", agreement_rows, agreement.Differences._fields
        ),
        "The designs": design_table(results["facts"], columns),
        "Microseconds a step": design_table(microseconds, columns),
        "Microseconds a step of the forms of NNX": by_row("form", forms, list(results["times"])),
        "Six mistakes": design_table(verdicts, columns) + "\n\n" + said(results["mistakes"]),
        "What mypy sees": design_table(seen, columns) + "\n\n" + said(results["types"]),
    }
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items())


def design_table(rows: Mapping[str, Mapping[str, str]], titles: Mapping[str, str]) -> str:
    """Return a table with a column for each design."""
    renamed = {
        row: {titles[name]: text for name, text in cells.items() if name in titles}
        for row, cells in rows.items()
    }
    return by_row("", renamed, list(titles.values()))


def said(outcomes: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what was said of each mistake in each design, as lists."""
    lines = []
    for title, ways in outcomes.items():
        lines += [f"{title[:1].upper()}{title[1:]}:", ""]
        for name, outcome in ways.items():
            design, *mode = name.split(",")
            text = outcome if isinstance(outcome, str) else ": ".join(outcome or ["not caught"])
            lines.append(f"- {','.join([load_design(design).TITLE, *mode])}: {text}")
        lines.append("")
    return "\n".join(lines).rstrip()


def draw(times: dict[str, Any], path: Path) -> None:
    """Draw the microseconds of a step, dispatched singly and in a scan, for each work."""
    from matplotlib.figure import Figure  # noqa: PLC0415  an optional extra

    figure = Figure(figsize=(11, 4.4), layout="constrained")
    panels = figure.subplots(1, len(times), sharey=True, squeeze=False)[0]
    for axes, (work, ways) in zip(panels, times.items(), strict=True):
        alone = {name: value for name, value in ways["alone"].items() if name != "nnx"}
        places = {name: place for place, name in enumerate(reversed(alone))}
        titles = [load_design(n).TITLE if n in (*JAX, "torch") else n for n in places]
        axes.plot(alone.values(), [places[n] for n in alone], "o", color=COLORS[5])
        scan = {("nnx.jit, graph" if n == "nnx" else n): v for n, v in ways["scan"].items()}
        axes.plot(scan.values(), [places[n] for n in scan], "D", color=COLORS[4], mfc="none")
        axes.set(xscale="log", title=f"{work} network", xlabel="microseconds a step")
        axes.set_yticks(list(places.values()), titles)
        axes.grid(alpha=0.3)
    figure.legend(
        ["dispatched singly", "inside lax.scan"], loc="outside lower center", ncols=2, frameon=False
    )
    figure.savefig(path, dpi=120)
