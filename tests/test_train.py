from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import assert_same, changed

from wavenet_jax import corpus, evaluate, optim, train, vocab
from wavenet_jax.batches import draw, windows
from wavenet_jax.config import Config, ModelConfig
from wavenet_jax.corpus import Corpus, Splits
from wavenet_jax.errors import InputError
from wavenet_jax.model import WaveNet
from wavenet_jax.train import NonFiniteLossError


@pytest.fixture
def model(tiny: Config) -> WaveNet:
    return WaveNet(tiny.model, 27)


def last_state(
    model: WaveNet, config: Config, splits: Splits[Corpus], state: train.TrainState | None = None
) -> train.TrainState:
    *_, report = train.fit(model, config, splits, state)
    return report.state


def test_step_goes_down_the_gradient_of_the_mean_cross_entropy(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    optimizer = optim.optimizer(tiny.optim, steps=60)
    state = train.init(model, optimizer, seed=1)
    batch = windows(splits.train, jnp.arange(8), tiny.model.receptive_field)

    def loss_of(params: dict[str, jax.Array]) -> jax.Array:
        variables = {"params": params, "batch_stats": state.batch_stats}
        logits, _ = model.clone(training=True).apply(
            variables, batch.inputs, method="window", mutable=["batch_stats"]
        )
        chances = jax.nn.softmax(logits)[jnp.arange(8), 0, batch.targets[:, 0]]
        return -jnp.log(chances).sum() / 8

    loss, gradient = jax.jit(jax.value_and_grad(loss_of))(state.params)
    expected = jax.tree.map(lambda p, g: p - 0.1 * g, state.params, gradient)
    step = jax.jit(partial(train.train_step, run="window", model=model, optimizer=optimizer))
    after, reported = step(state, batch)
    assert float(reported) == pytest.approx(float(loss), rel=1e-5)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), after.params, expected
    )
    assert int(after.step) == 1


def test_chunk_is_its_steps_one_by_one(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    optimizer = optim.optimizer(tiny.optim, steps=60)
    state = train.init(model, optimizer, seed=1)
    take_step = jax.jit(partial(train.train_step, run="window", model=model, optimizer=optimizer))
    losses = []
    for step in range(3):
        key = jax.random.fold_in(state.key, step)
        batch = draw(key, splits.train, tiny.train, tiny.model.receptive_field)
        state, loss = take_step(state, batch)
        losses.append(loss)
    chunk_state, chunk_losses = train.train_chunk(
        train.init(model, optimizer, seed=1),
        splits.train,
        steps=3,
        settings=tiny.train,
        model=model,
        optimizer=optimizer,
    )
    np.testing.assert_allclose(chunk_losses, losses, rtol=1e-5)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
        chunk_state.params,
        state.params,
    )


def test_run_does_not_depend_on_how_it_is_cut_into_chunks(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    coarse = changed(tiny, report_every=30, eval_every=30)
    assert_same(last_state(model, tiny, splits), last_state(model, coarse, splits))


def test_resumed_run_equals_the_uninterrupted_one_to_the_bit(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    stops = iter([False, False, True])  # after 30 of the 60 steps
    *_, report = train.fit(model, tiny, splits, should_stop=lambda: next(stops))
    assert report.step == 30
    assert report.val is None
    uninterrupted = last_state(model, tiny, splits)
    assert_same(last_state(model, tiny, splits, report.state), uninterrupted)
    assert_same(last_state(model, tiny, splits, report.state), uninterrupted)  # not given up


def test_seed_decides_the_run(tiny: Config, model: WaveNet, splits: Splits[Corpus]) -> None:
    first, again, other = (
        last_state(model, changed(tiny, seed=seed), splits).params["head"]["logits"]["kernel"]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_reports_come_at_their_steps_and_validate_at_theirs(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    config = changed(tiny, steps=47)
    reports = [(r.step, r.val is not None) for r in train.fit(model, config, splits)]
    assert reports == [(10, False), (20, True), (30, False), (40, True), (47, True)]


def test_learning_rate_reported_is_that_of_the_last_step(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    rates = [report.learning_rate for report in train.fit(model, tiny, splits)]
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.01, 0.01])  # from step 45 on


def test_non_finite_loss_stops_and_names_the_steps(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    reports = train.fit(model, changed(tiny, learning_rate=1e38), splits)
    with pytest.raises(NonFiniteLossError, match=r"loss is (nan|inf) in step \d"):
        list(reports)


def test_speed_is_told_without_compilation(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    config = changed(tiny, steps=25)
    speeds = [report.steps_per_second for report in train.fit(model, config, splits)]
    assert [speed is None for speed in speeds] == [True, False, True]


def test_successor_language_is_learned() -> None:
    """After a comes b, after b comes c, ...: nothing is left to guess but the first letter."""
    alphabet = "abcdefgh"
    documents = [alphabet[start:] for start in range(8)] * 4
    one = corpus.from_documents(documents, vocab.from_documents(documents))
    config = Config(model=ModelConfig(n_embd=8, n_hidden=16, dilations=(1, 2)))
    config = changed(config, steps=1500, report_every=500, eval_every=500)
    *_, report = train.fit(WaveNet(config.model, 9), config, Splits(one, one, one))
    assert report.val is not None
    first_letters = len(documents) * np.log(8)
    assert report.val.nll_nats / first_letters == pytest.approx(1, abs=0.05)


SEQUENCES = {"run": "sequence", "batch_size": 2, "length": 16}
VARIANTS = {
    "dropout": {**SEQUENCES, "dropout": 0.2},
    "gated": {**SEQUENCES, "layer": "gated", "norm": "none", "dilations": (3, 1, 5)},
    "adamw": {**SEQUENCES, "optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.1},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_resumed_run_on_sequences_equals_the_uninterrupted_one_to_the_bit(
    variant: str, tiny: Config, splits: Splits[Corpus]
) -> None:
    config = changed(tiny, **VARIANTS[variant])
    model = WaveNet(config.model, 27)
    stops = iter([False, True])  # after 20 of the 60 steps
    *_, report = train.fit(model, config, splits, should_stop=lambda: next(stops))
    assert report.step == 20
    uninterrupted = last_state(model, config, splits)
    assert_same(last_state(model, config, splits, report.state), uninterrupted)


def test_dropout_differs_from_step_to_step_and_uses_no_key_of_a_minibatch(
    tiny: Config, model: WaveNet
) -> None:
    state = train.init(model, optim.optimizer(tiny.optim, steps=60), seed=1)
    steps = [state._replace(step=jnp.array(step, jnp.int32)) for step in (0, 1, 2, 2**31 - 1)]
    of_dropout = [jax.random.key_data(step.dropout_key).tolist() for step in steps]
    of_batches = [
        jax.random.key_data(jax.random.fold_in(state.key, step.step)).tolist() for step in steps
    ]
    assert len({tuple(key) for key in of_dropout + of_batches}) == 8


def test_validation_looks_at_the_first_predictions_of_a_large_split(
    tiny: Config, model: WaveNet, splits: Splits[Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "VALIDATED", 20)
    *_, report = train.fit(model, tiny, splits)
    first = splits.val.first(20)
    assert 0 < first.predictions <= 20 < splits.val.predictions
    nll = evaluate.nll_nats(model, report.state.variables, evaluate.blocks(model, first))
    expected = evaluate.summarise(*evaluate.by_document(nll, first))
    assert report.val == pytest.approx(expected)


def test_mapped_text_is_trained_on_without_a_copy(tmp_path: Path, tiny: Config) -> None:
    (tmp_path / "text.txt").write_text("to be or not to be, " * 50)
    data = changed(tiny, data=str(tmp_path / "text.txt"), stream=True, run="sequence", length=9)
    mapped = corpus.load(data.data, tmp_path / "tokens.bin").splits.train
    placed = []

    def put(part: Corpus, **options: Any) -> Corpus:
        placed.append(device_put(part, **options))
        return placed[-1]

    device_put = jax.device_put
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "device_put", put)
        model = WaveNet(data.model, 20)
        next(train.fit(model, data, Splits(mapped, mapped, mapped)))
    (held,) = placed
    assert held.tokens.unsafe_buffer_pointer() == mapped.tokens.ctypes.data


def test_row_longer_than_the_training_data_is_refused(tiny: Config, splits: Splits[Corpus]) -> None:
    for values, said in (
        ({"run": "sequence", "length": 1_000}, "length is 1,000, expected at most 264"),
        ({"run": "sequence", "length": 9, "dilations": (500,)}, "the receptive field is 501"),
    ):
        config = changed(tiny, **values)
        with pytest.raises(InputError, match=said):
            next(train.fit(WaveNet(config.model, 27), config, splits))


@pytest.mark.parametrize("field", [4, 3])
def test_echo_is_learned_exactly_when_the_receptive_field_reaches_it(field: int) -> None:
    """Each letter repeats the one four before it, the last that a field of 4 still sees.

    After its first four letters a document holds nothing new but its end, after any of the 17 to
    come for all that the model sees; one position less sees nothing of the echo.
    """
    rng = np.random.default_rng(0)
    documents = ["".join(rng.choice(list("abcd"), 4)) * 5 for _ in range(300)]
    one = corpus.from_documents(documents, vocab.from_documents(documents))
    config = changed(
        Config(),
        run="sequence",
        dilations=(1, 2) if field == 4 else (1, 1),
        n_embd=8,
        n_hidden=32,
        optimizer="adamw",
        learning_rate=0.02,
        schedule="linear",
        batch_size=4,
        length=128,
        steps=500,
        report_every=500,
        eval_every=500,
    )
    assert config.model.receptive_field == field
    model = WaveNet(config.model, 5)
    state = last_state(model, config, Splits(one, one, one))
    nll = np.concatenate(
        list(evaluate.nll_nats(model, state.variables, evaluate.blocks(model, one)))
    )
    ages = np.arange(one.predictions) - np.repeat(one.starts, 21)
    unsure = nll[(ages >= 4) & (ages < 20)].mean() - np.log(17 / 16)
    assert unsure < 0.01 if field == 4 else unsure > 1.0  # of the ln 4 of equal chances
