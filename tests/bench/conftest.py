"""Benchmarks of short windows: people read what they print, and the figures of a test mean nothing."""

from __future__ import annotations

import pytest

from studylib.bench import timing


@pytest.fixture(autouse=True)
def _short_windows(monkeypatch):
    monkeypatch.setitem(timing.in_turn.__kwdefaults__, "seconds", 0.01)
