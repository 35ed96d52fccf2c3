"""What the trained models of sound generate: free and forced, and digits on order.

A free recording is drawn from the model alone, each sample from what it drew before.  A forced one
is drawn sample by sample from what the model predicts of a real recording, whose true samples it
sees: it follows that recording, and tells nothing of how the model goes on by itself.  A model with
labels sees those of the real recording, and draws free ones on order: each digit by each speaker.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import wavenet_jax as wn
from spoken_digits_study import sounds
from spoken_digits_study.recordings import RATE, Recording
from wavenet_jax.config import SampleConfig
from wavenet_jax.data import BOUNDARY_ID, FIRST_LEVEL_ID, decode_levels, level_ids
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.sampling import generate_sounds

DRAWN = 5  # recordings of each kind
SHOWN = 1  # second of each, at most
Rows = dict[str, dict[str, float]]


def generate(
    model: wn.LanguageModel,
    count: int,
    seed: int,
    *,
    seconds: float | None = None,
    label: tuple[str, ...] = (),
) -> list[Recording]:
    """Return free recordings; without seconds, as long as the model wants."""
    config = SampleConfig(n=count, seed=seed, seconds=seconds, label=label)
    return [
        Recording(np.concatenate([piece.levels for piece in sound.pieces]), sound.labels)
        for sound in generate_sounds(model.network, model.variables, model.data, config)
    ]


def order(model: wn.LanguageModel, each: int, seed: int) -> list[Recording]:
    """Return as many free recordings of each combination of labels in train; seeds count up."""
    counts, found = model.data.label_counts, list[Recording]()
    assert counts is not None
    for number, ids in enumerate(counts.ids):
        label = tuple(f"{kind}={name}" for kind, name in model.data.labels.decode(ids).items())
        found += generate(model, each, seed + number, label=label)
        print(f"{number + 1:4} of {len(counts.ids)}  {' '.join(label)}", flush=True)
    return found


def force(model: wn.LanguageModel, real: Sequence[Recording], seed: int) -> list[Recording]:
    """Return the forced counterpart of each recording, in which no sample is an end.

    All are filled up to one length, for which the run is compiled once; no sample sees later ones.
    """
    root, longest = jax.random.key(seed), max(len(each.levels) for each in real)
    forced = []
    for index, (levels, labels) in enumerate(real):
        context = np.zeros((1, longest), np.int32)
        context[0, 0], context[0, 1 : len(levels)] = BOUNDARY_ID, level_ids(levels[:-1])
        known = model.data.labels
        ids = np.tile(known.encode(labels), (1, longest, 1)) if known.kinds else None
        logits = _logits(model.network, model.variables, jnp.asarray(context), ids)
        key = jax.random.fold_in(root, index)
        drawn = jax.random.categorical(key, logits[0, :, FIRST_LEVEL_ID:])
        forced.append(Recording(np.asarray(drawn, np.uint8)[: len(levels)], labels))
    return forced


@partial(jax.jit, static_argnums=0)
def _logits(
    model: WaveNet, variables: Variables, tokens: jax.Array, labels: jax.Array | None
) -> jax.Array:
    return model.apply(variables, tokens, labels)


def describe(columns: Mapping[str, Sequence[Recording]]) -> Rows:
    """Return what recordings of each kind are like."""
    return {kind: sounds.describe(_samples(found), RATE) for kind, found in columns.items()}


def draw(columns: Mapping[str, Sequence[Recording]], picture: Path) -> None:
    """Draw recordings of a few labels, a column for each kind; each kind has one of all labels."""
    first, *_ = columns.values()
    chosen = [each.labels for each in first[:: len(first) // DRAWN + 1]]
    shown = {
        title: [each[: SHOWN * RATE] for each in _samples(first_of(found, chosen))]
        for title, found in columns.items()
    }
    sounds.draw(shown, [", ".join(labels.values()) for labels in chosen], RATE, picture)


def first_of(recordings: Sequence[Recording], wanted: Sequence[dict[str, str]]) -> list[Recording]:
    """Return the first recording with each of the labels that are wanted."""
    return [next(each for each in recordings if each.labels == labels) for labels in wanted]


def _samples(recordings: Sequence[Recording]) -> list[np.ndarray]:
    return [decode_levels(each.levels) for each in recordings]


def run_on(model: wn.LanguageModel, seed: int, seconds: int) -> Rows:
    """Return what the beginning and the end of a long free recording are like, a sixth each.

    If noise runs away, the end is louder and less periodic than the beginning.
    """
    (found,) = generate(model, 1, seed, seconds=seconds)
    samples = decode_levels(found.levels)
    sixth = len(samples) // 6
    parts = {
        "first sixth": samples[:sixth],
        "last sixth": samples[-sixth:],
        "loudest second": sounds.loudest_second(samples, RATE),
    }
    title = f"free, {seconds} s"
    return {f"{title}, {name}": sounds.describe([part], RATE) for name, part in parts.items()}
