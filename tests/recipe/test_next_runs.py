"""What to run next is worth its cost, is settled in the end, and starts by its command."""

from __future__ import annotations

import itertools
import json
import shlex

import numpy as np
import pytest
import yaml

from studylib.analysis.reliability import Reliability
from studylib.batch.jobs import choose_jobs
from studylib.cli import main
from studylib.model.cost import own_flops, parameter_count
from studylib.project import project_root
from studylib.recipe.next_runs import SEEDS, SIZES, NextRuns, next_runs
from studylib.recipe.own_text import own_text
from studylib.registry import IDEAS, SOURCES
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
    assert (
        (run.idea, run.choice, run.params) == (idea, idea, run.params)
        and run.params in SIZES
        and set(run.variants) <= set(CHOICES[idea][2])
    )
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
    assert sum(map(own_flops, trials)) == pytest.approx(run.flops, rel=0.25) and len(trials) == run.trials
    tried = {str(one.tags["variant"]) for one in trials}
    assert set(CHOICES[idea][2]) <= tried and not tried & {"activation: gelu", "long documents first"}


@pytest.mark.parametrize("idea", CHOICES)
def test_a_study_of_somebodys_own_text_goes_on_with_that_text(idea, tmp_path, monkeypatch, capsys):
    """`study run --texts` leaves its text in the result's parameters; what the list prints is planned and reads it."""
    texts = project_root() / "params" / "local-texts.yaml"
    limited = {"kind": "files", "options": {"path": "corpora/ja_clean.parquet", "max_bytes": 1000}}
    (tmp_path / "texts.yaml").write_text(yaml.safe_dump(yaml.safe_load(texts.read_text()) | {"ja": limited}))
    (ran,) = choose_jobs([idea], scale="cpu", texts=tmp_path / "texts.yaml", out=tmp_path)
    own = own_text(ran.params.content())
    assert "data.sources" in own and own_text(choose_jobs([idea], scale="gpu")[0].params.content()) == {}
    found = next_runs(
        {idea: (setting(idea),)}, RELIABLE, flops_per_s=FAST, budget_gpu_hours=20.0, out=tmp_path, text={idea: own}
    )
    words = shlex.split(found.runs[0].command)
    monkeypatch.setattr("studylib.batch.dry_run.look_at_text", lambda jobs: {job.idea.name: [] for job in jobs})
    monkeypatch.setattr("studylib.trials.estimate.numpy_speed", lambda: 1e11)
    with pytest.raises(SystemExit) as ended:  # what is printed starts `study run`, planned with the same words
        main(["plan", *words[2:], "--json"])
    assert ended.value.code == 0, capsys.readouterr().err
    plan = json.loads(capsys.readouterr().out)[idea]
    changes = [after for word, after in itertools.pairwise(words) if word == "--set"]
    (job,) = choose_jobs([idea], scale="gpu", overrides=changes, out=tmp_path)
    assert {one["trial"] for one in plan["trials"]} == {spec.hash for spec in job.specs}
    for before, now in zip(ran.params.data.sources, job.params.data.sources, strict=True):
        amounts = [one.options.get("max_bytes", 0) for one in (before, now)]
        assert now == before.replace(options=now.options) and now.options == before.options | now.options
        if amounts != [0, 0]:  # a large model needs more of it; idea 5 of its raw text
            assert amounts[1] > amounts[0] or (idea == "data_quality" and amounts[1] == amounts[0])
    assert not any(SOURCES[one.kind].remote for spec in job.specs for one in spec.data.sources)


def test_the_list_buys_most_for_its_cost_and_less_with_every_run():
    found = listed("data_order", "depth_width", "data_quality", budget=30.0)
    assert found.runs and found.gpu_hours <= 30.0
    assert found.regret_percent - found.after_percent == pytest.approx(
        sum(one.reduction_percent for one in found.runs), abs=1e-6
    )
    rates = [one.reduction_per_gpu_hour for one in found.runs]
    assert rates == sorted(rates, reverse=True) and len({one.choice for one in found.runs}) == len(found.runs)
    more = listed("data_order", "depth_width", "data_quality", budget=3000.0)
    assert more.after_percent < found.after_percent and max(one.params for one in more.runs) > max(
        one.params for one in found.runs
    )


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
