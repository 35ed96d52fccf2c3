"""The embedding in two dimensions, each character at its place."""

import unicodedata
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from wavenet_jax.cli.plots.canvas import save, set_title
from wavenet_jax.data import BOUNDARY, END_SIGN

MANY, NAMED = 80, 50  # of many characters, only the most frequent ones are named


def draw_embedding(
    embedding: np.ndarray, characters: str, counts: np.ndarray, caption: str, path: Path
) -> None:
    """Draw the characters by the two principal components of their embedding `[V, C]`.

    `counts [V]` tell how frequent they are: the more frequent, the darker.
    """
    places, shares = principal_components(embedding)
    figure = Figure(figsize=(8, 7), layout="constrained")
    set_title(figure, f"Embedding {caption}")
    axes = figure.subplots()
    axes.set_xlabel(f"principal component 1 ({shares[0]:.0%} of the variance)")
    axes.set_ylabel(f"principal component 2 ({shares[1]:.0%} of the variance)")
    axes.grid(alpha=0.3)
    axes.margins(0.08)
    axes.set_axisbelow(True)
    labelled = np.argsort(-counts, kind="stable")[: NAMED if len(counts) >= MANY else None]
    # A character that train lacks is shown as its rarest one.
    percent = 100 * np.maximum(counts, counts[counts > 0].min()) / counts.sum()
    colours = ListedColormap(mpl.colormaps["viridis"](np.linspace(0.85, 0, 256)))
    size = 14 if len(counts) < 40 else 11
    sizes = np.full(len(counts), 12.0)
    sizes[labelled] = 0
    scale = LogNorm(percent.min(), percent.max())
    dots = axes.scatter(places[:, 0], places[:, 1], sizes, percent, cmap=colours, norm=scale)
    figure.colorbar(
        dots, label="share of the training data (%)", format="{x:g}", shrink=0.7, aspect=30
    )
    for index in labelled:
        x, y = places[index]
        _write(axes, characters[index], (x, y), dots.to_rgba(percent[index]), size)
    save(figure, path, dpi=150)


def principal_components(embedding: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project an embedding `[V, C]` onto its two main axes: `[V, 2]`, and their shares `[2]`.

    X - mean = U·S·Vᵀ; the coordinates are U·S, and an axis has the share S² / ΣS² of the variance.
    The sign of an axis is free: its largest coordinate is positive.
    """
    left, scales, _ = np.linalg.svd(embedding - embedding.mean(axis=0), full_matrices=False)
    axes = np.pad(left * scales, ((0, 0), (0, 1)))[:, :2]  # one channel has one axis
    largest = np.take_along_axis(axes, abs(axes).argmax(axis=0)[None], axis=0)
    variances = np.pad(scales**2, (0, 1))
    return axes * np.where(largest < 0, -1, 1), variances[:2] / max(variances.sum(), 1e-30)


def _write(axes: Axes, character: str, place: tuple[float, float], colour: Any, size: int) -> None:
    shown = name_character(character)
    axes.annotate(
        shown,
        place,
        color=colour,
        size=size if len(shown) == 1 else 0.65 * size,
        ha="center",
        va="center",
        parse_math=False,
    )


def name_character(character: str) -> str:
    r"""Return a character as it can be drawn, such as a, \n, space or U+6F22.

    The last is for what the font lacks.
    """
    if character == BOUNDARY:
        return END_SIGN
    if not character.isprintable():
        return repr(character)[1:-1]
    if character.isspace():
        return unicodedata.name(character).lower()
    if not get_font(findfont(FontProperties())).get_char_index(ord(character)):
        return f"U+{ord(character):04X}"
    return f"◌{character}" if unicodedata.combining(character) else character
