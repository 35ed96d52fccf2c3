"""A whole run: its reports, its validation, its minibatches, and what it learns."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.runs import changed

from wavenet_jax.config import Config, DataConfig, ModelConfig, TrainConfig
from wavenet_jax.data import (
    Corpus,
    Splits,
    corpus_from_documents,
    load_dataset,
    vocab_from_documents,
)
from wavenet_jax.errors import InputError
from wavenet_jax.evaluation import Loss, corpus_loss, index_corpus
from wavenet_jax.evaluation.losses import batches_nll
from wavenet_jax.nn import WaveNet
from wavenet_jax.training import (
    Batch,
    DivergenceError,
    StepInfo,
    TrainState,
    Validation,
    fit,
    has_stalled,
    init_state,
    loss_fn,
    make_trainer,
    windows,
)


@pytest.fixture
def model(tiny: Config) -> WaveNet:
    return WaveNet(tiny.model, 27)


def last_state(model: WaveNet, config: Config, splits: Splits[Corpus]) -> TrainState:
    *_, info = fit(model, config, splits)
    return info.state


def test_patience_is_a_fraction_of_the_steps_without_rounding() -> None:
    validations = [Validation(1, 2.0), Validation(8, 3.0)]
    assert has_stalled(validations, 0.07, 100)  # 0.07 · 100 is a little more than 7
    assert not has_stalled(validations, 0.08, 100)


def test_seed_decides_the_run(tiny: Config, model: WaveNet, splits: Splits[Corpus]) -> None:
    first, again, other = (
        last_state(model, changed(tiny, seed=seed), splits).params["head"]["logits"]["kernel"]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.fixture
def odd(tiny: Config) -> Config:
    """A run that does not end at a multiple of `report_every`."""
    return changed(tiny, steps=53)


def test_infos_come_at_their_steps_validate_at_theirs_and_have_a_speed_without_compilation(
    odd: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    infos = list(fit(model, odd, splits))
    assert [info.step for info in infos] == [10, 20, 30, 40, 50, 53]
    assert [info.val is not None for info in infos] == [False, True, False, True, False, True]
    speeds = [info.steps_per_second for info in infos]
    assert [speed is None for speed in speeds] == [True, False, False, False, False, True]
    assert all(speed > 0 for speed in speeds if speed is not None)


def test_learning_rate_of_an_info_is_that_of_the_last_step(
    odd: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    rates = [info.learning_rate for info in fit(model, odd, splits)]
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.01, 0.01])  # from the 41st step on


def test_infos_of_a_run_from_any_step_come_at_multiples(
    odd: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    *_, info = fit(model, odd, splits)
    state = info.state._replace(step=info.state.step - 6)
    assert [info.step for info in fit(model, odd, splits, state)] == [50, 53]


def test_info_reads_as_a_line(tiny: Config) -> None:
    state = init_state(make_trainer(WaveNet(tiny.model, 27), tiny, 60))
    info = StepInfo(state, dict, 2_000, 2.25, 1.0, 0.1, None, val=None, seconds=1.0)
    assert str(info) == "step 2,000  train 2.2500"
    val = info._replace(val=Loss(30.0, 20, 4, 0.1))
    assert str(val) == "step 2,000  train 2.2500  val 1.5000"


def test_states_of_earlier_infos_stay_valid(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    infos = list(fit(model, tiny, splits))
    assert [int(info.state.step) for info in infos] == [info.step for info in infos]


def test_non_finite_loss_stops_and_names_the_step(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    infos = fit(model, changed(tiny, learning_rate=1e38), splits)
    with pytest.raises(DivergenceError, match=r"loss is (nan|inf) in step \d"):
        list(infos)


def test_step_of_a_non_finite_loss_is_counted_from_the_start_of_the_run(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    state = next(fit(model, tiny, splits)).state
    broken = state._replace(params=jax.tree.map(lambda leaf: leaf * np.nan, state.params))
    with pytest.raises(DivergenceError, match="loss is nan in step 11, expected a finite"):
        next(fit(model, tiny, splits, broken))


def test_minibatches_are_those_of_the_draw_that_is_passed(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    """The first windows of the corpus in every step, which a random draw would not give."""
    config = changed(tiny, steps=1, report_every=1, eval_every=1)

    def draw(_key: jax.Array, corpus: Corpus, settings: TrainConfig, field: int) -> Batch:
        return windows(corpus, jnp.arange(settings.batch_size), field)

    info = next(fit(model, config, splits, draw=draw))
    trainer = make_trainer(model, config, 1)
    state = init_state(trainer)
    batch = windows(splits.train, jnp.arange(8), model.config.receptive_field)
    jitted_loss = jax.jit(loss_fn, static_argnames="trainer")
    loss, _ = jitted_loss(state.params, state.batch_stats, batch, state.dropout_key, trainer)
    assert info.train_loss == pytest.approx(float(loss), rel=1e-5)


def test_validation_is_on_the_first_predictions_of_a_large_split(
    tiny: Config, model: WaveNet, splits: Splits[Corpus]
) -> None:
    tokens = np.tile(np.array([1, 2, 3, 4], np.uint8), 500)
    tokens[0], tokens[1_000:] = 0, 5
    config = changed(tiny, steps=1, report_every=1, eval_every=1, max_val=1_000, kind="audio")
    info = next(fit(model, config, splits._replace(val=Corpus(tokens))))
    first = Corpus(tokens[:1_001])
    assert first.num_predictions == config.train.max_val
    variables = info.variables
    loss = corpus_loss(model, variables, first, index_corpus(model, first))
    assert info.val == loss._replace(unit="sample")


def test_text_in_a_file_is_trained_on_without_a_copy(tmp_path: Path, tiny: Config) -> None:
    path = tmp_path / "text.txt"
    path.write_text("to be or not to be, " * 50)
    dataset = load_dataset(DataConfig(str(path), kind="text"), tmp_path / "tokens")
    tokens = dataset.splits.train.tokens
    infos = fit(WaveNet(tiny.model, len(dataset.vocab)), tiny, dataset.splits)
    next(infos)  # the run holds its corpus on the device until it ends
    held = [array for array in jax.live_arrays() if array.shape == tokens.shape]
    assert {array.unsafe_buffer_pointer() for array in held} == {tokens.ctypes.data}


def test_row_longer_than_the_training_data_is_refused(tiny: Config, splits: Splits[Corpus]) -> None:
    for values, said in (
        ({"mode": "sequence", "seq_len": 1_000}, "seq_len is 1,000, expected at most 264"),
        ({"mode": "sequence", "seq_len": 9, "dilations": (500,)}, "the receptive field is 501"),
    ):
        config = changed(tiny, **values)
        with pytest.raises(InputError, match=said):
            next(fit(WaveNet(config.model, 27), config, splits))


def test_successor_language_is_learned() -> None:
    """After a comes b, after b comes c, ...: only the first letter is left to guess."""
    alphabet = "abcdefgh"
    documents = [alphabet[start:] for start in range(8)] * 4
    corpus = corpus_from_documents(documents, vocab_from_documents(documents))
    config = Config(model=ModelConfig(n_embd=8, n_hidden=16, dilations=(1, 2)))
    config = changed(config, steps=1500, report_every=500, eval_every=500)
    *_, info = fit(WaveNet(config.model, 9), config, Splits(corpus, corpus, corpus))
    assert info.val is not None
    first_letters = len(documents) * np.log(8)
    assert info.val.nll_nats / first_letters == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("field", [4, 3])
def test_echo_is_learned_exactly_when_the_receptive_field_reaches_it(field: int) -> None:
    """Each letter repeats the letter four before it, the last that a field of 4 still sees.

    After its first four letters a document holds nothing new but its end, which follows any of the
    last 17 letters equally for all that the model sees; a field of 3 sees nothing of the echo.
    """
    rng = np.random.default_rng(0)
    documents = ["".join(rng.choice(list("abcd"), 4)) * 5 for _ in range(300)]
    corpus = corpus_from_documents(documents, vocab_from_documents(documents))
    config = changed(
        Config(),
        mode="sequence",
        dilations=(1, 2) if field == 4 else (1, 1),
        n_embd=8,
        n_hidden=32,
        optimizer="adamw",
        learning_rate=0.02,
        schedule="linear",
        batch_size=4,
        seq_len=128,
        steps=500,
        report_every=500,
        eval_every=500,
    )
    assert config.model.receptive_field == field
    model = WaveNet(config.model, 5)
    variables = last_state(model, config, Splits(corpus, corpus, corpus)).variables
    nll = np.concatenate(list(batches_nll(model, variables, index_corpus(model, corpus))))
    age = np.arange(corpus.num_predictions) - np.repeat(corpus.starts, 21)
    excess = nll[(age >= 4) & (age < 20)].mean() - np.log(17 / 16)
    assert excess < 0.01 if field == 4 else excess > 1.0  # of the ln 4 of a uniform guess
