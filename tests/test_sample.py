from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import randomised
from scipy.stats import chisquare

from wavenet_jax import sample as sampling
from wavenet_jax.config import ModelConfig
from wavenet_jax.corpus import Splits
from wavenet_jax.model import Variables, WaveNet
from wavenet_jax.sample import LANES, Sample
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
    logits = model.apply(variables, jnp.asarray(window[-field:])[None], method="window")[0]
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


def test_sequence_drawn_alone_equals_its_lane(model: WaveNet, variables: Variables) -> None:
    key = jax.random.fold_in(KEY, 4)
    alone = sampling.draw_sequence(model, variables, key, max_length=12)
    lanes = sampling.draw_samples(model, variables, VOCAB, KEY, n=5, max_length=12)
    length = int(jnp.count_nonzero(alone.tokens))
    assert VOCAB.decode(alone.tokens[:length].tolist()) == lanes[4].text
    assert bool(alone.ended) == lanes[4].ended


def test_origins_name_the_first_split_that_holds_a_sample() -> None:
    documents = Splits(["anna", "ben"], ["anna", "cleo"], ["cleo", "dora"])
    samples = [Sample(text, ended=True) for text in ("anna", "cleo", "dora", "emil")]
    assert sampling.origins(samples, documents) == ["train", "val", "test", "new"]
