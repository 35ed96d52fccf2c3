"""Does a plain stack learn Shakespeare on a CPU as well as nanoGPT's transformer on a GPU?

    wavenet-jax data shakespeare
    python experiments/shakespeare.py --seeds 0 1 2

Trains the preset `shakespeare` on nanoGPT's split, the first nine tenths of the text, and prints
the loss on the last tenth after the last step, then the first 500 characters that the last seed's
model samples.  nanoGPT's own figures: 1.88 after about three minutes on a CPU, 1.47 for its GPU
model of 10.7M parameters.  Ours are over the whole of val, in nats per character.

Claim: at most 1.60 within three minutes on two cores, better 1.50.
Measured on 2026-11-25, jax 0.10.2, two cores of an Intel Xeon (AVX-512, 2 MB of L2 a core), after
the last step; the standard error is by stretches of 1,000 characters:

    characters 1,003,854 / 111,540
    seed   train     val    s.e.  compiling and training, seconds
       0  1.2323  1.4868  0.0172   161.1
       1  1.2344  1.4891  0.0161   157.4
       2  1.2354  1.4904  0.0165   150.6
    mean val 1.4888
    520,194 parameters, 3,500 steps

Scratch runs of one seed led here; they were compared on val, since there is no test split.  The
first stack, seven layers of 192 channels with dilations 1 to 64, GELU and little decay, reached
1.63.  A weight decay of 0.5 lowered the loss by 0.04.  Twelve layers of 144 channels with dilations
1, 2, 4 four times over, which together see 29 characters instead of 128, lowered it by another
0.07, and twice the steps by 0.05.  ReLU is a fifth faster than GELU and no worse.  Dropout of
activations, of tokens or of weights raised it by 0.02 and more at this length, K = 4 with four
layers by 0.08.  In the middle of a run the loss is far above its final value (1.77 after 1,000
steps): the fall of the learning rate to 0 brings the last 0.2.

The first 500 characters that seed 2's model samples, with seed 0:

  ALTHAv Plain Harrion, yet this
  nherity of Tyr.
  This is the cerelas and tractable strong.

  SHe requite in our gracious queen of the courbil! that
  I scall'd up reside: I will not rise,
  Cold him thed their better fight.

  RIVERS:
  So nine as title, betwixt your duke against
  And pathe's raid by their blood:
  So their said, nor's son; a kind no quest, 'tis alrield
  But thou and show'd a lack,
  Only faDors all ontence in Smile uncle, good inclines, and issue our braves, kind no man in word:
  True, ; being b
"""

import statistics
import time
from dataclasses import replace

from common.command import run, with_seeds

from wavenet_jax.config import Config, SampleConfig, preset
from wavenet_jax.data import Corpus, Splits, load_dataset
from wavenet_jax.evaluation import evaluate_splits
from wavenet_jax.nn import WaveNet, count_parameters
from wavenet_jax.sampling import generate_texts
from wavenet_jax.training import StepInfo, fit

CHARACTERS = 500


def main(seeds: tuple[int, ...] = (0, 1, 2), data: str = "shakespeare") -> None:
    """Train from every seed, print a row of losses for each, and some text.

    Args:
        seeds: Training seeds.
        data: shakespeare, once downloaded, or the path of its text.
    """
    base = preset("shakespeare")
    configs = with_seeds(base, seeds)
    dataset = load_dataset(replace(base.data, data=data))
    model = WaveNet(base.model, len(dataset.vocab))
    print("characters", " / ".join(f"{part.num_predictions:,}" for part in dataset.splits[:2]))
    print("seed   train     val    s.e.  compiling and training, seconds")
    losses = []
    for config in configs:
        last, val = train(model, config, dataset.splits)
        losses.append(val)
    print(f"mean val {statistics.mean(losses):.4f}")
    print(f"{count_parameters(last.state.params):,} parameters, {last.step:,} steps")
    wanted = SampleConfig(text_length=CHARACTERS, seed=0)
    for text in generate_texts(model, last.variables, dataset.vocab, wanted):
        print(*text, sep="")


def train(model: WaveNet, config: Config, splits: Splits[Corpus]) -> tuple[StepInfo, float]:
    """Train from the configured seed, print a row, and return the last step's loss on val."""
    started = time.perf_counter()
    *_, last = fit(model, config, splits)
    seconds = time.perf_counter() - started
    losses = evaluate_splits(model, last.variables, splits)
    val = losses.val.all
    print(
        f"{config.train.seed:4}  {losses.train.all.nats_per_character:6.4f}  "
        f"{val.nats_per_character:6.4f}  {val.standard_error:6.4f}  {seconds:6.1f}",
        flush=True,
    )
    return last, val.nats_per_character


if __name__ == "__main__":
    run(main)
