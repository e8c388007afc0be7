"""What a finder yields."""

from __future__ import annotations

from typing import NamedTuple


class Candidate(NamedTuple):
    """Characters ``start`` to ``stop`` may be of a kind; ``sure``: its form or its surroundings say so."""

    start: int
    stop: int
    kind: str
    sure: bool = True
