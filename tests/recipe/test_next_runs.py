"""What to run next is worth its cost, is settled in the end, and starts by its command."""

from __future__ import annotations

import itertools
import shlex

import numpy as np
import pytest

from studylib.analysis.reliability import Reliability
from studylib.batch.jobs import choose_jobs
from studylib.model.cost import own_flops, parameter_count
from studylib.recipe.next_runs import SEEDS, SIZES, NextRuns, next_runs
from studylib.registry import IDEAS
from studylib.spec import Setting, Tried

RELIABLE = Reliability(np.full(8, 6.0))
FAST = 4e14
# Of every idea a choice with variants as its parameter file at scale gpu names them.
CHOICES = {
    "depth_width": ("model.num_layers", [40, 30, 50], ["128", "256", "64"]),
    "architecture": ("model.activation", ["swiglu", "relu2"], ["baseline", "activation: relu2"]),
    "tokenizer": ("data.tokenizer.kind", ["unigram", "bpe"], ["reference", "bpe"]),
    "data_order": ("stages", [(), (), ()], ["mixed", "en+code→ja, re-warmed, replay 10 %", "ja only"]),
    "data_quality": ("data.sources.cleaning", [(), ()], ["all", "all but rules"]),
    "finetune_mix": ("stages", [(), ()], ["all at once", "talk last"]),
    "hyperparameters": ("schedule.name", ["wsd", "cosine"], ["schedule wsd", "schedule cosine"]),
    "efficiency": ("model.norm", ["rmsnorm", "layernorm"], ["baseline", "norm: layernorm"]),
}  # fmt: skip


def setting(idea: str, behind: float = 0.1, params: float = 1e6, **more: object) -> Setting:
    field, values, labels = CHOICES[idea]
    tried = [
        Tried(label=label, value=value, behind_percent=behind * n, sd_percent=0.15 if n else 0.0)
        for n, (label, value) in enumerate(zip(labels, values, strict=True))
    ]
    phase = "fine-tuning" if idea == "finetune_mix" else "pre-training"
    return Setting(
        field=field, value=values[0], evidence="measured", sizes=("1M",), decided=False, tried=tuple(tried), params=params,
        noise_percent=0.1, seeds=3, phase=phase, choice=idea, **more,
    )  # fmt: skip


def listed(*ideas: str, budget: float | None = None, **more: object) -> NextRuns:
    return next_runs(
        {idea: (setting(idea, **more),) for idea in ideas}, RELIABLE, flops_per_s=FAST, budget_gpu_hours=budget
    )


@pytest.mark.parametrize("idea", CHOICES)
def test_every_idea_is_asked_by_a_command_that_can_be_planned(idea, tmp_path):
    out = tmp_path / "my study"
    found = next_runs({idea: (setting(idea),)}, RELIABLE, flops_per_s=FAST, budget_gpu_hours=20.0, out=out)
    run = found.runs[0]
    assert (run.idea, run.choice, run.params) == (idea, idea, 1e7) and set(run.variants) <= set(CHOICES[idea][2])
    words = shlex.split(run.command)
    assert words[:5] == ["study", "run", idea, "--scale", "gpu"] and words[-2:] == ["--out", str(out)]
    changes = [after for word, after in itertools.pairwise(words) if word == "--set"]
    (job,) = choose_jobs([idea], scale="gpu", overrides=changes, out=out)
    assert len(job.params.seeds) == run.seeds and job.params.folder == out
    if idea not in ("architecture", "data_order", "efficiency"):
        return
    trials = job.idea.trials(job.params)
    largest = max(parameter_count(one.model).non_embedding for one in trials if one.model.moe is None)
    assert largest == pytest.approx(run.params, rel=0.15)
    assert sum(map(own_flops, trials)) == pytest.approx(run.flops, rel=0.01) and len(trials) == run.trials
    tried = {str(one.tags["variant"]) for one in trials}
    assert set(CHOICES[idea][2]) <= tried and not tried & {"activation: gelu", "long documents first"}


def test_the_list_buys_most_for_its_cost_and_less_with_every_run():
    found = listed("data_order", "depth_width", "data_quality", budget=30.0)
    assert found.runs and found.gpu_hours <= 30.0
    assert found.regret_percent - found.after_percent == pytest.approx(
        sum(one.reduction_percent for one in found.runs), abs=1e-6
    )
    rates = [one.reduction_per_gpu_hour for one in found.runs]
    assert rates == sorted(rates, reverse=True), "no run is worth more once another is made"
    more = listed("data_order", "depth_width", "data_quality", budget=3000.0)
    assert more.after_percent < found.after_percent and max(one.params for one in more.runs) == 1e9


def test_what_is_settled_or_too_dear_or_unknown_is_said():
    assert "as far as runs" in listed("data_order", behind=3.0, params=9.5e9, budget=50.0).why_none.en
    dear = listed("data_order", budget=1e-4)
    assert dear.runs == () and "No run fits into 0.0001 GPU-hours; the cheapest" in dear.why_none.en
    assert "No idea of this study" in next_runs({}, RELIABLE, flops_per_s=FAST).why_none.en
    plain = setting("data_order").model_copy(update={"tried": ()})
    alone = next_runs({"data_order": (plain,)}, RELIABLE, flops_per_s=FAST)
    assert "data_order was compared" in alone.why_none.en and "data_order" in alone.why_none.ja
    score = setting("finetune_mix").model_copy(update={"phase": "preferences"})
    assert next_runs({"finetune_mix": (score,)}, RELIABLE, flops_per_s=FAST).regret_percent == 0


def test_a_closer_race_at_a_far_size_is_worth_more():
    near, far = listed("data_order", params=3e8, budget=9.0), listed("data_order", params=1e6, budget=9.0)
    assert far.regret_percent > near.regret_percent > 0
    assert all(one.seeds % SEEDS == 0 and one.params in SIZES for one in (*near.runs, *far.runs))
    assert set(CHOICES) == {name for name in IDEAS if IDEAS[name].at_size is not None}
