"""The waterfall: one switch at a time, measured alone, kept, drawn."""

from __future__ import annotations

from functools import partial

import polars as pl
import pytest

from studylib.environment import cores, memory_environment
from studylib.findings import Waterfall
from studylib.spec import SpeedSpec
from studylib.trials import run_steps, waterfall_frame, waterfall_steps
from studylib.trials.cache import Task
from studylib.trials.launcher import Setting
from studylib.trials.launcher.local import Local
from studylib.trials.waterfall import SWITCHES, waterfall_specs


def test_each_switch_changes_one_thing_more(tiny_trial):
    specs = waterfall_specs(tiny_trial)
    settings = [spec.compute.model_dump() for spec in specs]
    assert len({spec.hash for spec in specs}) == len(specs) == len([one for one in SWITCHES if "cpu" in one.devices])
    for before, after, switch in zip(settings, settings[1:], SWITCHES[1:], strict=False):
        changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        assert changed == set(switch.changes)


def test_a_notebook_beside_others_measures_nothing_anew(tiny_trial, monkeypatch):
    planned = [step.name for step in waterfall_steps(tiny_trial)]
    monkeypatch.setenv("STUDYLIB_STUDY_CORES", str(cores()))  # as a batch run sets both for the kernel
    monkeypatch.setenv("STUDYLIB_CORES", "1")
    assert cores() == 1 and [step.name for step in waterfall_steps(tiny_trial)] == planned


@pytest.mark.slow
def test_waterfall_is_measured_kept_and_drawn(tiny_trial, tmp_path, monkeypatch):
    monkeypatch.setattr("studylib.trials.waterfall.SWITCHES", SWITCHES[1:3])
    monkeypatch.setattr("studylib.trials.waterfall.SpeedSpec", partial(SpeedSpec, windows=3, window_seconds=0.01))
    steps = waterfall_steps(tiny_trial, threads=1)
    run_steps(steps, tmp_path, progress=[])
    frame = waterfall_frame(tiny_trial, tmp_path, threads=1)
    assert frame["switch"].to_list() == ["fused_optimizer", "keep_memory"]
    assert (
        frame.select((pl.col("least") <= pl.col("tokens_per_s")) & (pl.col("tokens_per_s") <= pl.col("most")))
        .to_series()
        .all()
    )
    assert frame["loss"].max() == pytest.approx(frame["loss"].min(), rel=1e-4), (
        "the same training, computed differently"
    )
    assert frame["peak_memory_bytes"].min() > 0 and frame["speedup"][0] == 1.0
    record = Waterfall.of(frame).save(tmp_path)
    assert (tmp_path / record.file).stat().st_size > 5000
    assert "tokens/s" in record.alt.en and "トークン" in record.alt.ja


def test_several_trials_share_a_gpu_when_asked(tiny_trial, tmp_path, monkeypatch):
    monkeypatch.setattr("studylib.trials.launcher.local.gpus", lambda: ["0", "1"])
    trials = [Task.under(tmp_path, tiny_trial.replace(**{"compute.device": "auto"}, seed=seed)) for seed in range(8)]
    setting = Setting(tmp_path, asked=8)
    alone, _ = Local().layout(trials, setting)
    assert [one["CUDA_VISIBLE_DEVICES"] for one in alone] == ["0", "1"]
    shared, _ = Local().layout(trials, Setting(tmp_path, asked=8, workers=6))
    assert [one["CUDA_VISIBLE_DEVICES"] for one in shared] == ["0", "1"] * 3


def test_what_the_user_says_about_memory_stays(monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0")
    assert memory_environment() == {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.hugetlb=1"}
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0")
    assert memory_environment() == {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}
