"""Recordings as waveforms and spectrograms, generated beside real ones."""

from itertools import zip_longest
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wavenet_jax.cli.plots.canvas import save, set_title

_WINDOW = 0.032  # seconds of a spectrum, and a quarter of them between two
_RANGE = 80  # decibels below the loudest that are shown


def draw_sounds(generated: list[np.ndarray], real: list[np.ndarray], rate: int, path: Path) -> None:
    """Draw recordings `[T]`, from -1 to 1, as waves above spectrograms: real ones at the right."""
    rows = max(len(generated), len(real))
    figure = Figure(figsize=(10, 3 * rows), layout="constrained")
    axes = figure.subplots(2 * rows, 2, squeeze=False, height_ratios=[1, 2] * rows)
    for row, pair in enumerate(zip_longest(generated, real)):
        for column, samples in enumerate(pair):
            wave, spectrum = axes[2 * row : 2 * row + 2, column]
            if samples is None:
                wave.set_axis_off()
                spectrum.set_axis_off()
            else:
                _draw_wave(wave, samples, rate)
                _draw_spectrum(spectrum, samples, rate)
    set_title(figure, "generated freely, and real recordings beside them")
    save(figure, path)


def _draw_wave(axes: Axes, samples: np.ndarray, rate: int) -> None:
    axes.plot(np.arange(len(samples)) / rate, samples, linewidth=0.4)
    axes.set(ylim=(-1, 1), xlim=(0, len(samples) / rate))


def _draw_spectrum(axes: Axes, samples: np.ndarray, rate: int) -> None:
    """Draw the power of each frequency over time in decibels, by Hann windows."""
    size = max(16, round(_WINDOW * rate))
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 4]
    power = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2
    decibels = 10 * np.log10(power / max(power.max(), 1e-12) + 10 ** (-_RANGE / 10))
    extent = (0, len(samples) / rate, 0, rate / 2)
    axes.imshow(decibels.T, origin="lower", aspect="auto", extent=extent, cmap="magma")
    axes.set(xlabel="seconds", ylabel="Hz")
