"""What does training cost on several devices, and what does an accelerator bring?

    wavenet-jax data shakespeare
    python experiments/scaling.py
    python experiments/scaling.py --gpu

Without --gpu: on paper, what the devices of a pod have to tell each other in a step, by the
formulas in scaling_study/pod.py; and measured, the presets on one device, on two devices of one
process, and in two processes, on the cores of this machine.  Each is started in turn, without
compilation; times are medians of --rounds, each the median of three chunks.  The messages are
counted in the compiled step.  `makemore-fast` has two rows of 256 positions here, not one of 512.

With --gpu, on the accelerator that JAX finds: steps per second of the presets in both precisions,
medians of five chunks after the first, which compiles; val of a whole run of `makemore-fast`; its
names per second, by the slots that decode side by side; and one text, token by token.

Claim: messages on paper are those that XLA compiles; two devices on the cores of one cost an eighth
at most where a step takes milliseconds; in a pod, the number of messages counts and not their size.
Measured on 2026-11-26, seed 0, jax 0.10.2, two cores of an AMD EPYC that did other work beside it:

    preset         on             steps/s  ratio  ms a step      more  messages       kB
    makemore       one device     2,207.5   1.00      0.453    +0.000         0      0.0
                   two devices      601.5   0.27      1.663    +1.210        13    312.5
                   two processes     49.8   0.02     20.064   +19.611        13    312.5
    makemore-fast  one device       246.4   1.00      4.058    +0.000         0      0.0
                   two devices      232.0   0.94      4.310    +0.252        21    287.5
                   two processes     29.0   0.12     34.429   +30.371        21    287.5
    shakespeare    one device        17.4   1.00     57.559    +0.000         0      0.0
                   two devices       16.0   0.92     62.653    +5.094        49  2,108.4
                   two processes      2.2   0.13    447.587  +390.029        49  2,108.4

Another run gave 0.27, 0.88 and 1.08 for two devices.  One device uses both cores where a product is
large, so that two could win little.  A message between threads takes about 0.1 ms, as the steps of
`makemore` show; between processes 1.5 to 8 ms, most of it in the system, probably since each waits
for the other while both have a thread for each core.  A process pinned to each core was slower
still.  Processes on one CPU are for tests.

On paper, with 8 devices, the bandwidths and latencies stated there, and a tenth of an H100's peak:
positions a device from which communication is at most a tenth of a step, and those that the preset
has in all:

    preset         messages  kB sent  Ethernet, 25 GB/s  ICI, 90 GB/s  NVLink, 450 GB/s  preset
    makemore             13      547          1,301,562       263,608           254,192      32
    makemore-fast        21      503          2,264,435       456,199           446,736     512
    shakespeare          49    3,690            740,786       151,431           142,078   2,048
    wavenet               1    1,084             89,439        21,119            11,888   2,048

`wavenet`, which has no BatchNorm, sends one message.

With --gpu and the lecture's names (--names makemore), 2026-11-26, seed 0, jax 0.11.2, one NVIDIA
H100 80GB HBM3:

    preset         precision   steps/s   positions/s  val
    makemore       float32    13,738.2       439,622
    makemore       bf16        5,012.4       160,396
    makemore-fast  float32     3,459.1     1,771,041  1.9647 after 3,000 steps, 27.7 s
    makemore-fast  bf16        3,297.0     1,688,060  1.9637 after 3,000 steps, 12.0 s
    shakespeare    float32       342.5       701,387
    shakespeare    bf16          462.1       946,381
    wavenet        float32       207.6       425,071
    wavenet        bf16          336.4       688,954
    names, of makemore-fast in float32
     slots  names        names/s
        64    128,000     79,463
     1,024  1,000,000    332,342
     4,096  1,000,000    348,167
    16,384  1,000,000    398,283
    one text, in float32
    preset         characters/s
    shakespeare           8,419
    wavenet               6,236

So bf16 is worth its rounding from layers of 144 on, and one text is written faster by a CPU, which
does not launch a kernel for each operation.  Why bf16 slows the lecture's step is not known.

These steps looked up their embedding, whose gradient the GPU adds up in the order in which its
parts arrive: of nine kinds of runs that were resumed, eight differed in the last digits.  With
XLA's deterministic operations all were equal to the bit, but the lecture's run took 197 steps/s.
Since then the embedding is a product where an accelerator trains (nn/wavenet.py), with
which ten kinds are resumed to the bit there (the eleventh, with labels, is tested on a CPU); its
speed on a GPU is not measured yet.
"""

from common.command import require_rounds, run
from scaling_study import accelerator, machine, pod

from wavenet_jax.config import DataConfig
from wavenet_jax.data import load_dataset


def main(
    names: str = "names",
    text: str = "shakespeare",
    rounds: int = 3,
    gpu: bool = False,
    quick: bool = False,
) -> None:
    """Print what is measured, row by row.

    Args:
        names: makemore, once downloaded, or the path of a list; by default the bundled names.
        text: shakespeare, once downloaded, or the path of a text.
        rounds: Times that the processes of each kind are started.
        gpu: On the accelerator that JAX finds, instead of devices and processes of a CPU.
        quick: With gpu, tiny networks and few steps, to see that everything works.
    """
    require_rounds(rounds)
    a_list = load_dataset(DataConfig(data=names, kind="list"))
    a_text = load_dataset(DataConfig(data=text, kind="text"))
    if gpu:
        accelerator.measure(a_list, a_text, accelerator.QUICK if quick else accelerator.FULL)
    else:
        print(pod.table(), flush=True)
        machine.measure(names, text, rounds)


if __name__ == "__main__":
    run(main)
