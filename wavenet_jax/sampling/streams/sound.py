"""Sound from a model of recordings, piece by piece as it is decoded."""

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from wavenet_jax import constraints
from wavenet_jax.config import SampleConfig
from wavenet_jax.constraints import UNLIMITED
from wavenet_jax.data import BOUNDARY_ID, FIRST_LEVEL_ID, Dataset, level_ids, level_vocab
from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.sampling.decode import DecodeParams
from wavenet_jax.sampling.labels import all_conditions, draw_labels, labels_to_draw
from wavenet_jax.sampling.strategies import sampling_params
from wavenet_jax.sampling.streams.chunks import Chunk, decode_chunks, start_state
from wavenet_jax.sampling.streams.text import text_params

MAX_SECONDS = 10.0  # of a recording that may end by itself


class SoundPiece(NamedTuple):
    """A piece of a recording that is being sampled."""

    levels: np.ndarray  # [T] uint8
    nll_nats: float  # of the recording from its first sample to here, its end included
    ended: bool  # whether the recording ends here by itself


class Sound(NamedTuple):
    """A recording that is being sampled."""

    labels: dict[str, str]  # by their kinds
    pieces: Iterator[SoundPiece]


def generate_sounds(
    model: WaveNet,
    variables: Variables,
    dataset: Dataset,
    config: SampleConfig = SampleConfig(),
    prompt: np.ndarray | None = None,
) -> Iterator[Sound]:
    """Return the recordings that meet the configuration, each in pieces as it is decoded.

    A recording of `seconds`, at the rate of the data, is cut from one that goes on.  Without them
    it ends where the model ends it, as those of the data do, or is cut off after ten.  With a
    prompt, levels `[T]` uint8, it goes on from there.
    Recording i depends on the model, the configuration, the prompt and i alone.  Raises
    `InputError` for labels that the data do not have.
    """
    config.require_kind("audio")
    assert dataset.rate is not None  # of recordings it is known
    length = max(1, round((config.seconds or MAX_SECONDS) * dataset.rate))
    seed = config.seeded().seed
    assert seed is not None
    root = root_key(seed, Purpose.SAMPLE)
    # Of an empty recording there is no file to write.
    free = constraints.combine(level_vocab(), {}, min_length=1, max_length=length)
    sampling = sampling_params(config, model.vocab_size)
    mask = constraints.compile_mask(free)
    may_end = config.seconds is None
    params = DecodeParams(mask, UNLIMITED, sampling) if may_end else text_params(mask, sampling)
    begun = level_ids(np.zeros(0, np.uint8) if prompt is None else prompt)
    context = jnp.asarray(begun, jnp.int32)
    labels = labels_to_draw(dataset, config)
    all_own = all_conditions(model, variables, labels)

    def begin(key: jax.Array) -> Sound:
        own, conditions = dict[str, str](), None
        if labels is not None and all_own is not None:
            drawn = int(draw_labels(key, labels))
            own, conditions = dataset.labels.decode(labels.ids[drawn]), all_own[drawn]
        state = start_state(model, variables, context, conditions)
        return Sound(own, _pieces(decode_chunks(model, variables, params, key, state, length)))

    return (begin(jax.random.fold_in(root, index)) for index in range(config.n or 1))


def _pieces(chunks: Iterator[Chunk]) -> Iterator[SoundPiece]:
    """Yield what chunks of tokens sound like, up to the end of the recording."""
    for tokens, nll_nats in chunks:
        ends = np.flatnonzero(tokens == BOUNDARY_ID)
        last = int(ends[0]) if len(ends) else len(tokens) - 1
        levels = (tokens[: last + (len(ends) == 0)] - FIRST_LEVEL_ID).astype(np.uint8)
        yield SoundPiece(levels, float(nll_nats[last]), len(ends) > 0)
        if len(ends):
            return
