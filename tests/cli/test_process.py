"""What a command needs of its process: signals, and what it may print."""

import json
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress

import pytest

from wavenet_jax.cli import process


def test_first_signal_is_noted_and_the_second_acts_as_before() -> None:
    acted = []
    before = signal.signal(signal.SIGTERM, lambda number, _: acted.append(number))
    try:
        with process.stop_signals() as received:
            signal.raise_signal(signal.SIGTERM)
            assert (received, acted) == ([signal.SIGTERM], [])
            signal.raise_signal(signal.SIGTERM)
            assert (received, acted) == ([signal.SIGTERM], [signal.SIGTERM])
        signal.raise_signal(signal.SIGTERM)
        assert len(acted) == 2
    finally:
        signal.signal(signal.SIGTERM, before)


def test_signals_unwind_through_finally() -> None:
    before, cleaned = signal.getsignal(signal.SIGINT), []

    def interrupt() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            cleaned.append(True)

    with pytest.raises(SystemExit) as leave, process.signals_unwind() as received:
        interrupt()
    assert leave.value.code == 130
    assert received == [signal.SIGINT]  # in case that Python loses the exception
    assert cleaned
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("manager", [process.stop_signals, process.signals_unwind])
@pytest.mark.parametrize("number", process.STOPS)
def test_every_stop_is_heeded_unless_it_was_ignored(
    manager: Callable[[], AbstractContextManager[list[int]]], number: int
) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with manager() as received:
            signal.raise_signal(number)  # as a closed terminal does to what nohup runs
        assert received == []
        signal.signal(number, signal.SIG_DFL)
        with suppress(SystemExit), manager() as received:
            signal.raise_signal(number)
        assert received == [number]
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("manager", [process.stop_signals, process.signals_unwind])
def test_off_the_main_thread_signals_are_left_alone(
    manager: Callable[[], AbstractContextManager[object]],
) -> None:
    before = signal.getsignal(signal.SIGINT)

    def enter() -> bool:
        with manager():
            return signal.getsignal(signal.SIGINT) is before

    with ThreadPoolExecutor() as pool:
        assert pool.submit(enter).result()


def test_json_and_notes_hold_nothing_that_a_terminal_obeys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "a\x9b\u202e\x7f\udce9é\u200d"
    process.print_json({"text": text})
    process.say("Note: \x1b[31m\nend")
    printed = capsys.readouterr()
    assert printed.out == '{"text": "a\\u009b\\u202e\\u007f\\udce9é\u200d"}\n'
    assert json.loads(printed.out) == {"text": text}
    assert printed.err == "Note: \\x1b[31m\nend\n"
