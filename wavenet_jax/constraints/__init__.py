"""Which documents to draw: constraints as finite automata, and these as tables for a sampler.

Imports no JAX.

    pattern(vocab, regex), starts_with, charset, excludes_charset,
    excludes, min_length                                                -> Automaton
    combine(vocab, parts, min_length, max_length)                       -> Automaton
    compile_mask(automaton)                                             -> TokenMask
"""

from wavenet_jax.constraints.automata import (
    MAX_STATES,
    Automaton,
    accepts,
    any_text,
    count_documents,
    endless,
    intersect,
)
from wavenet_jax.constraints.charsets import charset, excludes_charset, fold_case
from wavenet_jax.constraints.kinds import (
    combine,
    excludes,
    min_length,
    pattern,
    starts_with,
)
from wavenet_jax.constraints.mask import (
    NEVER,
    UNLIMITED,
    TokenMask,
    common_prefix_length,
    compile_mask,
)
from wavenet_jax.constraints.regex import quote

__all__ = [
    "MAX_STATES",
    "NEVER",
    "UNLIMITED",
    "Automaton",
    "TokenMask",
    "accepts",
    "any_text",
    "charset",
    "combine",
    "common_prefix_length",
    "compile_mask",
    "count_documents",
    "endless",
    "excludes",
    "excludes_charset",
    "fold_case",
    "intersect",
    "min_length",
    "pattern",
    "quote",
    "starts_with",
]
