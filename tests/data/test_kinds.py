"""What data are, a list or one text, as it is guessed from how they begin."""

import random
import textwrap

import pytest

from wavenet_jax.config import DataKind
from wavenet_jax.data.text import guess_kind
from wavenet_jax.paths import bundled_names

_random = random.Random(0)
GERMAN = (
    "Als der Mann am Morgen aus dem Haus trat, lag über den Feldern noch der Nebel, und von den "
    "Bergen her kam ein kalter Wind. Er ging langsam den Weg hinab, den er seit Jahren kannte, "
    "grüßte die Nachbarin, die ihre Wäsche aufhängte, und dachte an die Stadt. "
) * 20
CHINESE = (
    "清晨的霧還沒有散去，他沿著河邊慢慢地走著。橋上的人很少，只有幾個賣菜的農夫。風很冷！" * 40
)
VERSE = (
    "And he went up, and saw the river: and the people came unto him. Then spake he unto them all."
)
PROTEIN = "".join(_random.choices("ACDEFGHIKLMNPQRSTVWY", k=150))
CODE = '''import sys


def main(words):
    """Say hello."""
    for word in words:
        print(word)

    return 0


class Thing:
    size = 3

    def grow(self):
        self.size += 1
'''
PGN = '[Event "Club"]\n[White "Anna"]\n[Result "1-0"]\n\n1. e4 e5 2. Nf3 Nc6\n3. Bb5 1-0\n\n'

LISTS = {
    "names": bundled_names().read_text("utf-8"),
    "cities": "St. Louis\nNew York\nAix-en-Provence\nWashington, D.C.\n" * 20,
    "domains": "example.com\nnews.example.org\nb.io\n" * 20,
    "SMILES": "CC(=O)Oc1ccccc1C(=O)O\nC1=CC=CC=C1\n[Na+].[Cl-]\n" * 20,
    "primers": "\n".join("".join(_random.choices("ACGT", k=24)) for _ in range(50)),
    "proteins": "\n".join(PROTEIN[:k] for k in range(20, 150)),
    "poems a line": "Roses are red / violets are blue / sugar is sweet / and so are you\n" * 30,
    "verses": "\n".join(f"{number}:1 {VERSE}" for number in range(60)),
    "games": "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6 5. O-O Be7 6. Re1 b5 1-0\n" * 30,
    "captions": "a man is riding a horse on the beach\na cat sleeps on a red sofa today\n" * 30,
    "emoji": "😀😀\n👍🏽\n❤️\n🏳️‍🌈\n" * 20,
    "Chinese poems": "床前明月光，疑是地上霜。\n舉頭望明月，低頭思故鄉。\n" * 20,
    "JSON lines": '{"name": "Anna", "year": 1999}\n{"name": "Ben", "year": 2000}\n' * 20,
    "counted": "\n".join(f"{count:7d} name{count}" for count in range(50)),
    "double spaced": "anna\n\nben\n\ncleo\n\ndora\n",
    "groups of words": "anna\nalma\n\nben\nbob\nbert\n\ncleo\ncara\n",
    "windows": "anna\r\nben\r\ncleo\r\n",
    "nothing": "",
    "one": "anna\n",
}
TEXTS = {
    "German prose": textwrap.fill(GERMAN, 72),
    "Chinese prose": "\n".join(textwrap.wrap(CHINESE, 36)),
    "Chinese paragraphs": "\n".join(["\u3000\u3000" + CHINESE[:80]] * 20),
    "unwrapped paragraphs": "\n\n".join([GERMAN[:240]] * 20),
    "windows paragraphs": textwrap.fill(GERMAN[:400], 40).replace("\n", "\r\n") + "\r\n\r\n",
    "one line": GERMAN,
    "long lines": "\n".join([GERMAN] * 5),
    "poems": "Two roads\nin a wood\n\nand I took\none of them\n\nand left\nthe other\n" * 9,
    "plays": "ANNA:\nWho is there?\n\nBEN:\nNay, answer me.\nStand!\n\n" * 9,
    "Python": CODE,
    "Python without blank lines": "\n".join(line for line in CODE.split("\n") if line) * 3,
    "Markdown": "# Title\n\nSome *words* on\ntwo lines.\n\n- one\n- two\n\nText.\nText.\n",
    "PGN": PGN * 9,
    "FASTA": "".join(f">P{n}\n{textwrap.fill(PROTEIN, 60)}\n" for n in range(20)),
    "DNA": "ACGT" * 1_000,
}


@pytest.mark.parametrize(
    ("kind", "beginning"),
    [
        *(pytest.param("list", each, id=name) for name, each in LISTS.items()),
        *(pytest.param("text", each, id=name) for name, each in TEXTS.items()),
    ],
)
def test_kind_is_what_the_data_look_like(kind: DataKind, beginning: str) -> None:
    assert guess_kind(beginning)[0] == kind
