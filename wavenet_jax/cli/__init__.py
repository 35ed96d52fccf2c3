"""The command line: the only user of tyro, rich and matplotlib.  No other wing imports it."""

from wavenet_jax.cli.main import main

__all__ = ["main"]
