"""Kinds of steps: what each costs, and how it is carried out. One file a kind, by the name of its folder in a study.

A choice is an instance of ``Kind``.
"""

from __future__ import annotations

from studylib.steps._kind import Kind

__all__ = ["Kind"]
