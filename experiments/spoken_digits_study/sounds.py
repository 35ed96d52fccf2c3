"""Is it speech? What can be measured of sound without ears: its level, and whether it has a pitch.

Voiced speech repeats itself 60 to 400 times a second; noise does not.  The periodicity of a frame
is the highest normalised autocorrelation at such a lag, 1 for what repeats itself exactly:

    r(τ) = Σ x[t]·x[t+τ] / √(Σ x[t]² · Σ x[t+τ]²)
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

FRAME, HOP = 0.04, 0.01  # seconds
LOWEST, HIGHEST = 60.0, 400.0  # hertz of voices
LOUD = 20.0  # decibels below the loudest frame of a recording, down to which frames are loud
SILENT = 1e-10  # a mean square, of -100 decibels
DRAWN = 60.0  # decibels below the loudest that a spectrogram shows


def cut_frames(samples: np.ndarray, size: int, hop: int) -> np.ndarray:
    """Return overlapping frames of samples, `[frames, size]`; zeros fill up what is shorter."""
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]


def decibels(samples: np.ndarray) -> np.ndarray:
    """Return the level of samples `[..., T]`: of their mean square, 0 for that of ±1."""
    return 10 * np.log10(np.square(samples).mean(-1) + SILENT)


def periodicity(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return the periodicity of each loud frame of a recording, `[frames]`."""
    frames = cut_frames(samples, round(FRAME * rate), round(HOP * rate))
    loud = decibels(frames)
    frames = frames[loud > loud.max() - LOUD]
    frames = frames - frames.mean(1, keepdims=True)
    lags = range(int(rate / HIGHEST), int(rate / LOWEST) + 1)
    return np.max([_autocorrelation(frames, lag) for lag in lags], axis=0)


def _autocorrelation(frames: np.ndarray, lag: int) -> np.ndarray:
    early, late = frames[:, :-lag], frames[:, lag:]
    power = np.square(early).sum(1) * np.square(late).sum(1)
    return (early * late).sum(1) / np.sqrt(power + SILENT**2)


def describe(sounds: Sequence[np.ndarray], rate: int) -> dict[str, float]:
    """Return what recordings, samples `[T]` each, are like: periodicity, level, length."""
    pitched = np.concatenate([periodicity(samples, rate) for samples in sounds])
    return {
        "periodicity": float(pitched.mean()),
        "pitched": float((pitched > 0.5).mean()),  # the share of loud frames
        "decibels": float(np.median([decibels(samples) for samples in sounds])),
        "seconds": float(np.median([len(samples) / rate for samples in sounds])),
    }


def loudest_second(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return the loudest of the whole seconds of a recording that has one, `[rate]`."""
    seconds = samples[: len(samples) // rate * rate].reshape(-1, rate)
    return seconds[decibels(seconds).argmax()]


def draw(
    columns: Mapping[str, Sequence[np.ndarray]], rows: Sequence[str], rate: int, path: Path
) -> None:
    """Draw the spectrograms of recordings, samples `[T]` each, by titles of columns and rows."""
    from matplotlib.figure import Figure  # noqa: PLC0415  an optional extra

    figure = Figure(figsize=(3.5 * len(columns), 1.8 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(columns), squeeze=False, sharex=True, sharey=True)
    for column, (title, sounds) in enumerate(columns.items()):
        axes[0, column].set_title(title)
        axes[-1, column].set_xlabel("seconds")
        for axis, samples in zip(axes[:, column], sounds, strict=True):
            power = _spectrogram(samples)
            size = (0, len(samples) / rate, 0, rate / 2)
            axis.imshow(power, origin="lower", aspect="auto", extent=size, cmap="magma")
    longest = max(len(samples) for sounds in columns.values() for samples in sounds)
    for axis, title in zip(axes[:, 0], rows, strict=True):
        axis.set_ylabel(f"{title}\nHz")
    axes[0, 0].set(xlim=(0, longest / rate), ylim=(0, rate / 2))
    figure.savefig(path, dpi=72)


def _spectrogram(samples: np.ndarray) -> np.ndarray:
    """Return decibels below the loudest, `[frequencies, frames]`."""
    frames = cut_frames(samples, 256, 64) * np.hanning(256)
    power = np.abs(np.fft.rfft(frames).T) ** 2
    return 10 * np.log10(power / max(power.max(), SILENT) + 10 ** (-DRAWN / 10))
