"""Idea 9: which choices go together at a small size, what that is held against, and when all of it is planned."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from studylib import analysis
from studylib.findings import HeldTogether
from studylib.ideas._shared.variants import BASELINE
from studylib.ideas.decision import decision, tables
from studylib.ideas.decision.combined import Combined, combined_of
from studylib.ideas.decision.held import Held
from studylib.ideas.decision.schema import DecisionParams
from studylib.ideas.decision.trials import TOGETHER, baseline, plan, together_trials
from studylib.model.cost import parameter_count, training_flops
from studylib.recipe.choices import Choices
from studylib.spec import Setting
from studylib.spec.setting import Tried


def params(**changes) -> DecisionParams:
    content = {
        "budgets": (12_000, 24_000, 48_000), "together_at": (24_000, 48_000), "head_dim": 8, "aspect": 8, "seq_len": 64,
        "tokens_per_param": 3, "global_batch_size": 8, "data": {"tokenizer": {"vocab_size": 512}},
    }  # fmt: skip
    return DecisionParams(**content | changes)


PARAMS = params()


def tried(field: str, value, *others: tuple, size: float = 36_000, **more) -> Setting:
    """A measured setting; ``others``: value, percent behind, SD."""
    every = [Tried(label="own", value=value, behind_percent=0, sd_percent=0)]
    every += [
        Tried(label=f"other {n}", value=one, behind_percent=behind, sd_percent=sd)
        for n, (one, behind, sd) in enumerate(others)
    ]
    known = {"evidence": "measured", "sizes": ("36k",), "decided": False, "basis": "flops"}
    return Setting(
        field=field, value=value, tried=tuple(every), params=size, noise_percent=0.5, seeds=3, **known | more
    )


def put_together(*, missing: tuple[str, ...] = (), failed: dict[str, str] | None = None, **ideas) -> Combined:
    found = Choices(settings={name: tuple(own) for name, own in ideas.items()}, missing=missing, failed=failed or {})
    bases = [baseline(PARAMS, budget, 0) for budget in PARAMS.held_at]
    return combined_of(found, bases, PARAMS.ffn_multiple)


def reasons(combined: Combined) -> dict[str, str]:
    return {one.choice: one.why.en for one in combined.left_out}


RELU = tried("model.activation", "relu", ("swiglu", 1.5, 0.5), ("geglu", 0.4, 0.5))
MAMBA = tried("model.mixer", "mamba2", ("attention", 2.0, 0.2))


# --- which choices


def test_a_choice_is_made_with_the_effect_that_its_trials_gave_the_baselines_value():
    combined = put_together(architecture=[RELU])
    (part,) = combined.parts
    assert (part.changes, part.effect, part.sd) == ({"model.activation": "relu"}, -1.5, 0.5)
    assert (part.name, part.instead_of, part.params) == ("activation relu", "activation swiglu", 36_000)
    assert not combined.left_out and not combined.missing


def test_fields_of_one_choice_go_together_and_are_compared_as_one():
    """The label of the baseline is the one that has its value in every field; 'rmsnorm without QK-norm' here."""
    norm = [
        tried("model.norm", "layernorm", ("rmsnorm", 2.0, 0.3), ("rmsnorm", 0.7, 0.2), choice="norm"),
        tried("model.qk_norm", True, (True, 2.0, 0.3), (False, 0.7, 0.2), choice="norm"),
    ]
    (part,) = put_together(architecture=norm).parts
    assert part.changes == {"model.norm": "layernorm", "model.qk_norm": True} and part.effect == -0.7


def test_what_the_baseline_has_already_is_no_part():
    combined = put_together(
        efficiency=[tried("model.norm", "rmsnorm", ("layernorm", 0.3, 0.2))],
        hyperparameters=[tried("model.dropout", 0, (0.1, 1.0, 0.1))],
    )
    assert combined.parts == () and set(reasons(combined).values()) == {"the baseline has it already"}


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        (tried("model.num_layers", 12, (6, 1.0, 0.2)), "a shape belongs to one size"),
        (tried("data.tokenizer.vocab_size", 1024, (512, 1.0, 0.2)), "the vocabulary grows"),
        (tried("global_batch_size", 4, (8, 1.0, 0.2)), "the length of the run"),
        (tried("epochs", 4, (1, 1.0, 0.2)), "how much there is"),
        (tried("optimizer.learning_rate", 1e-3, (3e-3, 1.0, 0.2), phase="fine-tuning"), "follows this one"),
        (tried("model.activation", "relu", ("geglu", 1.0, 0.2)), "activation swiglu was not among"),
        (tried("model.position", "alibi", ("rope", 1.0, 0.2), basis="target_tokens"), "one source alone"),
        (tried("model.mixer", None, ("attention", 1.0, 0.2)), "no value yet"),
        (
            Setting(field="model.activation", value="relu", evidence="convention", decided=False),
            "no trials of the study",
        ),
        (tried("model.num_kv_heads", 1, (None, 1.0, 0.2)), "a shape belongs to one size"),
    ],
)
def test_what_cannot_be_made_small_says_why(setting, why):
    combined = put_together(some=[setting])
    assert combined.parts == () and why in reasons(combined)[setting.decision]


def test_a_window_no_shorter_than_the_context_takes_its_pattern_with_it():
    def sparse(window: int) -> list[Setting]:
        return [
            tried("model.attention_pattern", "sliding_window", ("dense", 0.1, 0.1), choice="attention"),
            tried("model.window", window, (None, 0.1, 0.1), choice="attention"),
        ]

    assert "64 tokens is no shorter than the context of 64" in reasons(put_together(efficiency=sparse(64)))["attention"]
    (part,) = put_together(efficiency=sparse(16)).parts
    assert part.changes == {"model.attention_pattern": "sliding_window", "model.window": 16}


def test_a_number_between_two_that_were_tried_lies_on_the_line_between_them():
    """The baseline's 0.1 is half way from 0.01 to 1 in the logarithm; beyond what was tried nothing is known."""
    decay = tried("optimizer.weight_decay", 0.01, (1.0, 2.0, 0.4))
    (part,) = put_together(hyperparameters=[decay]).parts
    assert part.effect == pytest.approx(-1.0) and part.sd == pytest.approx(0.2)
    beyond = tried("optimizer.weight_decay", 0.01, (0.04, 2.0, 0.4))
    assert "weight_decay 0.1 was not among" in reasons(put_together(hyperparameters=[beyond]))[beyond.field]


def test_a_rate_is_made_with_the_optimizer_that_it_was_found_for_and_not_alone():
    alone = tried("optimizer.learning_rate", 1e-3, (3e-3, 1.0, 0.2))
    assert "small runs have theirs" in reasons(put_together(hyperparameters=[alone]))[alone.field]
    lion = [
        tried("optimizer.name", "lion", ("adamw", 1.0, 0.2), choice="optimizer"),
        Setting(field="optimizer.learning_rate", value=1e-3, choice="optimizer", evidence="measured", sizes=("9k",), decided=False),
        Setting(field="optimizer.weight_decay", value=0.5, choice="optimizer", evidence="convention", decided=False),
    ]  # fmt: skip
    (part,) = put_together(hyperparameters=lion).parts
    assert part.effect == -1.0 and part.name == "optimizer lion (learning_rate 0.001, weight_decay 0.5)"
    made = together_trials(PARAMS, put_together(hyperparameters=lion))[0].optimizer
    assert (made.name, made.learning_rate, made.weight_decay) == ("lion", 1e-3, 0.5)
    init = tried("model.init", "normal", ("completep", 1.0, 0.2))
    assert "a learning rate of its own" in reasons(put_together(hyperparameters=[init]))["model.init"]


def test_of_two_ideas_with_one_field_the_larger_comparison_is_followed():
    larger = tried("model.norm", "layernorm", ("rmsnorm", 0.2, 0.2), size=48_000)
    smaller = tried("model.norm", "dyt", ("rmsnorm", 3.0, 0.2), size=36_000)
    combined = put_together(architecture=[smaller], efficiency=[larger])
    assert [part.idea for part in combined.parts] == ["efficiency"]
    assert "efficiency has another value for model.norm" in reasons(combined)["model.norm"]
    kept = tried("model.norm", "rmsnorm", ("layernorm", 0.2, 0.2), size=48_000)
    assert put_together(architecture=[smaller], efficiency=[kept]).parts == (), "keeping the baseline's is a choice too"


def test_parts_that_exclude_each_other_leave_the_weaker_out():
    objective = tried("objective.name", "prefix_lm", ("causal", 0.5, 0.2))
    combined = put_together(architecture=[MAMBA], hyperparameters=[objective])
    assert [part.choice for part in combined.parts] == ["model.mixer"]
    assert "does not go together" in reasons(combined)["objective.name"]


def test_what_acts_in_attention_is_no_part_where_no_attention_is_left():
    position = tried("model.position", "alibi", ("rope", 2.5, 0.2))
    combined = put_together(architecture=[position, MAMBA])
    assert [part.choice for part in combined.parts] == ["model.mixer"]
    assert "no layer is left" in reasons(combined)["model.position"]
    learned = tried("model.position", "learned", ("rope", 2.5, 0.2))
    assert len(put_together(architecture=[learned, MAMBA]).parts) == 2, "added to the embedding"


def test_ideas_without_a_result_are_named():
    combined = put_together(architecture=[RELU], missing=("tokenizer",), failed={"data_order": "cut short"})
    assert combined.missing == ("tokenizer", "data_order") and len(combined.parts) == 1


# --- the trials


def test_together_is_as_large_as_the_baseline_and_spends_its_flops_at_the_same_seeds():
    objective = tried("objective.name", "fim", ("causal", 0.3, 0.2))
    schedule = tried("schedule.name", "linear", ("cosine", 0.3, 0.2))
    combined = put_together(architecture=[RELU], hyperparameters=[objective, schedule])
    assert len(combined.parts) == 3
    race = [spec for spec in plan(PARAMS) if spec.tags["family"] == "together"]
    specs = together_trials(PARAMS, combined)
    assert [(spec.tags["size"], spec.seed) for spec in specs] == [
        (size, n) for size in ("24k", "48k") for n in range(3)
    ]
    for spec in specs:
        base = next(one for one in race if (one.tags["size"], one.seed) == (spec.tags["size"], spec.seed))
        assert (spec.model.activation, spec.objective.name, spec.schedule.name) == ("relu", "fim", "linear")
        assert spec.model.vocab_size > base.model.vocab_size, "room for the objective's own tokens"
        sizes = [parameter_count(one.model).non_embedding for one in (spec, base)]
        assert sizes[0] == pytest.approx(sizes[1], rel=0.03)
        step = training_flops(spec) / spec.train_steps
        assert abs(training_flops(spec) - training_flops(base)) <= step
        assert spec.tags["variant"] == TOGETHER and spec.data == base.data


def test_experts_get_the_size_that_costs_what_the_dense_baseline_costs():
    experts = [
        tried("model.moe.experts", 8, (None, 1.0, 0.2), choice="experts"),
        tried("model.moe.experts_per_token", 2, (None, 1.0, 0.2), choice="experts"),
    ]
    for spec in together_trials(PARAMS, put_together(efficiency=experts)):
        base = baseline(PARAMS, 24_000 if spec.tags["size"] == "24k" else 48_000, spec.seed)
        assert spec.model.moe.experts == 8
        assert abs(training_flops(spec) / training_flops(base) - 1) < 0.02


def test_nothing_to_put_together_trains_the_ladder_alone():
    assert together_trials(PARAMS, put_together()) == []
    specs = plan(PARAMS)
    lengths = {(spec.tags["size"], spec.train_steps) for spec in specs}
    assert len(lengths) == 9 and {spec.tags["variant"] for spec in specs} == {BASELINE}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"together_at": (5,)}, "together_at: 5 is not among the budgets"),
        ({"recipe": {"target_params": 1e9}}, "recipe.target_params.*is said by target_params"),
        ({"seeds": (0, 1000)}, "seeds: 1000.*together_lr_factors are tried on it"),
        ({"recipe": {"gpus": 129}}, "gpus: 129"),
        ({"target_params": 1e6}, "target_params"),
    ],
)
def test_bad_parameters_are_named_before_anything_runs(changes, message):
    with pytest.raises(ValueError, match=message):
        params(**changes)


# --- what is measured


def raced(shift: dict[str, float], sd: float = 0.002, seeds: int = 4) -> pl.DataFrame:
    """Baseline and combination at two sizes; ``shift``: the combination's effect by size, as a share of the loss."""
    rng = np.random.default_rng(7)
    rows = []
    for size, level in (("24k", 2.0), ("48k", 1.8)):
        for seed in range(seeds):
            common = rng.normal(0, 0.01)
            for variant, effect in ((BASELINE, 0.0), (TOGETHER, shift[size])):
                loss = level * (1 + effect) + common + rng.normal(0, sd)
                rows.append(
                    {"size": size, "variant": variant, "seed": seed, "val_bpb": loss, "status": "done"}
                    | {"non_embedding_params": int(size[:-1]) * 1000}
                )
    return pl.DataFrame(rows)


def alone(effect: float, sd: float = 0.1, group: str = "a", noise: float = 0.1) -> analysis.Alone:
    return analysis.Alone("one", effect, sd, group, noise, 4)


def test_effects_that_share_a_baseline_share_its_noise():
    apart = analysis.sum_of_effects([alone(-1.0, group="a"), alone(-2.0, group="b")])
    beside = analysis.sum_of_effects([alone(-1.0), alone(-2.0)])
    assert apart == pytest.approx((-3.0, math.sqrt(0.02)))
    assert beside == pytest.approx((-3.0, math.sqrt(0.02 + 2 * 0.1**2 / 4)))


def test_the_interaction_is_found_where_it_is_and_not_where_it_is_not():
    found = analysis.hold_together(raced({"24k": -0.05, "48k": -0.02}), BASELINE, TOGETHER, [alone(-2.5), alone(-2.5)])
    assert [one.size for one in found] == ["24k", "48k"] and found[1].state == "less"
    assert found[0].state in ("adds up", "unclear")
    low, middle, high = found[1].interaction
    assert low < 3.0 < high and middle == pytest.approx(3.0, abs=0.4)
    assert found[0].measured[1] == pytest.approx(-5.0, abs=0.3)
    more = analysis.hold_together(raced({"24k": -0.05, "48k": -0.08}), BASELINE, TOGETHER, [alone(-2.5), alone(-2.5)])
    assert more[1].state == "more"


def test_two_seeds_that_differ_much_have_a_middle_inside_their_interval():
    """A few draws of what the noise may be are of a loss a thousandfold: their mean once was 332,112 %."""
    apart = {0: 0.03, 1: -0.03}
    shift = (
        pl.when(pl.col("variant") == TOGETHER).then(pl.col("seed").replace_strict(apart, default=0.0)).otherwise(0.0)
    )
    trials = raced({"24k": 0.01, "48k": 0.0}).filter((pl.col("size") == "24k") & (pl.col("seed") < 2))
    (found,) = analysis.hold_together(
        trials.with_columns(val_bpb=pl.col("val_bpb") + shift), BASELINE, TOGETHER, [alone(-5.0)]
    )
    for low, middle, high in (found.measured, found.interaction):
        assert low < middle < high and abs(middle) < 12


def test_a_size_where_the_combination_failed_is_left_out():
    trials = raced({"24k": -0.05, "48k": -0.02}).with_columns(
        status=pl.when((pl.col("size") == "48k") & (pl.col("variant") == TOGETHER) & (pl.col("seed") > 0))
        .then(pl.lit("diverged"))
        .otherwise("status")
    )
    assert [one.size for one in analysis.hold_together(trials, BASELINE, TOGETHER, [alone(-5.0)])] == ["24k"]


def test_the_finding_says_what_was_put_together_and_what_was_left_out(tmp_path):
    shape = tried("model.num_layers", 12, (6, 1.0, 0.2))
    combined = put_together(missing=("tokenizer",), architecture=[RELU], depth_width=[shape])
    found = tables.held_together(raced({"24k": -0.05, "48k": -0.015}), Held(PARAMS, combined))
    assert found.predicted[1] == -1.5 and found.sizes[-1].measured[1] == pytest.approx(-1.5, abs=0.4)
    words = found.said()
    assert "activation relu" in words.en and "model.num_layers of depth_width" in words.en and "tokenizer" in words.en
    assert found.save(tmp_path) is not None
    nothing = tables.held_together(
        raced({"24k": 0.0, "48k": 0.0}).filter(pl.col("variant") == BASELINE), Held(PARAMS, put_together())
    )
    assert (
        isinstance(nothing, HeldTogether)
        and nothing.save(tmp_path) is None
        and "nothing was put together" in nothing.said().en
    )


def test_the_noise_floor_of_the_baseline_alone_is_that_of_its_lengths():
    rng = np.random.default_rng(3)
    rows = [
        {
            "family": family,
            "size": size,
            "params": n,
            "variant": BASELINE,
            "seed": seed,
            "tokens": tokens,
            "status": "done",
        }
        | {"val_bpb": 2.0 + 0.1 * seed - tokens / 1e6 + rng.normal(0, 0.01)}
        for size, n in (("24k", 24), ("48k", 48))
        for family, tokens, seeds in (("together", 1000, 9), ("length", 500, 8), ("length", 2000, 8))
        for seed in range(seeds)
    ]
    floor = tables.noise_of(pl.DataFrame(rows))
    assert floor.at == "48k" and 0.002 < floor.paired_sd < 0.05
    both = pl.concat(
        [pl.DataFrame(rows), pl.DataFrame([row | {"variant": TOGETHER} for row in rows if row["family"] == "together"])]
    )
    assert tables.noise_of(both).comparisons == 1


# --- when it is planned


def test_all_together_is_a_round_behind_the_ladder(tmp_path):
    planned = decision.planned(params(out=str(tmp_path)))
    assert planned.later == {"all choices together": 5 + 6}, "five rates, then two sizes at three seeds"
    assert len(planned.trials) == 3 * (3 + 2 * 2)
