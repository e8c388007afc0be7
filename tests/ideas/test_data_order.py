"""Idea 4: what it plans, what its words say of numbers whose truth is known, and its figures."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from PIL import Image

from studylib import analysis
from studylib import report as rp
from studylib.errors import StudyError
from studylib.ideas.data_order import captions, conclusion, published, tables
from studylib.ideas.data_order.schema import DataOrderParams
from studylib.ideas.data_order.trials import generator, made_text, orders
from studylib.ideas.data_order.trials import plan as plan_steps
from studylib.params import load_params
from studylib.project import project_root
from studylib.result import Text
from studylib.spec import TrialSpec
from studylib.trials.speeds import _pieces

PARAMS = DataOrderParams(
    scarce={"name": "scarce", "options": {"register": "ja", "bytes": 100_000}}, seeds=(0, 1), replay=(0.1, 0.3)
)
ALT = Text(en="What is drawn", ja="図の説明")


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
    assert [stage.seq_len for stage in names["short context first"]] == [32, 64, 128]
    assert [stage.seq_len for stage in names["long context first"]] == [128, 64, 32]
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


def test_the_verdict_names_the_leader_and_the_worth_of_a_token():
    judged = tables.on_target(simulated(EFFECTS), "ja")
    assert judged["val_bpb"].max() < 9, "the target's loss takes the place of the mixture's"
    trials = judged.filter(pl.col("family") == "order")
    ladder = judged.filter((pl.col("family") == "ladder") | (pl.col("variant") == "ja only"))
    accounts = tables.order_accountings(trials, ladder, "ja only", {})
    decisions = analysis.decisions_at(accounts, trials["size"][0])
    saved = analysis.tokens_saved(ladder, trials.filter(pl.col("variant") != "ja only"))
    worth = {one.variant: one.factor[1] for one in saved}
    assert worth["en+code→ja"] > 1.3 and worth["short documents first"] < 1
    forgotten = pl.DataFrame({"variant": ["en+code→ja", "mixed"], "forgotten": [0.4, 0.0]})
    at = analysis.carry_to_target(trials.with_columns(non_embedding_params=100_000), "ja only")
    told = conclusion.verdict(decisions, at, analysis.noise_floor(trials))
    transfer, lost = conclusion.transfer_words(saved, PARAMS.train_tokens), conclusion.forgetting_words(forgotten)
    assert decisions["flops"].leader == "mixed"
    for language in ("en", "ja"):
        assert "mixed" in getattr(told, language) and "1 " in getattr(transfer, language)
        assert "en+code→ja" in getattr(lost, language) and "+0.400" in getattr(lost, language)
    assert "equal Japanese tokens: en+code→ja" in told.en and "from one size, " in told.en and not at.decided
    assert "--scale cpu" in conclusion.next_run(decisions["flops"]).en


def test_made_text_is_said_to_help_only_where_it_does():
    def table(effects: dict[float, float]) -> pl.DataFrame:
        rows = [
            {"ratio": ratio, "seed": seed, "status": "done", "val_bpb": 2 + 0.1 * seed + effect + 1e-4 * (seed % 2)}
            for ratio, effect in ({0.0: 0.0} | effects).items()
            for seed in range(4)
        ]
        return analysis.best_ratio(pl.DataFrame(rows))

    told = conclusion.dose_words({"sampled": table({0.25: -0.05, 0.5: 0.04}), "rewritten": table({0.25: 0.0})})
    assert "sampled text helps at 25 % (best at 25 %: -0.0500 bits per byte) and hurts from 50 %" in told.en
    assert "rewritten text is not shown to help at any share" in told.en
    assert "モデルが生成した文章は 25 % で有効" in told.ja
    assert "not tried" in conclusion.dose_words({}).en


def facts_frame(margins: dict[str, float]) -> pl.DataFrame:
    return pl.DataFrame([
        {"hash": f"{name}/{seed}", "variant": name, "seed": seed, "step": 10, "group": group, "accuracy": 0.3,
         "margin": margin + 0.01 * seed, "error": 0.02, "chance": 0.25, "questions": 72}
        for name, margin in margins.items() for seed in range(3)
        for group in ("english_only_in_japanese", "english_only_in_english", "both_in_japanese")
    ])  # fmt: skip


def test_facts_are_said_to_be_known_only_beyond_the_noise():
    table = tables.facts_table(facts_frame({"mixed": 0.5, "ja only": -0.2}))
    assert (
        "likelier than wrong ones in Japanese after mixed (most: mixed, +0.51 nats" in conclusion.facts_words(table).en
    )
    unknown = tables.facts_table(facts_frame({"mixed": 0.0, "ja only": -0.2}))
    assert "No order makes facts" in conclusion.facts_words(unknown).en
    assert "not asked for" in conclusion.facts_words(tables.facts_table(facts_frame({"mixed": 0.0}).clear())).en


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
    assert "long context first differs from ja only" in captions.position_title(table, "ja only").en


def curves_frame() -> pl.DataFrame:
    return pl.DataFrame([
        {"hash": f"{name}/{seed}", "variant": name, "seed": seed, "split": "validation", "source": source, "tokens": tokens,
         "bpb": 4 - 0.4 * np.log(1 + tokens / 1e4) + 0.02 * seed}
        for name in ("ja only", "en+code→ja") for seed in range(2) for source in ("ja", "en") for tokens in range(20_000, 200_001, 20_000)
    ])  # fmt: skip


def test_figures_are_drawn_and_described(tmp_path):
    judged = tables.on_target(simulated(EFFECTS), "ja")
    ladder = judged.filter((pl.col("family") == "ladder") | (pl.col("variant") == "ja only"))
    saved = analysis.tokens_saved(
        ladder, judged.filter((pl.col("family") == "order") & (pl.col("variant") != "ja only"))
    )
    made = pl.DataFrame([
        {"kind": kind, "ratio": ratio, "seed": seed, "val_bpb": 2 - ratio + seed}
        for kind, ratio in (("none", 0.0), ("sampled", 0.25), ("sampled", 0.5), ("rewritten", 0.25)) for seed in range(2)
    ])  # fmt: skip
    borders = {"ja only": [], "en+code→ja": [100_000]}
    table = tables.position_table(position_frame(), "ja only")
    figures = {
        "curves": (rp.stage_curves(curves_frame(), borders, ["ja", "en"]), captions.curves_alt(borders, ["ja", "en"])),
        "saved": (rp.saved_tokens(saved), captions.saved_alt(saved)),
        "facts": (rp.facts(facts_frame({"mixed": 0.5, "ja only": -0.2})), ALT),
        "position": (rp.loss_by_position(position_frame(), "ja only"), captions.position_alt(table, "ja only")),
        "made": (rp.dose(made), ALT),
    }
    for name, (figure, alt) in figures.items():
        rp.save(figure, tmp_path, name, captions.saved_title(saved), alt)
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.width >= 1000 and picture.info["Description"] == alt.en
    dashed = [line for line in figures["curves"][0].axes[0].lines if len(set(line.get_xdata())) == 1]
    assert [line.get_xdata()[0] for line in dashed] == [100_000], "the border is drawn"


def test_figures_of_nothing_are_refused():
    with pytest.raises(StudyError, match="sources: 'fr' has no validation on the curves; choose from en, ja"):
        rp.stage_curves(curves_frame(), {}, ["fr"])
    with pytest.raises(StudyError, match="rows: "):
        rp.saved_tokens([])
    with pytest.raises(StudyError, match="baseline: 'none' has no loss by position"):
        rp.loss_by_position(position_frame(), "none")


def test_anchors_are_scored_on_what_was_measured():
    judged = tables.on_target(simulated(EFFECTS), "ja")
    ladder = judged.filter((pl.col("family") == "ladder") | (pl.col("variant") == "ja only"))
    saved = analysis.tokens_saved(ladder, judged.filter(pl.col("variant") == "mixed"))
    continued, context, code = published.anchors(curves_frame(), {"en+code→ja": [100_000]}, saved, "ja")
    assert continued.outcome == "agrees", "the simulated curve falls to its end"
    assert context.outcome == code.outcome == "underpowered"
    assert math.isfinite(saved[0].factor[1])
