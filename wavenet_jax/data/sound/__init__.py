"""Sound: recordings to levels, and levels to recordings."""

from wavenet_jax.data.sound.codec import NUM_LEVELS, SILENCE, decode_levels, encode_levels
from wavenet_jax.data.sound.recordings import (
    Recording,
    read_recording,
    require_soundfile,
    resample,
    wav_writer,
)

__all__ = [
    "NUM_LEVELS",
    "SILENCE",
    "Recording",
    "decode_levels",
    "encode_levels",
    "read_recording",
    "require_soundfile",
    "resample",
    "wav_writer",
]
