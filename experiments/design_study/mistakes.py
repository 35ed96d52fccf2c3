"""Six mistakes that people make, in each design: is there a word of it?

Each function makes one mistake and returns what silently came of it.  Where it returns `Right`, the
design cannot make the mistake, or does what was meant.
"""

import importlib
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from designs import Sizes, functions, initial_weights, linen, load_design
from designs import nnx as nnx_design
from flax import nnx

from design_study.agreement import batch_for

SIZES = Sizes(n_embd=4, n_hidden=8, batch_size=16)
KEY = jax.random.key(0)


class Right(str):
    """What a design does that makes the mistake harmless."""


Mistake = Callable[[], str]
MISTAKES: dict[str, dict[str, Mistake]] = {}  # by what it is, and by design


def mistake(title: str, design: str) -> Callable[[Mistake], Mistake]:
    """Enter a function in the table of mistakes."""

    def enter(make: Mistake) -> Mistake:
        MISTAKES.setdefault(title, {})[design] = make
        return make

    return enter


class Outcome(NamedTuple):
    """What became of a mistake."""

    verdict: str  # raises, warns, silent or right
    message: str


def outcome(make: Mistake) -> Outcome:
    """Make a mistake and return what became of it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            effect = make()
        except Exception as error:
            return Outcome("raises", f"{type(error).__name__}: {beginning(str(error))}")
    if caught:
        return Outcome("warns", beginning(str(caught[-1].message)))
    return Outcome("right" if isinstance(effect, Right) else "silent", effect)


def beginning(message: str) -> str:
    """Return a message up to its first full stop or line."""
    return message.strip().splitlines()[0].split(". ")[0].split(" (https")[0].removesuffix(".")


def batch(name: str) -> tuple[Any, Any]:
    """Return a batch of any tokens, as a design takes it."""
    draw = np.random.default_rng(0)
    rows = SIZES.batch_size
    return batch_for(name, (draw.integers(0, 27, (rows, 8)), draw.integers(0, 27, rows)))


def fresh(name: str) -> Any:
    """Return a state of a design."""
    return load_design(name).from_weights(initial_weights(SIZES))


def trained(name: str, state: Any, steps: int = 5) -> Any:
    """Return the state after some steps."""
    for _ in range(steps):
        state, _ = load_design(name).train_step(state, *batch(name))
    return state


def others_matter(logits: Callable[[Any], Any], inputs: Any) -> str:
    """Tell whether the logits of a row depend on the other rows, as they do in training."""
    few, many = logits(inputs[:2]), logits(inputs)
    change = np.abs(np.asarray(few[0]) - np.asarray(many[0])).max()
    return f"the other rows of the batch move a logit by {change:.2f}"


# 1. The mode of BatchNorm is forgotten: evaluation with the statistics of the batch.


@mistake("mode of BatchNorm forgotten", "functions")
def _() -> str:
    state = fresh("functions")
    inputs, _ = batch("functions")
    return str(functions.apply(state.params, state.stats, inputs))  # type: ignore[call-arg]


@mistake("mode of BatchNorm forgotten", "linen")
def _() -> str:
    state = fresh("linen")
    variables = {"params": state.params, "batch_stats": state.batch_stats}
    return str(linen.Net(SIZES).apply(variables, batch("linen")[0]))


@mistake("mode of BatchNorm forgotten", "nnx")
def _() -> str:
    net, _ = trained("nnx", fresh("nnx"))
    return others_matter(net, jnp.array(batch("nnx")[0]))


@mistake("mode of BatchNorm forgotten", "equinox")
def _() -> str:
    net, running, _ = trained("equinox", fresh("equinox"))
    apply = load_design("equinox").apply
    return others_matter(lambda x: apply(net, running, x)[0], jnp.array(batch("equinox")[0]))


@mistake("mode of BatchNorm forgotten", "torch")
def _() -> str:
    net, _ = trained("torch", fresh("torch"))
    return others_matter(lambda x: net(x).detach(), batch("torch")[0])


# 2. The state that comes back is not carried: the running statistics stay what they were.


def moved(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Tell what became of the running variance of the first layer."""
    old, new = (weights["layers_0/norm/var"].mean() for weights in (before, after))
    return f"the running variance is {new:.3f} after training, it was {old:.3f}"


def uncarried(name: str, field: str) -> str:
    """Train, and put the first statistics back into each state that comes out."""
    design = load_design(name)
    before = state = fresh(name)
    for _ in range(5):
        after, _ = design.train_step(state, *batch(name))
        state = after._replace(**{field: getattr(before, field)})
    return moved(design.to_weights(before), design.to_weights(state))


@mistake("state not carried", "functions")
def _() -> str:
    return uncarried("functions", "stats")


@mistake("state not carried", "linen")
def _() -> str:
    return uncarried("linen", "batch_stats")


@mistake("state not carried", "linen, mutable forgotten")
def _() -> str:
    state = fresh("linen")
    variables = {"params": state.params, "batch_stats": state.batch_stats}
    return str(linen.Net(SIZES, training=True).apply(variables, batch("linen")[0]))


@mistake("state not carried", "nnx")
def _() -> str:
    state = fresh("nnx")
    before = nnx_design.to_weights(state)
    jax.jit(nnx_design.step)(*state, *batch("nnx"))  # a module is a pytree, and here not returned
    return moved(before, nnx_design.to_weights(state)) + " (of jax.jit; nnx.jit carries it)"


@mistake("state not carried", "equinox")
def _() -> str:
    return uncarried("equinox", "running")


@mistake("state not carried", "torch")
def _() -> str:
    return Right("the statistics change in place")


# 3. A key is used again: dropout drops the same in every step.


def with_a_check(draw: Callable[[], str]) -> str:
    """Do so with JAX's check of keys."""
    with jax.debug_key_reuse(True):
        return draw()


def same_mask(masks: list[Any]) -> str:
    """Tell whether two masks are one."""
    same = bool((np.asarray(masks[0]) == np.asarray(masks[1])).all())
    return "the same mask in every step" if same else Right("another mask each time")


@mistake("key used again", "functions")
def _() -> str:
    return same_mask([jax.random.bernoulli(KEY, 0.5, (64,)) for _ in range(2)])


@mistake("key used again", "functions, with jax.debug_key_reuse")
def _() -> str:
    return with_a_check(MISTAKES["key used again"]["functions"])


@mistake("key used again", "linen")
def _() -> str:
    dropout = nn.Dropout(0.5, deterministic=False)
    return same_mask([dropout.apply({}, jnp.ones(64), rngs={"dropout": KEY}) for _ in range(2)])


@mistake("key used again", "linen, with jax.debug_key_reuse")
def _() -> str:
    return with_a_check(MISTAKES["key used again"]["linen"])


@mistake("key used again", "nnx")
def _() -> str:
    dropout = nnx.Dropout(0.5, rngs=nnx.Rngs(0))  # which counts its keys
    return same_mask([dropout(jnp.ones(64)) for _ in range(2)])


@mistake("key used again", "equinox")
def _() -> str:
    dropout = importlib.import_module("equinox").nn.Dropout(0.5)
    return same_mask([dropout(jnp.ones(64), key=KEY) for _ in range(2)])


@mistake("key used again", "equinox, with jax.debug_key_reuse")
def _() -> str:
    return with_a_check(MISTAKES["key used again"]["equinox"])


@mistake("key used again", "torch")
def _() -> str:
    torch = importlib.import_module("torch")
    return same_mask([torch.nn.Dropout(0.5)(torch.ones(64)) for _ in range(2)])


# 4. The best weights are kept by reference while training goes on.


def followed(name: str, keep: Callable[[Any], Any], read: Callable[[Any], Any]) -> str:
    """Tell whether what was kept follows the training that comes after."""
    state = trained(name, fresh(name))
    kept = keep(state)
    before = np.array(read(kept))
    trained(name, state)
    if (np.asarray(read(kept)) == before).all():
        return Right("what was kept stays")
    return "what was kept follows the training"


@mistake("best weights kept by reference", "functions")
def _() -> str:
    return followed("functions", lambda state: state, lambda state: state.params["head"]["bias"])


@mistake("best weights kept by reference", "linen")
def _() -> str:
    return followed("linen", lambda state: state, lambda state: state.params["head"]["bias"])


@mistake("best weights kept by reference", "nnx")
def _() -> str:
    return followed("nnx", lambda state: nnx.state(state.net), lambda kept: kept.head.bias[...])


@mistake("best weights kept by reference", "equinox")
def _() -> str:
    return followed("equinox", lambda state: state, lambda state: state.net.head.bias)


@mistake("best weights kept by reference", "torch")
def _() -> str:
    return followed(
        "torch", lambda state: state.net.state_dict(), lambda kept: kept["head.bias"].numpy()
    )


# 5. A tracer leaks: an activation is kept for inspection from inside a jitted function.


@mistake("tracer leaked", "functions")
def _() -> str:
    seen = []
    jax.jit(lambda x: seen.append(jnp.tanh(x)))(jnp.ones(3))
    return f"kept {np.asarray(seen[0])}"


@mistake("tracer leaked", "linen")
def _() -> str:
    class Keeps(nn.Module):
        @nn.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            self.seen = nn.Dense(3)(x)
            return self.seen

    jax.jit(Keeps().init)(KEY, jnp.ones(3))
    return "kept"


@mistake("tracer leaked", "nnx")
def _() -> str:
    class Keeps(nnx.Module):
        def __init__(self) -> None:
            self.linear = nnx.Linear(3, 3, rngs=nnx.Rngs(0))

        def __call__(self, x: jax.Array) -> jax.Array:
            self.seen = self.linear(x)
            return self.seen

    net = Keeps()
    nnx.jit(lambda net, x: net(x))(net, jnp.ones(3))
    return f"kept {np.asarray(net.seen)}"


@mistake("tracer leaked", "equinox")
def _() -> str:
    eqx = importlib.import_module("equinox")

    class Keeps(eqx.Module):  # type: ignore[name-defined]
        linear: Any

        def __call__(self, x: jax.Array) -> jax.Array:
            self.seen = self.linear(x)
            return self.seen

    eqx.filter_jit(Keeps(eqx.nn.Linear(3, 3, key=KEY)))(jnp.ones(3))
    return "kept"


@mistake("tracer leaked", "torch")
def _() -> str:
    return Right("there are no tracers")


# 6. One layer stands in two places, and should stay one.


def square(net: Callable[[Any], Any]) -> Any:
    """Return a loss of any kind."""
    return (net(jnp.ones((2, 3))) ** 2).mean()


TWO = "each place trains weights of its own"
ONE = Right("the places share their weights")


@mistake("layer in two places", "functions")
def _() -> str:
    kernel = jax.random.normal(KEY, (3, 3))
    params = {"first": kernel, "second": kernel}
    gradients = jax.grad(lambda p: square(lambda x: jnp.tanh(x @ p["first"]) @ p["second"]))(params)
    after = optax.apply_updates(params, jax.tree.map(lambda g: -0.1 * g, gradients))
    return ONE if (after["first"] == after["second"]).all() else TWO


@mistake("layer in two places", "linen")
def _() -> str:
    class Net(nn.Module):
        def setup(self) -> None:
            self.first = nn.Dense(3)
            self.second = self.first

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.second(jnp.tanh(self.first(x)))

    return ONE if len(Net().init(KEY, jnp.ones((2, 3)))["params"]) == 1 else TWO


class Twice(nnx.Module):
    """One layer of NNX in two places."""

    def __init__(self) -> None:
        self.first = nnx.Linear(3, 3, rngs=nnx.Rngs(0))
        self.second = self.first

    def __call__(self, x: jax.Array) -> jax.Array:
        """Apply the layer twice."""
        output: jax.Array = self.second(jnp.tanh(self.first(x)))
        return output


@mistake("layer in two places", "nnx")
def _() -> str:
    net = Twice()
    optimizer = nnx.Optimizer(net, optax.sgd(0.1), wrt=nnx.Param)
    nnx.jit(lambda net, optimizer: optimizer.update(net, nnx.grad(square)(net)))(net, optimizer)
    return ONE if net.first is net.second else TWO


@mistake("layer in two places", "nnx, tree mode")
def _() -> str:
    return str(nnx.jit(square, graph=False)(Twice()))


@mistake("layer in two places", "equinox")
def _() -> str:
    eqx = importlib.import_module("equinox")

    class Net(eqx.Module):  # type: ignore[name-defined]
        first: Any
        second: Any

        def __call__(self, x: jax.Array) -> jax.Array:
            return jax.vmap(self.second)(jnp.tanh(jax.vmap(self.first)(x)))

    layer = eqx.nn.Linear(3, 3, key=KEY)
    gradients = eqx.filter_grad(square)(Net(layer, layer))
    after = eqx.apply_updates(Net(layer, layer), jax.tree.map(lambda g: -0.1 * g, gradients))
    return ONE if (after.first.weight == after.second.weight).all() else TWO


@mistake("layer in two places", "torch")
def _() -> str:
    torch = importlib.import_module("torch")
    layer = torch.nn.Linear(3, 3)
    net = torch.nn.Sequential(layer, torch.nn.Tanh(), layer)
    return ONE if len(list(net.parameters())) == 2 else TWO
