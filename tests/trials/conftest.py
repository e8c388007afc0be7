"""Trials with trainers that take no time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studylib.spec import ModelSpec, TrialSpec

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture(autouse=True)
def _fake_trainers_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(FAKES))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FAKES), *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.delenv("STUDYLIB_CORES", raising=False)
    monkeypatch.delenv("STUDYLIB_PROGRESS_FILE", raising=False)


@pytest.fixture
def train():
    return "fake_trainers:train"


@pytest.fixture
def spec():
    """Make a specification; keywords are tags, ``seed`` and ``parallel`` apart."""

    def make(seed=0, *, parallel=None, hidden_size=64, **tags):
        model = ModelSpec(num_layers=2, hidden_size=hidden_size, num_heads=2, vocab_size=4096)
        extra = {"parallel": parallel} if parallel else {}
        return TrialSpec(model=model, train_steps=4, seed=seed, tags=tags, **extra)

    return make
