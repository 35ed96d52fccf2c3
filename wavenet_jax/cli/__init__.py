"""The command line: the only user of tyro, rich and matplotlib.  Nothing else imports this wing."""

from wavenet_jax.cli.main import main

__all__ = ["main"]
