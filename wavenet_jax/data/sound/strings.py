"""Plucked strings, so that there is sound without a download.

A string is a ring of samples, which begins as noise and is smoothed as it turns: a sample is the
mean of the two that came a period before.  High tones fade first, as on a guitar.

    y[t] = x[t] + (y[t - p] + y[t - p - 1]) / 2,   x: p samples of ±A, then 0

The period is p + 1/2 samples.

Source: Karplus and Strong, Digital Synthesis of Plucked-String and Drum Timbres, Computer Music
Journal 7(2), 1983.
"""

import random
from collections.abc import Iterator

import numpy as np

from wavenet_jax.data.sound.recordings import Recording

NUM_STRINGS = 400
RATE = 8_000  # samples per second, unless others are wanted
SECONDS = 0.5  # of a recording
LOWEST, NUM_NOTES = 110.0, 25  # hertz of the lowest note, and the notes of two octaves from it
_NOTES = "C C# D D# E F F# G G# A A# B".split()  # of an octave
_LOWEST_OCTAVE, _LOWEST_PLACE = 2, _NOTES.index("A")
_LOUDNESS = 0.5  # A


def pluck_string(seed: int, rate: int = RATE) -> Recording:
    """Return half a second of a plucked string; its note and its noise follow from the seed."""
    from scipy.signal import lfilter  # noqa: PLC0415  takes half a second

    rng = random.Random(seed)  # whose numbers are the same everywhere
    frequency = LOWEST * 2 ** (rng.randrange(NUM_NOTES) / 12)
    period = max(1, round(rate / frequency - 0.5))
    noise = np.zeros(round(SECONDS * rate))
    noise[:period] = [rng.choice((-_LOUDNESS, _LOUDNESS)) for _ in range(period)]
    feedback = np.zeros(period + 2)
    feedback[0], feedback[period:] = 1, -0.5
    return Recording(lfilter([1.0], feedback, noise).astype(np.float32), rate)


def note_of(seed: int) -> str:
    """Return the name of the note that a string of this seed plays.

    >>> [note_of(seed) for seed in range(3)]
    ['A3', 'C#3', 'A#2']
    """
    semitones = random.Random(seed).randrange(NUM_NOTES)  # the first draw of `pluck_string`
    octave, place = divmod(_LOWEST_PLACE + semitones, len(_NOTES))
    return f"{_NOTES[place]}{_LOWEST_OCTAVE + octave}"


def pluck_strings(rate: int | None = None) -> Iterator[tuple[str, Recording]]:
    """Yield the notes and the recordings of `data strings`, one for each seed from 0."""
    for seed in range(NUM_STRINGS):
        yield note_of(seed), pluck_string(seed, rate or RATE)
