"""How plans and specifications look in a notebook: bounded, escaped, seeds together."""

from __future__ import annotations

from studylib.spec import ModelSpec, TrialSpec
from studylib.trials import plan_steps


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


def test_a_specification_shows_what_differs_from_the_defaults():
    html = trial(7, "wide")._repr_html_()
    assert "model.num_layers" in html and "tags.variant" in html
    assert "optimizer" not in html
