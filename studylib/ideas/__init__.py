"""The ideas of the study, a folder each. A choice of this registry is an instance of ``Idea``."""

from __future__ import annotations

from studylib.ideas._idea import Idea

__all__ = ["Idea"]
