"""The commands, a module each: what they do with their arguments.  They import JAX."""

from wavenet_jax.cli.commands.data import data
from wavenet_jax.cli.commands.evaluate import evaluate
from wavenet_jax.cli.commands.inspection import inspect
from wavenet_jax.cli.commands.sample import sample
from wavenet_jax.cli.commands.score import score
from wavenet_jax.cli.commands.train import resume, train
from wavenet_jax.cli.commands.verify import verify

__all__ = ["data", "evaluate", "inspect", "resume", "sample", "score", "train", "verify"]
