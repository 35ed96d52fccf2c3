"""Recordings that tests make themselves, and small runs on them."""

from pathlib import Path

import numpy as np
import soundfile

RATE = 2_000  # low, so that a second is soon sampled
# Eight tones of a fifth of a second, which do not all have one length.
TONES = [
    (0.5 * np.sin(2 * np.pi * hertz * np.arange(400 + hertz // 10) / RATE)).astype(np.float32)
    for hertz in range(200, 1_000, 100)
]
SMALL_SOUND = (
    "--layer gated --n-embd 4 --n-hidden 8 --n-skip 8 --dilations 1 2 4 8 --norm none "
    "--mode sequence --batch-size 1 --seq-len 128 --steps 20 --eval-every 10 --report-every 5 "
    "--optimizer adamw --learning-rate 0.01 --schedule constant --seed 3"
)


def write_tones(folder: Path) -> Path:
    """Write the tones into a folder, one of them into a folder inside it, and return the folder."""
    (folder / "more").mkdir(parents=True)
    for index, tone in enumerate(TONES):
        soundfile.write(folder / ("more" if index == 3 else "") / f"{index}.wav", tone, RATE)
    return folder


def train_sound_command(recordings: Path | str, run: Path, more: str = "") -> str:
    """Return the command that trains a small run on recordings."""
    return f"train --preset makemore --data {recordings} --run-dir {run} {SMALL_SOUND} {more}"
