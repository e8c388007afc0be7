"""Public ladders by name, one a file."""

from __future__ import annotations

from studylib.ladders import Ladder

__all__ = ["Ladder"]
