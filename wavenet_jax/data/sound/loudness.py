"""How loud a recording is: silence at its ends, and its loudest sample."""

import numpy as np

from wavenet_jax.data.sound.recordings import Recording

_FRAMES_PER_SECOND = 100


def trim(recording: Recording, below_db: float) -> Recording:
    """Return a recording, not all silent, from its first loud frame to its last.

    A frame is a hundredth of a second.  It is loud if its mean square is at most `below_db` below
    that of the loudest one.
    """
    samples, rate = recording
    starts = np.arange(0, len(samples), max(1, round(rate / _FRAMES_PER_SECOND)))
    ends = np.append(starts[1:], len(samples))
    powers = np.add.reduceat(samples.astype(np.float64) ** 2, starts) / (ends - starts)
    loud = np.flatnonzero(powers >= powers.max() * 10 ** (-below_db / 10))
    return Recording(samples[starts[loud[0]] : ends[loud[-1]]], rate)


def scale(samples: np.ndarray, peak: float) -> np.ndarray:
    """Return samples `[T]`, not all 0, of which the loudest is at `peak`."""
    return samples * (np.float32(peak) / np.abs(samples).max())
