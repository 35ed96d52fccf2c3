"""What a command needs of its process: signals."""

import signal

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

    with pytest.raises(SystemExit) as leave, process.signals_unwind():
        interrupt()
    assert leave.value.code == 130
    assert cleaned
    assert signal.getsignal(signal.SIGINT) is before
