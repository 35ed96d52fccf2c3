"""The lines that people write: train or load a model, then evaluate, score and sample.

import wavenet_jax as wn

model = wn.train("makemore", data="names.txt")
model.evaluate().val
model.score(["anna", "xnna"])
model.sample(20, prefix="ma", pattern=".*[aeiou]")
"""

import math
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jax

from wavenet_jax.config import Config, SampleConfig, preset, replace_fields
from wavenet_jax.data import Dataset, Splits, load_dataset
from wavenet_jax.errors import InputError, require
from wavenet_jax.evaluation import Evaluation, Score, evaluate_splits, score_texts
from wavenet_jax.nn import Variables, WaveNet
from wavenet_jax.runs import load_run, open_checkpoints, prepare_run, record_new
from wavenet_jax.sampling import generate_documents, generate_texts
from wavenet_jax.training import StepInfo, fit


@dataclass(frozen=True, eq=False)  # arrays have no equality that is true or false
class LanguageModel:
    """A trained model as a value: its configuration, its data and its variables.

    Attributes:
        config: The configuration of the run.
        data: The vocabulary and the splits.
        variables: Parameters and BatchNorm's running statistics.
    """

    config: Config
    data: Dataset = field(repr=False)
    variables: Variables = field(repr=False)

    @property
    def network(self) -> WaveNet:
        """Return the Flax module that `variables` belong to."""
        return WaveNet(self.config.model, len(self.data.vocab))

    def evaluate(self) -> Splits[Evaluation]:
        """Return the exact loss of train, val and test, in nats and bits per character."""
        return evaluate_splits(self.network, self.variables, self.data.splits)

    def score(self, texts: Iterable[str]) -> list[Score]:
        """Return the negative log-likelihood of each text, by character and in total, in nats.

        Raises `InputError` for no texts, and characters that the vocabulary does not know.
        """
        if isinstance(texts, str):
            raise InputError(f"texts is the string {texts!r}, expected a list of strings.", "texts")
        vocab, is_text = self.data.vocab, self.data.is_text
        return score_texts(self.network, self.variables, vocab, list(texts), is_text=is_text)

    def sample(self, n: int | None = None, **options: Any) -> list[str]:
        """Return n new documents, or texts, that meet the options.

        The options are the fields of `SampleConfig`, such as `seed`, `prefix`, `pattern`,
        `max_length` and `temperature`.  Sample i depends on the model, the options and i alone.
        Raises `InputError` for unknown options, and where too few samples meet them.
        """
        config = SampleConfig.of(n=n, **options)
        if self.data.is_text:
            texts = generate_texts(self.network, self.variables, self.data.vocab, config)
            return ["".join(pieces) for pieces in texts]
        documents = generate_documents(self.network, self.variables, self.data, config)
        return [document.sample.text for document in documents]


def train(
    config: str | Config = "makemore",
    *,
    run_dir: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    on_step: Callable[[StepInfo], object] = lambda _: None,
    **options: Any,
) -> LanguageModel:
    """Train a model and return it with the best variables by validation loss.

    Args:
        config: A preset such as "makemore", or a configuration.
        run_dir: Folder of the run; None keeps the run in memory.
        overwrite: Replace the run in `run_dir`.
        on_step: Is called with a `StepInfo` after every report; `print` shows a line of each.
        **options: Fields of any section of the configuration, such as `data="names.txt"`,
            `steps=1_000` or `n_hidden=64`.

    Raises `InputError` for options, data or a folder that cannot be used, and
    `NonFiniteLossError` where training diverges.

    >>> import wavenet_jax as wn
    >>> model = wn.train("makemore-fast", n_hidden=16, steps=300, report_every=100, eval_every=300)
    >>> model.evaluate().val.all.nats_per_character < 2.6
    True
    >>> [score.rank for score in model.score(["anna", "xqxq"])]
    [1, 2]
    >>> [name[:2] for name in model.sample(3, prefix="ma", pattern=".*[aeiou]", seed=0)]
    ['ma', 'ma', 'ma']
    """
    base = preset(config) if isinstance(config, str) else config
    if isinstance(options.get("data"), os.PathLike):
        options["data"] = os.fspath(options["data"])
    chosen = replace_fields(base, **options)
    if run_dir is None:
        data = load_dataset(chosen.data)
        chosen = replace_fields(chosen, kind=data.kind)
        infos = fit(WaveNet(chosen.model, len(data.vocab)), chosen, data.splits)
        return LanguageModel(chosen, data, _best_variables(infos, on_step))
    require(
        os.fspath(run_dir) != "", "run_dir is '', expected a folder such as runs/names.", "run_dir"
    )
    with prepare_run(Path(run_dir), chosen, overwrite=overwrite) as run:
        infos = record_new(run, fit(run.model, run.config, run.data.splits), overwrite=overwrite)
        return LanguageModel(run.config, run.data, _best_variables(infos, on_step))


def _best_variables(
    infos: Generator[StepInfo, None, None], on_step: Callable[[StepInfo], object]
) -> Variables:
    """Run to the end and return the variables with the lowest validation loss."""
    best, lowest = None, math.inf
    with closing(infos):
        for info in infos:
            if info.val is not None and info.val.nats_per_character < lowest:
                best, lowest = jax.device_get(info.state.variables), info.val.nats_per_character
            on_step(info)
    assert best is not None  # `fit` validates at its last step
    return best


def load(
    run_dir: str | os.PathLike[str], checkpoint: Literal["best", "latest"] = "best"
) -> LanguageModel:
    """Return the model of a run folder; raise `InputError` when there is none or it is damaged."""
    run = load_run(Path(run_dir))
    with open_checkpoints(run) as checkpoints:
        _, variables = checkpoints.restore_variables(checkpoint)
    return LanguageModel(run.config, run.data, variables)
