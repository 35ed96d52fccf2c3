import re
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import randomised
from scipy.stats import chisquare

from wavenet_jax import constraints
from wavenet_jax import sample as sampling
from wavenet_jax.config import ModelConfig
from wavenet_jax.corpus import Splits
from wavenet_jax.errors import InputError
from wavenet_jax.model import Variables, WaveNet
from wavenet_jax.sample import LANES, PIECE, Sample
from wavenet_jax.vocab import Vocab

VOCAB = Vocab(".abc")
KEY = jax.random.key(7)


@pytest.fixture(scope="module")
def model() -> WaveNet:
    return WaveNet(ModelConfig(n_embd=3, n_hidden=6, dilations=(1, 2)), len(VOCAB))


@pytest.fixture(scope="module")
def variables(model: WaveNet) -> Variables:
    variables = randomised(model, seed=0)
    # A flatter head, so that no letter is rare.
    return variables | {
        "params": variables["params"]
        | {"head": jax.tree.map(lambda w: w / 4, variables["params"]["head"])}
    }


def chances(model: WaveNet, variables: Variables, text: str) -> np.ndarray:
    """Return the probabilities of what follows the text at the start of a document."""
    field = model.config.receptive_field
    window = [0] * field + VOCAB.encode(text).tolist()
    logits = model.apply(variables, jnp.asarray(window[-field:])[None], method="window")[0, 0]
    return np.asarray(jax.nn.softmax(logits), np.float64)


def test_sample_depends_on_its_index_and_key_alone(model: WaveNet, variables: Variables) -> None:
    few = sampling.draw_samples(model, variables, VOCAB, KEY, n=3, max_length=12)
    many = sampling.draw_samples(model, variables, VOCAB, KEY, n=2 * LANES + 5, max_length=12)
    assert few == many[:3]
    assert len(many) == 2 * LANES + 5
    assert many[:LANES] != many[LANES : 2 * LANES]


def test_samples_change_with_the_key(model: WaveNet, variables: Variables) -> None:
    one, other = (
        sampling.draw_samples(model, variables, VOCAB, jax.random.key(seed), n=20, max_length=12)
        for seed in (0, 1)
    )
    assert one != other


def test_maximum_length_cuts_off_and_says_so(model: WaveNet, variables: Variables) -> None:
    whole = sampling.draw_samples(model, variables, VOCAB, KEY, n=300, max_length=30)
    cut = sampling.draw_samples(model, variables, VOCAB, KEY, n=300, max_length=2)
    assert [one.text for one in cut] == [one.text[:2] for one in whole]
    # A document of two characters is not over before its boundary is drawn.
    assert [one.ended for one in cut] == [len(one.text) < 2 for one in whole]


def test_frequencies_are_those_of_the_model(model: WaveNet, variables: Variables) -> None:
    """Chi-square over all strings of up to two letters; false alarm once in 100,000 keys."""
    expected = {}
    first = chances(model, variables, "")
    expected["", True] = first[0]
    for a, letter in enumerate("abc", start=1):
        second = chances(model, variables, letter)
        expected[letter, True] = first[a] * second[0]
        for b, other in enumerate("abc", start=1):
            expected[letter + other, False] = first[a] * second[b]
    n = 20 * LANES
    drawn = Counter(sampling.draw_samples(model, variables, VOCAB, KEY, n=n, max_length=2))
    observed = [drawn[Sample(*outcome)] for outcome in expected]
    assert sum(observed) == n
    chance = np.array(list(expected.values()))
    assert chance.sum() == pytest.approx(1)
    assert min(chance) * n > 5  # chi-square's own condition
    assert chisquare(observed, n * chance / chance.sum()).pvalue > 1e-5


def test_document_is_that_of_its_key_drawn_alone(model: WaveNet, variables: Variables) -> None:
    key = jax.random.fold_in(KEY, 4)
    prefix = jnp.zeros(0, jnp.int32)
    drawing, text = sampling.start(model, variables), ""
    while len(text) < 12:
        drawing = sampling.draw_character(model, variables, key, prefix, drawing, jnp.ones(4, bool))
        if drawing.last == 0:
            break
        text += VOCAB.decode([int(drawing.last)])
    lanes = sampling.draw_samples(model, variables, VOCAB, KEY, n=5, max_length=12)
    assert lanes[4] == Sample(text, ended=len(text) < 12)


def test_prefix_begins_every_document_and_moves_the_rest(
    model: WaveNet, variables: Variables
) -> None:
    samples = sampling.draw_samples(
        model, variables, VOCAB, KEY, n=4_000, max_length=3, prefix="cb"
    )
    assert all(sample.text.startswith("cb") for sample in samples)
    counts = Counter(sample.text[2:] for sample in samples)
    observed = [counts[letter] for letter in ("", "a", "b", "c")]
    # Chi-square; false alarm once in 100,000 keys.
    chance = chances(model, variables, "cb")
    assert chisquare(observed, 4_000 * chance / chance.sum()).pvalue > 1e-5


def test_prefix_may_not_hold_what_is_unknown_or_the_boundary(
    model: WaveNet, variables: Variables
) -> None:
    for prefix, unknown in (("axb", "'x'"), ("a.b", "'.'")):
        with pytest.raises(InputError, match=f"holds {unknown}, unknown .* of 'abc'"):
            sampling.draw_samples(model, variables, VOCAB, KEY, n=1, max_length=9, prefix=prefix)


@pytest.mark.parametrize("length", [1, PIECE, PIECE + 5, 3 * PIECE])
def test_stream_has_its_length_and_begins_like_a_longer_one(
    model: WaveNet, variables: Variables, length: int
) -> None:
    def draw(length: int) -> str:
        pieces = sampling.draw_stream(
            model, variables, VOCAB, KEY, length=length, prefix="abba"[:length]
        )
        return "".join(pieces)

    text = draw(length)
    assert len(text) == length
    assert set(text) <= set("abc")  # a stream has no boundary in it
    assert draw(4 * PIECE).startswith(text)
    assert text.startswith("abba"[:length])


def test_stream_is_drawn_piece_by_piece(model: WaveNet, variables: Variables) -> None:
    pieces = sampling.draw_stream(model, variables, VOCAB, KEY, length=10**12)
    assert len(next(pieces)) == len(next(pieces)) == PIECE


def test_characters_of_a_stream_are_those_of_the_model_without_the_boundary(
    model: WaveNet, variables: Variables
) -> None:
    """Chi-square over the first character; false alarm once in 100,000 keys."""
    start = sampling.start(model, variables)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(KEY, jnp.arange(4_000))

    def first(key: jax.Array) -> jax.Array:
        none = jnp.zeros(0, jnp.int32)
        return sampling.draw_character(model, variables, key, none, start, jnp.arange(4) > 0).last

    observed = np.bincount(jax.jit(jax.vmap(first))(keys), minlength=4)
    chance = chances(model, variables, "")[1:]
    assert observed[0] == 0
    assert chisquare(observed[1:], 4_000 * chance / chance.sum()).pvalue > 1e-5


def test_origins_name_the_first_split_that_holds_a_sample() -> None:
    documents = Splits(["anna", "ben"], ["anna", "cleo"], ["cleo", "dora"])
    samples = [Sample(text, ended=True) for text in ("anna", "cleo", "dora", "emil")]
    assert sampling.origins(samples, documents) == ["train", "val", "test", "new"]


CASES = [
    ("a.*", "", 0, 6),
    ("[ab]+c?", "", 2, 5),
    ("(ab|ba){2,3}", "", 0, 12),
    (".*c", "b", 3, 7),
    ("a?b?c?", "", 0, 3),
]


@pytest.mark.parametrize(("regex", "prefix", "least", "most"), CASES)
def test_every_sample_keeps_the_rules_and_ends_itself(
    model: WaveNet, variables: Variables, regex: str, prefix: str, least: int, most: int
) -> None:
    parts = {regex: constraints.pattern(VOCAB, regex)}
    automaton = constraints.require_feasible(VOCAB, parts, least, most, prefix)
    rules = constraints.rules(automaton, least, most)
    samples = sampling.draw_samples(
        model, variables, VOCAB, KEY, n=2 * LANES, max_length=most, prefix=prefix, rules=rules
    )
    for one in samples:
        assert re.fullmatch(regex, one.text)
        assert one.text.startswith(prefix)
        assert least <= len(one.text) <= most
        assert one.ended
    few = sampling.draw_samples(
        model, variables, VOCAB, KEY, n=3, max_length=most, prefix=prefix, rules=rules
    )
    assert few == samples[:3]


def test_rules_that_allow_everything_change_nothing(model: WaveNet, variables: Variables) -> None:
    rules = constraints.rules(constraints.anything(VOCAB), 0, 40)
    ruled, free = (
        sampling.draw_samples(model, variables, VOCAB, KEY, n=300, max_length=40, rules=one)
        for one in (rules, None)
    )
    assert sum(one.ended for one in free) > 200
    assert all(a == b for a, b in zip(ruled, free, strict=True) if b.ended)


def test_frequencies_under_rules_are_the_models_among_what_is_allowed(
    model: WaveNet, variables: Variables
) -> None:
    """Chi-square over all documents of one or two letters without c; false alarm once in 100,000.

    What is forbidden is left out at each character, where the rest share its chance.
    """
    parts = {"forbid": constraints.alphabet(VOCAB, None, "c")}
    rules = constraints.rules(constraints.require_feasible(VOCAB, parts, 1, 2), 1, 2)
    first = chances(model, variables, "") * [0, 1, 1, 0]
    expected: dict[str, float] = {}
    for a, letter in ((1, "a"), (2, "b")):
        second = chances(model, variables, letter) * [1, 1, 1, 0]
        chance = first[a] / first.sum() * second / second.sum()
        expected |= {letter: chance[0], letter + "a": chance[1], letter + "b": chance[2]}
    n = 20 * LANES
    samples = sampling.draw_samples(model, variables, VOCAB, KEY, n=n, max_length=2, rules=rules)
    drawn = Counter(one.text for one in samples)
    observed = [drawn[text] for text in expected]
    assert sum(observed) == n
    chance = np.array(list(expected.values()))
    assert chisquare(observed, n * chance / chance.sum()).pvalue > 1e-5
