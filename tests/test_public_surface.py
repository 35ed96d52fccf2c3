"""The public names and their signatures; who changes one changes it here too, and says so."""

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wavenet_jax

HOUSE = Path(wavenet_jax.__file__).parent
WINGS = sorted(path.parent.name for path in HOUSE.glob("*/__init__.py"))

SURFACE = """
Config
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optim: OptimConfig = OptimConfig()
    train: TrainConfig = TrainConfig()
DataConfig
    data: str | tuple[str, ...] = 'names'
    kind: Optional[Literal['list', 'text', 'audio']] = None
    column: str | None = None
    labels: tuple[str, ...] = ()
    label_pattern: str | None = None
    lower: bool = False
    normalize: Optional[Literal['NFC', 'NFD', 'NFKC', 'NFKD']] = None
    rate: int | None = None
    trim_db: float | None = None
    peak: float | None = None
    skip_bad: bool = False
    test_pattern: str | None = None
    split_by: str | None = None
    split_seed: int = 42
    val_fraction: float = 0.1
    test_fraction: float | None = None
    max_vocab: int = 10000
DivergenceError
    loss: float
    step: int
InputError
    sentence: str
    field: str | None = None
LanguageModel
    config: Config
    data: Dataset
    variables: dict[str, Any]
.classify -> list[dict[str, float]]
    texts: Iterable[str]
    by: str
    *, label: tuple[str, ...] = ()
.evaluate -> Splits[Evaluation]
.network -> WaveNet
.sample -> list[str]
    n: int | None = None
    **options: Any
.score -> list[Score]
    texts: Iterable[str]
    *, text_start: bool = False
    *, label: tuple[str, ...] = ()
ModelConfig
    layer: Literal['plain', 'gated'] = 'plain'
    n_embd: int = 24
    n_label: int = 16
    n_hidden: int = 128
    n_skip: int = 64
    kernel_size: int = 2
    dilations: tuple[int, ...] = (1, 2, 4)
    norm: Literal['batch', 'none'] = 'batch'
    activation: Literal['tanh', 'relu', 'gelu', 'silu'] = 'tanh'
    residual: bool = False
    ordered: bool = False
    dropout: float = 0.0
    precision: Literal['float32', 'bf16'] = 'float32'
OptimConfig
    optimizer: Literal['sgd', 'rmsprop', 'adam', 'adamw', 'lion', 'muon', 'schedule_free_adamw'] = 'sgd'
    learning_rate: float | None = None
    schedule: Literal['constant', 'piecewise', 'linear', 'cosine', 'wsd'] = 'piecewise'
    boundaries: tuple[float, ...] = (0.75,)
    decay: float = 0.1
    warmup: float = 0.0
    cooldown: float = 0.2
    momentum: float | None = None
    nesterov: bool = False
    b1: float = 0.9
    b2: float = 0.99
    weight_decay: float = 0.0
    clip_norm: float | None = None
    ema: float | None = None
SampleConfig
    n: int | None = None
    seed: int | None = None
    prefix: str = ''
    pattern: str | None = None
    allow: str | None = None
    forbid: str = ''
    forbid_text: tuple[str, ...] = ()
    ignore_case: bool = False
    min_length: int = 1
    max_length: int | None = None
    cut_at: int | None = None
    text_length: int | None = None
    text_start: bool = False
    label: tuple[str, ...] = ()
    seconds: float | None = None
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    unique: bool = False
    new: bool = False
    exact: bool = False
    masked: bool = False
    max_attempts: int | None = None
StepInfo
    state: TrainState
    get_variables: Callable[[], dict[str, Any]]
    step: int
    train_loss: float
    gradient_norm: float | None
    learning_rate: float
    steps_per_second: float | None
    val: Loss | None
    seconds: float
    samples: tuple[str, ...] = ()
TrainConfig
    mode: Literal['window', 'sequence'] = 'window'
    batch_size: int = 32
    accumulate: int = 1
    seq_len: int = 1
    epochs: float = 35.0
    steps: int | None = None
    patience: float | None = None
    label_dropout: float = 0.1
    seed: int = 0
    init_from: str | None = None
    report_every: int | None = None
    eval_every: int | None = None
    max_val: int = 1000000
WaveNet
    config: ModelConfig
    vocab_size: int
    training: bool = False
    num_labels: int = 0
    num_embeddings: int | None = None
    boundary_id: int = 0
    keeps_rows: bool = False
__version__
fit -> Generator[StepInfo, None, None]
    model: WaveNet
    config: Config
    splits: Splits[Corpus]
    state: TrainState | None = None
    validations: Sequence[Validation] = ()
    *, draw: Callable[[Array, Corpus, TrainConfig, int], Batch] = draw_batch
    *, gradient_norms: bool = False
load -> LanguageModel
    run_dir: str | PathLike[str]
    checkpoint: Literal['best', 'latest'] = 'best'
resume -> LanguageModel
    run_dir: str | PathLike[str]
    *, steps: int | None = None
    *, epochs: float | None = None
    *, on_step: Callable[[StepInfo], object] = <lambda>
train -> LanguageModel
    config: str | PathLike[str] | Config = 'auto'
    *, run_dir: str | PathLike[str] | None = None
    *, overwrite: bool = False
    *, on_step: Callable[[StepInfo], object] = <lambda>
    **options: Any
"""


def described() -> str:
    """Return the public names with the parameters that they are called with, a line each."""
    lines: list[str] = []
    for name in wavenet_jax.__all__:
        value = getattr(wavenet_jax, name)
        lines += [name] if isinstance(value, str) else _called(name, value)
        if name == "LanguageModel":
            for member, method in inspect.getmembers_static(value):
                if isinstance(method, property):
                    lines.append(f".{member} -> {_type(method.fget.__annotations__['return'])}")
                elif inspect.isfunction(method) and not member.startswith("_"):
                    lines += _called(f".{member}", method)
    return "\n".join(lines)


def _called(name: str, value: Any) -> Iterator[str]:
    signature = inspect.signature(value)
    result = "" if inspect.isclass(value) else f" -> {_type(signature.return_annotation)}"
    yield f"{name}{result}"
    is_flax = "parent" in signature.parameters  # every Flax module has `parent` and `name`
    for parameter in signature.parameters.values():
        if parameter.name != "self" and not (is_flax and parameter.name in ("parent", "name")):
            yield f"    {_parameter(parameter)}"


def _parameter(parameter: inspect.Parameter) -> str:
    marks: dict[Any, str] = {parameter.VAR_KEYWORD: "**", parameter.KEYWORD_ONLY: "*, "}
    default = ""
    if parameter.default is not parameter.empty:
        value = parameter.default
        shown = getattr(value, "__name__", repr(value))
        if type(value).__module__.startswith("wavenet_jax"):  # a section of the configuration
            assert value == type(value)()
            shown = f"{type(value).__name__}()"
        default = f" = {shown}"
    return (
        f"{marks.get(parameter.kind, '')}{parameter.name}: {_type(parameter.annotation)}{default}"
    )


def _type(annotation: Any) -> str:
    """Return a type without its modules."""
    return re.sub(r"\b(?:\w+\.)+", "", inspect.formatannotation(annotation))


def test_public_names_and_signatures_are_these() -> None:
    assert described() == SURFACE.strip()


def test_public_names_are_sorted_listed_and_resolve() -> None:
    assert wavenet_jax.__all__ == sorted(wavenet_jax.__all__) == dir(wavenet_jax)
    for name in wavenet_jax.__all__:
        assert getattr(wavenet_jax, name) is not None
    with pytest.raises(AttributeError, match="module 'wavenet_jax' has no attribute 'lod'"):
        wavenet_jax.lod  # noqa: B018


def test_import_loads_nothing_until_a_name_is_used() -> None:
    code = (
        "import json, sys; import wavenet_jax; before = sorted(sys.modules); "
        "wavenet_jax.SampleConfig; config = sorted(sys.modules); wavenet_jax.load; "
        "print(json.dumps([before, config, sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, config, after = map(set, json.loads(done.stdout))
    heavy = {"jax", "flax", "optax", "orbax", "numpy", "tyro", "rich"}
    assert not before & heavy
    assert {name for name in before if name.startswith("wavenet_jax")} == {"wavenet_jax"}
    assert not config & heavy
    assert "wavenet_jax.config" in config
    assert {"jax", "wavenet_jax.api"} <= after
    assert not after & {"tyro", "wavenet_jax.cli"}


@pytest.mark.parametrize("wing", WINGS)
def test_the_face_of_a_wing_is_sorted_and_resolves(wing: str) -> None:
    """Sorted as ruff sorts `__all__`: constants, then classes, then functions."""
    face = importlib.import_module(f"wavenet_jax.{wing}")
    kinds = [(not n.isupper(), not n[0].isupper(), n) for n in face.__all__]
    assert kinds == sorted(set(kinds))
    assert all(hasattr(face, name) for name in face.__all__)


def test_wings_are_entered_by_their_faces() -> None:
    """`from wavenet_jax.X.Y import` stands only inside wing X, and takes what the face lists."""
    for path in HOUSE.rglob("*.py"):
        own = path.relative_to(HOUSE).parts[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wavenet_jax."):
                wing, *inside = (node.module or "").split(".")[1:]
                assert wing == own or not inside, f"{path}: {node.module}"
                if wing in WINGS and wing != own:
                    listed = importlib.import_module(f"wavenet_jax.{wing}").__all__
                    assert {alias.name for alias in node.names} <= set(listed), path
