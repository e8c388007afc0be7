"""The decision after another idea, through the package's own batch run: what it leaves, and when it is taken anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studylib.batch import choose_jobs, run_study
from studylib.batch.marker import is_current
from studylib.recipe import read_recipe
from studylib.result import IdeaResult, Text, read_result
from studylib.spec import Setting, Tried

ROOT = Path(__file__).resolve().parent.parent
SMALL = [
    "budgets=[6000,9000]", "together_at=[6000,9000]", "lengths=[0.5]", "target_params=1e9", "recipe.gpus=1", "recipe.gpus_per_node=1",
    "evaluations=0", "launcher=inprocess", "data.sources=[{options: {register: ja, bytes: 200000}}]",
    "data.tokenizer={vocab_size: 512, sample_bytes: 200000}", "data.validation_fraction=0.1", "eval_tokens=2048",
]  # fmt: skip


class Silent:
    def __getattr__(self, name):
        return lambda *told: None


def handed_on(study: Path, value: str) -> None:
    """A result of another idea that says which activation is best."""
    both = Text(en="relu", ja="relu")
    tried = [
        Tried(label=name, value=name, behind_percent=behind, sd_percent=0.3 * (behind > 0))
        for name, behind in ((value, 0.0), ("swiglu", 1.5))
    ]
    setting = Setting(
        field="model.activation", value=value, tried=tuple(tried), params=36_000, noise_percent=0.5, seeds=3,
        evidence="measured", sizes=("36k",), decided=False, choice="activation", trial_flops=1e10, p_best=0.9,
    )  # fmt: skip
    (study / "architecture").mkdir(parents=True, exist_ok=True)
    IdeaResult(
        idea="architecture", scale="smoke", question=both, verdict=both, winner=value, decided=False, metrics=(),
        provenance={}, settings=(setting,),
    ).write(study / "architecture")  # fmt: skip


@pytest.mark.slow
def test_the_decision_reads_what_others_hand_on_and_is_taken_anew_when_that_changes(tmp_path):
    def job():
        return choose_jobs(["decision"], scale="smoke", overrides=SMALL, out=tmp_path, root=ROOT)

    handed_on(tmp_path, "relu")
    (outcome,) = run_study(job(), display=Silent())
    assert outcome.status == "done", outcome.message
    result, recipe = read_result(tmp_path / "decision"), read_recipe(tmp_path)
    found = {one.name: one for one in result.findings}
    assert found["held-together"].facts["parts"][0]["value"] == "activation relu"
    assert [one["size"] for one in found["held-together"].facts["sizes"]] == ["6k", "9k"]
    assert found["held-together"].facts["rate"]["tried"] == [0.5, 1.0]
    assert {(one.variant, one.size, one.seeds) for one in result.metrics} == {
        (variant, size, 2) for variant in ("baseline", "all together") for size in ("6k", "9k")
    }
    assert set(recipe.missing) >= {"depth_width", "tokenizer"} and recipe.line("model.activation").own_value == "relu"
    assert recipe.line("model.activation").value == "swiglu", "1.5 % at 36k does not overrule what is published"
    assert all(one in result.verdict.en for one in ("1B", "200B tokens", "GPU-hours", "depth_width"))
    assert (tmp_path / "decision" / "recipe" / "pretraining.json").exists() and result.anchors
    trials = sorted((tmp_path / "trials").iterdir())
    assert is_current(job()[0])
    for relu in (one for one in trials if '"relu"' in (one / "spec.json").read_text()):
        (relu / "result.json").rename(relu / "kept")
        assert not is_current(job()[0]), "a trial that followed from the other idea's choice is gone"
        (relu / "kept").rename(relu / "result.json")
    handed_on(tmp_path, "geglu")
    assert not is_current(job()[0])
    planned = job()[0].idea.planned(job()[0].params)
    left = [one.task.step for one in planned.trials if one.state == "to do"]
    assert {one.model.activation for one in left} == {"geglu"} and len(left) == 2, "first the rates"
    assert planned.later == {"all choices together": 4}
    assert json.loads((tmp_path / "decision" / "run.json").read_text())["status"] == "done"
