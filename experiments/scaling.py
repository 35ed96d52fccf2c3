"""What does training cost on several devices, and what does an accelerator bring?

    wavenet-jax data makemore
    wavenet-jax data shakespeare
    python experiments/scaling.py --names makemore --gpu

With --gpu, on the accelerator that JAX finds: steps per second of the presets in both precisions,
medians of five chunks after the first, which compiles; val of a whole run of `makemore-fast`; its
names per second, by the slots that decode side by side; and one text, token by token.

Claim: none yet.
Measured on 2026-11-26: nothing yet.
"""

from common.command import run
from scaling_study import accelerator

from wavenet_jax.config import DataConfig
from wavenet_jax.data import load_dataset


def main(
    names: str = "names", text: str = "shakespeare", gpu: bool = False, quick: bool = False
) -> None:
    """Print what is measured, row by row.

    Args:
        names: makemore, once downloaded, or the path of a list; by default the bundled names.
        text: shakespeare, once downloaded, or the path of a text.
        gpu: On the accelerator that JAX finds, instead of several devices and processes of a CPU.
        quick: Tiny networks and few steps, to see that everything works.
    """
    a_list = load_dataset(DataConfig(data=names, kind="list"))
    a_text = load_dataset(DataConfig(data=text, kind="text"))
    if gpu:
        accelerator.measure(a_list, a_text, accelerator.QUICK if quick else accelerator.FULL)


if __name__ == "__main__":
    run(main)
