"""JGLUE must never be training data. The one gate every document passes on its way to a shard.

Three looks: the names of files, datasets and options (``names``), the shape and identifiers of records and tables (``records``),
and the text itself against fingerprints of JGLUE that the package brings along (``fold``, ``fields``, ``fingerprints``,
``matching``; which files hold is in ``known``). Only the writer of guarded text (``studylib.data.text``) feeds tokenizers and
shards, it takes nothing that this gate did not admit, and what it writes carries the gate's sealed record; prepared data without
that record are refused.

What it cannot see: JGLUE's text rewritten in other words, translated or encoded (base64); single sentences under 8 characters;
a passage of which less than half is there; text of splits that nobody has made fingerprints of (JNLI's and JSQuAD's training
splits are not among the package's), where no name, column, identifier or shared sentence gives them away. The seal shows
accidents and stray files, not a forger who rewrites this code.
"""

from __future__ import annotations

from studylib.data.guard.gate import GUARD_VERSION, REASONS, Guard, check_seal, dropped_in_words, seal

__all__ = ["GUARD_VERSION", "REASONS", "Guard", "check_seal", "dropped_in_words", "seal"]
