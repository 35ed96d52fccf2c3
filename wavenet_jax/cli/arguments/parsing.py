"""From the words of a command line to a command, by tyro."""

import contextlib
import io

import tyro
from tyro.extras import subcommand_cli_from_dict

from wavenet_jax.cli.arguments.argument import list_arguments
from wavenet_jax.cli.arguments.commands import COMMANDS, Command, Train
from wavenet_jax.config import AUTO, PRESETS

PROGRAM = "wavenet-jax"


def parse(name: str, words: list[str]) -> Command:
    """Return the command of that name with the arguments that the words spell.

    Leaves where they ask for help, and with code 2 where they spell none, which tyro alone knows.
    """
    switches = [each.flags[0] for each in list_arguments(COMMANDS[name]) if each.kind is bool]
    options = words[: words.index("--")] if "--" in words else words
    if any(word.partition("=")[0] in switches and "=" in word for word in options):
        raise SystemExit(2)  # of --json=yes, tyro takes the value for a positional argument
    with contextlib.redirect_stderr(io.StringIO()):  # tyro explains a mistake on half a page
        return tyro.cli(
            COMMANDS[name],
            prog=f"{PROGRAM} {name}",
            description=_train_description() if name == "train" else None,
            args=words,
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.DisallowNone),
        )


def _train_description() -> str:
    """Return what `train` does, and its presets with a line each."""
    summaries = {AUTO: "a plan made for the data; the default"}
    summaries |= {name: preset.summary for name, preset in PRESETS.items()}
    lines = [f"- {name}: {summary}" for name, summary in summaries.items()]
    head = [str(Train.__doc__), "", "The presets, which give the options that you do not:", ""]
    return "\n".join(head + lines)


def show_help(words: list[str]) -> None:
    """Print what the commands are, or how a shell completes them, and leave."""
    subcommand_cli_from_dict(
        dict(COMMANDS),
        prog=PROGRAM,
        description="Train, evaluate, inspect, score and sample a WaveNet of names, text or sound."
        "  --version prints the version, and COMMAND --help the options of a command.",
        args=words,
    )
