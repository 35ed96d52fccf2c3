"""One sequence alone, and beside others, is the same."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from automata_cases import ABC
from three_letters import KEY, MODEL, VARIABLES, draw, every_option, matching

from wavenet_jax import constraints
from wavenet_jax.drawing import IN_STEP, Request, draw_character, side_by_side, start
from wavenet_jax.rules import Rules, common_prefix_length, tables
from wavenet_jax.strategies import Strategy

draw_alone = jax.jit(partial(draw_character, MODEL, VARIABLES))


@every_option
def test_document_drawn_alone_is_the_one_that_the_lanes_draw(options: dict[str, Any]) -> None:
    rules = options.get("rules", tables(constraints.anything(ABC)))
    strategy, exact = options.get("strategy", Strategy()), options.get("exact", False)
    asked = Request(
        rules, 5, exact, common_prefix_length(rules, 5) + (strategy == Strategy()), strategy
    )
    together = draw(200, max_length=5, **options)
    for number in (0, 3, 199):
        drawing, text, attempts = start(MODEL, VARIABLES), "", 1
        while True:
            drawing, drawn = draw_alone(asked, jax.random.fold_in(KEY, number), drawing)
            if drawn.is_last:
                break
            text += ABC.decode(np.array([drawn.token]))
            if drawn.is_rejected:
                text, attempts = "", attempts + 1
        ended = drawn.token == 0
        assert together[number][:2] == (text, ended)
        assert together[number].attempts == attempts
        assert together[number].nll_nats == pytest.approx(float(drawn.nll_nats), abs=1e-5)


def test_constraints_of_other_lanes_change_nothing() -> None:
    """Each lane under rules of its own, every other one under the same."""
    rules = [matching("a[ab]*"), matching("(bc|c)*a{0,3}")]
    lanes = 40
    keys = jax.vmap(jax.random.fold_in, (None, 0))(KEY, jnp.arange(lanes))
    axes: Any = Request(Rules(0, 0), None, None, None, None)  # type: ignore[arg-type]
    one_each = jax.vmap(partial(draw_character, MODEL, VARIABLES), (axes, 0, IN_STEP), (IN_STEP, 0))
    step = jax.jit(one_each)
    asked = Request(Rules(*(np.stack(two * (lanes // 2)) for two in zip(*rules, strict=True))), 7)
    drawings, texts, over = side_by_side(start(MODEL, VARIABLES), lanes), [""] * lanes, set()
    for _ in range(8):
        drawings, drawn = step(asked, keys, drawings)
        over |= set(np.flatnonzero(drawn.is_last).tolist())
        for lane in set(range(lanes)) - over:
            texts[lane] += ABC.characters[drawn.token[lane]]
    for lane in range(2):
        alone = draw(lanes, max_length=7, rules=rules[lane])
        assert texts[lane::2] == [one.text for one in alone[lane::2]]
        assert len(set(texts[lane::2])) > 3
