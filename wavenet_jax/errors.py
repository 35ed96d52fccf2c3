"""How a user's mistake is said: one sentence, wherever it is found.  Imports no JAX."""


class InputError(Exception):
    """Says in one sentence which value a user gave, what was expected, and the remedy.

    The command line prints the sentence and exits with code 2.  It is no `ValueError`, so that
    nothing on the way mistakes it for a failure of its own.
    """


def require(condition: bool, sentence: str) -> None:
    """Raise `InputError` with the sentence unless the condition holds."""
    if not condition:
        raise InputError(sentence)


def counted(number: int, noun: str) -> str:
    """Return a number and what it counts, such as "1 sample" and "1,000 samples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
