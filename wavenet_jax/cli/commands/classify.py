"""Which labels documents have by a run: `--by` of `wavenet-jax score` and `evaluate`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wavenet_jax.cli import process, tables
from wavenet_jax.cli.arguments import Score
from wavenet_jax.cli.commands.common import print_notes
from wavenet_jax.data import (
    BOUNDARY_ID,
    Corpus,
    LabelCounts,
    corpus_from_documents,
    level_ids,
    read_levels,
)
from wavenet_jax.errors import pluralize, require
from wavenet_jax.evaluation import (
    Classification,
    LabelScores,
    Loss,
    classification,
    nats_by_labels,
    score_labels,
    total_loss,
    why_unscorable,
)
from wavenet_jax.nn import Variables
from wavenet_jax.runs import Run

MAX_LABELS = 3  # of a text among others


def read_recordings(run: Run, paths: Sequence[str]) -> Corpus:
    """Return recordings in files, read as those of a run are."""
    boundary = np.array([BOUNDARY_ID], run.data.vocab.dtype)
    parts = [boundary]
    for path in paths:
        levels, notes = read_levels(Path(path), run.config.data)
        print_notes(notes)
        parts += [level_ids(levels), boundary]
    return Corpus(np.concatenate(parts))


def print_scores_by(
    run: Run,
    variables: Variables,
    texts: list[str],
    recordings: Corpus | None,
    command: Score,
    counts: LabelCounts,
) -> int:
    """Print what each text, or recording of these names, says of the labels of a kind.

    Return how many texts cannot be scored; these are marked.
    """
    assert command.by is not None
    needs_text = not command.texts  # an empty line is no document
    why = [
        None if recordings else why_unscorable(run.data.vocab, text, is_text=needs_text)
        for text in texts
    ]
    good = [text for text, reason in zip(texts, why, strict=True) if reason is None]
    corpus = recordings or corpus_from_documents(good, run.data.vocab)
    scores = _scores(run, variables, corpus, command.by, counts) if good else None
    if command.json:
        rows = iter(_scores_json(scores) if scores else [])
        for text, reason in zip(texts, why, strict=True):
            process.print_json({"text": text} | ({"error": reason} if reason else next(rows)))
    else:
        if scores:
            print(_scores_table(good, scores, command.by))
        for text, reason in zip(texts, why, strict=True):
            if reason:
                print(f"{tables.in_a_line(text)}  error: {reason}")
    return len(texts) - len(good)


def _scores(
    run: Run, variables: Variables, corpus: Corpus, by: str, counts: LabelCounts
) -> LabelScores:
    nats = nats_by_labels(run.model, variables, corpus, counts)
    tracked: Iterator[np.ndarray] = process.track_labels(nats, len(counts.ids))
    return score_labels(tracked, run.data.labels, counts, by)


def evaluate_by(
    run: Run, variables: Variables, corpora: dict[str, Corpus], by: str, counts: LabelCounts
) -> dict[str, tuple[Classification, Loss]]:
    """Return how well the labels of a kind are told from the documents of each corpus.

    Beside it is the loss of the documents, their labels unknown.  Of the splits, train is left out:
    it is what the labels were learned from.
    """
    known, found = run.data.labels, {}
    for name, corpus in corpora.items():
        if name == "train" or corpus.num_predictions == 0:
            continue
        require(
            not corpus.is_text,
            f"{name} is a part of a document, too short to tell its {by}, expected whole ones; "
            "raise first.",
            "first",
        )
        ids = np.zeros(0) if corpus.labels is None else corpus.labels.ids[:, known.place(by)]
        labelled = np.flatnonzero(ids)
        require(
            len(labelled) > 0,
            f"{name} has no document with a {by} that train has, expected some; leave by out.",
        )
        scores = _scores(run, variables, corpus, by, counts)
        loss = total_loss(-scores.log_evidence, corpus.lengths + 1)
        truth = ids[labelled] - known.ids(by).start
        found[name] = classification(scores.of(labelled), truth), loss
        if left_out := len(ids) - len(labelled):
            process.say(
                f"{pluralize(left_out, 'document')} of {name} count for the loss alone: train has "
                f"no document with their {by}."
            )
    return found


def print_classifications(
    found: dict[str, tuple[Classification, Loss]],
    unit: str,
    head: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    """Print a row per corpus: accuracy, the same by label, log-loss, and the documents' loss."""
    if as_json:
        splits = {
            name: {
                **{key: tables.finite(value) for key, value in each._asdict().items()},
                f"nats_per_{unit}": tables.finite(loss.nats_per_character),
                "standard_error": tables.finite(loss.standard_error),
            }
            for name, (each, loss) in found.items()
        }
        print(json.dumps(head | {"splits": splits}, indent=2, ensure_ascii=not process.is_utf8()))
    else:
        print(_classifications_table(found, unit))


def _scores_table(texts: Sequence[str], scores: LabelScores, by: str) -> str:
    """Return the likeliest labels of each text, of one text all labels with their likelihoods."""
    order = np.argsort(-scores.log_posterior, axis=1)
    posterior = np.exp(scores.log_posterior)
    if len(texts) == 1:
        rows = [[by, "log-likelihood", "posterior"]]
        rows += [
            [
                tables.visible(scores.labels[label]),
                f"{scores.log_likelihood[0, label]:,.3f}",
                _share(posterior[0, label]),
            ]
            for label in order[0]
        ]
        return "\n".join(tables.table(rows, "<>>"))
    names = list(map(tables.visible, scores.labels))
    rows = [
        [tables.in_a_line(text), *(f"{names[label]} {_share(row[label])}" for label in best)]
        for text, row, best in zip(texts, posterior, order[:, :MAX_LABELS], strict=True)
    ]
    return "\n".join(tables.table(rows, "<" * len(rows[0])))


def _share(probability: float) -> str:
    return f"{100 * probability:.2f}%"


def _scores_json(scores: LabelScores) -> list[dict[str, Any]]:
    """Return the likeliest label of each text, and what it says of every label, as plain values."""
    return [
        {
            "label": scores.labels[int(posterior.argmax())],
            "log_likelihood": dict(zip(scores.labels, map(tables.finite, likelihood), strict=True)),
            "posterior": dict(zip(scores.labels, np.exp(posterior).tolist(), strict=True)),
        }
        for likelihood, posterior in zip(
            scores.log_likelihood.tolist(), scores.log_posterior, strict=True
        )
    ]


def _classifications_table(found: Mapping[str, tuple[Classification, Loss]], unit: str) -> str:
    short = tables.short(unit)
    rows = [["", "documents", "accuracy", "by label", "log-loss", f"nats/{short}", "± s.e."]]
    for name, (each, loss) in found.items():
        shares = [_share(each.accuracy), _share(each.macro_accuracy)]
        nats = map(tables.number, (each.log_loss, loss.nats_per_character, loss.standard_error))
        rows.append([tables.visible(name), f"{each.num_documents:,}", *shares, *nats])
    return "\n".join(tables.table(rows, "<>>>>>>"))
