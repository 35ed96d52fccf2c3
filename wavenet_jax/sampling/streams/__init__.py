"""Sequences of any length, decoded chunk by chunk and handed out as they come: text and sound."""

from wavenet_jax.sampling.streams.chunks import CHUNK_SIZE, start_state
from wavenet_jax.sampling.streams.sound import Sound, SoundPiece, generate_sounds
from wavenet_jax.sampling.streams.text import sample_text, text_params

__all__ = [
    "CHUNK_SIZE",
    "Sound",
    "SoundPiece",
    "generate_sounds",
    "sample_text",
    "start_state",
    "text_params",
]
