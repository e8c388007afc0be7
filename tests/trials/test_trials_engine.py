"""The pool with the real engine: what it trains does not depend on where it is trained."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

from studylib import run_trials
from studylib.files import read_json_lines
from studylib.trials import worker


@pytest.mark.slow
def test_order_and_neighbours_do_not_change_a_single_bit(tmp_path, tiny_trial, data_folder, monkeypatch):
    """Also: a diverging trial is recorded as such and its neighbours go on."""
    monkeypatch.setenv("STUDYLIB_CORES", "2")  # a thread for each of the two workers
    specs = [tiny_trial.replace(seed=seed) for seed in (0, 1)]
    wild = tiny_trial.replace(**{"optimizer.learning_rate": 1e30})
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "data").symlink_to(data_folder)
    pooled = run_trials([*specs, wild], tmp_path / "pool", workers=2, progress=[])
    assert pooled["status"].to_list() == ["done", "done", "diverged"], pooled["message"].to_list()
    assert pooled["val_bpb/tiny"].null_count() == 1 and pooled["peak_memory_bytes"][0] > 0

    # The other order, in this process: neither order nor neighbours may matter.
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "data").symlink_to(data_folder)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        again = run_trials(specs[::-1], tmp_path / "one", launcher="inprocess", progress=[])[::-1]
    finally:
        torch.set_num_threads(threads)
    assert again["val_loss"].to_list() == pooled["val_loss"].to_list()[:2]
    losses = [
        [record.get("loss") for record in read_json_lines(tmp_path / name / "trials" / specs[0].hash / "metrics.jsonl")]
        for name in ("pool", "one")
    ]
    assert losses[0] == losses[1]


def test_what_a_worker_loaded_is_not_looked_through_after_every_step_but_what_a_step_left_is():
    class Node:
        pass

    try:
        worker._settle()
        assert gc.get_freeze_count() > 10_000
        node = Node()
        node.itself, seen = node, weakref.ref(node)
        del node
        worker._tidy_up()
        assert seen() is None
    finally:
        gc.unfreeze()
