"""Does the preset of sound predict one voice, beside what is simple?

    python experiments/one_voice.py PACKAGE --work voice

PACKAGE is the unpacked Debian package asterisk-core-sounds-en-wav 1.6.1: 568 prompts of one voice,
25 minutes at 8 kHz.  Ordered by the SHA-256 of their paths in it, the last tenth is the test.

Claim: in ten minutes of training on two cores the preset beats linear prediction by a quarter of a
bit.

Measured on 2026-11-26, two cores of an AMD EPYC, seed 0; ± is the standard error by recording:

                                     bits a sample     minutes of training
    frequencies of levels            7.488 ± 0.022
    pairs of levels                  5.430 ± 0.034
    linear prediction of order 16    3.922 ± 0.037
    preset speech                    3.763 ± 0.033     6
    the same, 7,800 steps            3.612 ± 0.032     10

A run that stands in the work folder is not trained again.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any

from common.command import run
from common.tables import markdown
from spoken_digits_study import models, references
from spoken_digits_study.recordings import cut_recordings
from tyro.conf import Positional

import wavenet_jax as wn
from wavenet_jax.data import Splits
from wavenet_jax.errors import require

RUNS: dict[str, dict[str, Any]] = {
    "preset speech": {},
    "the same, 7,800 steps": {"steps": 7_800, "eval_every": 1_950},
}


def main(
    package: Annotated[Path, Positional], work: Path | None = None, quick: bool = False
) -> None:
    """Print the bits per sample of the references and the preset on the prompts of the test.

    Args:
        package: The folder of the package.
        work: Folder of the recordings and the runs; by default a temporary one.
        quick: A tiny network and few steps, to see that everything works.
    """
    work = work or Path(tempfile.mkdtemp())
    prompts = work / "prompts"
    if not prompts.exists():
        copy_split(package, prompts)
    rows = dict[str, dict[str, float]]()
    for title, options in RUNS.items():
        model = train(prompts, work / f"{options.get('steps', 'preset')}", quick, options)
        if not rows:
            digits = Splits(*(cut_recordings(c, model.data.labels) for c in model.data.splits))
            rows |= {name: models.bits(loss) for name, loss in references.measure(digits).items()}
        rows[title] = models.corpus_bits(model, model.data.splits.test)
    shown = [[name, *(f"{each:.3f}" for each in row.values())] for name, row in rows.items()]
    print(markdown(["", "bits per sample", "standard error"], shown))


def copy_split(package: Path, prompts: Path) -> None:
    """Copy the recordings to train/ and test/ of a folder, the last tenth by SHA-256 to test/."""
    found = [path for path in package.rglob("*.wav") if not path.is_symlink()]
    require(len(found) >= 10, f"{package} has {len(found)} recordings, expected the package's.")
    paths = [path.relative_to(package).as_posix() for path in found]
    paths.sort(key=lambda path: hashlib.sha256(path.encode()).hexdigest())
    for index, path in enumerate(paths):
        split = "test" if index >= len(paths) - len(paths) // 10 else "train"
        (prompts / split).mkdir(parents=True, exist_ok=True)
        shutil.copy(package / path, prompts / split / path.replace("/", "_"))


def train(prompts: Path, run_dir: Path, quick: bool, options: dict[str, Any]) -> wn.LanguageModel:
    """Return the preset trained on the prompts, or what the run folder has of it."""
    if run_dir.exists():
        return wn.resume(run_dir)
    settings = {"test_pattern": "/test/", "val_fraction": 0.05, **options}
    settings |= models.QUICK.sound if quick else {}
    return wn.train(models.PRESET, data=str(prompts), run_dir=run_dir, on_step=print, **settings)


if __name__ == "__main__":
    run(main)
