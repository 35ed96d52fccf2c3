"""New documents, text and sound: within constraints, from explicit keys."""

from wavenet_jax.sampling.decode import (
    STATE_AXES,
    DecodeParams,
    decode_token,
    init_decode_state,
    replicate_state,
)
from wavenet_jax.sampling.documents import DocumentSampler, Limits, Sample, decode_params
from wavenet_jax.sampling.generate import (
    DocumentStream,
    GeneratedDocument,
    document_origins,
    generate_documents,
    generate_texts,
    num_samples,
)
from wavenet_jax.sampling.strategies import SamplingParams, sample_token
from wavenet_jax.sampling.streams import (
    CHUNK_SIZE,
    Sound,
    SoundPiece,
    generate_sounds,
    sample_text,
    start_state,
    text_params,
)

__all__ = [
    "CHUNK_SIZE",
    "STATE_AXES",
    "DecodeParams",
    "DocumentSampler",
    "DocumentStream",
    "GeneratedDocument",
    "Limits",
    "Sample",
    "SamplingParams",
    "Sound",
    "SoundPiece",
    "decode_params",
    "decode_token",
    "document_origins",
    "generate_documents",
    "generate_sounds",
    "generate_texts",
    "init_decode_state",
    "num_samples",
    "replicate_state",
    "sample_text",
    "sample_token",
    "start_state",
    "text_params",
]
