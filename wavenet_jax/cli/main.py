"""The command line: parse, run, and say in one sentence what went wrong.

Imports no JAX and no NumPy until a command runs, so that help and bad use are answered at once.
"""

import logging
import signal
import sys
import warnings
from collections.abc import Callable, Collection
from contextlib import redirect_stdout, suppress

from wavenet_jax import __version__
from wavenet_jax.cli import arguments, streams
from wavenet_jax.cli.arguments import COMMANDS, PROGRAM, Command
from wavenet_jax.cli.mistakes import all_options, did_you_mean, explain, in_flags, require_once
from wavenet_jax.errors import InputError, escape, require, show_short
from wavenet_jax.machine import reason

FAILED = (1, 2)  # exit codes


def main(words: list[str] | None = None) -> int:
    """Run the command line and return its exit code, as `answer` does."""
    if words is None:
        words = sys.argv[1:]
        _behave_as_a_process()
    code = answer(PROGRAM, lambda: _run(words), all_options())
    if code in FAILED and "jax" in sys.modules:
        _leave_others(code)
    return code


def _leave_others(code: int) -> None:
    """End at once where this process has failed, which others wait for."""
    from wavenet_jax import devices  # noqa: PLC0415

    if devices.has_joined():
        devices.leave_at_once(code)


def answer(program: str, call: Callable[[], int], options: Collection[str]) -> int:
    """Return the exit code of a call, after one sentence on standard error where it fails.

    0 for success, 1 where the file system fails, 2 for bad use, 130 or 143 if stopped.  Where an
    `InputError` names fields that are `options`, the sentence shows them as such.
    """
    code, sentence = _outcome(call, options)
    try:
        streams.flush_results()
    except OSError as error:
        code, sentence = code or 1, sentence or _failure(error)
    if sentence:
        streams.tell(f"{program}: {sentence}")
    return code


def _outcome(call: Callable[[], int], options: Collection[str]) -> tuple[int, str]:
    """Return the exit code of a call, and the sentence on why it fails, if it does."""
    try:
        return call(), ""
    except SystemExit as leave:  # after help, or at a signal
        return leave.code if isinstance(leave.code, int) else 0, ""
    except InputError as error:
        # An error of no field is not the command line's: a file may name its own fields.
        return 2, in_flags(str(error), options, error.field) if error.field else str(error)
    except KeyboardInterrupt:
        return 130, ""
    except BrokenPipeError:  # whoever read standard output has gone, as in `| head`
        streams.discard_results()
        return 0, ""
    except OSError as error:
        return 1, _failure(error)


def _failure(error: OSError) -> str:
    return escape(f"{error.filename or 'the system'}: {reason(error)}.")


def _behave_as_a_process() -> None:
    # Ctrl-C ends the process at once, also in the middle of an import; training notes it instead.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    streams.prepare()
    _be_silent_of_what_orbax_leaves()


def _be_silent_of_what_orbax_leaves() -> None:
    """Print nothing of the reads that are left behind where one fails, which a sentence tells of.

    Their failures, traceback and all, come whenever threads and the garbage collector bring them.
    """
    sys.unraisablehook = lambda _: None
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)


def _run(words: list[str]) -> int:
    if not words:
        with redirect_stdout(sys.stderr), suppress(SystemExit):
            arguments.show_help(["--help"])
        return 2
    if words == ["--version"]:
        print(f"{PROGRAM} {__version__}")
        return 0
    return _call(parse_command(*words))


def parse_command(name: str, *words: str) -> Command:
    """Return the command that the words spell; raise `InputError` where they spell none.

    Leaves where they ask for help.
    """
    if name in ("-h", "--help") or name.startswith("--tyro-"):  # completion in a shell
        arguments.show_help([name, *words])
    require(
        name in COMMANDS,
        f"command {show_short(name)} is unknown, expected {', '.join(COMMANDS)}"
        f"{did_you_mean(name, COMMANDS) or '.'}",
    )
    try:
        command = arguments.parse(name, list(words))
    except SystemExit as leave:
        if leave.code:
            raise _input_error(leave) or InputError(
                explain(COMMANDS[name], f"{PROGRAM} {name}", list(words))
            ) from None
        raise
    require_once(COMMANDS[name], list(words))
    return command


def _input_error(error: BaseException | None) -> InputError | None:
    """Return the `InputError` that tyro has turned into an error of its own, if there is one."""
    while error is not None and not isinstance(error, InputError):
        error = error.__context__
    return error


def _join(command: arguments.Train | arguments.Resume) -> None:
    """Let this process train with others, where it has some."""
    from wavenet_jax import devices  # noqa: PLC0415

    def give_up(sentence: str) -> None:
        streams.tell(f"{PROGRAM}: {in_flags(sentence, all_options(), 'coordinator')}")
        devices.leave_at_once(2)

    place = command.place
    devices.join_processes(place.coordinator, place.processes, place.process, give_up)


def _together(call: Callable[[], int]) -> int:
    """Return what a call returns; end at once where a signal ends it, which others wait for."""
    try:
        return call()
    except SystemExit as leave:
        if isinstance(leave.code, int):
            _leave_others(leave.code)
        raise


def _call(command: Command) -> int:
    from wavenet_jax import devices  # noqa: PLC0415  imports JAX
    from wavenet_jax.cli import commands, process  # noqa: PLC0415

    logging.getLogger("absl").setLevel(logging.CRITICAL)  # Orbax logs what a sentence says
    if not isinstance(command, arguments.Data | arguments.Verify):
        if isinstance(command, arguments.Train | arguments.Resume):
            _join(command)
        devices.use_device(command.device)
        devices.pin_settings()
        devices.use_compilation_cache()
        if isinstance(command, arguments.Train | arguments.Resume):
            process.stderr.quiet = not devices.is_first()  # the first says all, but for mistakes
            devices.require_same_start(type(command).__name__, command.place.processes)
    match command:
        case arguments.Train():
            code = _together(lambda: commands.train(command))
        case arguments.Resume():
            code = _together(lambda: commands.resume(command))
        case arguments.Evaluate():
            code = commands.evaluate(command)
        case arguments.Inspect():
            code = commands.inspect(command)
        case arguments.Score():
            code = commands.score(command)
        case arguments.Sample():
            code = commands.sample(command)
        case arguments.Verify():
            code = commands.verify(command)
        case arguments.Data():
            code = commands.data(command)
    return code
