"""Who says which digit? Support vector machines on the statistics of log-mel spectra.

A recording is cut to where it is loud.  Its features are the mean and the deviation over time of
the logarithm of the energy in 32 bands of equal width on the mel scale, the means of its quarters,
and its length.  Whatever is recognised has gone through μ-law, as generated sound has.

Source of the mel scale: O'Shaughnessy, Speech Communication, 1987, m = 2595 · log10(1 + f/700).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from common.command import require_package

from spoken_digits_study.recordings import KINDS, RATE, Recording
from spoken_digits_study.sounds import cut_frames, decibels
from wavenet_jax.data import decode_levels

BANDS, QUARTERS = 32, 4
WINDOW, HOP = 256, 64  # samples
QUIET = 30.0  # decibels below the loudest frame, from which on a recording's ends are cut off
FLOOR = 1e-5  # of energy
COST = 10.0  # of a recording on the wrong side, the C of the machine


class Recogniser(NamedTuple):
    """A machine for each kind of label."""

    machines: dict[str, Any]


def train_recogniser(recordings: Sequence[Recording]) -> Recogniser:
    """Return what tells digits and speakers; raise `InputError` without scikit-learn."""
    require_package("sklearn", "scikit-learn", "sklearn")
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415  an optional extra
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415
    from sklearn.svm import SVC  # noqa: PLC0415

    inputs = np.stack([features(each.levels) for each in recordings])
    machines = {}
    for kind in KINDS:
        labels = [each.labels[kind] for each in recordings]
        machines[kind] = make_pipeline(StandardScaler(), SVC(C=COST)).fit(inputs, labels)
    return Recogniser(machines)


def recognise(recogniser: Recogniser, sounds: Sequence[np.ndarray]) -> list[dict[str, str]]:
    """Return the labels of recordings, levels `[T]` each, by their kinds."""
    inputs = np.stack([features(levels) for levels in sounds])
    found = {kind: machine.predict(inputs) for kind, machine in recogniser.machines.items()}
    return [
        dict(zip(found, map(str, row), strict=True)) for row in zip(*found.values(), strict=True)
    ]


def accuracy(found: Sequence[dict[str, str]], wanted: Sequence[dict[str, str]]) -> dict[str, float]:
    """Return the share of labels of each kind that are as wanted."""
    pairs = list(zip(found, wanted, strict=True))
    return {kind: sum(a[kind] == b[kind] for a, b in pairs) / len(pairs) for kind in KINDS}


def features(levels: np.ndarray) -> np.ndarray:
    """Return the statistics of a recording's log-mel spectra, `[F]`."""
    frames = cut_frames(decode_levels(levels), WINDOW, HOP)
    loud = decibels(frames)
    within = np.flatnonzero(loud > loud.max() - QUIET)
    power = np.abs(np.fft.rfft(frames[within[0] : within[-1] + 1] * np.hanning(WINDOW))) ** 2
    bands = np.log(power @ mel_filters().T + FLOOR)  # [frames, BANDS]
    cuts = np.linspace(0, len(bands), QUARTERS + 1)
    quarters = [
        bands[int(start) : max(int(end), int(start) + 1)].mean(0) for start, end in pairwise(cuts)
    ]
    return np.concatenate([bands.mean(0), bands.std(0), *quarters, [np.log(len(bands))]])


def mel_filters() -> np.ndarray:
    """Return the weight of each frequency in each band, `[BANDS, WINDOW // 2 + 1]`: triangles."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    low, middle, high = (edges[start : start + BANDS, None] for start in range(3))
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)
    rising, falling = (hertz - low) / (middle - low), (high - hertz) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling))
