"""Speed is measured once per shape, alone, and kept."""

from __future__ import annotations

import pytest

from studylib.trials import measure_throughput


@pytest.mark.slow
def test_shapes_are_measured_once(tiny_trial, tmp_path):
    small = tiny_trial.replace(tags={"size": "s", "variant": "a"})
    large = tiny_trial.replace(**{"model.hidden_size": 128}).replace(tags={"size": "s", "variant": "b"})
    rates = measure_throughput([small, small.replace(seed=1), large], tmp_path)
    assert set(rates) == {"s/a", "s/b"}
    assert min(rates.values()) > 0
    files = sorted((tmp_path / "throughput").glob("*.json"))
    assert len(files) == 2
    before = [path.stat().st_mtime_ns for path in files]
    assert measure_throughput([small, large], tmp_path) == rates
    assert [path.stat().st_mtime_ns for path in files] == before


def test_trials_over_several_processes_are_not_measured_here(tiny_trial, tmp_path):
    assert measure_throughput([tiny_trial.replace(**{"parallel.dp": 2})], tmp_path) is None
