"""How an experiment is run from the command line, and how it answers a mistake: one sentence."""

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import partial, wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import tyro

from wavenet_jax.cli.arguments import list_arguments
from wavenet_jax.cli.main import answer
from wavenet_jax.cli.mistakes import explain
from wavenet_jax.config import Config, replace_fields
from wavenet_jax.errors import InputError, require


def run(main: Callable[..., None]) -> None:
    """Call `main` with the options of the command line, and leave with the exit code.

    A mistake of the user is answered as by the commands of the package.
    """
    program = Path(sys.argv[0]).name
    options = [argument.name for argument in list_arguments(main)]
    sys.exit(answer(program, partial(_call, main, program), options))


def _call(main: Callable[..., None], program: str) -> int:
    with redirect_stderr(io.StringIO()):  # tyro explains a mistake on half a page
        try:
            call = tyro.cli(_bind(main), prog=program, config=(tyro.conf.OmitArgPrefixes,))
        except SystemExit as leave:
            if leave.code:
                raise InputError(explain(main, program, sys.argv[1:])) from None
            raise
    call()
    return 0


def _bind(main: Callable[..., None]) -> Callable[..., Callable[[], None]]:
    """Return a function with the signature of `main` that returns the call instead of making it."""

    @wraps(main)
    def bind(*args: Any, **options: Any) -> Callable[[], None]:
        return partial(main, *args, **options)

    return bind


def require_rounds(rounds: int) -> None:
    """Raise `InputError` where nothing would be timed."""
    require(rounds >= 1, f"rounds is {rounds}, expected at least 1.", "rounds")


def require_package(name: str, title: str, extra: str) -> None:
    """Raise `InputError` where an optional package is not installed; do not import it."""
    require(
        find_spec(name) is not None,
        f"{title} is not installed, expected it for this experiment; run "
        f"`pip install -e '.[{extra}]'` first.",
    )


def with_seeds(config: Config, seeds: tuple[int, ...]) -> list[Config]:
    """Return the configuration with each training seed; raise `InputError` for a bad one."""
    require(len(seeds) > 0, "seeds is empty, expected at least one, such as 0 1 2.", "seeds")
    return [replace_fields(config, seed=seed) for seed in seeds]
