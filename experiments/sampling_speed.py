"""How fast are names drawn, against the lecture's loop in PyTorch in the same run?

    pip install 'wavenet-jax[torch]'
    wavenet-jax data makemore
    python experiments/sampling_speed.py

The lecture's network of 76,579 parameters, trained for 20,000 steps so that names have the length
of names, and the same weights in PyTorch, by hand as in the lecture and with torch.nn, which draw
one name at a time as the lecture does.  All is timed without compilation and with the results as
text; medians of `--rounds`.

Claim: at least 40 times the lecture's names per second, 100 times as an aim; a pattern makes a
character take at most half as long again; a pattern is compiled in 50 ms.
Measured on 2026-11-25 with seed 0 and --rounds 7, jax 0.10.2, PyTorch 2.13.0, two cores of an Intel
Xeon (AVX-512):

    1. drawing names: ours 7.174 µs/name (x1.00), by hand 577.4 µs/name (x80.48),
           torch.nn 704.4 µs/name (x98.19)
       139,395 names/s
    2.  names  milliseconds  µs/name
            1          2.28  2,281.11
           10          3.25   324.84
          100          3.55    35.54
        1,000         13.88    13.88
       10,000         67.76     6.78
      100,000        806.04     8.06
        lanes  µs/name of 10,000
            1    24.30
            8     8.34
           32     6.93
           64     6.61
          128     6.34
          256     6.56
        1,024     8.24
    3.                       µs/name  ns/character  ratio  attempts
       free                     6.80           948   1.00      1.00
       pattern .*[aeiou]        7.97           909   0.96      1.00
       the pattern, exact      15.05         2,100   2.21      2.47
       names to order           7.34           904   0.95      1.00
       to order, exact         17.37         2,283   2.41      2.86
       temperature 0.8          6.46           913   0.96      1.00
       top-k 10                12.54         1,759   1.85      1.00
       top-p 0.9               14.36         2,036   2.15      1.00
    4. one name: 2.49 ms
       its first character: 1.75 ms
       one name on one lane: 1.62 ms
       the first 64 characters of a text: 1.26 ms
    5. compiling 'names to order': 0.62 ms

Three other runs gave x93.90, x88.61 and x85.71 (torch.nn x111.63, x106.49, x105.42): the aim of 100
times the lecture by hand is missed by 6 to 20 %.  What brought it from 37 µs a name, by scratch
measurements: lanes that begin the next name where one ends, with a clock in common for their
caches, and one random number a character instead of one for each letter of the alphabet, 12 to 16;
a block of names for each core instead of both cores in each product, 8.4; larger blocks 7.2; the
first layer folded into the embedding 6.2.  What is left is matrix products, at 85 % of what one
core does in float32.  What would bring it further: the second layer's products looked up as well,
31 % less a step, at the price of a second way to write a layer; not done.
"""

import importlib
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import lecture_speed
import tyro
from lecture_speed import Ours, seconds

from wavenet_jax import config, constraints, corpus, rules, sample
from wavenet_jax.automata import Automaton
from wavenet_jax.rules import Rules
from wavenet_jax.sample import Sample
from wavenet_jax.strategies import Strategy
from wavenet_jax.vocab import Vocab

TRAINED = 20  # thousands of steps
MAX_LENGTH = 30
NUMBERS = (1, 10, 100, 1_000, 10_000, 100_000)
LANES = (1, 8, 32, 64, 128, 256, 1_024)
MANY, FEW = 10_000, 200  # names drawn at a time by ours and by the lecture's loop


def median(call: Callable[[], object], rounds: int) -> float:
    """Return the median seconds of a call, its first time left out."""
    call()
    return statistics.median(seconds(call) for _ in range(rounds))


def wanted(vocab: Vocab) -> Automaton:
    """Compile README's names to order: from ma to a vowel, 5 to 8 letters, no q, no x."""
    parts = {
        "prefix": constraints.beginning(vocab, "ma"),
        "pattern": constraints.pattern(vocab, ".*[aeiou]"),
        "forbid": constraints.alphabet(vocab, None, "qx"),
    }
    return constraints.require_feasible(vocab, parts, min_length=5, max_length=8)


def against_torch(draw: Callable[..., list[Sample]], ours: Ours, rounds: int) -> None:
    """Print microseconds per name of ours and of the lecture's loop, and the ratios."""
    windows = importlib.import_module("torch_lecture").windows
    train_windows, val_windows = (windows(part) for part in ours.data.parts[:2])
    models = lecture_speed.torch_models(ours, train_windows, val_windows)
    calls: dict[str, Callable[[], Any]] = {"ours": partial(draw, n=MANY)}
    calls |= {name: partial(models[name].sample, FEW, seed=0) for name in ("by hand", "torch.nn")}
    scales = {name: 1e6 / (MANY if name == "ours" else FEW) for name in calls}
    times = lecture_speed.medians(calls, rounds)
    lecture_speed.show("1. drawing names", "µs/name", scales, times)
    print(f"   {MANY / times['ours']:,.0f} names/s")


def growth(draw: Callable[..., list[Sample]], rounds: int) -> None:
    """Print how the time grows with the number of names and with the lanes."""
    print("2.  names  milliseconds  µs/name")
    for n in NUMBERS:
        time = median(partial(draw, n=n), rounds)
        print(f"{n:9,}  {1e3 * time:12,.2f}  {1e6 * time / n:7,.2f}", flush=True)
    print(f"    lanes  µs/name of {MANY:,}")
    for lanes in LANES:
        time = median(partial(draw, n=MANY, lanes=lanes), rounds)
        print(f"{lanes:9,}  {1e6 * time / MANY:7.2f}", flush=True)


def constrained(draw: Callable[..., list[Sample]], vocab: Vocab, rounds: int) -> None:
    """Print what constraints and strategies cost, by name and by character."""
    order = rules.tables(wanted(vocab))
    vowel = rules.tables(constraints.pattern(vocab, ".*[aeiou]"))
    ways: dict[str, dict[str, Any]] = {
        "free": {},
        "pattern .*[aeiou]": {"rules": vowel},
        "the pattern, exact": {"rules": vowel, "exact": True},
        "names to order": {"rules": order, "max_length": 8},
        "to order, exact": {"rules": order, "max_length": 8, "exact": True},
        "temperature 0.8": {"strategy": Strategy(0.8)},
        "top-k 10": {"strategy": Strategy(top_k=10)},
        "top-p 0.9": {"strategy": Strategy(top_p=0.9)},
    }
    print(f"3. {'':20}  µs/name  ns/character  ratio  attempts")
    free = 0.0
    for name, options in ways.items():
        drawn = draw(n=MANY, **options)
        characters = sum(len(one.text) + one.ended for one in drawn)
        time = median(partial(draw, n=MANY, **options), rounds)
        free = free or time / characters
        attempts = sum(one.attempts for one in drawn) / MANY
        print(
            f"   {name:20}  {1e6 * time / MANY:7.2f}  {1e9 * time / characters:12,.0f}  "
            f"{time / characters / free:5.2f}  {attempts:8.2f}",
            flush=True,
        )


def latency(draw: Callable[..., list[Sample]], ours: Ours, rounds: int) -> None:
    """Print how long one name takes, its first character, and the first piece of a text."""
    print(f"4. one name: {1e3 * median(partial(draw, n=1), rounds):.2f} ms")
    first = median(partial(draw, n=1, max_length=1), rounds)
    print(f"   its first character: {1e3 * first:.2f} ms")
    one = median(partial(draw, n=1, lanes=1), rounds)
    print(f"   one name on one lane: {1e3 * one:.2f} ms")

    def piece() -> str:
        stream = sample.draw_stream(
            ours.model, ours.state.variables, ours.data.vocab, jax.random.key(0), length=10**6
        )
        return next(stream)

    print(f"   the first {sample.PIECE} characters of a text: {1e3 * median(piece, rounds):.2f} ms")


def compiled_pattern(vocab: Vocab, rounds: int) -> None:
    """Print how long compiling the names to order takes, tables included."""

    def compile_anew() -> Rules:
        return rules.tables(wanted(vocab))

    print(f"5. compiling 'names to order': {1e3 * median(compile_anew, rounds):.2f} ms")


def main(data: str = "makemore", rounds: int = 7) -> None:
    """Print the times.

    Args:
        data: makemore, once downloaded, or the path of its names.txt.
        rounds: How often each is timed.
    """
    ours = Ours(corpus.load(config.DataConfig(data=data)))
    for _ in range(TRAINED):
        ours.train()

    def draw(n: int, **options: Any) -> list[Sample]:
        options = {"max_length": MAX_LENGTH} | options
        variables, vocab = ours.state.variables, ours.data.vocab
        key = jax.random.key(0)
        return list(sample.draw_samples(ours.model, variables, vocab, key, n=n, **options))

    against_torch(draw, ours, rounds)
    growth(draw, rounds)
    constrained(draw, ours.data.vocab, rounds)
    latency(draw, ours, rounds)
    compiled_pattern(ours.data.vocab, rounds)


if __name__ == "__main__":
    tyro.cli(main)
