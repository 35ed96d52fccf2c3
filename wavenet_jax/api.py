"""The lines that people write: train or load a model, then evaluate, score and sample.

import wavenet_jax as wn

model = wn.train(data="names.txt")
model.evaluate().val
model.score(["anna", "xnna"])
model.sample(20, prefix="ma", pattern=".*[aeiou]")
"""

import logging
import math
import os
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from wavenet_jax.config import AUTO, Config, DataConfig, Recipe, SampleConfig, parse_labels
from wavenet_jax.data import (
    Dataset,
    Splits,
    corpus_from_documents,
    dataset_from_list,
    dataset_from_text,
    load_dataset,
)
from wavenet_jax.devices import use_compilation_cache
from wavenet_jax.errors import conform, pluralize, require, require_names, show_short
from wavenet_jax.evaluation import (
    Evaluation,
    Score,
    evaluate_splits,
    nats_by_labels,
    require_scorable,
    score_labels,
    score_texts,
)
from wavenet_jax.nn import Variables, WaveNet, count_parameters, init_variables, network_for
from wavenet_jax.runs import (
    extend_run,
    is_finished,
    load_run,
    open_checkpoints,
    prepare_run,
    read_validations,
    record_new,
    record_resumed,
    reopen_run,
    warm_start,
)
from wavenet_jax.sampling import generate_documents, generate_texts
from wavenet_jax.training import StepInfo, fit

LOGGER = logging.getLogger("wavenet_jax")
IN_MEMORY = "(in memory)"  # the name of data that no file holds


@dataclass(frozen=True, eq=False, repr=False)  # arrays have no equality that is true or false
class LanguageModel:
    """A trained model as a value: its configuration, its data and its variables.

    Attributes:
        config: The configuration of the run.
        data: The vocabulary and the splits.
        variables: Parameters and BatchNorm's running statistics.
    """

    config: Config
    data: Dataset
    variables: Variables

    @property
    def network(self) -> WaveNet:
        """Return the Flax module that `variables` belong to."""
        return network_for(self.config.model, self.data)

    def __post_init__(self) -> None:
        conform("config", self.config, Config)
        conform("data", self.data, Dataset)
        _require_variables(self.network, self.variables)

    def __repr__(self) -> str:
        """Return the data and the sizes in a line."""
        model, data = self.config.model, self.data
        extent, symbols = "a text", "characters"
        if data.kind == "list":
            extent = f"a list of {pluralize(len(data.documents), 'document')}"
        elif data.kind == "audio":
            extent, symbols = f"recordings at {data.rate:,} Hz", "levels"
        return (
            f"LanguageModel({self.config.data.title!r}, {extent}, {len(data.vocab) - 1} {symbols}, "
            f"{count_parameters(self.variables['params']):,} parameters, "
            f"{len(model.dilations)} {model.layer} layers of {model.n_hidden}, "
            f"receptive field {model.receptive_field:,})"
        )

    def evaluate(self) -> Splits[Evaluation]:
        """Return the exact loss of train, val and test, in nats and bits per token.

        Documents are evaluated with their labels, if they have any.
        """
        losses = evaluate_splits(self.network, self.variables, self.data.splits)
        return Splits(*(each.per(self.config.data.unit) for each in losses))

    def score(
        self, texts: Iterable[str], *, text_start: bool = False, label: tuple[str, ...] = ()
    ) -> list[Score]:
        """Return the negative log-likelihood of each text, by character and in total, in nats.

        Parts of a text are scored from a line's beginning, with `text_start` from the text's;
        documents with the labels given, such as `label=("language=Italian",)`.
        Raises `InputError` for no texts, unknown labels, and characters that the vocabulary does
        not know.
        """
        several = self._several(texts, "score")
        vocab, is_text = self.data.vocab, self.data.is_text
        given = parse_labels(conform("label", label, tuple[str, ...]))
        return score_texts(
            self.network,
            self.variables,
            vocab,
            several,
            is_text=is_text,
            text_start=text_start,
            labels=self.data.scored_labels(given),
        )

    def classify(
        self, texts: Iterable[str], by: str, *, label: tuple[str, ...] = ()
    ) -> list[dict[str, float]]:
        """Return the probability of each label of the kind `by`, for each text, by Bayes.

        The prior is how often the training documents have the label.  Labels of other kinds are
        averaged over, or as given.  Raises `InputError` for a kind that they do not have, and as
        `score` does.
        """
        given = parse_labels(conform("label", label, tuple[str, ...]))
        counts = self.data.counts_by(conform("by", by, str), given)
        several, vocab = self._several(texts, "classify"), self.data.vocab
        require_scorable(vocab, several, is_text=False)
        corpus = corpus_from_documents(several, vocab)
        nats = nats_by_labels(self.network, self.variables, corpus, counts)
        scores = score_labels(nats, self.data.labels, counts, by)
        return [
            dict(zip(scores.labels, row, strict=True))
            for row in np.exp(scores.log_posterior).tolist()
        ]

    def sample(self, n: int | None = None, **options: Any) -> list[str]:
        """Return n new documents, or texts, that meet the options.

        The options are the fields of `SampleConfig`, such as `seed`, `prefix`, `pattern`,
        `max_length` and `temperature`.  Sample i depends on the model, the options and i alone;
        without a seed, one is drawn, so that two calls differ.
        Raises `InputError` for unknown options, and where too few samples meet them.
        """
        require_names(options, [option.name for option in fields(SampleConfig)])
        self._require_words("sample")
        config = SampleConfig(n=n, **options)
        if self.data.is_text:
            texts = generate_texts(self.network, self.variables, self.data.vocab, config)
            return ["".join(pieces) for pieces in texts]
        documents = generate_documents(self.network, self.variables, self.data, config)
        return [document.sample.text for document in documents]

    def _several(self, texts: Any, method: str) -> list[str]:
        """Return texts that are given to a method; raise `InputError` where they are no list."""
        require(
            not isinstance(texts, str),
            f"texts is {show_short(texts)}, expected a list of texts; put it in [ ].",
            "texts",
        )
        self._require_words(method)
        return list(conform("texts", texts, tuple[str, ...]))

    def _require_words(self, method: str) -> None:
        require(
            self.data.kind != "audio",
            f"{method} is of strings, but the model was trained on recordings, expected a model of "
            "a list or a text; draw sound by wavenet_jax.sampling.generate_sounds.",
        )


def train(
    config: str | os.PathLike[str] | Config = AUTO,
    *,
    run_dir: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    on_step: Callable[[StepInfo], object] = lambda _: None,
    **options: Any,
) -> LanguageModel:
    """Train a model and return it with the best variables by validation loss.

    Ctrl-C, or stopping the cell of a notebook, ends the training with the best variables so far.

    Args:
        config: "auto", which plans by the data, a preset such as "makemore", a configuration, or
            the folder of a run, whose configuration is taken.
        run_dir: Folder of the run; None keeps the run in memory.
        overwrite: Replace the run in `run_dir`.
        on_step: Is called with a `StepInfo` after every report; `print` shows a line of each.
        **options: Fields of any section of the configuration, such as `data="names.txt"`,
            `steps=1_000` or `n_hidden=64`.  Instead of `data`, `documents` takes a list of strings
            and `text` one string; beside `documents`, `labels` takes a list for each kind, such as
            `{"language": ["French", "Italian"]}`, with the label of each document.

    Raises `InputError` for options, data or a folder that cannot be used, and
    `DivergenceError` where training diverges.

    >>> import wavenet_jax as wn
    >>> model = wn.train(n_hidden=16, steps=100)
    >>> model.evaluate().val.all.nats_per_character < 2.6
    True
    >>> [score.rank for score in model.score(["anna", "xqxq"])]
    [1, 2]
    >>> [name[:2] for name in model.sample(3, prefix="ma", pattern=".*[aeiou]", seed=0)]
    ['ma', 'ma', 'ma']
    """
    overwrite = conform("overwrite", overwrite, bool)
    _require_callable(on_step)
    base = config if isinstance(config, Config) else conform("config", config, str)
    load_data, recipe = _take_data(options), Recipe(base, options)
    use_compilation_cache()
    if run_dir is None:
        data = load_data(recipe.data_config(), None)
        _log(data.notes)
        chosen = recipe.config(data.extent)
        infos = _fit(chosen, data)
        return LanguageModel(chosen, data, _best_info(infos, on_step).variables)
    with prepare_run(_folder(run_dir), recipe, load_data, overwrite=overwrite) as run:
        _log(run.data.notes)
        infos = record_new(run, _fit(run.config, run.data), overwrite=overwrite)
        return LanguageModel(run.config, run.data, _best_info(infos, on_step).variables)


def _fit(config: Config, data: Dataset) -> Generator[StepInfo, None, None]:
    """Train from fresh weights, or those of the run that the configuration names."""
    start = warm_start(config, data)
    if start is not None:
        _log([start.note])
    model = network_for(config.model, data)
    return fit(model, config, data.splits, None if start is None else start.state)


def _require_callable(on_step: Any) -> None:
    require(
        callable(on_step),
        f"on_step is {show_short(on_step)}, expected a function of a StepInfo, such as print.",
        "on_step",
    )


def _log(notes: Iterable[str]) -> None:
    """Log what a user should know; without a logger it appears on standard error."""
    for note in notes:
        LOGGER.warning(note)


def _take_data(options: dict[str, Any]) -> Callable[[DataConfig, Path | None], Dataset]:
    """Take documents or a text out of the options; return what loads these, or reads files."""
    given = [name for name in ("data", "documents", "text") if name in options]
    require(
        len(given) <= 1,
        f"{' and '.join(given)} are given, expected one of them; leave the others out.",
    )
    if "documents" in options:
        documents = options.pop("documents")
        require(
            isinstance(documents, Iterable) and not isinstance(documents, Mapping),
            f"documents is {show_short(documents)}, expected a list of strings.",
            "documents",
        )
        labels = options.pop("labels", {})
        require(
            isinstance(labels, Mapping),
            f"labels is {show_short(labels)}, expected a list for each kind beside documents, such "
            "as {'language': ['French', 'Italian']}.",
            "labels",
        )
        options["data"], options["kind"] = IN_MEMORY, options.get("kind", "list")
        return lambda config, _: dataset_from_list(documents, config, labels)
    if "text" in options:
        text = options.pop("text")
        options["data"], options["kind"] = IN_MEMORY, options.get("kind", "text")
        return lambda config, _: dataset_from_text(text, config)
    return load_dataset


def resume(
    run_dir: str | os.PathLike[str],
    *,
    steps: int | None = None,
    epochs: float | None = None,
    on_step: Callable[[StepInfo], object] = lambda _: None,
) -> LanguageModel:
    """Continue an interrupted run to its end, or a finished run for longer, and return its best.

    An interrupted run ends as if it had never been interrupted.  A finished run trains for as many
    more steps, or epochs, as are given, with the learning rate that it ended with; without either,
    it is loaded as it is.  Raises `InputError` when there is no run or it is damaged, or cannot go
    on, and `DivergenceError`.
    """
    _require_callable(on_step)
    use_compilation_cache()
    with reopen_run(_folder(run_dir)) as (found, state, notes):
        _log(notes)
        run, step = found, int(state.step)
        if steps is not None or epochs is not None:
            run = extend_run(run, step, steps=steps, epochs=epochs)
        if not is_finished(run, step):
            validations = read_validations(run, step)
            infos = fit(run.model, run.config, run.data.splits, state, validations)
            _best_info(record_resumed(run, infos, step), on_step)
    return load(run_dir)


def _best_info(
    infos: Generator[StepInfo, None, None], on_step: Callable[[StepInfo], object]
) -> StepInfo:
    """Run to the end and return the info with the lowest validation loss.

    Without validation it is the last.  An interruption after the first info ends the run.
    """
    best, last, lowest = None, None, math.inf
    with closing(infos):
        try:
            for info in infos:
                last = info
                if info.val_loss is not None and info.val_loss < lowest:
                    best, lowest = info, info.val_loss
                on_step(info)
        except KeyboardInterrupt:
            if last is None:
                raise
            warnings.warn(f"training was interrupted after step {last.step:,}", stacklevel=3)
    chosen = best or last
    assert chosen is not None  # a run has at least one step
    return chosen


def load(
    run_dir: str | os.PathLike[str], checkpoint: Literal["best", "latest"] = "best"
) -> LanguageModel:
    """Return the model of a run folder; raise `InputError` when there is none or it is damaged."""
    run = load_run(_folder(run_dir))
    use_compilation_cache()
    with open_checkpoints(run) as checkpoints:
        _, variables = checkpoints.restore_variables(checkpoint)
    _log(checkpoints.notes)
    return LanguageModel(run.config, run.data, variables)


def _folder(run_dir: Any) -> Path:
    """Return the path of a run folder; raise `InputError` where none is given."""
    require(
        isinstance(run_dir, str | os.PathLike) and os.fspath(run_dir) != "",
        f"run_dir is {show_short(run_dir)}, expected a folder such as runs/names.",
        "run_dir",
    )
    return Path(run_dir)


def _require_variables(network: WaveNet, variables: Any) -> None:
    """Raise `InputError` unless the variables have the shapes of the network's."""
    meant = _shapes(jax.eval_shape(lambda: init_variables(network, jax.random.key(0))))
    given = _shapes({"batch_stats": {}, **variables} if isinstance(variables, dict) else variables)
    for name in [*meant, *given]:
        require(
            meant.get(name) == given.get(name),
            f"variables{name} is {given.get(name, 'missing')}, expected "
            f"{meant.get(name, 'nothing')} for this configuration and these "
            f"{network.vocab_size - 1} characters; give those of the same model.",
            "variables",
        )


def _shapes(variables: Any) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array by its place, such as `['params']['head']`."""
    leaves, _ = jax.tree.flatten_with_path(variables)
    return {jax.tree_util.keystr(path): np.shape(leaf) for path, leaf in leaves}
