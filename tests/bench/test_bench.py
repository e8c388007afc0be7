"""Benchmarks run; what they print is read by people, so only the arithmetic is held to numbers."""

from __future__ import annotations

import time

import numpy as np
import pytest

from studylib.bench import main
from studylib.bench.contenders import CONTENDERS
from studylib.bench.timing import Rates, in_turn, ratio
from studylib.errors import StudyError
from studylib.spec import ModelSpec


def test_unknown_benchmark_lists_the_known():
    with pytest.raises(StudyError, match="did you mean training"):
        main(["trainin"])


def test_rates_are_work_over_time():
    rates = in_turn(
        {"a": lambda: time.sleep(0.01), "b": lambda: time.sleep(0.02)}, work=5, rounds=3, seconds=0.05, warm_up=0
    )
    assert rates["a"].median == pytest.approx(500, rel=0.3)
    assert ratio(rates["a"], rates["b"])[0] == pytest.approx(2, rel=0.3)


def test_ratio_is_taken_round_by_round():
    drifting, half = Rates((100.0, 10.0, 1.0)), Rates((50.0, 5.0, 0.5))
    assert ratio(drifting, half) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("name", CONTENDERS)
def test_contenders_learn_the_same_batch(name):
    if name == "transformers":
        pytest.importorskip("transformers", reason="the test extra installs transformers")
    model = ModelSpec(num_layers=1, hidden_size=32, num_heads=2, vocab_size=512, seq_len=16)
    rows = np.random.default_rng(0).integers(0, 512, (4, 17))
    step = CONTENDERS[name](model, "float32", False)
    losses = [float(step(rows)) for _ in range(30)]
    assert losses[0] == pytest.approx(np.log(512), rel=0.1)
    assert losses[-1] < losses[0] - 0.3
