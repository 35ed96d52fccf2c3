"""The pictures of a run; the only users of matplotlib, an optional extra."""

from wavenet_jax.cli.plots.embedding import draw_embedding
from wavenet_jax.cli.plots.inspection import draw_activations, draw_gradients, draw_updates
from wavenet_jax.cli.plots.loss_curve import draw_loss_curve
from wavenet_jax.cli.plots.sounds import draw_sounds

__all__ = [
    "draw_activations",
    "draw_embedding",
    "draw_gradients",
    "draw_loss_curve",
    "draw_sounds",
    "draw_updates",
]
