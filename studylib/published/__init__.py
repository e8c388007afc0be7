"""A study's evidence without its text and weights: records and curves in two files, the report's pages beside them.

`publish` packs them, `restore` lays the records out in a study folder again, where the steps then count as done.
"""

from __future__ import annotations

from studylib.lazy import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "packing": ["Published", "publish"],
        "restoring": ["Restored", "restore"],
    },
)
