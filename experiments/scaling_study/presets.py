"""The presets whose batches two devices can share."""

from wavenet_jax.config import Config, preset, replace_fields

CONFIGS: dict[str, Config] = {
    "makemore": preset("makemore"),
    # Its one row of 512 positions, as two rows: a device has one of its own.
    "makemore-fast": replace_fields(preset("makemore-fast"), batch_size=2, seq_len=256),
    "shakespeare": preset("shakespeare"),
}
STEPS = {"makemore": 100, "makemore-fast": 20, "shakespeare": 4}  # of a chunk
