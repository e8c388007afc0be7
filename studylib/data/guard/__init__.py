"""JGLUE must never be training data. The one gate every document passes on its way to a shard.

Three looks: the names of files, datasets and options (``names``), the shape of records (``records``), and runs of
characters shared with the files given as ``data.evaluation_only`` (``fingerprints``). Only the writer of guarded text
(``studylib.data.text``) feeds tokenizers and shards, it takes nothing that this gate did not admit, and what it writes
carries the gate's sealed record; prepared data without that record is refused.

What it cannot see: single sentences under 8 characters, JGLUE's text rewritten in other words, translated, or encoded (base64), and its training split
under new column names when that split is not among the ``evaluation_only`` files. The seal shows accidents and stray
files, not a forger who rewrites this code.
"""

from __future__ import annotations

from studylib.data.guard.gate import GUARD_VERSION, Guard, check_seal, seal

__all__ = ["GUARD_VERSION", "Guard", "check_seal", "seal"]
