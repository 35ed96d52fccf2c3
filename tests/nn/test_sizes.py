"""Sizes that are added up before anything is traced: what cannot fit is refused with its size."""

import re
from dataclasses import replace

import jax
import pytest
from support.stacks import every_stack

from wavenet_jax.config import Config, ModelConfig, TrainConfig
from wavenet_jax.errors import InputError
from wavenet_jax.nn import WaveNet, count_parameters, init_variables, require_training_fits, sizes
from wavenet_jax.nn.sizes import parameter_count, require_cache_fits, require_conditions_fit

WIDE = ModelConfig(n_embd=1, n_hidden=2**20, dilations=(1,))


@pytest.fixture(autouse=True)
def gigabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "memory_bytes", lambda: 10**9)


@every_stack
def test_parameters_are_as_many_as_are_counted_before_there_are_any(config: ModelConfig) -> None:
    model = WaveNet(config, 10)
    shapes = jax.eval_shape(lambda: init_variables(model, jax.random.key(0)))
    assert parameter_count(config, 10) == count_parameters(shapes["params"])


def test_parameters_that_do_not_fit_are_refused_before_they_are_traced() -> None:
    config = replace(WIDE, dilations=(1, 2))  # 2 · 2²⁰ · 2²⁰ numbers in the second layer
    sentence = "the network would take at least 8.8 TB of memory (8.8 TB of parameters), expected "
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}at most the 1 GB") as caught:
        init_variables(WaveNet(config, 10), jax.random.key(0))
    assert caught.value.field == "n_hidden"


@pytest.mark.parametrize(
    ("train", "part"),
    [
        (TrainConfig(batch_size=2**21), "1.64 GB of activations of a step"),
        (TrainConfig(mode="sequence", batch_size=1, seq_len=2**24), "of activations of a step"),
        (TrainConfig(report_every=10**7, eval_every=10**7), "2.56 GB of rows between reports"),
    ],
)
def test_steps_that_do_not_fit_are_refused_with_the_size_of_their_parts(
    train: TrainConfig, part: str
) -> None:
    with pytest.raises(InputError, match=r"^the training would take at least") as caught:
        require_training_fits(Config(model=ModelConfig(n_embd=8, n_hidden=8), train=train), 28)
    assert part in str(caught.value)
    assert "lower n_hidden, batch_size, seq_len or report_every" in str(caught.value)


def test_parts_of_a_step_need_their_own_memory_alone() -> None:
    train = TrainConfig(batch_size=2**20, accumulate=2**10)
    require_training_fits(Config(model=ModelConfig(n_embd=8, n_hidden=8), train=train), 28)


def test_sequences_side_by_side_are_refused_where_their_nodes_do_not_fit() -> None:
    config = ModelConfig(dilations=(2**20,))
    require_cache_fits(config, sequences=1)
    with pytest.raises(InputError, match=r"^sampling would take at least 34\.4 GB of memory"):
        require_cache_fits(config, sequences=64)


def test_nothing_is_refused_where_the_memory_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "memory_bytes", lambda: None)
    require_cache_fits(ModelConfig(dilations=(2**30,)), sequences=64)


def test_what_labels_add_has_to_fit_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "memory_bytes", lambda: 2**30)
    config = ModelConfig("gated", n_embd=8, n_hidden=64, dilations=(1, 2), norm="none")
    require_conditions_fit(config, 1_000_000)  # 4 · 2 · 128 bytes each
    with pytest.raises(InputError, match=r"sampling would take at least .* of what labels add"):
        require_conditions_fit(config, 1_100_000)
