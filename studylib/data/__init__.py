"""Text in, memory-mapped tokens out; torch-free.

The way of a document: a source yields it, the guard admits or drops it, its content decides between training and
validation, the tokenizer turns it into tokens, and a shard keeps them. ``prepare`` walks that way once for a DataSpec.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Loaded on first use: a parameter file can be validated without numpy, pyarrow or sentencepiece.
_HOMES = {
    "Document": "studylib.data.document",
    "PreparedData": "studylib.data.prepared",
    "StagedStream": "studylib.data.staged",
    "SourceShards": "studylib.data.prepared",
    "TokenShard": "studylib.data.shards",
    "TokenStream": "studylib.data.stream",
    "Tokenizer": "studylib.data.tokenizer",
    "check_sources": "studylib.data.build",
    "guarded_texts": "studylib.data.build",
    "prepare": "studylib.data.build",
    "validation_windows": "studylib.data.stream",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'studylib.data' has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
