"""Sound: recordings to levels and back, and a string to pluck."""

from wavenet_jax.data.sound.codec import NUM_LEVELS, SILENCE, decode_levels, encode_levels

__all__ = ["NUM_LEVELS", "SILENCE", "decode_levels", "encode_levels"]
