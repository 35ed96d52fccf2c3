"""A list of names and a text, small enough for a run of a second."""

import random

NAMES = [
    *"emma olivia ava isabella sophia charlotte mia amelia harper evelyn abigail emily".split(),
    *"elizabeth mila ella avery sofia camila aria scarlett victoria madison luna grace".split(),
    *"chloe penelope layla riley zoey nora lily eleanor hannah lillian addison aubrey".split(),
    *"ellie stella natalie zoe leah hazel violet aurora savannah audrey brooklyn".split(),
    *"bella claire skylar".split(),
]
WORDS = "to be or not that is the question whether tis nobler in the mind to suffer été 漢".split()
TEXT = " ".join(random.Random(0).choices(WORDS, k=700)) + "\n"
