"""The commands and their arguments.  Imports no JAX and no NumPy."""

from wavenet_jax.cli.arguments.argument import Argument, list_arguments
from wavenet_jax.cli.arguments.commands import (
    COMMANDS,
    Command,
    Data,
    Evaluate,
    Inspect,
    Resume,
    Sample,
    Score,
    Train,
    Verify,
)
from wavenet_jax.cli.arguments.parsing import PROGRAM, parse, show_help

__all__ = [
    "COMMANDS",
    "PROGRAM",
    "Argument",
    "Command",
    "Data",
    "Evaluate",
    "Inspect",
    "Resume",
    "Sample",
    "Score",
    "Train",
    "Verify",
    "list_arguments",
    "parse",
    "show_help",
]
