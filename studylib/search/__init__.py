"""Searching hyperparameters: points of a declared space, trained through the cache of trials, the hopeless ended early.

A search is the trials that it needs: proposals follow from its specification and the results so far, so whatever was
trained once is found again, and an interrupted search goes on where it stood.
"""

from __future__ import annotations

from studylib.lazy import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "point": ["trial_at"],
        "tried": ["Tried", "SearchResult"],
        "run": ["search", "search_round", "search_steps", "search_result", "first_trials"],
        "importances": ["importance"],
    },
)
