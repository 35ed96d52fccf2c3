"""Does a plain stack learn Shakespeare on a CPU as well as nanoGPT's transformer on a GPU?

    wavenet-jax data shakespeare
    python experiments/shakespeare.py --seeds 0 1 2

Trains the preset `shakespeare` on nanoGPT's split, the first nine tenths of the text, and prints
the loss of the last tenth at the last step, then the first 500 characters that the last seed's
model draws.  nanoGPT's own figures: 1.88 after about three minutes on a CPU, 1.47 for its GPU
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

What led here, by scratch runs of one seed, chosen on val as there is no test split.  At first
seven layers of 192 channels with dilations 1 to 64, GELU and little decay reached 1.63.  A weight
decay of 0.5 took 0.04 off; twelve layers of 144 with dilations 1, 2, 4 four times over, that
together see 29 characters instead of 128, another 0.07; ReLU is a fifth faster than GELU and no
worse; twice the steps took 0.05 off.  Dropout of activations, of tokens or of weights cost 0.02 and
more at this length, K = 4 with four layers 0.08.  In the middle of a run the loss is far from what
it ends with (1.77 after 1,000 steps): the fall of the learning rate to 0 makes the last 0.2.

The first 500 characters that seed 2's model draws, with key 0:

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

import jax
import tyro

from wavenet_jax import corpus, evaluate, presets, sample, train
from wavenet_jax.keys import Purpose, root_key
from wavenet_jax.model import WaveNet, count_parameters

CHARACTERS = 500


def main(seeds: tuple[int, ...] = (0, 1, 2), data: str = "shakespeare") -> None:
    """Train from every seed, print a row of losses for each, and some text.

    Args:
        seeds: Training seeds.
        data: shakespeare, once downloaded, or the path of its text.
    """
    base = presets.preset("shakespeare")
    dataset = corpus.load(replace(base.data, data=data))
    model = WaveNet(base.model, len(dataset.vocab))
    print("characters", " / ".join(f"{part.predictions:,}" for part in dataset.splits[:2]))
    print("seed   train     val    s.e.  compiling and training, seconds")
    losses = []
    for seed in seeds:
        run = replace(base, train=replace(base.train, seed=seed))
        started = time.perf_counter()
        *_, last = train.fit(model, run, dataset.splits)
        seconds = time.perf_counter() - started
        variables = last.state.variables
        loss = evaluate.evaluate_splits(model, variables, dataset.splits)
        losses.append(loss.val.all.nats_per_character)
        print(
            f"{seed:4}  {loss.train.all.nats_per_character:6.4f}  {losses[-1]:6.4f}  "
            f"{loss.val.all.standard_error:6.4f}  {seconds:6.1f}",
            flush=True,
        )
    print(f"mean val {statistics.mean(losses):.4f}")
    print(f"{count_parameters(last.state.params):,} parameters, {last.step:,} steps")
    key = jax.random.fold_in(root_key(0, Purpose.SAMPLE), 0)
    print(*sample.draw_stream(model, variables, dataset.vocab, key, length=CHARACTERS), sep="")


if __name__ == "__main__":
    tyro.cli(main)
