"""μ-law: a sample of sound as one of 256 levels, which are dense near silence.

    f(x) = sign(x) · ln(1 + μ|x|) / ln(1 + μ),   -1 ≤ x ≤ 1,   μ = 255

Source: van den Oord et al., WaveNet (1609.03499), section 2.2.
"""

import numpy as np

MU = 255
NUM_LEVELS = MU + 1
SILENCE = 128  # the level of 0


def encode_levels(samples: np.ndarray) -> np.ndarray:
    """Return the level of each sample `[T]`, uint8: f(x) rounded to the nearest of 256.

    Level q stands for f(x) = 2q/μ - 1.  What is beyond -1 and 1 is clipped.

    >>> encode_levels(np.array([-1, 0, 0.01, 1, 2])).tolist()
    [0, 128, 157, 255, 255]
    """
    clipped = np.clip(samples, -1, 1)
    companded = np.sign(clipped) * np.log1p(MU * np.abs(clipped)) / np.log1p(MU)
    return np.floor((companded + 1) / 2 * MU + 0.5).astype(np.uint8)


def decode_levels(levels: np.ndarray) -> np.ndarray:
    """Return the sample of each level `[T]`, float64: sign(y) · ((1 + μ)^|y| - 1) / μ.

    This is the inverse of f, so that `encode_levels` returns the levels again.
    """
    companded = 2 * np.asarray(levels, np.float64) / MU - 1
    return np.sign(companded) * np.expm1(np.abs(companded) * np.log1p(MU)) / MU
