"""Pseudo data: text made from what there is, for when there is too little of it. No torch here.

``rewrite`` says the same again by rule; ``filter`` keeps what is fit of what a model wrote (``studylib.train.sample``).
Both write JSON lines, which a source of kind ``generated`` reads (the step ``MadeText``).
"""

from __future__ import annotations

from studylib.lazy import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "filter": ["Filter"],
        "rules": ["RULES"],
        "rewriting": ["rewrite", "training_documents"],
        "sampling": ["SamplingSpec"],
        "write": ["write_made_text"],
    },
)
