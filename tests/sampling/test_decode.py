"""One sequence alone, and beside others, is the same."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.automata_cases import ABC
from support.three_letters import (
    KEY,
    MODEL,
    VARIABLES,
    every_option,
    first_accepted,
    mask_of,
    params_of,
    sample,
)

from wavenet_jax.constraints import TokenMask
from wavenet_jax.sampling import DecodeParams
from wavenet_jax.sampling.decode import STATE_AXES, decode_token, init_decode_state, replicate_state

MOST = 128  # attempts at a document


@every_option
def test_a_document_decoded_alone_is_the_one_that_the_slots_decode(options: dict[str, Any]) -> None:
    """Attempt by attempt, each with a key of its own, until one is accepted."""
    together = sample(200, max_length=5, **options)
    exact = options.get("exact", False)
    alone = first_accepted(params_of(5, **options), range(200), most=MOST if exact else 1)
    for one, other in zip(together, alone, strict=True):
        assert one == other._replace(nll_nats=one.nll_nats)
        assert one.nll_nats == pytest.approx(other.nll_nats, abs=1e-5)
    assert (max(each.attempts for each in alone) > 3) == exact


def test_constraints_of_other_slots_change_nothing() -> None:
    """Each slot under a mask of its own, every other one under the same."""
    masks = [mask_of("a[ab]*"), mask_of("(bc|c)*a{0,3}")]
    slots = 40
    keys = jax.vmap(jax.random.fold_in, (None, 0))(KEY, jnp.arange(slots))
    axes: Any = DecodeParams(TokenMask(0, 0), *[None] * 6)  # type: ignore[arg-type]
    decode = partial(decode_token, MODEL, VARIABLES)
    step = jax.jit(jax.vmap(decode, (axes, 0, STATE_AXES), (STATE_AXES, 0)))
    stacked = [np.stack(two * (slots // 2)) for two in zip(*masks, strict=True)]
    params = DecodeParams(TokenMask(*stacked), 7)
    states = replicate_state(init_decode_state(MODEL, VARIABLES), slots)
    texts, over = [""] * slots, set[int]()
    for _ in range(8):
        states, output = step(params, keys, states)
        over |= set(np.flatnonzero(output.is_last).tolist())
        for slot in set(range(slots)) - over:
            texts[slot] += ABC.characters[output.token[slot]]
    for slot in range(2):
        alone = sample(slots, max_length=7, mask=masks[slot])
        assert texts[slot::2] == [each.text for each in alone[slot::2]]
        assert len(set(texts[slot::2])) > 3
