"""What a training step does inside the network: a row per layer, from the first to the last.

Distributions are ridges: histograms with common bins, each scaled to its own highest bar.  The
colours are those of Okabe and Ito, and of viridis for the depth, which colour-blind readers tell
apart.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from wavenet_jax.cli.plots.canvas import save, set_title
from wavenet_jax.training import Diagnostics, LayerDiagnostics, MatrixDiagnostics

BINS = 80
RISE = 0.92  # of a ridge, where rows are 1 apart
DPI = 150
DENSITY = "density, scaled to its maximum"
GUIDE = -3.0  # log₁₀ of the update that the lecture finds about right
STYLES = {  # colour and marker of a kind of matrices
    "embedding": ("#009E73", "s"),
    "linear": ("#0072B2", "o"),
    "residual": ("#E69F00", "D"),
    "head": ("#CC79A7", "^"),
}
Rows = dict[str, list[MatrixDiagnostics]]  # the matrices of a row, by its label


def draw_activations(
    layers: Sequence[LayerDiagnostics], words: tuple[str, str], caption: str, path: Path
) -> None:
    """Draw the distribution of the activations of each layer, and the share that is saturated.

    `words` say what the activations are, and when one is saturated.
    """
    figure = _figure(len(layers), f"Activations {caption}")
    ridges, bars = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    _label_rows(figure, [f"layer {number}" for number in range(1, len(layers) + 1)])
    # What ReLU has turned off would be a bar above all others; it is in the share.
    values = [layer.activations[layer.activations != 0] for layer in layers]
    edges, has_zeros = _edges(values, 0.001, 0.999), False
    for row, (layer, colour) in enumerate(zip(layers, _depths(len(layers)), strict=True)):
        _draw_ridge(ridges, row, values[row], edges, colour)
        _draw_bar(bars, row, 100 * layer.saturated, colour)
        has_zeros |= values[row].size < layer.activations.size
    ridges.set(xlabel=words[0] + (", without zeros" if has_zeros else ""), ylabel=DENSITY)
    bars.set_xlabel(f"saturated (%)\n({words[1]})")
    bars.set_xlim(0, max(5, 1.3 * bars.dataLim.xmax))
    save(figure, path, DPI)


def draw_gradients(diagnostics: Diagnostics, caption: str, path: Path) -> None:
    """Draw the distributions of the gradients of activations and weights, by their size."""
    rows, layers = _rows(diagnostics.matrices), diagnostics.layers
    figure = _figure(len(rows), f"Gradients {caption}")
    left, right = figure.subplots(1, 2, sharey=True)
    _label_rows(figure, list(rows))
    sizes = [_log10_sizes(layer.gradients) for layer in layers]
    edges, first = _edges(sizes, 0.005, 0.9999), list(rows).index("layer 1")
    for layer, colour in enumerate(_depths(len(layers))):
        _draw_ridge(left, first + layer, sizes[layer], edges, colour)
        _draw_median(left, first + layer, sizes[layer])
    edges = _edges([_log10_sizes(matrix.gradients) for matrix in diagnostics.matrices], 0.005, 1)
    for row, matrices in enumerate(rows.values()):
        for matrix in matrices:
            values, (colour, _) = _log10_sizes(matrix.gradients), STYLES[_kind(matrix)]
            _draw_ridge(right, row, values, edges, colour, is_filled=matrix is matrices[0])
            _draw_median(right, row, values, "black" if matrix is matrices[0] else colour)
    left.set(xlabel="log₁₀ |∂loss/∂activation|  (nats per unit)", ylabel=DENSITY)
    right.set(xlabel="log₁₀ |∂loss/∂weight|  (nats per unit)")
    median = Line2D([], [], linestyle="", marker="|", color="black", label="median")
    _add_legend(figure, diagnostics.matrices, [median], marker="s")
    save(figure, path, DPI)


def draw_updates(
    matrices: Sequence[MatrixDiagnostics], learning_rate: str, caption: str, path: Path
) -> None:
    """Draw the size of the update of each weight matrix, relative to its weights."""
    rows = _rows(matrices)
    figure = _figure(len(rows), f"Updates {caption}")
    axes = figure.subplots()
    _label_rows(figure, list(rows), middle=0.0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", alpha=0.3)
    guide = axes.axvline(GUIDE, color="black", linestyle="--", linewidth=1.2)
    guide.set_label("10⁻³, the lecture's guide")
    for row, members in enumerate(rows.values()):
        for matrix in members:
            colour, marker = STYLES[_kind(matrix)]
            if np.isfinite(matrix.log10_update):
                inside = "none" if matrix.name == "residual" else colour
                axes.plot(matrix.log10_update, row, marker, color=colour, mfc=inside)
    axes.set_xlabel(f"log₁₀ std(update) / std(weight)\nat {learning_rate}")
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, GUIDE - 0.5), max(high, GUIDE + 0.5))
    _add_legend(figure, matrices, [guide])
    save(figure, path, DPI)


def _figure(rows: int, title: str) -> Figure:
    """Return a figure that is as high as its rows need."""
    height = 1.8 + rows * max(0.25, 0.55 - 0.015 * rows)
    figure = Figure(figsize=(8, max(3.8, height)), layout="constrained")
    set_title(figure, title)
    return figure


def _label_rows(figure: Figure, labels: list[str], middle: float = RISE / 2) -> None:
    """Give all axes of a figure the same rows, the first on top; `middle` is above a row's 0."""
    for axes in figure.axes:
        axes.set_yticks(np.arange(len(labels)) - middle, labels)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(labels) - 0.9, -RISE - 0.15)
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def _draw_ridge(
    axes: Axes,
    row: int,
    values: np.ndarray,
    edges: np.ndarray,
    colour: str,
    *,
    is_filled: bool = True,
) -> None:
    heights, _ = np.histogram(values, edges)
    tops = row - RISE * heights / max(heights.max(), 1)
    if is_filled:
        axes.stairs(tops, edges, baseline=row, fill=True, color=colour, alpha=0.7, linewidth=0)
    axes.stairs(tops, edges, baseline=None, color=colour, linewidth=0.9 if is_filled else 1.3)


def _draw_median(axes: Axes, row: int, values: np.ndarray, colour: str = "black") -> None:
    if values.size:
        axes.plot([np.median(values)] * 2, [row, row - 0.3], color=colour, linewidth=1.4)


def _draw_bar(axes: Axes, row: int, percent: float, colour: str) -> None:
    middle = row - RISE / 2
    axes.barh(middle, percent, height=0.6, color=colour, alpha=0.85)
    axes.annotate(
        f"{percent:.1f}", (percent, middle), (3, 0), textcoords="offset points", va="center"
    )


def _edges(rows: Sequence[np.ndarray], low: float, high: float) -> np.ndarray:
    """Return bins between two quantiles of all values."""
    pooled = np.concatenate([row[np.isfinite(row)].ravel() for row in rows])
    ends = np.quantile(pooled, (low, high)) if pooled.size else np.zeros(2)
    return np.linspace(ends[0], max(ends[1], ends[0] + 1e-6), BINS + 1)


def _log10_sizes(values: np.ndarray) -> np.ndarray:
    """Return log₁₀ |x| of the values that are not 0."""
    return np.log10(np.abs(values[values != 0]))


def _depths(layers: int) -> list[str]:
    """Return a colour per layer, the last one not as bright as paper."""
    shades = mpl.colormaps["viridis"](np.linspace(0.05, 0.85, layers))
    return [mpl.colors.to_hex(shade) for shade in shades]


def _kind(matrix: MatrixDiagnostics) -> str:
    return matrix.name if matrix.name in STYLES else "head"


def _rows(matrices: Sequence[MatrixDiagnostics]) -> Rows:
    """Return the matrices by row: those of a layer share one."""
    rows: Rows = {}
    for matrix in matrices:
        label = f"head, {matrix.name}" if matrix.place == "head" else matrix.place
        rows.setdefault(label, []).append(matrix)
    return rows


def _add_legend(
    figure: Figure, matrices: Sequence[MatrixDiagnostics], more: list[Line2D], marker: str = ""
) -> None:
    """Explain the kinds of matrices, by their own marker or by one for all, and what is more."""
    handles = []
    for kind in dict.fromkeys(map(_kind, matrices)):
        colour, own = STYLES[kind]
        inside = "none" if kind == "residual" else colour
        handles.append(Line2D([], [], ls="", marker=marker or own, color=colour, mfc=inside))
        handles[-1].set_label(kind)
    handles += more
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
