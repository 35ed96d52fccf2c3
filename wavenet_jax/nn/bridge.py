"""A WaveNet as a module of Flax NNX, and back: the same arrays under the same names."""

from typing import Any

from wavenet_jax.nn.wavenet import Variables, WaveNet, example_inputs


def to_nnx(model: WaveNet, variables: Variables) -> Any:
    """Return an NNX module that holds the variables and computes what the model computes.

    It is Flax's bridge, `nnx.bridge.ToNNX`, so methods are called as `module.window(tokens)` and
    optimizers take `nnx.Param`.  Of a model with `training`, pass `mutable=["batch_stats"]` to
    have the running statistics updated in place.
    """
    from flax import nnx  # noqa: PLC0415  takes a fifth of a second

    module = nnx.bridge.ToNNX(model, rngs=nnx.Rngs(0))
    nnx.bridge.lazy_init(module, *example_inputs(model))
    state = nnx.state(module, (nnx.Param, nnx.BatchStat))
    flat = {
        path: leaf
        for collection in variables.values()
        for path, leaf in nnx.traversals.flatten_mapping(collection).items()
    }
    nnx.replace_by_pure_dict(state, nnx.traversals.unflatten_mapping(flat))
    nnx.update(module, state)
    return module


def from_nnx(module: Any) -> Variables:
    """Return the variables of a module that `to_nnx` made, for `WaveNet.apply` and checkpoints."""
    from flax import nnx  # noqa: PLC0415

    kinds = {"params": nnx.Param, "batch_stats": nnx.BatchStat}
    return {name: nnx.to_pure_dict(nnx.state(module, kind)) for name, kind in kinds.items()}
