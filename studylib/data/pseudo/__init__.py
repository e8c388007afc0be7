"""Pseudo data: text made from what there is, for when there is too little of it. No torch here.

``rewrite`` says the same again by rule; ``filter`` keeps what is fit of what a model wrote (``studylib.train.sample``).
Both write JSON lines with a record of how they were made, which a source of kind ``generated`` reads.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "Filter": "studylib.data.pseudo.filter",
    "RULES": "studylib.data.pseudo.rules",
    "rewrite": "studylib.data.pseudo.rewriting",
    "training_documents": "studylib.data.pseudo.rewriting",
    "SamplingSpec": "studylib.data.pseudo.sampling",
    "sampled_by": "studylib.data.pseudo.sampling",
    "rewritten_by": "studylib.data.pseudo.rewriting",
    "made_text": "studylib.data.pseudo.write",
    "write_made_text": "studylib.data.pseudo.write",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'studylib.data.pseudo' has no attribute {name!r}; it offers {', '.join(__all__)}")
