"""The trained models of sound: how they are trained, what they predict, and how fast they draw."""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from common.pool import run_tasks

import wavenet_jax as wn
from spoken_digits_study.recordings import LABELS, RATE, SPLIT
from wavenet_jax.config import SampleConfig, preset
from wavenet_jax.data import Corpus, Dataset, LabelVocab, Splits, level_vocab
from wavenet_jax.evaluation import Loss, document_nll, index_corpus, total_loss
from wavenet_jax.nn import init_variables, network_for
from wavenet_jax.sampling import SoundPiece, generate_sounds

PRESET = "speech"
ROUNDS = 5  # recordings that are timed
DIGITS = LabelVocab((("digit", tuple("0123456789")), ("speaker", tuple("abcdef"))))


class Scale(NamedTuple):
    """How much is trained and generated."""

    sound: dict[str, Any]  # options instead of the preset's
    names: dict[str, Any]  # options instead of the plan's
    each: int  # recordings on order of each digit by each speaker
    long: int  # seconds of a recording in which noise would run away


FULL = Scale({}, {}, each=5, long=60)
QUICK = Scale(
    {
        **{"n_embd": 4, "n_label": 2, "n_hidden": 8, "n_skip": 8, "dilations": (1, 2)},
        **{"seq_len": 64, "steps": 2, "eval_every": 2},
    },
    {"n_embd": 4, "n_label": 2, "n_hidden": 4, "dilations": (1, 2), "steps": 2},
    each=1,
    long=1,
)


def train(data: str, run_dir: Path, options: dict[str, Any], *, labelled: bool) -> wn.LanguageModel:
    """Return the preset trained on a folder of recordings, or what the run folder has of it."""
    if run_dir.exists():
        return wn.resume(run_dir)
    settings = {**SPLIT, **({"label_pattern": LABELS} if labelled else {}), **options}
    return wn.train(PRESET, data=data, run_dir=run_dir, on_step=print, **settings)


def corpus_bits(model: wn.LanguageModel, corpus: Corpus) -> dict[str, float]:
    """Return the loss of a corpus, with the labels that it has."""
    batches = index_corpus(model.network, corpus)
    return bits(total_loss(*document_nll(model.network, model.variables, corpus, batches)))


def bits(loss: Loss) -> dict[str, float]:
    """Return a loss in bits per sample, and its standard error by recording."""
    error = loss.standard_error / math.log(2)
    return {"bits per sample": loss.bits_per_character, "standard error": error}


def speed(memory: Path, seconds: float = 5.0) -> dict[str, dict[str, float]]:
    """Return how fast the preset draws on one core, with fresh weights, without labels and with."""
    kinds = {f"preset {PRESET}": LabelVocab(), f"preset {PRESET} with labels": DIGITS}
    tasks = {title: (seconds, labels) for title, labels in kinds.items()}
    return run_tasks(time_generation, tasks, memory, jobs=1)


def time_generation(task: tuple[float, LabelVocab]) -> dict[str, float]:
    """Return the samples per second of generating, the median of some recordings."""
    seconds, labels = task
    recording = Corpus(np.array([0, 1, 0], level_vocab().dtype))
    labelled = recording.with_labels(np.array([[labels.ids(kind)[0] for kind in labels.names]]))
    split = labelled if labels.kinds else recording
    data = Dataset(
        level_vocab(), Splits(*[split] * 3), [], Splits([], [], []), "audio", (), RATE, labels
    )
    model = network_for(preset(PRESET).model, data)
    variables = init_variables(model, jax.random.key(0))
    config = SampleConfig(n=ROUNDS + 1, seed=0, seconds=seconds)  # the first is to compile
    drawn = generate_sounds(model, variables, data, config)
    rate = float(np.median([_time(sound.pieces) for sound in drawn][1:]))
    times = {f"real time at {hertz:,} Hz": rate / hertz for hertz in (8_000, 16_000)}
    return {"samples/s": rate, **times}


def _time(pieces: Iterator[SoundPiece]) -> float:
    """Return how many samples a recording has per second that it takes."""
    started = time.perf_counter()
    count = sum(len(piece.levels) for piece in pieces)
    return count / (time.perf_counter() - started)
