"""What there is to beat: frequencies of levels, pairs of levels, and linear prediction.

Each returns nats for every prediction of a corpus, the end of each recording among them, so that
they are comparable with the package's losses.

Frequencies are counted on train.  Pairs fall back on them (MacKay and Peto, A hierarchical
Dirichlet language model, 1995):

    p(y | x) = (n(x, y) + α · p(y)) / (n(x) + α)

Linear prediction learns from the recording itself, sample by sample.  The prediction ŷ = w·u of the
16 samples u before minimises the squared errors of the past with exponential forgetting and a ridge
(recursive least squares), and each level gets the probability of its cell [a, b] under a mixture of
logistic distributions, whose scales follow the errors s of three spans of the past:

    w_t = argmin_w  Σ_{τ<t} λ^(t-1-τ) · (y_τ - w·u_τ)² + δ·|w|²
    p(level) = Σ_k π_k · [σ((b - ŷ) / c_k·s_k) - σ((a - ŷ) / c_k·s_k)]

λ, δ and π are chosen on recordings of train.  The end has a constant rate.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter
from scipy.special import expit

from spoken_digits_study.recordings import Recording, lay_out
from wavenet_jax.data import Corpus, Splits, decode_levels, level_vocab
from wavenet_jax.evaluation import Loss, sum_by_document, total_loss

ORDER = 16  # samples that a linear prediction sees
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # α
FORGETTINGS, RIDGES = (0.985, 0.99, 0.993), (1e-6, 1e-5, 1e-4)  # λ, δ
SPANS = (0.7, 0.9, 0.98)  # forgetting of the squared errors
WIDTHS = (0.5, 1.0, 2.0)  # c, times √3/π, with which a logistic distribution has deviation s
START, FLOOR = 1e-2, 1e-4  # of an error before there is one, and at the least
CHOSEN_ON = 60  # recordings of train
EDGES = decode_levels(np.arange(257) - 0.5)  # the cell of level q is from EDGES[q] to EDGES[q + 1]
EDGES[0], EDGES[-1] = -np.inf, np.inf


def measure(digits: Splits[list[Recording]]) -> dict[str, Loss]:
    """Return the loss of each reference on test."""
    corpora = Splits(*map(lay_out, digits))
    linear = fit_linear(digits.train[:CHOSEN_ON])
    return {
        "frequencies of levels": loss(unigram_nll(corpora.train, corpora.test), corpora.test),
        "pairs of levels": loss(bigram_nll(corpora), corpora.test),
        f"linear prediction of order {ORDER}": loss(linear_nll(linear, digits.test), corpora.test),
    }


def loss(nll: np.ndarray, corpus: Corpus) -> Loss:
    """Return the loss of a corpus by the nats of each prediction `[N]`, its error by recording."""
    return total_loss(*sum_by_document([nll], corpus))


def unigram_nll(train: Corpus, corpus: Corpus) -> np.ndarray:
    """Return the nats of each prediction `[N]` by the frequencies of train, each raised by 1/2."""
    return -np.log(_frequencies(train))[corpus.tokens[1:]]


def _frequencies(train: Corpus) -> np.ndarray:
    counts = np.bincount(train.tokens[1:], minlength=len(level_vocab())) + 0.5
    return counts / counts.sum()


def bigram_nll(corpora: Splits[Corpus]) -> np.ndarray:
    """Return the nats of each prediction of test `[N]` by pairs of train; α is the best on val."""
    size = len(level_vocab())
    pairs = corpora.train.tokens[:-1] * np.int64(size) + corpora.train.tokens[1:]
    counts = np.bincount(pairs, minlength=size**2).reshape(size, size)

    def nll(strength: float, corpus: Corpus) -> np.ndarray:
        mass = counts + strength * _frequencies(corpora.train)
        table = -np.log(mass / mass.sum(1, keepdims=True))
        return table[corpus.tokens[:-1], corpus.tokens[1:]]

    best = min(STRENGTHS, key=lambda strength: nll(strength, corpora.val).sum())
    return nll(best, corpora.test)


class Linear(NamedTuple):
    """Linear prediction as it was chosen."""

    forgetting: float  # λ
    ridge: float  # δ
    shares: np.ndarray  # π [K]
    end_rate: float  # the share of predictions that are ends


def fit_linear(recordings: Sequence[Recording]) -> Linear:
    """Choose λ, δ and π, by which the recordings have the highest likelihood."""
    sounds, choices = [each.levels for each in recordings], dict[float, Linear]()
    end_rate = len(sounds) / (sum(map(len, sounds)) + len(sounds))
    for forgetting, ridge in product(FORGETTINGS, RIDGES):
        cells = np.concatenate(list(_cells(sounds, forgetting, ridge)))
        shares = fit_shares(cells)
        likelihood = float(np.log(cells @ shares).sum())
        choices[likelihood] = Linear(forgetting, ridge, shares, end_rate)
    return choices[max(choices)]


def fit_shares(cells: np.ndarray, rounds: int = 20) -> np.ndarray:
    """Return the shares π `[K]` of a mixture that make `[N, K]` likeliest, by expectation steps."""
    shares = np.full(cells.shape[1], 1 / cells.shape[1])
    for _ in range(rounds):
        parts = cells * shares
        shares = (parts / parts.sum(1, keepdims=True)).mean(0)
    return shares


def linear_nll(linear: Linear, recordings: Sequence[Recording]) -> np.ndarray:
    """Return the nats of each prediction of the recordings laid end to end, `[N]`."""
    sounds, goes_on = [each.levels for each in recordings], math.log1p(-linear.end_rate)
    nll = []
    for cells in _cells(sounds, linear.forgetting, linear.ridge):
        nll += [-np.log(cells @ linear.shares) - goes_on, [-math.log(linear.end_rate)]]
    return np.concatenate(nll)


def _cells(sounds: Sequence[np.ndarray], forgetting: float, ridge: float) -> Iterator[np.ndarray]:
    """Yield the probability of each sample of each recording by each component, `[T, K]`."""
    samples = [decode_levels(levels) for levels in sounds]
    predicted = predict_linearly(samples, forgetting, ridge)
    for levels, true, middle in zip(sounds, samples, predicted, strict=True):
        low, high = EDGES[:-1][levels] - middle, EDGES[1:][levels] - middle
        deviations = [_running_error(true - middle, span) for span in SPANS]
        scales = [
            width * math.sqrt(3) / math.pi * deviation
            for deviation, width in product(deviations, WIDTHS)
        ]
        yield np.stack([_mass(low / scale, high / scale) for scale in scales], axis=1)


def _mass(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return σ(high) - σ(low), at least a little, without cancellation far to the right."""
    right = low > 0
    low, high = np.where(right, -high, low), np.where(right, -low, high)
    return expit(high) - expit(low) + 1e-9


def _running_error(errors: np.ndarray, span: float) -> np.ndarray:
    """Return the root of the mean square of the errors before each, `[T]`, recent ones foremost."""
    squares = lfilter([0, 1 - span], [1, -span], errors**2)
    return np.sqrt(squares + START**2 * span ** np.arange(len(errors)) + FLOOR**2)


def predict_linearly(
    sounds: Sequence[np.ndarray], forgetting: float, ridge: float
) -> list[np.ndarray]:
    """Return what is predicted of each sample of each recording, `[T]`, from those before.

    All recordings go side by side, the longest first, so that those that go on stand together.
    """
    order = sorted(range(len(sounds)), key=lambda index: -len(sounds[index]))
    lengths = np.array([len(sounds[index]) for index in order])
    padded = np.zeros((len(sounds), ORDER + lengths[0]))
    for row, index in zip(padded, order, strict=True):
        row[ORDER : ORDER + len(sounds[index])] = sounds[index]
    predicted = np.zeros((len(sounds), lengths[0]))
    moments = np.zeros((len(sounds), ORDER, ORDER + 1))  # Σ λ^… u·uᵀ and Σ λ^… u·y
    for time in range(lengths[0]):
        left = int(np.searchsorted(-lengths, -time))  # recordings longer than this
        window, sums = padded[:left, time : time + ORDER + 1], moments[:left]
        past = window[:, :-1]
        matrix = sums[:, :, :-1] + ridge * np.eye(ORDER)
        weights = np.linalg.solve(matrix, sums[:, :, -1:])[:, :, 0]
        predicted[:left, time] = (weights * past).sum(1)
        sums *= forgetting
        sums += past[:, :, None] * window[:, None, :]
    back = np.argsort(order)
    return [predicted[row, : len(sound)] for row, sound in zip(back, sounds, strict=True)]
