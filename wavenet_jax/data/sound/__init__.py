"""Sound: recordings to levels, levels to recordings, and a string to pluck."""

from wavenet_jax.data.sound.codec import NUM_LEVELS, SILENCE, decode_levels, encode_levels
from wavenet_jax.data.sound.levels import (
    FIRST_LEVEL_ID,
    level_ids,
    read_levels,
    read_sounds,
    write_sounds,
)
from wavenet_jax.data.sound.recordings import (
    Recording,
    read_recording,
    require_soundfile,
    resample,
    wav_writer,
)
from wavenet_jax.data.sound.strings import pluck_string

__all__ = [
    "FIRST_LEVEL_ID",
    "NUM_LEVELS",
    "SILENCE",
    "Recording",
    "decode_levels",
    "encode_levels",
    "level_ids",
    "pluck_string",
    "read_levels",
    "read_recording",
    "read_sounds",
    "require_soundfile",
    "resample",
    "wav_writer",
    "write_sounds",
]
