"""Idea 4: what it plans, what its findings say of numbers whose truth is known, and their figures."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from studylib import analysis, findings
from studylib.errors import StudyError
from studylib.ideas.data_order import published, tables
from studylib.ideas.data_order.schema import DataOrderParams
from studylib.ideas.data_order.trials import generator, made_text, orders
from studylib.ideas.data_order.trials import plan as plan_steps
from studylib.numbers import human
from studylib.params import load_params
from studylib.project import project_root
from studylib.spec import StageSpec, TrialSpec, apply
from studylib.trials.speeds import _pieces
from tests.handed_on import says_how_it_was_compared

PARAMS = DataOrderParams(
    scarce={"name": "scarce", "options": {"register": "ja", "bytes": 100_000}}, seeds=(0, 1), replay=(0.1, 0.3)
)


def plan(params):
    return [step for step in plan_steps(params) if isinstance(step, TrialSpec)]


def by_family(family: str) -> list:
    return [spec for spec in plan(PARAMS) if spec.tags["family"] == family]


def test_every_order_has_equal_flops_and_the_same_model():
    specs = by_family("order")
    curricula = [spec for spec in specs if "context" in spec.tags["variant"]]
    others = {spec.train_tokens for spec in specs if spec not in curricula}
    assert len(others) == len({spec.model for spec in specs}) == 1
    assert min(spec.train_tokens for spec in curricula) > max(others), "shorter contexts are cheaper, so they read more"
    assert len({spec.data.hash for spec in specs}) == len({spec.optimizer for spec in specs}) == 1
    assert len({spec.hash for spec in specs}) == len(specs) == 2 * len(orders(PARAMS))


def test_the_orders_are_those_that_are_asked_about():
    names = orders(PARAMS)
    assert set(names) == {
        "ja only", "mixed", "en+code→ja", "en+code→ja, re-warmed",
        "en+code→ja, replay 10 %", "en+code→ja, re-warmed, replay 10 %",
        "en+code→ja, replay 30 %", "en+code→ja, re-warmed, replay 30 %",
        "short documents first", "long documents first", "short context first", "long context first",
    }  # fmt: skip
    assert [stage.seq_len for stage in names["short context first"]] == [32, 64, None]
    assert [stage.seq_len for stage in names["long context first"]] == [None, 64, 32]
    replayed = names["en+code→ja, replay 30 %"][1].mixture
    assert replayed == pytest.approx({"ja": 0.7, "en": 0.2, "code": 0.1})
    assert [stage.learning_rate for stage in names["en+code→ja, re-warmed"]] == ["keep", "rewarm"]


def test_target_tokens_are_those_of_the_stages():
    spent = {spec.tags["variant"]: spec.tags["target_tokens"] / spec.train_tokens for spec in plan(PARAMS)}
    assert spent["ja only"] == spent["short documents first"] == spent["long context first"] == 1
    assert spent["mixed"] == pytest.approx(0.7, rel=1e-4) and spent["en+code→ja"] == 0.5
    assert spent["en+code→ja, replay 30 %"] == pytest.approx(0.35, rel=1e-4)
    ladder = {spec.tags["variant"]: spec.train_tokens for spec in by_family("ladder")}
    assert ladder == {"ja only x0.25": 65_536, "ja only x0.5": 131_072}


def test_made_text_is_planned_before_it_is_there():
    specs = by_family("made")
    assert {(spec.tags["kind"], spec.tags["ratio"]) for spec in specs} == {
        ("none", 0.0), *((kind, ratio) for kind in ("sampled", "rewritten") for ratio in (0.25, 0.5, 0.75)),
    }  # fmt: skip
    assert len({spec.train_tokens for spec in specs}) == 1
    assert specs[0].hash == generator(PARAMS).hash and specs[0].checkpoint_every == specs[0].train_steps
    for spec in specs:
        watched = [source.label for source in spec.data.sources if not source.auxiliary]
        assert watched == ["ja", "en", "code"], "validated on what the other trials are validated on"
        assert sum(spec.stages[0].mixture.values()) == 1 and "ja" not in spec.stages[0].mixture
    moved = PARAMS.replace(sampling={"temperature": 0.5})
    assert made_text(moved)["sampled"].hash != made_text(PARAMS)["sampled"].hash
    assert made_text(moved)["rewritten"].hash == made_text(PARAMS)["rewritten"].hash
    assert PARAMS.replace(out="/elsewhere").data.hash == PARAMS.data.hash
    reads = {read for spec in specs for text in spec.data.texts.values() for read in text.reads}
    assert reads == {step.name for step in made_text(PARAMS).values()}


def test_facts_are_asked_only_of_one_world_in_two_languages():
    assert {spec.probes for spec in by_family("order")} == {("position", "facts")}
    assert {spec.probes for spec in by_family("ladder")} == {()}
    sources = [
        {"name": "ja", "options": {"register": "ja"}}, {"name": "en", "options": {"register": "en", "seed": 1}},
    ]  # fmt: skip
    assert PARAMS.replace(data={"sources": sources}).probes == ("position",)


@pytest.mark.parametrize("scale", ["smoke", "quick", "cpu", "gpu", "cluster"])
def test_every_scale_plans(scale):
    params = load_params(project_root() / "params" / scale / "data_order.yaml")
    specs = plan(params)
    assert params.scale == scale and len(specs) >= 20
    assert len({spec.hash for spec in specs}) == len(specs)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"target": "jp"}, "target: 'jp' is not a source; choose from ja, en, code"),
        ({"contexts": (48,)}, "contexts: 48 is not a smaller divisor of seq_len 128"),
        ({"contexts": (128,)}, "contexts: 128 is not a smaller divisor"),
        ({"rewrite_rules": ("polit",)}, r"rewrite_rules: 'polit' is not a known rule; .*did you mean polite"),
        ({"scarce.name": "en"}, "scarce.name: 'en' names another source too"),
        ({"data.sources": ({"name": "ja"},)}, "has the target alone"),
        ({"replay": (1.0,)}, "replay.0: 1.0 is not valid"),
        ({"sampling.top_p": 2}, "sampling.top_p: 2"),
    ],
)
def test_impossible_parameters_are_refused(change, says):
    with pytest.raises(StudyError, match=says):
        PARAMS.replace(**change)


def test_shares_of_contexts_weight_the_measured_speed():
    specs = {spec.tags["variant"]: spec for spec in by_family("order")}

    def shares(name: str) -> dict[int, float]:
        return {step.model.seq_len: share for share, step in _pieces(specs[name])}

    assert shares("ja only") == shares("en+code→ja") == {128: 1.0}
    assert shares("long context first") == pytest.approx({128: 1 / 3, 64: 1 / 3, 32: 1 / 3}, abs=0.01)
    assert len({step.tokens_per_step for _, step in _pieces(specs["long context first"])}) == 1, "equal tokens a step"


def simulated(effects: dict[str, float], *, noise: float = 0.002, seeds: int = 3) -> pl.DataFrame:
    """Trials of the order family and of the ladder, whose truth is known."""
    random = np.random.default_rng(0)
    common = random.normal(0, 0.01, seeds)
    rows = []

    def add(family: str, variant: str, tokens: int, loss: float) -> None:
        for seed in range(seeds):
            value = loss + common[seed] + random.normal(0, noise)
            rows.append({
                "family": family, "variant": variant, "size": "151k", "seed": seed, "status": "done", "target_tokens": tokens,
                "val_bpb/ja": value, "val_loss/ja": 2 * value, "val_bpb": 9.0, "val_loss": 9.0, "hash": f"{variant}/{seed}",
                "flops": 1e12, "tokens_per_s": 1e5, "non_embedding_params": 151_000,
                "tokens": tokens if family == "ladder" else 262_144,
            })  # fmt: skip

    for name, effect in effects.items():
        add("order", name, 131_072 if "→" in name else 262_144, 1.5 + effect)
    for share in (0.25, 0.5):
        add("ladder", f"ja only x{share:g}", round(share * 262_144), 1.5 * share**-0.1)
    return pl.DataFrame(rows)


EFFECTS = {"ja only": 0.0, "en+code→ja": 0.05, "short documents first": 0.03, "mixed": -0.04}


def judged() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Orders and the ladder, by the target's loss."""
    trials = tables.on_target(simulated(EFFECTS), "ja")
    ladder = trials.filter((pl.col("family") == "ladder") | (pl.col("variant") == "ja only"))
    return trials.filter(pl.col("family") == "order"), ladder


def test_the_verdict_names_the_leader_and_hands_on_its_stages():
    orders_, ladder = judged()
    assert orders_["val_bpb"].max() < 9, "the target's loss takes the place of the mixture's"
    accounts = tables.order_accountings(orders_, ladder, "ja only", {})
    decisions = analysis.decisions_at(accounts, "151k")
    assert decisions["flops"].leader == "mixed" and decisions["target_tokens"].leader == "en+code→ja"
    at = analysis.carry_to_target(orders_.with_columns(non_embedding_params=100_000), "ja only")
    verdict = findings.TargetVerdict.of(at)
    assert (verdict.leader, verdict.sizes, verdict.decided) == ("mixed", ("151k",), False)
    assert findings.NextRun.for_variants(decisions["flops"], at, "data_order", PARAMS).wanted == "sizes"
    ways = {"order": {name: {"stages": stages} for name, stages in orders(PARAMS).items()}}
    (setting,) = findings.settings_at_target(at, ways, by_family("order")[0], "ja only", place="")
    assert setting.field == "stages" and setting.value == orders(PARAMS)["mixed"] and 0.2 < setting.p_best < 0.9
    assert orders(PARAMS)["ja only"] in setting.alternatives and not setting.decided
    assert type(setting).model_validate_json(setting.model_dump_json()) == setting
    assert says_how_it_was_compared(setting, ["mixed", "ja only"]) and setting.decision == "order"
    built = apply([setting], by_family("order")[0])
    assert built.stages == (StageSpec(name="mixed", mixture=PARAMS.mixture),)


def test_stages_are_told_in_a_line():
    told = {name: human(stages) for name, stages in orders(PARAMS).items()}
    assert told["ja only"] == "ja" and told["short documents first"] == "ja, short_first"
    assert told["en+code→ja"] == "en+code 50 % (66.7 % en, 33.3 % code) → ja"
    assert told["en+code→ja, re-warmed, replay 10 %"].endswith(" → ja (90 % ja, 6.67 % en, 3.33 % code), rewarm")
    assert len(set(told.values())) == len(told)


def test_a_token_of_the_target_is_worth_more_where_others_come_before_it():
    orders_, ladder = judged()
    saved = analysis.tokens_saved(ladder, orders_.filter(pl.col("variant") != "ja only"))
    found = findings.Transfer.of(saved, "ja", 262_144)
    worth = {one.variant: one for one in found.orders}
    assert worth["en+code→ja"].middle > 1.3 and worth["en+code→ja"].verdict == "saves"
    assert worth["short documents first"].middle < 1 and worth["short documents first"].verdict == "wastes"
    title = found.title(**found.facts)
    assert title.en.startswith("en+code→ja: one token of ja does the work of ") and "saved" in title.en
    assert "節約" in title.ja
    far = analysis.TokensSaved("mixed", 1000.0, (2000.0, math.inf, math.inf), inside=False)
    (one,) = findings.Transfer.of([far], "ja", 5000.0).orders
    assert (one.low, one.middle, one.high, one.verdict) == (2.0, None, None, "saves")
    assert findings.Transfer.of([], "ja", 1.0) is None


def made_frame(effects: dict[str, dict[float, float]]) -> pl.DataFrame:
    doses = {("none", 0.0): 0.0} | {(kind, share): one for kind, own in effects.items() for share, one in own.items()}
    return pl.DataFrame([
        {"kind": kind, "ratio": share, "seed": seed, "status": "done", "val_bpb": 2 + 0.1 * seed + effect + 1e-4 * (seed % 2)}
        for (kind, share), effect in doses.items() for seed in range(4)
    ])  # fmt: skip


def test_made_text_is_said_to_help_only_where_it_does():
    found = findings.MadeText.of(made_frame({"sampled": {0.25: -0.05, 0.5: 0.04}, "rewritten": {0.25: 0.0}}))
    effects = {(one.kind, one.share): one.effect for one in found.doses}
    assert effects == {("sampled", 0.25): "helps", ("sampled", 0.5): "hurts", ("rewritten", 0.25): "not told apart"}
    title = found.title(**found.facts)
    assert "sampled text helps at 25 % (best at 25 %: -0.0500 bits per byte) and hurts from 50 %" in title.en
    assert "rewritten text is not shown to help at any share" in title.en
    assert "モデルが生成した文章は 25 % で有効" in title.ja
    assert findings.MadeText.of(made_frame({})) is None


def facts_frame(margins: dict[str, float]) -> pl.DataFrame:
    return pl.DataFrame([
        {"hash": f"{name}/{seed}", "variant": name, "seed": seed, "step": 10, "group": group, "accuracy": 0.3,
         "margin": margin + 0.01 * seed, "error": 0.02, "chance": 0.25, "questions": 72}
        for name, margin in margins.items() for seed in range(3)
        for group in ("english_only_in_japanese", "english_only_in_english", "both_in_japanese")
    ])  # fmt: skip


def test_facts_are_said_to_be_known_only_beyond_the_noise():
    def found(margins: dict[str, float]) -> findings.KnownFacts:
        facts = facts_frame(margins)
        return findings.KnownFacts.of(tables.facts_table(facts), facts, list(margins))

    some = found({"mixed": 0.5, "ja only": -0.2})
    assert [one.variant for one in some.orders] == ["mixed", "ja only"] and some.in_both == 1
    assert "likelier than wrong ones in Japanese after mixed (most: mixed, +0.51 nats" in some.said().en
    none = found({"mixed": 0.0, "ja only": -0.2})
    assert "No order makes facts" in none.said().en and none.orders[0].margin[0] < 0
    unasked = facts_frame({"mixed": 0.0}).clear()
    assert findings.KnownFacts.of(tables.facts_table(unasked), unasked, []) is None


def position_frame() -> pl.DataFrame:
    edges = [0, 8, 16, 32, 64, 128]
    return pl.DataFrame([
        {"variant": name, "seed": seed, "source": "ja", "start": a, "stop": b, "loss": 3 - 0.1 * np.log(b) + 0.1 * seed + (slope * a / 128)}
        for name, slope in {"ja only": 0.0, "short context first": 0.1, "long context first": -0.05}.items()
        for seed in range(2) for a, b in pairwise(edges)
    ])  # fmt: skip


def test_positions_are_compared_seed_by_seed():
    table = tables.position_table(position_frame(), "ja only")
    early_late = {name: (early, late) for name, early, late in table.rows()}
    assert early_late["short context first"][1] == pytest.approx(0.05)
    assert early_late["short context first"][0] < 0.02
    found = findings.Positions.of(table, position_frame(), "ja only")
    assert [one.variant for one in found.orders] == ["long context first", "short context first"]
    assert "long context first differs from ja only" in found.title(**found.facts).en


def curves_frame() -> pl.DataFrame:
    return pl.DataFrame([
        {"hash": f"{name}/{seed}", "variant": name, "seed": seed, "split": "validation", "source": source, "tokens": tokens,
         "bpb": 4 - 0.4 * np.log(1 + tokens / 1e4) + 0.02 * seed}
        for name in ("ja only", "en+code→ja") for seed in range(2) for source in ("ja", "en") for tokens in range(20_000, 200_001, 20_000)
    ])  # fmt: skip


BORDERS = {"ja only": [], "en+code→ja": [100_000]}
TAUGHT = pl.DataFrame({
    "hash": ["ja only/0", "en+code→ja/0", "en+code→ja/1"], "variant": ["ja only", "en+code→ja", "en+code→ja"],
    "tokens": [200_000] * 3, "target_tokens": [200_000, 100_000, 100_000],
})  # fmt: skip


def test_forgotten_is_what_was_learnt_and_lost():
    curves = curves_frame()
    worse = pl.col("bpb") + pl.when((pl.col("tokens") == 200_000) & (pl.col("source") == "en")).then(0.5).otherwise(0.0)
    found = findings.Forgetting.of(TAUGHT, curves.with_columns(worse), BORDERS, ["ja", "en"])
    (one,) = found.forgotten
    assert one.variant == "en+code→ja" and one.bits == pytest.approx(0.5 - 0.4 * math.log(21 / 19), abs=1e-6)
    assert found.starts == (100_000,)
    dashed = [line for line in found.figure().axes[0].lines if len(set(line.get_xdata())) == 1]
    assert [line.get_xdata()[0] for line in dashed] == [100_000], "the border is drawn"
    assert findings.Forgetting.of(TAUGHT.head(1), curves, BORDERS, ["ja", "en"]) is None, "never learnt"


def test_figures_are_drawn():
    orders_, ladder = judged()
    saved = analysis.tokens_saved(ladder, orders_.filter(pl.col("variant") != "ja only"))
    facts = facts_frame({"mixed": 0.5, "ja only": -0.2})
    shown = {
        findings.Transfer.of(saved, "ja", 262_144): list(EFFECTS)[1:],
        findings.KnownFacts.of(tables.facts_table(facts), facts, ["mixed"]): [
            "told in English only,\nasked in Japanese"
        ],
        findings.Positions.of(tables.position_table(position_frame(), "ja only"), position_frame(), "ja only"): [
            "33-64"
        ],
        findings.MadeText.of(made_frame({"sampled": {0.25: 0.1, 0.5: 0.2}})): ["0 %", "25 %", "50 %"],
    }
    for finding, labels in shown.items():
        figure = finding.figure()
        figure.canvas.draw()
        ax = figure.axes[0]
        written = {text.get_text().replace("\n", " ") for text in (*ax.get_xticklabels(), *ax.get_yticklabels())}
        assert {label.replace("\n", " ") for label in labels} <= written, finding.name


def test_figures_of_nothing_are_refused():
    with pytest.raises(StudyError, match="sources: 'fr' has no validation on the curves; choose from en, ja"):
        findings.Forgetting.of(TAUGHT, curves_frame(), BORDERS, ["ja", "en", "fr"]).figure()
    table = tables.position_table(position_frame(), "ja only")
    with pytest.raises(StudyError, match="baseline: 'none' has no loss by position"):
        findings.Positions.of(table, position_frame(), "none").figure()


def test_anchors_are_scored_on_what_was_measured():
    orders_, ladder = judged()
    saved = analysis.tokens_saved(ladder, orders_.filter(pl.col("variant") == "mixed"))
    continued, context, code = published.anchors(curves_frame(), {"en+code→ja": [100_000]}, saved, "ja")
    assert continued.outcome == "agrees", "the simulated curve falls to its end"
    assert context.outcome == code.outcome == "underpowered"
    assert math.isfinite(saved[0].factor[1])
