"""How plans, specifications, decisions and results look in a notebook: bounded, escaped, whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from bs4 import BeautifulSoup

from studylib import StudyError, analysis, load_params
from studylib.files import write_json
from studylib.ideas._look import OneModel, Written, writing_step
from studylib.registry import IDEAS
from studylib.result import Found, IdeaResult, Text
from studylib.spec import DataSpec, ModelSpec, TrialSpec
from studylib.spec.record import record_of
from studylib.trials import plan_steps

ROOT = Path(__file__).resolve().parent.parent


def trial(seed: int, variant: str, layers: int = 2) -> TrialSpec:
    model = ModelSpec(num_layers=layers, hidden_size=64, num_heads=2, vocab_size=4096)
    return TrialSpec(model=model, train_steps=4, seed=seed, tags={"variant": variant})


def test_a_plan_is_a_line_and_a_row_for_trials_that_differ_by_seed_alone(tmp_path):
    plan = plan_steps(
        [trial(seed, name, layers) for layers, name in ((1, "a"), (2, "<b>")) for seed in range(3)], tmp_path
    )
    html = plan._repr_html_()
    assert html.count("<tr>") == 1 + 2  # the head, and each variant
    assert "6 trials: 6 to do" in html and str(plan) == repr(plan)
    assert "<b>" not in html and "&lt;b&gt;" in html


def test_a_large_plan_stays_small_on_the_page(tmp_path):
    plan = plan_steps([trial(0, f"variant {n}", n) for n in range(1, 301)], tmp_path)
    assert len(plan._repr_html_()) < 20_000
    assert "and 260 more rows" in plan._repr_html_()


def test_settings_in_lists_have_a_row_each_and_long_ones_are_cut():
    data = DataSpec(sources=({"name": "<i>", "options": {"seed": 3}}, {"name": "n" * 300}))
    html = data._repr_html_()
    assert "sources.0.options.seed" in html and "sources.1.name" in html and "…" in html
    assert "<i>" not in html and "n" * 130 not in html


def test_a_specification_shows_what_differs_from_the_defaults():
    html = trial(7, "wide")._repr_html_()
    assert "model.num_layers" in html and "tags.variant" in html
    assert "optimizer" not in html


EVIL = '<script>alert("</td>&")</script>'


def html_of(shown) -> str:
    """What Jupyter is given, which must be well-formed, bounded and without a tag that came from data."""
    html = shown._repr_html_()
    assert len(html) < 40_000 and "<script" not in html
    page = BeautifulSoup(html, "html.parser")
    assert {tag.name for tag in page.find_all()} <= {
        "p",
        "b",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    return page.get_text(" ")


def simulated(names: list[str], *, size: str = "10k", params: int = 10_000, noise: float = 0.01) -> pl.DataFrame:
    generator = np.random.default_rng(0)
    return pl.DataFrame(
        [
            {
                "variant": name, "seed": seed, "status": "done", "size": size, "params": params, "flops": 1e12,
                "seconds": 5.0, "tokens": 100_000, "non_embedding_params": params, "memory_bytes": 1_000_000,
                "tokens_per_s": 1e4, "val_bpb": 2.0 + 0.02 * place + generator.normal(0, noise),
            }
            for place, name in enumerate(names)
            for seed in range(3)
        ]
    )  # fmt: skip


def test_a_decision_shows_its_words_and_every_variant_the_likeliest_first():
    decision = analysis.decide(simulated([EVIL, "b", "c"]))
    said = html_of(decision)
    assert "leads" in said and EVIL in said
    rows = BeautifulSoup(decision._repr_html_(), "html.parser")("tr")[1:]
    shares = [float(row("td")[1].get_text().strip("<> %")) for row in rows]
    assert len(rows) == 3 and shares == sorted(shares, reverse=True)
    if decision.next_run is not None:
        assert "extra_trials" in said and str(decision.next_run.extra_trials) in html_of(decision.next_run)


def test_accountings_and_their_decisions_are_a_row_each_and_say_why_there_is_none():
    trials = simulated([EVIL, "b", "c"])
    speeds = {f"10k/{name}": [rate] * 3 for name, rate in ((EVIL, 1e4), ("b", 9e4), ("c", 1e4))}
    accounts = analysis.accountings(trials, reference="c", speeds=speeds)
    said = html_of(accounts)
    assert all(basis in said for basis in ("flops", "tokens", "seconds", "memory"))
    decisions = analysis.decisions_at(accounts, "10k")
    assert decisions["seconds"].leader is None
    said = html_of(decisions)
    assert "no verdict" in said and decisions["seconds"].why.en in said
    assert decisions["seconds"].why.en in html_of(decisions["seconds"])


def test_noise_target_and_choice_say_what_their_figures_mean():
    trials = pl.concat([simulated(["a", EVIL]), simulated(["a", EVIL], size="40k", params=40_000)])
    noise = analysis.noise_floor(trials)
    assert f"{noise.mde:.4g}" in html_of(noise) and "minimum detectable effect" in html_of(noise)
    at = analysis.carry_to_target(trials, "a")
    said = html_of(at)
    assert "not decided" in said and "10k" in said and "40k" in said and EVIL in said
    assert "yes" in html_of(analysis.Choice(12.0, 0.0001, 0.97, True))


def test_a_result_shows_its_verdicts_but_not_its_provenance():
    trials, both = simulated([EVIL, "b"]), Text(en=EVIL, ja="結論")
    result = IdeaResult(
        idea="depth_width", scale="quick", question=both, verdict=both, 
            findings=(Found(name="long", kind="Long", facts={}, words=Text(en="x" * 50_000, ja="長い"), figure=None),),
        winner=None, decided=False, metrics=(), verdicts=(analysis.decide(trials).verdict("flops"),),
        provenance={"machine": "secret"}, next_run=Text(en="train more", ja="もっと"),
    )  # fmt: skip
    said = html_of(result)
    assert "held equal" in said and "train more" in said and "secret" not in said
    assert html_of(result.verdicts[0]).count(EVIL) >= 1


def test_the_look_at_a_model_adds_up():
    shown = OneModel(trial(0, "a"))
    rows = [[cell.get_text() for cell in row("td")] for row in BeautifulSoup(shown._repr_html_(), "html.parser")("tr")]
    *parts, whole = [row for row in rows if len(row) == 5]
    as_number = [int(row[1].replace(",", "")) for row in parts]
    assert sum(as_number) == int(whole[1].replace(",", "")) > 0
    assert "MB" in html_of(shown) and "FLOPs of the run" in repr(shown)


def test_what_is_not_there_yet_or_went_wrong_is_said(tmp_path):
    step = writing_step(trial(0, "a"))
    assert step.sampled_from.checkpoint_every == 4, "the model that writes is kept"
    assert step.sampled_from.hash == trial(0, "a").hash
    assert "not trained yet" in html_of(Written.by(step, tmp_path))
    write_json(tmp_path / step.name / "failure.json", {"status": "crashed", "message": EVIL, "seconds": 1.0, "at": 0.0})
    assert EVIL in html_of(Written.by(step, tmp_path))


def test_a_change_is_told_with_what_it_would_take_and_refused_where_it_is_none(tmp_path):
    params = load_params(ROOT / "params" / "smoke" / "depth_width.yaml", overrides={"out": str(tmp_path)})
    idea = IDEAS["depth_width"]
    base = idea.baselines(params)[0]
    tried = idea.try_it(params, base, base.replace(**{"optimizer.learning_rate": 0.5}))
    said = html_of(tried)
    assert "optimizer.learning_rate" in said and "4 to do" in said and "model." not in said
    assert "4 of 4 trials are not trained yet" in html_of(tried.compared())
    assert not list(tmp_path.iterdir()), "nothing was started"
    with pytest.raises(StudyError, match=r"^mine: .* is the baseline itself"):
        idea.try_it(params, base, base.replace(tags={"variant": "another name"}))
    with pytest.raises(StudyError, match=r"^seeds: .* too few"):
        idea.try_it(params.replace(seeds=1), base, base.replace(global_batch_size=8))


def test_a_comparison_is_the_paired_difference_with_its_interval(tmp_path):
    params = load_params(ROOT / "params" / "smoke" / "depth_width.yaml", overrides={"out": str(tmp_path), "seeds": 3})
    idea = IDEAS["depth_width"]
    base = idea.baselines(params)[0]
    tried = idea.try_it(params, base, base.replace(global_batch_size=8))
    losses = {"baseline": [2.0, 2.1, 1.9], "mine": [2.5, 2.6, 2.41]}
    for spec, loss in zip(tried.specs, [*losses["baseline"], *losses["mine"]], strict=True):
        measured = {
            "val_loss": 3.0, "val_bpb": loss, "val": {}, "train_loss": 3.0, "steps": 1, "tokens": 100, "flops": 1e9, "params": 10,
            "non_embedding_params": 5, "tokens_per_s": 100.0, "peak_memory_bytes": 1000,
        }  # fmt: skip
        write_json(tmp_path / spec.name / "result.json", record_of(spec, 1.0) | measured)
    compared = tried.compared()
    assert compared.table()["difference"].to_list() == [
        pytest.approx(np.mean(losses["mine"]) - np.mean(losses["baseline"]))
    ]
    said = html_of(compared)
    assert "0.5033 bits per byte above" in said and "3 paired seeds" in said and "more than chance" in said
    assert "noise floor" in said and "2.41" in said
