"""Configurations to start from: those with a name, the plan made for the data, and recipes."""

from wavenet_jax.config.presets.named import PRESETS, Preset, preset
from wavenet_jax.config.presets.plan import Extent, plan
from wavenet_jax.config.presets.recipe import AUTO, Recipe

__all__ = ["AUTO", "PRESETS", "Extent", "Preset", "Recipe", "plan", "preset"]
