"""What `wavenet-jax data` does with its argument."""

from wavenet_jax import data as datasets
from wavenet_jax.cli import process
from wavenet_jax.cli.arguments import Data
from wavenet_jax.paths import cache_dir


def data(command: Data) -> int:
    """Download a data set and print its path; return 0."""
    if command.name in datasets.SOURCES:
        process.say(f"Fetching the data set {command.name!r} into {cache_dir()}")
    print(datasets.download(command.name))
    return 0
