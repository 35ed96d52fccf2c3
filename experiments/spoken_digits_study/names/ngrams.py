"""Character n-grams with Witten and Bell's smoothing.

    p(c | h) = (n(h, c) + t(h) · p(c | h')) / (n(h) + t(h))

n counts, t(h) is the number of different characters after h, and h' is h without its oldest
character; behind the empty history, all characters are equally likely.

Source: Witten and Bell, The zero-frequency problem, IEEE Transactions on Information Theory 37(4),
1991, method C.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

END = "\0"


class NGram:
    """A model of names that sees n - 1 characters."""

    def __init__(self, names: Iterable[str], n: int, vocab_size: int) -> None:
        self.n, self.vocab_size = n, vocab_size  # END is one of the vocabulary
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for name in names:
            for past, character in self._predictions(name):
                for start in range(n):
                    self._counts[past[start:]][character] += 1

    def nll(self, name: str) -> float:
        """Return the nats of a name, of its end among them."""
        return -sum(math.log(self._probability(*each)) for each in self._predictions(name))

    def _predictions(self, name: str) -> Iterable[tuple[str, str]]:
        """Return the n - 1 characters before each character, and that."""
        line = END * (self.n - 1) + name + END
        return [(line[i : i + self.n - 1], line[i + self.n - 1]) for i in range(len(name) + 1)]

    def _probability(self, past: str, character: str) -> float:
        probability = 1 / self.vocab_size
        for start in reversed(range(self.n)):
            counts = self._counts.get(past[start:])
            if counts is None:  # what is longer has not occurred either
                break
            share = len(counts) / (counts.total() + len(counts))
            probability = share * probability + (1 - share) * counts[character] / counts.total()
        return probability
