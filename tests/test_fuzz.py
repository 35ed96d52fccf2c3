"""Whatever comes in through a door, it is taken or refused by a sentence, and soon.

A few cases of each door run with the other tests.  Many of them, with counts of what became of
them, by hand:

    WAVENET_FUZZ=20000 python -m pytest -q -s tests/test_fuzz.py
"""

import bz2
import gzip
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import jax
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.corpora import NAMES

from wavenet_jax.api import LanguageModel
from wavenet_jax.cli.arguments import COMMANDS
from wavenet_jax.cli.commands.sample import _read_prefixes
from wavenet_jax.cli.main import parse_command
from wavenet_jax.cli.mistakes import all_options, in_flags
from wavenet_jax.config import (
    SECTIONS,
    Config,
    DataConfig,
    Extent,
    ModelConfig,
    Recipe,
    SampleConfig,
    config_from_dict,
    config_to_dict,
    load_config,
)
from wavenet_jax.data import dataset_from_documents, load_dataset, vocab_from_documents
from wavenet_jax.errors import InputError
from wavenet_jax.nn import WaveNet, init_variables
from wavenet_jax.runs.folder import _load_vocab
from wavenet_jax.sampling import generate_documents

CASES = int(os.environ.get("WAVENET_FUZZ", "25"))
MOST_SECONDS = 2.0  # of the processor
FOUND = Counter[tuple[str, str]]()

fuzz = settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)


@pytest.fixture(scope="module", autouse=True)
def counts() -> Iterator[None]:
    """Print how many cases each door took and refused, where there are many."""
    yield
    if "WAVENET_FUZZ" in os.environ:
        for (door, outcome), count in sorted(FOUND.items()):
            print(f"\n{door}: {count:,} {outcome}", end="")


def enter(door: str, way: Callable[[], object]) -> None:
    """Go through a door; only an `InputError` of one printable line may turn back."""
    started = time.process_time()
    try:
        way()
        FOUND[door, "taken"] += 1
    except InputError as refusal:
        sentence = in_flags(str(refusal), all_options(), refusal.field)
        assert sentence.endswith((".", "?"))
        assert "\n" not in sentence
        assert "\x1b" not in sentence
        assert len(sentence) < 5_000
        FOUND[door, "refused"] += 1
    seconds = time.process_time() - started
    assert seconds < MOST_SECONDS, f"{door} took {seconds:.1f} s"


TEXTS = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(exclude_categories=[]), max_size=5),  # lone surrogates too
    st.sampled_from(["", "\0", "\x1b[31m", "\ud800", "a" * 10_000, "-", "names", "/dev/zero", "1"]),
)
NUMBERS = st.one_of(
    st.integers(-3, 300),
    st.sampled_from([2**31 - 1, 2**31, 2**32, 2**63, 10**18, 10**400, -(10**400)]),
    st.floats(),
    st.sampled_from([0.0, 0.5, 1.0, 1e-300, 1e308, 1e38]),
)
WORDS = st.sampled_from(
    "plain gated batch none tanh gelu list text NFC window sequence sgd adamw muon lion wsd linear "
    "schedule_free_adamw constant piecewise cosine".split()
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, WORDS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
KINDS = {name: get_type_hints(section) for name, section in SECTIONS.items()}
SMALL = st.integers(1, 40)


def likely(kind: Any) -> st.SearchStrategy[Any]:
    """Return values of a field of this type that are often allowed."""
    parts = get_args(kind)
    if get_origin(kind) is Literal:
        return st.sampled_from(parts)
    if kind == tuple[int, ...]:
        return st.sampled_from([[1], [1, 2], [1, 2, 4], [1, 3, 9]]) | st.lists(SMALL, max_size=5)
    if kind == tuple[float, ...]:
        return st.lists(st.floats(0.01, 0.99), unique=True, max_size=4).map(sorted)
    if parts:
        return st.one_of([likely(part) for part in parts if part is not Ellipsis])
    plain = {int: SMALL, float: st.floats(0.01, 0.99), bool: st.booleans(), str: TEXTS}
    return plain.get(kind, st.none())


def changed(changes: list[tuple[str, str, Any]]) -> dict[str, Any]:
    """Return a configuration as plain values, of which some are replaced."""
    values = json.loads(json.dumps(config_to_dict(Config())))
    for section, field, value in changes:
        if isinstance(values.get(section), dict):
            values[section][field] = value
    return values


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[str, str, Any]]:
    """Draw sections, their fields, and values that may or may not be meant."""
    found = list[tuple[str, str, Any]]()
    if draw(st.booleans()):  # else most dilations are refused
        found = [("train", "mode", "sequence"), ("train", "seq_len", draw(SMALL))]
    for _ in range(draw(st.integers(1, 4))):
        section = draw(st.sampled_from(list(KINDS)))
        if draw(st.integers(0, 4)):
            field = draw(st.sampled_from(list(KINDS[section])))
            found.append((section, field, draw(likely(KINDS[section][field]))))
        else:
            found.append(
                (section, draw(st.sampled_from(list(KINDS[section])) | TEXTS), draw(VALUES))
            )
    return found


@fuzz
@given(changes())
def test_configuration_of_plain_values(changes: list[tuple[str, str, Any]]) -> None:
    values = changed(changes)

    def way() -> None:
        config = config_from_dict(values)
        config.train.count_steps(1_000)
        assert config_from_dict(json.loads(json.dumps(config_to_dict(config)))) == config

    enter("configuration", way)


@fuzz
@given(changes=changes(), rest=st.lists(VALUES, max_size=2))
def test_recipe_of_options(changes: list[tuple[str, str, Any]], rest: list[Any]) -> None:
    options = {field: value for _, field, value in changes if field != "init_from"}
    base = rest[0] if rest and isinstance(rest[0], str) and len(rest[0]) < 9 else "makemore"

    def way() -> None:
        recipe = Recipe(base, options)
        recipe.data_config()
        recipe.config(Extent("list", 1_000, 8))

    enter("options", way)


def mutated(text: str, edits: list[tuple[int, int, str]]) -> str:
    """Return a text in which pieces are replaced."""
    for start, length, piece in edits:
        place = start % (len(text) + 1)
        text = text[:place] + piece + text[place + length :]
    return text


PIECES = st.one_of(
    st.text(max_size=3),
    st.sampled_from(
        ['"', "\\ud800", "{", "[" * 3_000, "9" * 5_000, "1e999", "NaN", "null", "\ufeff"]
    ),
)
EDITS = st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 40), PIECES), max_size=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@fuzz
@given(edits=EDITS)
def test_config_json(folder: Path, edits: list[tuple[int, int, str]]) -> None:
    path = folder / "config.json"
    text = mutated(json.dumps(config_to_dict(Config())), edits)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    enter("config.json", lambda: load_config(path))


@fuzz
@given(characters=VALUES | st.text().map(lambda text: "\0" + text), edits=EDITS)
def test_vocab_json(folder: Path, characters: Any, edits: list[tuple[int, int, str]]) -> None:
    path = folder / "vocab.json"
    text = mutated(json.dumps({"characters": characters}), edits[:2])
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    def way() -> None:
        vocab = _load_vocab(path)
        known = vocab.characters[1:]
        assert vocab.decode(vocab.encode(known)) == known

    enter("vocab.json", way)


LINES = st.one_of(
    st.text(st.characters(categories=["L", "N", "Zs"]), max_size=12).map(str.encode),
    st.binary(max_size=20),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([b"emma", b"1,2,a", b'"a;b";c', b"a\tb\t", b'{"text": "a"}', b"name,age"]),
    st.sampled_from([b"", b" ", b">seq", b"\xef\xbb\xbf", b"\xff\xfe", b"a" * 70_000, b'"', b"\0"]),
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n"])
SUFFIXES = ["txt", "csv", "tsv", "jsonl", "gz", "tab.bz2", "xz", "parquet"]
DATA_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["list", "text"]),
        "column": st.sampled_from(["1", "2", "name", "99", "", "²", "a,b"]),
        "labels": st.sampled_from([("name",), ("age", "name"), ("a",), ("",)]),
        "label_pattern": st.sampled_from([r"(?P<a>\w+)\.", r"(?P<a>\d)", "data", "("]),
        "lower": st.booleans(),
        "normalize": st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]),
        "skip_bad": st.booleans(),
        "val_fraction": st.sampled_from([0.0, 0.1, 0.5, 0.9]),
        "max_vocab": st.integers(1, 30),
    },
)


@fuzz
@given(
    lines=st.lists(LINES, max_size=30),
    end=ENDS,
    suffix=st.sampled_from(SUFFIXES),
    packed=st.sampled_from([bytes, bytes, gzip.compress, bz2.compress]),
    cut=st.integers(0, 200),
    options=DATA_OPTIONS,
)
def test_data_file(
    folder: Path,
    lines: list[bytes],
    end: bytes,
    suffix: str,
    packed: Callable[[bytes], bytes],
    cut: int,
    options: dict[str, Any],
) -> None:
    path = folder / f"data.{suffix}"
    content = packed(end.join(lines))
    path.write_bytes(content[:-cut] if 0 < cut < 20 else content)

    def way() -> None:
        dataset = load_dataset(DataConfig(data=str(path), **options))
        assert dataset.splits.train.num_predictions > 0
        assert all("\x1b" not in note for note in dataset.notes)

    enter("data files", way)


FLAGS = sorted(
    {f"--{name.replace('_', '-')}" for name in all_options()} | {"-n", "-h", "--", "--x"}
)
SPELLED = st.one_of(
    st.sampled_from(FLAGS),
    st.tuples(st.sampled_from(FLAGS), TEXTS).map("=".join),
    TEXTS,
    NUMBERS.map(lambda number: str(number) if abs(number) < 1e300 else "1e999"),
    WORDS,
)


@fuzz
@given(name=st.sampled_from([*COMMANDS, "trian", ""]), words=st.lists(SPELLED, max_size=8))
def test_command_line(name: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    def way() -> None:
        with suppress(SystemExit):
            parse_command(name, *words)

    enter("command lines", way)
    assert "Traceback" not in capsys.readouterr().err


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    """Return a model that has not been trained: what it says does not matter."""
    config = Config(model=ModelConfig(n_embd=2, n_hidden=2, dilations=(1, 2)))
    data = dataset_from_documents(NAMES, vocab_from_documents(NAMES), config.data)
    network = WaveNet(config.model, len(data.vocab))
    return LanguageModel(config, data, init_variables(network, jax.random.key(0)))


SAMPLE_OPTIONS = st.dictionaries(
    st.sampled_from(
        [each for each in vars(SampleConfig()) if each not in ("pattern", "max_length", "n")]
    ),
    LEAVES | st.lists(TEXTS, max_size=2),
    max_size=3,
)


@fuzz
@given(prefix=TEXTS | st.text("aeimn", max_size=5), options=SAMPLE_OPTIONS)
def test_prefix(model: LanguageModel, prefix: str, options: dict[str, Any]) -> None:
    def way() -> None:
        config = SampleConfig(**{"prefix": prefix} | options)
        generate_documents(model.network, model.variables, model.data, config)

    enter("prefixes", way)


@fuzz
@given(texts=st.lists(TEXTS | st.text("aeimn", max_size=5), max_size=4))
def test_scored_texts(model: LanguageModel, texts: list[str]) -> None:
    enter("scored texts", lambda: model.score(texts))


@fuzz
@given(content=st.lists(LINES, max_size=4).map(b"\n".join))
def test_prefix_file(folder: Path, model: LanguageModel, content: bytes) -> None:
    path = folder / "prefixes"
    path.write_bytes(content)
    enter("prefix files", lambda: _read_prefixes(path, model.data.vocab))
