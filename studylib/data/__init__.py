"""Text in, memory-mapped tokens out; torch-free.

The way of a document: a source yields it, the guard admits or drops it, its content decides between training and
validation, the tokenizer turns it into tokens, and a shard keeps them. ``prepare`` walks that way once for a DataSpec.
"""

from __future__ import annotations

from studylib.lazy import lazy

# Loaded on first use: a parameter file can be validated without numpy, pyarrow or sentencepiece.
__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "document": ["Document"],
        "prepared": ["PreparedData", "SourceShards"],
        "staged": ["StagedStream"],
        "shards": ["TokenShard"],
        "stream": ["TokenStream", "validation_windows"],
        "tokenizer": ["Tokenizer"],
        "training_rows": ["TrainingRows", "random_rows"],
        "texts": ["check_sources", "guarded_texts", "look_at_sources"],
        "build": ["look_at_changes", "prepare", "prepared_counts", "read_sources"],
    },
)
